//! What a path needs to know of a document, whoever keeps it.

use std::borrow::Cow;

use java::Decimal;

/// The kinds of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number of whatever size and precision.
    Number,
    /// Text.
    String,
    /// An array.
    List,
    /// An object; its members keep the order of the document.
    Map,
}

/// A place in a JSON document as JSONPath sees it.
///
/// Clones are cheap and name the same place: what a path finds is the document's own value, not a copy of it, so a
/// template that changes the one sees it in the other. A method that does not fit the kind gives `None`, zero or
/// nothing; it never fails.
pub trait Node: Clone {
    /// What kind of value stands here.
    fn kind(&self) -> NodeKind;
    /// The truth of a [`NodeKind::Bool`].
    fn as_bool(&self) -> Option<bool>;
    /// The nearest double of a [`NodeKind::Number`], for order and functions.
    fn as_number(&self) -> Option<f64>;
    /// A [`NodeKind::Number`] in digits as Java prints it (`5`, `5.0`, `1.0E7`).
    fn number_text(&self) -> Option<String>;
    /// A [`NodeKind::Number`] as filters compare it: what `BigDecimal` reads of its text; `None` where that is no number, as of
    /// `NaN`. Who has it at hand gives it without the text.
    fn decimal(&self) -> Option<Decimal> {
        self.number_text().as_deref().and_then(Decimal::parse)
    }
    /// The text of a [`NodeKind::String`].
    fn as_text(&self) -> Option<Cow<'_, str>>;
    /// How many items a list has, or members a map; else 0.
    fn len(&self) -> usize;
    /// The item of a list, counted from 0.
    fn item(&self, index: usize) -> Option<Self>;
    /// The member of a map; one that is null is there.
    fn member(&self, name: &str) -> Option<Self>;
    /// The names of a map's members, in the order of the document.
    fn names(&self) -> Vec<String>;
    /// A new JSON list of these items.
    fn list(items: Vec<Self>) -> Self;
    /// A new map of these members; a repeated name keeps its first place and its last value.
    fn map(members: Vec<(String, Self)>) -> Self;
    /// The value `null`.
    fn null() -> Self;
    /// A new truth value.
    fn bool(b: bool) -> Self;
    /// A new whole number.
    fn integer(n: i64) -> Self;
    /// A new double, which Java prints with a point.
    fn double(n: f64) -> Self;
    /// A new text.
    fn string(s: String) -> Self;

    /// The answer of `keys()`. Java's set of names prints as `[a, b]`, not as JSON, and a filter can do nothing with
    /// it; who can tell the two apart makes such a set here.
    fn key_set(names: Vec<String>) -> Self {
        Self::list(names.into_iter().map(Self::string).collect())
    }

    /// Whether there is nothing inside: a scalar is always empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
