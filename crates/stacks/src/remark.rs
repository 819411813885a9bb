//! What a person should know about a template that is not wrong.

use std::fmt;

use crate::node::Place;

/// One thing to know, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remark {
    /// One sentence that names the thing.
    pub message: String,
    /// The path of the value from the top, as in [`Fault`](crate::Fault); empty where it is the file itself.
    pub path: String,
    /// Where it stands.
    pub place: Place,
}

impl Remark {
    /// Says what is to be known about the value at a place.
    pub fn new(message: impl Into<String>, path: impl Into<String>, place: Place) -> Remark {
        Remark { message: message.into(), path: path.into(), place }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path, self.message)
    }
}
