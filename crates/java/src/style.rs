//! `toString` of lists and maps: brackets, what stands between, and a string within.

use crate::json::quote;

/// How a list or map is written.
///
/// A map of the collections library prints as `{a=1, b=x}`, a list of a JSON document as JSON, also where it stands in such
/// a map; what is inside of JSON is JSON. Source: observed of json-smart's `JSONArray` and `LinkedHashMap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `[a, b]` and `{a=1, b=x}`, strings as they are: `AbstractCollection.toString`, `AbstractMap.toString`.
    Plain,
    /// Compact JSON: `["a","b"]` and `{"a":1,"b":"x"}`.
    Json {
        /// Whether `/` gets a backslash, as json-smart's `toString` gives it.
        slashes: bool,
    },
}

impl Style {
    /// Whether it is JSON.
    pub fn is_json(self) -> bool {
        matches!(self, Style::Json { .. })
    }

    /// Writes a string: in JSON between quotes.
    #[inline]
    pub fn string(self, text: &str, out: &mut String) {
        match self {
            Style::Plain => out.push_str(text),
            Style::Json { slashes } => quote(text, slashes, out),
        }
    }

    /// Writes a list, each of `items` by `item`.
    ///
    /// # Errors
    /// The first of `item`; what was written up to then stays.
    #[inline]
    pub fn list<T, E>(
        self,
        out: &mut String,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut String, T) -> Result<(), E>,
    ) -> Result<(), E> {
        out.push('[');
        for (i, next) in items.into_iter().enumerate() {
            self.separate(i, out);
            item(out, next)?;
        }
        out.push(']');
        Ok(())
    }

    /// Writes a map, each of `members` by `member`, which puts between name and value the text that it is given.
    ///
    /// # Errors
    /// The first of `member`; what was written up to then stays.
    #[inline]
    pub fn map<T, E>(
        self,
        out: &mut String,
        members: impl IntoIterator<Item = T>,
        mut member: impl FnMut(&mut String, T, char) -> Result<(), E>,
    ) -> Result<(), E> {
        let is = if self.is_json() { ':' } else { '=' };
        out.push('{');
        for (i, next) in members.into_iter().enumerate() {
            self.separate(i, out);
            member(out, next, is)?;
        }
        out.push('}');
        Ok(())
    }

    #[inline]
    fn separate(self, index: usize, out: &mut String) {
        if index > 0 {
            out.push_str(if self.is_json() { "," } else { ", " });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(style: Style, items: &[&str]) -> String {
        let mut out = String::new();
        let done: Result<(), ()> = style.list(&mut out, items, |out, item| {
            style.string(item, out);
            Ok(())
        });
        assert_eq!(done, Ok(()));
        out
    }

    fn map(style: Style, members: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let done: Result<(), ()> = style.map(&mut out, members, |out, (name, value), is| {
            style.string(name, out);
            out.push(is);
            style.string(value, out);
            Ok(())
        });
        assert_eq!(done, Ok(()));
        out
    }

    #[test]
    fn lists_and_maps_print_as_java_prints_them() {
        let (json, slashed) = (Style::Json { slashes: false }, Style::Json { slashes: true });
        assert_eq!(list(Style::Plain, &[]), "[]");
        assert_eq!(list(Style::Plain, &["a", "b/c", ""]), "[a, b/c, ]");
        assert_eq!(list(json, &["a", "b/c", ""]), r#"["a","b/c",""]"#);
        assert_eq!(list(slashed, &["a", "b/c", ""]), r#"["a","b\/c",""]"#);
        assert_eq!(map(Style::Plain, &[]), "{}");
        assert_eq!(map(Style::Plain, &[("a", "1"), ("b", "x/y")]), "{a=1, b=x/y}");
        assert_eq!(map(slashed, &[("a", "1"), ("b", "x/y")]), r#"{"a":"1","b":"x\/y"}"#);
    }

    #[test]
    fn what_fails_ends_the_writing() {
        let mut out = String::new();
        assert_eq!(Style::Plain.list(&mut out, [1, 2, 3], |_, n| if n == 2 { Err(n) } else { Ok(()) }), Err(2));
        assert_eq!(out, "[, ");
    }
}
