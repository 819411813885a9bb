//! CloudWatch's APIs, as far as people use them to read: logs and metrics of WebSocket APIs, over what is kept here.
//!
//! Pure: a call as JSON in, an answer as JSON out. Which protocol carried it is `wire`'s business.

pub mod logs;
pub mod metrics;
pub mod pattern;
pub mod wire;

/// Why a call is refused, as CloudWatch names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Such as `InvalidParameterException`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Refused {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Refused {
        Refused { code, message: message.into() }
    }
}
