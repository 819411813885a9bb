//! A parsed path, and asking it of a document.

use std::borrow::Cow;

use serde_json::Value;

use crate::cursor::{Fault, Weight};
use crate::error::{Error, ErrorKind};
use crate::limits::{PATH_BYTES_MAX, SCAN_VISITS_MAX};
use crate::node::{Node, NodeKind};
use crate::parser::Parser;
use crate::place::{SingleStep, position};
use crate::run;
use crate::scan;
use crate::step::{Program, Step};
use crate::stop::Visits;
use crate::tree::Tree;

/// A path, read once and asked of many documents. Two are equal when their texts are.
#[derive(Clone, Debug)]
pub struct Path {
    text: String,
    program: Program,
    /// The same steps where each is one name or one index: nearly every path, and quick to follow.
    places: Option<Vec<SingleStep>>,
}

impl PartialEq for Path {
    fn eq(&self, other: &Path) -> bool {
        self.text == other.text
    }
}

impl Eq for Path {}

impl Path {
    /// Reads a path such as `$.a.b['c d'][0]`, `$..name` or `$.list[?(@.n > 1)].id`.
    ///
    /// Without `$` or `@` in front, `$.` is put there; blanks at the end do not count.
    /// Source: Jayway 2.9.0 (corpus/jsonpath), whose oddities are kept; which version AWS has is not known.
    ///
    /// # Errors
    /// [`ErrorKind::Path`] with the column when the text is no path, [`ErrorKind::Eval`] when it is empty (Jayway does not
    /// call that a path error), [`ErrorKind::Limit`] when it is too long, nests too deep or holds too much.
    pub fn parse(text: &str) -> Result<Path, Error> {
        if text.is_empty() {
            return Err(Error { kind: ErrorKind::Eval, detail: "the path is empty".to_owned(), column: 1 });
        }
        if text.len() > PATH_BYTES_MAX {
            let detail = format!("the path is longer than {PATH_BYTES_MAX} bytes");
            return Err(Error { kind: ErrorKind::Limit, detail, column: 1 });
        }
        let program = Parser::default().path(text).map_err(|fault| error(text, &fault))?;
        let places = program.steps.iter().map(place).collect();
        Ok(Path { text: text.to_owned(), program, places })
    }

    /// Whether the path gives the value at its place, and not a list of all that it finds.
    pub fn is_definite(&self) -> bool {
        self.program.is_definite()
    }

    /// What the path gives on a document: for a definite path the document's own value at its place, else a new
    /// list of the document's values. `None` where it is missing; of a document that is null everything is.
    ///
    /// # Errors
    /// [`ErrorKind::Eval`] where a function or filter fails on this document, [`ErrorKind::Path`] where it shows only now
    /// that the path makes no sense (an unknown function, a filter on a scalar), [`ErrorKind::Limit`] where the work
    /// grows beyond bounds.
    pub fn evaluate<N: Node>(&self, root: &N) -> Result<Option<N>, Error> {
        self.evaluate_within(root, &mut Visits::default())
    }

    /// [`Path::evaluate`] with so many values to look at, which several runs may share.
    ///
    /// # Errors
    /// Those of [`Path::evaluate`].
    pub fn evaluate_within<N: Node>(&self, root: &N, visits: &mut Visits) -> Result<Option<N>, Error> {
        if root.kind() == NodeKind::Null {
            return Ok(None);
        }
        match &self.places {
            Some(places) => Ok(places.iter().try_fold(root.clone(), |node, place| match place {
                SingleStep::Name(name) => node.member(name),
                SingleStep::Index(index) => node.item(position(*index, node.len())?),
            })),
            None => run::evaluate(&self.program, root, visits),
        }
    }

    /// [`Path::evaluate`] on a document of `serde_json`.
    ///
    /// # Errors
    /// Those of [`Path::evaluate`].
    pub fn ask<'v>(&self, document: &'v Value) -> Result<Option<Cow<'v, Value>>, Error> {
        Ok(self.evaluate(&Tree::Place(document))?.map(Tree::into_value))
    }

    /// What the path gives on a document of `serde_json`; a path that fails gives nothing, and `$` a null document.
    pub fn find<'v>(&self, document: &'v Value) -> Option<Cow<'v, Value>> {
        let Some(places) = &self.places else {
            return self.ask(document).ok()?;
        };
        let found = places.iter().try_fold(document, |value, place| match (place, value) {
            (SingleStep::Name(name), Value::Object(members)) => members.get(name),
            (SingleStep::Index(index), Value::Array(items)) => items.get(position(*index, items.len())?),
            _ => None,
        });
        found.map(Cow::Borrowed)
    }

    /// Like [`Path::find`] on JSON text, without building a tree of what is not on the path where names and indexes
    /// alone lead there.
    ///
    /// # Errors
    /// When the text is not one JSON value, wherever in it the mistake is.
    pub fn scan(&self, json: &[u8]) -> Result<Option<Value>, serde_json::Error> {
        match &self.places {
            Some(places) => scan::scan(places, json),
            None => {
                let document = serde_json::from_slice(json)?;
                let mut visits = Visits::new(SCAN_VISITS_MAX);
                let found = self.evaluate_within(&Tree::Place(&document), &mut visits);
                Ok(found.ok().flatten().map(|found| Tree::into_value(found).into_owned()))
            }
        }
    }
}

fn place(step: &Step) -> Option<SingleStep> {
    match step {
        Step::Names(names) => match names.as_slice() {
            [name] => Some(SingleStep::Name(name.clone())),
            _ => None,
        },
        Step::Indexes(indexes) => match indexes.as_slice() {
            [index] => Some(SingleStep::Index(i64::from(*index))),
            _ => None,
        },
        _ => None,
    }
}

fn error(text: &str, fault: &Fault) -> Error {
    let kind = if fault.weight == Weight::Limit { ErrorKind::Limit } else { ErrorKind::Path };
    let column = text.char_indices().take_while(|(at, _)| *at < fault.at).count() + 1;
    Error { kind, detail: format!("{} in `{}`", fault.detail, excerpt(text)), column }
}

// Paths in messages are for people; the long ones are not.
fn excerpt(text: &str) -> &str {
    const SHOWN_BYTES_MAX: usize = 200;
    &text[..text.floor_char_boundary(SHOWN_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ErrorKind, Path};

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
            assert_eq!(path.find(&document).as_deref(), expected.as_ref(), "{path:?}");
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
    fn mistakes_are_told_with_their_column() {
        for (path, kind, column) in [
            ("$a", ErrorKind::Path, 2),
            ("$.", ErrorKind::Path, 3),
            ("a b", ErrorKind::Path, 2),
            ("$.a['b]", ErrorKind::Path, 5),
            ("$.a[1", ErrorKind::Path, 6),
            ("$.ü.b[x]", ErrorKind::Path, 7),
            ("$.a[?(@.b == foo)]", ErrorKind::Path, 11),
            ("$.a[?(@.b =~ /(/)]", ErrorKind::Path, 14),
            ("$.a[?(1)]", ErrorKind::Path, 8),
            ("$.a[?(@.b == 1 2)]", ErrorKind::Path, 16),
            ("", ErrorKind::Eval, 1),
        ] {
            let error = Path::parse(path).unwrap_err();
            assert_eq!((error.kind, error.column), (kind, column), "{path}: {error}");
        }
    }
}
