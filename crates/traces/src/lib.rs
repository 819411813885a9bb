//! What became of each event: kept for a while within bounds, and told as others want it.
//!
//! [`History`] is the one place that keeps; everything else here is a view of what it has, and pure: time and questions are
//! arguments. Console, terminal, CloudWatch's API and OpenTelemetry are such views.

pub mod cloudwatch;
mod filter;
mod history;
mod otlp;
mod row;
pub mod series;
mod story;
mod texts;

pub use filter::Filter;
pub use history::{History, Past, What};
pub use otlp::export as otlp_export;
pub use story::{Kind, Place, Story};
pub use texts::decoded;
