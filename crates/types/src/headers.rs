//! HTTP headers that keep their spelling and their order.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A name or value. Those that the gateway itself gives every request are not copied.
type Text = Cow<'static, str>;

/// Headers in the order they came, spelled as they came, looked up without regard to case.
///
/// AWS hands a client's header names on as the client wrote them (observed), which is why this is not a map
/// of lower-case names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(Vec<(Text, Text)>);

impl Headers {
    /// No headers.
    pub const fn new() -> Headers {
        Headers(Vec::new())
    }

    /// No headers, with room for some.
    pub fn with_room(headers: usize) -> Headers {
        Headers(Vec::with_capacity(headers))
    }

    /// The last value of `name`. Source: observed (single-value maps hold the last value of a repeated header).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// All values of `name`, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// Adds a header, also beside others of that name.
    pub fn append(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        self.0.push((name.into(), value.into()));
    }

    /// Makes `value` the only one of `name`, in the place of the first that was there.
    pub fn set(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter().position(|(n, _)| n.eq_ignore_ascii_case(&name)) {
            Some(at) => {
                let mut index = 0;
                self.0.retain(|(n, _)| {
                    index += 1;
                    index == at + 1 || !n.eq_ignore_ascii_case(&name)
                });
                self.0[at] = (name, value);
            }
            None => self.0.push((name, value)),
        }
    }

    /// Adds those of another's headers whose names are wanted, in their order, beside others of their names.
    pub fn take_along(&mut self, other: &Headers, is_wanted: impl Fn(&str) -> bool) {
        self.0.extend(other.0.iter().filter(|(name, _)| is_wanted(name)).cloned());
    }

    /// Takes every header of that name away; tells whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.0.len() != before
    }

    /// Name and value of each header, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (&**n, &**v))
    }

    /// How many bytes of memory they take, about.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len() + 2 * size_of::<Text>()).sum()
    }

    /// How many there are, repeated ones counted each.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Text>, V: Into<Text>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(iter: I) -> Headers {
        Headers(iter.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Headers;

    #[test]
    fn set_replaces_every_spelling_in_the_first_ones_place() {
        let mut headers: Headers = [("a", "1"), ("X-B", "2"), ("x-b", "3"), ("c", "4")].into_iter().collect();
        assert_eq!(headers.get("X-b"), Some("3"));
        headers.set("x-B", "5");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("a", "1"), ("x-B", "5"), ("c", "4")]);
    }
}
