//! Yes, no, or not to be known here.

/// What a part of a statement comes to. What is not known makes an Allow not apply and a Deny apply (inferred: fail closed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    No,
    Unknown,
    Yes,
}

impl Truth {
    pub(super) fn of(holds: bool) -> Truth {
        if holds { Truth::Yes } else { Truth::No }
    }

    pub(super) fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
            Truth::Yes => Truth::No,
        }
    }

    pub(super) fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::No, _) | (_, Truth::No) => Truth::No,
            (Truth::Yes, Truth::Yes) => Truth::Yes,
            _ => Truth::Unknown,
        }
    }

    /// Yes where there are none.
    pub(super) fn all(mut parts: impl Iterator<Item = Truth>) -> Truth {
        let mut so_far = Truth::Yes;
        while so_far != Truth::No
            && let Some(part) = parts.next()
        {
            so_far = so_far.and(part);
        }
        so_far
    }

    /// No where there are none.
    pub(super) fn any(parts: impl Iterator<Item = Truth>) -> Truth {
        Truth::all(parts.map(Truth::not)).not()
    }
}
