//! The values of a flat document: small, and without references to each other.

/// Some bytes of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) len: u32,
    /// Of a member's name its [`sign`].
    pub(crate) sign: u32,
}

/// What is inside of a list or map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inside {
    /// How many items or members.
    pub(crate) len: u32,
    /// The place behind the last.
    pub(crate) end: u32,
}

/// A number of a name that is quick to make and to compare: names of different signs differ.
pub(crate) fn sign(name: &str) -> u32 {
    let first = name.bytes().take(8).enumerate().fold(0, |n, (i, byte)| n | u64::from(byte) << (8 * i));
    sign_of(first, name.len())
}

/// [`sign`] of a name of `len` bytes of which these are the first eight, the first one the lowest.
#[inline(always)]
pub(crate) fn sign_of(first: u64, len: usize) -> u32 {
    // A multiplication by an odd number with bits all over spreads what differs over the upper half.
    ((first ^ (len as u64) << 60).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

/// One value of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    /// Within the text.
    Text(Span),
    /// A string that had escapes, within those.
    Escaped(Span),
    List(Inside),
    /// A name and a value each; no name is there twice.
    Map(Inside),
}

impl Item {
    /// The sign of a name.
    pub(crate) fn sign(self) -> u32 {
        match self {
            Item::Text(span) | Item::Escaped(span) => span.sign,
            _ => 0,
        }
    }

    /// Whether it is a list or map.
    pub(crate) fn is_container(self) -> bool {
        matches!(self, Item::List(_) | Item::Map(_))
    }

    /// The place that follows this item, which stands at `at`, and all that is inside of it.
    #[inline]
    pub(crate) fn next(self, at: u32) -> u32 {
        match self {
            Item::List(inside) | Item::Map(inside) => inside.end,
            _ => at + 1,
        }
    }
}
