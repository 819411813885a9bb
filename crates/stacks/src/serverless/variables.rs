//! What the variables of a service stand for.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::fault::{Fault, shortened};
use crate::node::{Map, Node, Place, Value};
use crate::paths::inside;
use crate::read;
use crate::weight::{Room, too_much};

use super::syntax::{Alternative, Piece, alternatives, pieces};
use super::{Given, dotenv};

/// How many variables are looked up, at most.
const LOOKUPS_MAX: usize = 20_000;
/// How deep variables and values may stand in each other.
const DEPTH_MAX: usize = read::DEPTH_MAX;

/// Where there is a value that only AWS or the framework itself knows.
const OUTSIDE: &str = "package the service with `npx osls package` and use `--template .serverless`";

/// The variables of a service.
pub(super) struct Variables<'a> {
    document: &'a Node,
    given: &'a Given<'a>,
    files: RefCell<HashMap<String, Rc<Node>>>,
    /// What `.env` says; nothing while the stage is looked up, which names the file.
    dotenv: OnceCell<IndexMap<String, String>>,
    is_looking_for_dotenv: Cell<bool>,
    stage: OnceCell<String>,
    /// The variables that are being looked up, each in the one before.
    around: RefCell<Vec<String>>,
    lookups: Cell<usize>,
    depth: Cell<usize>,
    room: RefCell<Room>,
}

type Found<'a> = Result<Option<Cow<'a, Node>>, Fault>;

impl<'a> Variables<'a> {
    pub(super) fn new(document: &'a Node, given: &'a Given<'a>) -> Variables<'a> {
        Variables {
            document,
            given,
            files: RefCell::default(),
            dotenv: OnceCell::new(),
            is_looking_for_dotenv: Cell::new(false),
            stage: OnceCell::new(),
            around: RefCell::default(),
            lookups: Cell::new(0),
            depth: Cell::new(0),
            room: RefCell::new(Room::new()),
        }
    }

    /// The files that were read, as they were named.
    pub(super) fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = self.files.borrow().keys().cloned().collect();
        files.sort();
        files
    }

    /// A value of the service, by the keys that lead to it; nothing where it is not there or null. Variables on the way are
    /// followed, those in the value stay.
    pub(super) fn property(&self, keys: &[&str]) -> Found<'a> {
        let mut at = Cow::Borrowed(self.document);
        for key in keys {
            let Some(child) = self.child(at, key)? else { return Ok(None) };
            at = child;
        }
        let at = self.look(at)?;
        Ok(Some(at).filter(|node| node.value != Value::Null))
    }

    /// As [`Variables::property`], with all variables in it done.
    pub(super) fn whole(&self, keys: &[&str]) -> Result<Option<Node>, Fault> {
        self.property(keys)?.map(|node| self.value(node)).transpose()
    }

    fn child(&self, node: Cow<'a, Node>, key: &str) -> Found<'a> {
        fn of<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
            node.as_list().map_or_else(|| node.get(key), |items| items.get(key.parse::<usize>().ok()?))
        }
        Ok(match self.look(node)? {
            Cow::Borrowed(node) => of(node, key).map(Cow::Borrowed),
            Cow::Owned(node) => of(&node, key).cloned().map(Cow::Owned),
        })
    }

    /// A value with all its variables done.
    pub(super) fn value(&self, node: Cow<'a, Node>) -> Result<Node, Fault> {
        let place = node.place;
        self.deeper(place, || {
            let node = self.look(node)?;
            self.take(&node)?;
            let value = match &node.value {
                Value::List(items) => {
                    let items = items.iter().map(|item| self.owned(item)).collect::<Result<_, _>>()?;
                    Value::List(items)
                }
                Value::Map(map) => {
                    let mut done = Map::with_capacity(map.len());
                    for (key, value) in map {
                        done.insert(key.clone(), self.owned(value)?);
                    }
                    Value::Map(done)
                }
                other => other.clone(),
            };
            Ok(Node { value, place: node.place })
        })
    }

    /// The value of a part of a node that may not live as long as the document.
    fn owned(&self, node: &Node) -> Result<Node, Fault> {
        match &node.value {
            // Texts are most of a service, and few have a variable.
            Value::Text(text) | Value::Plain(text) if !text.contains("${") => {
                self.take(node)?;
                Ok(node.clone())
            }
            _ => self.value(Cow::Owned(node.clone())),
        }
    }

    /// Counts a value's own text; what stands in it is counted by itself.
    fn take(&self, node: &Node) -> Result<(), Fault> {
        let bytes = node.as_str().map_or(0, str::len) + size_of::<Node>();
        if self.room.borrow_mut().take_bytes(bytes) { Ok(()) } else { Err(Fault::new(too_much(), "", node.place)) }
    }

    fn deeper<T>(&self, place: Place, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth.get() >= DEPTH_MAX {
            let message = match self.around.borrow().last() {
                Some(last) => format!("variables lead to each other without end: ${{{}}}", shortened(last)),
                None => "variables lead to each other without end".to_owned(),
            };
            return Err(Fault::new(message, "", place));
        }
        self.depth.set(self.depth.get() + 1);
        let done = work();
        self.depth.set(self.depth.get() - 1);
        done
    }

    /// What a text with variables stands for; any other value as it is.
    fn look(&self, node: Cow<'a, Node>) -> Result<Cow<'a, Node>, Fault> {
        let Some(text) = node.as_str().filter(|text| text.contains("${")) else { return Ok(node) };
        let place = node.place;
        match pieces(text).as_slice() {
            [Piece::Text(same)] if *same == text => Ok(node),
            [Piece::Variable(inside)] => self.variable(inside, place),
            pieces => Ok(Cow::Owned(Node::text(self.joined(pieces, place)?, place))),
        }
    }

    /// A text with its variables done, each of which must be a text itself.
    fn text(&self, text: &str, place: Place) -> Result<String, Fault> {
        self.joined(&pieces(text), place)
    }

    fn joined(&self, pieces: &[Piece], place: Place) -> Result<String, Fault> {
        let mut joined = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => joined.push_str(text),
                Piece::Variable(inside) => {
                    let value = self.variable(inside, place)?;
                    let Some(text) = value.as_str() else {
                        let message = format!("${{{}}} stands in a text and is {}", shortened(inside), value.kind());
                        return Err(Fault::new(message, "", place));
                    };
                    joined.push_str(text);
                }
            }
            if !self.room.borrow_mut().take_bytes(joined.len()) {
                return Err(Fault::new(too_much(), "", place));
            }
        }
        Ok(joined)
    }

    /// What a variable stands for.
    fn variable(&self, inside: &str, place: Place) -> Result<Cow<'a, Node>, Fault> {
        let fault = |message: String| Err(Fault::new(message, "", place));
        self.lookups.set(self.lookups.get() + 1);
        if self.lookups.get() > LOOKUPS_MAX {
            return fault(format!("more than {LOOKUPS_MAX} variables are looked up"));
        }
        if let Some(from) = self.around.borrow().iter().position(|around| around == inside) {
            let around = self.around.borrow();
            let mut circle: Vec<_> = around[from..].iter().map(|name| shortened(name)).collect();
            circle.push(shortened(inside));
            return fault(format!("variables lead to each other in a circle: {}", circle.join(" -> ")));
        }
        let Some(alternatives) = alternatives(inside) else {
            return fault(format!("this is not written as a variable is: ${{{}}}", shortened(inside)));
        };
        self.around.borrow_mut().push(inside.to_owned());
        let found = self.deeper(place, || self.first(&alternatives, inside, place));
        self.around.borrow_mut().pop();
        found
    }

    /// The first of the sources that has a value.
    fn first(&self, alternatives: &[Alternative], inside: &str, place: Place) -> Result<Cow<'a, Node>, Fault> {
        for alternative in alternatives {
            let found = match alternative {
                Alternative::Quoted(text) => Some(Cow::Owned(Node::text(self.text(text, place)?, place))),
                Alternative::Literal("null") => return Ok(Cow::Owned(Node { value: Value::Null, place })),
                Alternative::Literal(text) => Some(Cow::Owned(Node { value: Value::Plain((*text).into()), place })),
                Alternative::Nested(text) => Some(self.look(Cow::Owned(Node::text(*text, place)))?),
                Alternative::Source { kind, parameter, address } => self.source(kind, *parameter, *address, place)?,
            };
            if let Some(found) = found.filter(|found| found.value != Value::Null) {
                return Ok(found);
            }
        }
        let message = format!("${{{}}} has no value; give it one, or say another behind a comma", shortened(inside));
        Err(Fault::new(message, "", place))
    }

    fn source(&self, kind: &str, parameter: Option<&str>, address: Option<&str>, place: Place) -> Found<'a> {
        let parameter = parameter.map(|parameter| self.text(parameter, place)).transpose()?;
        let address = address.map(|address| self.text(address, place)).transpose()?;
        let name = address.as_deref().unwrap_or_default();
        let text = |text: &str| Ok(Some(Cow::Owned(Node::text(text, place))));
        let given = |values: &IndexMap<String, String>| values.get(name).cloned();
        match kind {
            "sls" if name == "stage" => text(&self.stage()?),
            "opt" if name == "stage" && self.given.stage.is_some() => text(&self.stage()?),
            "opt" => given(self.given.options).map_or(Ok(None), |value| text(&value)),
            "env" => match given(self.given.environment) {
                Some(value) => text(&value),
                None => self.dotenv()?.and_then(|values| values.get(name)).map_or(Ok(None), |value| text(value)),
            },
            "param" => match given(self.given.parameters) {
                Some(value) => text(&value),
                None => {
                    let stage = self.stage()?;
                    Ok(match self.property(&["params", &stage, name])? {
                        Some(value) => Some(value),
                        None => self.property(&["params", "default", name])?,
                    })
                }
            },
            "self" => {
                let keys: Vec<&str> = name.split('.').filter(|key| !key.is_empty()).collect();
                self.property(&keys)
            }
            "aws" if name == "region" => text(&self.region()?),
            "aws" if name == "accountId" => text(self.given.account),
            "file" => self.file(parameter.as_deref().unwrap_or_default(), name, place),
            "strToBool" => {
                let value = match parameter.as_deref().map(str::trim).map(str::to_ascii_lowercase).as_deref() {
                    Some("true" | "1") => "true",
                    Some("false" | "0") => "false",
                    _ => return Err(Fault::new("strToBool takes true, false, 1 or 0", "", place)),
                };
                Ok(Some(Cow::Owned(Node { value: Value::Plain(value.into()), place })))
            }
            _ => {
                let message = format!("a value of the source {kind:?} is not known here; {OUTSIDE}");
                Err(Fault::new(message, "", place))
            }
        }
    }

    /// What the files of `useDotenv` say: that of the stage, or the one of all stages.
    fn dotenv(&self) -> Result<Option<&IndexMap<String, String>>, Fault> {
        if let Some(values) = self.dotenv.get() {
            return Ok(Some(values));
        }
        if self.is_looking_for_dotenv.replace(true) {
            return Ok(None);
        }
        let found = self.dotenv_text();
        self.is_looking_for_dotenv.set(false);
        let values = found?.map(|text| dotenv::read(&text, self.given.environment)).unwrap_or_default();
        Ok(Some(self.dotenv.get_or_init(|| values)))
    }

    fn dotenv_text(&self) -> Result<Option<String>, Fault> {
        let is_asked = self.property(&["useDotenv"])?.is_some_and(|asked| asked.as_bool() == Some(true));
        if !is_asked {
            return Ok(None);
        }
        for path in [inside(&format!(".env.{}", self.stage()?)), Some(".env".to_owned())].into_iter().flatten() {
            self.files.borrow_mut().entry(path.clone()).or_default();
            if let Some(text) = (self.given.read)(&path) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// The stage: as it was asked for, as the service says it, or `dev`.
    pub(super) fn stage(&self) -> Result<String, Fault> {
        if let Some(stage) = self.stage.get() {
            return Ok(stage.clone());
        }
        // What it is made of is looked for in the environment only, as the framework has it.
        let before = self.is_looking_for_dotenv.replace(true);
        let found = self.named(self.given.stage, &["provider", "stage"], "dev");
        self.is_looking_for_dotenv.set(before);
        let found = found?;
        Ok(self.stage.get_or_init(|| found).clone())
    }

    /// The region, likewise, or `us-east-1`.
    pub(super) fn region(&self) -> Result<String, Fault> {
        self.named(self.given.region, &["provider", "region"], "us-east-1")
    }

    fn named(&self, given: Option<&str>, keys: &[&str], otherwise: &str) -> Result<String, Fault> {
        if let Some(given) = given {
            return Ok(given.to_owned());
        }
        let Some(node) = self.property(keys)? else { return Ok(otherwise.to_owned()) };
        match node.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(Fault::new(format!("this is a text, not {}", node.kind()), keys.join("."), node.place)),
        }
    }

    /// A value of a file beside the service, or all of it.
    fn file(&self, path: &str, address: &str, place: Place) -> Found<'a> {
        let fault = |message: String| Err(Fault::new(message, "", place));
        let Some(inside) = inside(path) else {
            return fault(format!("the file {:?} is outside the service's folder", shortened(path)));
        };
        let extension = inside.rsplit_once('.').map_or("", |(_, extension)| extension);
        if matches!(extension, "js" | "cjs" | "mjs" | "ts" | "mts" | "cts") {
            return fault(format!("the file {inside} is a program, which is not run to read a service; {OUTSIDE}"));
        }
        let cached = self.files.borrow().get(&inside).cloned();
        let content = match cached {
            Some(content) => content,
            None => {
                let content = match (self.given.read)(&inside) {
                    None => Node::default(),
                    Some(text) if matches!(extension, "yml" | "yaml" | "json") => {
                        read::read(&text).map_err(|fault| {
                            Fault::new(format!("in {inside}, {}: {}", fault.place, fault.message), fault.path, place)
                        })?
                    }
                    Some(text) => Node::text(text, place),
                };
                let content = Rc::new(placed(&content, place));
                self.files.borrow_mut().insert(inside, Rc::clone(&content));
                content
            }
        };
        let mut keys = address.split('.').filter(|key| !key.is_empty());
        let Some(first) = keys.next() else {
            let whole = placed(&content, place);
            return if self.room.borrow_mut().take(&whole) { Ok(Some(Cow::Owned(whole))) } else { fault(too_much()) };
        };
        let Some(first) = content.get(first) else { return Ok(None) };
        if !self.room.borrow_mut().take(first) {
            return fault(too_much());
        }
        let mut at = Cow::Owned(placed(first, place));
        for key in keys {
            let Some(child) = self.child(at, key)? else { return Ok(None) };
            at = child;
        }
        self.look(at).map(Some)
    }
}

/// A value that stands where the variable does that brought it: the lines of another file say nothing here.
fn placed(node: &Node, place: Place) -> Node {
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|item| placed(item, place)).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.clone(), placed(value, place))).collect()),
        other => other.clone(),
    };
    Node { value, place }
}

#[cfg(test)]
mod tests;
