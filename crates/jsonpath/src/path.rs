//! A parsed path, and finding its place in a document.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::scan;
use crate::step::{Step, position};

/// A definite path: it names at most one place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

/// The most steps a path may have: no document that we accept nests deeper (serde_json reads 128 levels).
const STEPS_MAX: usize = 128;

impl Path {
    /// Reads a path such as `$.a.b['c d'][0]`; `$` alone is the whole document.
    ///
    /// # Errors
    /// [`Kind::Syntax`] with the column when the text is no path, [`Kind::NotYet`] for wildcards, slices,
    /// filters and `..`.
    pub fn parse(text: &str) -> Result<Path, Error> {
        let mut reader = Reader { text, at: 0 };
        if !reader.take("$") {
            return Err(reader.error("a path starts with `$`"));
        }
        let mut steps = Vec::new();
        while reader.at < text.len() {
            steps.push(reader.step()?);
            if steps.len() > STEPS_MAX {
                return Err(reader.error(&format!("more than {STEPS_MAX} steps")));
            }
        }
        Ok(Path { steps })
    }

    /// The value at the path's place, if the document has one there.
    pub fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.steps.iter().try_fold(document, |value, step| match (step, value) {
            (Step::Key(key), Value::Object(members)) => members.get(key),
            (Step::Index(index), Value::Array(items)) => items.get(position(*index, items.len())?),
            _ => None,
        })
    }

    /// Like [`Path::find`] on JSON text, without building a tree of what is not on the path.
    ///
    /// # Errors
    /// When the text is not one JSON value, wherever in it the mistake is.
    pub fn scan(&self, json: &[u8]) -> Result<Option<Value>, serde_json::Error> {
        scan::scan(&self.steps, json)
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn step(&mut self) -> Result<Step, Error> {
        if self.rest().starts_with("..") {
            return Err(self.not_yet("`..`"));
        }
        if self.take(".") {
            if self.rest().starts_with('*') {
                return Err(self.not_yet("`*`"));
            }
            let end = self.rest().find(['.', '[', ' ', '(']).unwrap_or(self.rest().len());
            if end == 0 {
                return Err(self.error("a name is missing"));
            }
            let key = self.rest()[..end].to_owned();
            self.at += end;
            return Ok(Step::Key(key));
        }
        if !self.take("[") {
            return Err(self.error("expected `.` or `[`"));
        }
        let step = match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => Step::Key(self.quoted(quote)?),
            Some('*' | '?') => return Err(self.not_yet("a wildcard or filter")),
            _ => Step::Index(self.index()?),
        };
        if self.rest().starts_with([':', ',']) {
            return Err(self.not_yet("a slice or list"));
        }
        if !self.take("]") {
            return Err(self.error("expected `]`"));
        }
        Ok(step)
    }

    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let mut key = String::new();
        let mut chars = self.text[self.at..].char_indices().skip(1);
        while let Some((offset, c)) = chars.next() {
            if c == quote {
                self.at += offset + 1;
                return Ok(key);
            }
            key.push(if c == '\\' { chars.next().map_or('\\', |(_, escaped)| escaped) } else { c });
        }
        Err(self.error("the quote is not closed"))
    }

    fn index(&mut self) -> Result<i64, Error> {
        let digits = |c: char| c.is_ascii_digit() || c == '-';
        let end = self.rest().find(|c| !digits(c)).unwrap_or(self.rest().len());
        if end == 0 && self.rest().starts_with(':') {
            return Err(self.not_yet("a slice"));
        }
        let index = self.rest()[..end].parse().map_err(|_| self.error("expected an index or a quoted name"))?;
        self.at += end;
        Ok(index)
    }

    fn error(&self, detail: &str) -> Error {
        self.fail(Kind::Syntax, detail)
    }

    fn not_yet(&self, what: &str) -> Error {
        self.fail(Kind::NotYet, what)
    }

    fn fail(&self, kind: Kind, detail: &str) -> Error {
        let column = self.text[..self.at].chars().count() + 1;
        Error { kind, detail: format!("{detail} in `{}`", self.text), column }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Kind, Path};

    #[test]
    fn definite_paths_find_the_same_in_trees_and_in_text() {
        let document = json!({"action": "join", "a": {"b": [10, {"c d": true}], "x.y": null}, "n": 1.50});
        let text = document.to_string();
        let cases = [
            ("$", Some(document.clone())),
            ("$.action", Some(json!("join"))),
            ("$['action']", Some(json!("join"))),
            ("$.a.b[0]", Some(json!(10))),
            ("$.a.b[-1]['c d']", Some(json!(true))),
            ("$.a.b[-3]", None),
            ("$.a.b[2]", None),
            ("$.a[\"x.y\"]", Some(Value::Null)),
            ("$.action.deeper", None),
            ("$.a.b.c", None),
            ("$.missing", None),
            ("$.n", Some(json!(1.5))),
        ];
        for (path, expected) in cases {
            let path = Path::parse(path).unwrap();
            assert_eq!(path.find(&document), expected.as_ref(), "{path:?}");
            assert_eq!(path.scan(text.as_bytes()).unwrap(), expected, "{path:?}");
        }
    }

    #[test]
    fn the_last_of_repeated_keys_counts() {
        let path = Path::parse("$.a").unwrap();
        assert_eq!(path.scan(br#"{"a":1,"b":{"a":2},"a":"last"}"#).unwrap(), Some(json!("last")));
    }

    #[test]
    fn text_that_is_not_one_json_value_is_an_error_wherever_the_mistake_is() {
        let path = Path::parse("$.a").unwrap();
        for text in ["", "{", r#"{"a":1"#, r#"{"a":1} x"#, r#"{"a":1,"b":tru}"#, "hello", "{'a':1}"] {
            assert!(path.scan(text.as_bytes()).is_err(), "{text}");
        }
        assert!(path.scan("[".repeat(100_000).as_bytes()).is_err(), "deep nesting must not exhaust the stack");
    }

    #[test]
    fn mistakes_and_what_is_not_built_are_told_apart_with_their_column() {
        for (path, kind, column) in [
            ("a.b", Kind::Syntax, 1),
            ("$a", Kind::Syntax, 2),
            ("$.", Kind::Syntax, 3),
            ("$.a[", Kind::Syntax, 5),
            ("$.a['b]", Kind::Syntax, 5),
            ("$.a[1", Kind::Syntax, 6),
            ("$..a", Kind::NotYet, 2),
            ("$.a[*]", Kind::NotYet, 5),
            ("$.*", Kind::NotYet, 3),
            ("$.a[?(@.b)]", Kind::NotYet, 5),
            ("$.a[1:2]", Kind::NotYet, 6),
            ("$.a[0,1]", Kind::NotYet, 6),
        ] {
            let error = Path::parse(path).unwrap_err();
            assert_eq!((error.kind, error.column), (kind, column), "{path}: {error}");
        }
    }
}
