//! Text whose clones and parts share memory.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// A text that never changes: part of the program, of a template, or of a longer text. Clones are cheap.
#[derive(Clone)]
pub struct Text(SharedKind);

#[derive(Clone)]
enum SharedKind {
    Fixed(&'static str),
    /// A template's own, so that templates can be shared between threads.
    Literal(Arc<str>),
    /// Any other: counting its clones costs less than a literal's.
    Own(Rc<str>),
    /// From a byte to another of a text.
    Part(Rc<String>, u32, u32),
}

impl Text {
    /// A text that is part of the program.
    pub const fn fixed(text: &'static str) -> Text {
        Text(SharedKind::Fixed(text))
    }

    /// The `len` bytes from `start` on. Bytes that are no text of their own are the empty text.
    pub(crate) fn part(whole: &Rc<String>, start: u32, len: u32) -> Text {
        Text(SharedKind::Part(whole.clone(), start, start.saturating_add(len)))
    }

    /// Whether it is the same as `other`; quicker than to compare the two as `str`.
    #[inline]
    pub(crate) fn is(&self, other: &str) -> bool {
        match &self.0 {
            SharedKind::Fixed(text) => *text == other,
            SharedKind::Literal(text) => **text == *other,
            SharedKind::Own(text) => **text == *other,
            SharedKind::Part(whole, start, end) => {
                (end - start) as usize == other.len()
                    && whole.as_bytes().get(*start as usize..*end as usize) == Some(other.as_bytes())
            }
        }
    }

    /// The memory that holds it.
    pub(crate) fn whole(&self) -> Rc<String> {
        match &self.0 {
            SharedKind::Part(whole, 0, end) if *end as usize == whole.len() => whole.clone(),
            _ => Rc::new(self.to_string()),
        }
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match &self.0 {
            SharedKind::Fixed(text) => text,
            SharedKind::Literal(text) => text,
            SharedKind::Own(text) => text,
            SharedKind::Part(whole, start, end) => whole.get(*start as usize..*end as usize).unwrap_or_default(),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(SharedKind::Own(Rc::from(text)))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        match u32::try_from(text.len()) {
            Ok(0) => Text::fixed(""),
            Ok(end) => Text(SharedKind::Part(Rc::new(text), 0, end)),
            Err(_) => Text::from(text.as_str()),
        }
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Text {
        Text(SharedKind::Literal(text))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
