//! Java's texts: how it reads, prints and compares what templates and paths handle.
//!
//! At AWS mapping templates and JSONPath run on Java, and Java shows: a double prints as `1.0E7`, a map as `{a=1}`, a
//! body that is no JSON is read all the same, `$` in a regular expression also stands before the last line end. Here such
//! knowledge stands once, for `vtl`, `jsonpath` and whoever else prints or reads as Java does. Nothing in here knows a
//! template, a path or a message; whoever has values of its own gives a [`json::Build`] that makes them, or walks
//! them itself and asks for the text of each part.
//!
//! In reading order: `number` and `decimal` (numbers as text), `text` (a string's hash, its ends), [`utf16`] (its places),
//! [`json`] (lenient JSON; a string as JSON), `style` (`toString` of lists and maps), `pattern` (regular expressions and
//! what bounds them).
//!
//! What is written here is observed of OpenJDK 17, of json-smart 2.5 or of Jayway's JsonPath 2.9 unless it says otherwise;
//! `corpus/vtl` and `corpus/jsonpath` hold the cases.

mod decimal;
pub mod json;
mod number;
mod pattern;
mod style;
mod text;
pub mod utf16;

pub use decimal::Decimal;
pub use number::{big_to_double, double_text, write_double, write_integer};
pub use pattern::{FilterPattern, Pattern, is_slow_pattern};
pub use style::Style;
pub use text::{hash_code, trim};
