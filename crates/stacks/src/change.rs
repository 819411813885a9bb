//! What an update does, as a person reads it.

use std::fmt;

/// What is done to one resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// It is new.
    Create,
    /// It is changed, and keeps its id.
    Change,
    /// A new one takes its place.
    Replace,
    /// It goes.
    Delete,
    /// It stays as it is.
    Keep,
}

/// A line of a plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// The resource's name in the template.
    pub logical: String,
    /// CloudFormation's name of its type.
    pub kind: String,
    /// What it is, as people say it: "route".
    pub noun: String,
    /// By what people know it, such as its route key.
    pub label: String,
    /// Which members change, such as `requestParameters.x`.
    pub details: Vec<String>,
}

impl Change {
    /// Whether anything is done.
    pub fn is_done(&self) -> bool {
        self.action != Action::Keep
    }
}

/// `+ route join (JoinRoute)`, `~ integration http://… (Chat): requestParameters.x`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => '+',
            Action::Change => '~',
            Action::Replace => '±',
            Action::Delete => '-',
            Action::Keep => '=',
        };
        write!(f, "{sign} {}", self.noun)?;
        if !self.label.is_empty() {
            write!(f, " {}", self.label)?;
        }
        if self.label != self.logical {
            write!(f, " ({})", self.logical)?;
        }
        if !self.details.is_empty() {
            write!(f, ": {}", self.details.join(", "))?;
        }
        Ok(())
    }
}
