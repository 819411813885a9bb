//! Reads YAML, with CloudFormation's tags, and the place of each value.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use crate::fault::{Fault, nearest, shortened};
use crate::node::{Map, Node, Place, Value};
use crate::read::{Budget, DEPTH_MAX, Size, too_deep};

/// The functions that have a short form, by their tag. `Ref` and `Condition` stay as they are, the others get `Fn::`.
const TAGS: [&str; 27] = [
    "Ref",
    "Condition",
    "GetAtt",
    "Sub",
    "Join",
    "If",
    "Equals",
    "And",
    "Or",
    "Not",
    "Select",
    "Split",
    "FindInMap",
    "Base64",
    "ImportValue",
    "Cidr",
    "GetAZs",
    "Transform",
    "Length",
    "ToJsonString",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "RefAll",
    "ValueOf",
    "ValueOfAll",
    "GetStackOutput",
];

/// Reads a document that is YAML.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let mut parser = Parser::new_from_str(text);
    let mut reader = Reader::default();
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| in_words(&error, text))?;
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    let message = "a second document begins here; a template is one";
                    return Err(Fault::new(message, "", place_of(span.start)));
                }
            }
            Event::StreamEnd => break,
            _ => reader.take(event, place_of(span.start))?,
        }
    }
    reader.root.ok_or_else(|| Fault::new("there is nothing in the file", "", Place::default()))
}

/// What the parser says, as a person says it who does not know how YAML is parsed.
fn in_words(error: &ScanError, text: &str) -> Fault {
    let place = place_of(*error.marker());
    let line = text.lines().nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
    let at = line.char_indices().nth(error.marker().col()).map_or(line.len(), |(at, _)| at);
    let (before, behind) = line.split_at(at);
    let message = match error.info() {
        "recursion limit exceeded" => return too_deep(place),
        "simple key expected" | "while parsing a block mapping, did not find expected key"
            if behind.starts_with('!') && before.split_whitespace().next_back().is_some_and(is_short) =>
        {
            "a value has one tag; of two functions in each other the outer one is written out, such as `Fn::Not:`"
        }
        "simple key expected" | "while parsing a block mapping, did not find expected key" => {
            "this is neither a key with its `:` nor indented like what stands above it"
        }
        "mapping values are not allowed in this context" => {
            "a `:` cannot stand here: a key above lacks its own, this line is indented too far, or the value needs quotes"
        }
        "illegal placement of ':' indicator" => "a `:` cannot stand here: a `]`, a `}` or a `,` is missing before it",
        "invalid indentation in quoted scalar" => {
            "this text in quotes does not end in its line, and its next line is not indented"
        }
        "the handle wasn't declared" => "there is no such tag in CloudFormation",
        "while parsing node, found unknown anchor" => "no anchor (`&`) of this name stands before this alias",
        "while parsing a node, did not find expected node content" => "a value is missing before this",
        "while parsing a flow mapping, did not find expected ',' or '}'" => "a `,` or `}` is missing before this",
        "while parsing a flow sequence, expected ',' or ']'" => "a `,` or `]` is missing before this",
        "while parsing a block collection, did not find expected '-' indicator" => {
            "this is neither a `-` of the list above nor indented less than the list"
        }
        "while scanning a quoted scalar, found unexpected end of stream" => "the file ends within a text in quotes",
        "while parsing a quoted scalar, found unknown escape character" => {
            "there is no such escape in double quotes; a `\\` itself is written `\\\\`, or the text stands in single quotes"
        }
        "invalid trailing content after double-quoted scalar" => "nothing may follow a text in quotes",
        "unexpected eof" => "the file ends where something is still missing",
        "did not find expected <document start>" => "nothing may follow the end of the template's top level",
        "found unprintable character" => "this character may not stand in YAML",
        other if other.starts_with("unexpected character") => {
            "a value cannot begin with this character; put it in quotes"
        }
        other if other.contains("tab") && behind.starts_with('\t') || before.ends_with('\t') => {
            "a tab may not indent YAML"
        }
        other => other.strip_prefix("while ").unwrap_or(other),
    };
    Fault::new(message, "", place)
}

fn is_short(word: &str) -> bool {
    word.strip_prefix('!').is_some_and(|name| TAGS.contains(&name))
}

/// The parser's lines are from 1, its columns from 0.
fn place_of(marker: Marker) -> Place {
    let from_one = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Place { line: from_one(marker.line()), column: from_one(marker.col() + 1) }
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    root: Option<Node>,
    anchored: HashMap<usize, (Node, Size)>,
    budget: Budget,
}

/// A list or map that is not closed yet.
struct Open {
    held: Held,
    place: Place,
    function: Option<String>,
    anchor: usize,
    size: Size,
}

enum Held {
    List(Vec<Node>),
    Map {
        members: Map,
        key: Option<Key>,
        /// What merge keys bring, which any key of the map's own goes before.
        merged: Map,
    },
}

enum Key {
    Own(String),
    Merge,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.wants_key() {
                    return self.key(&text, style, tag.is_some(), anchor, place);
                }
                let (function, kind) = sort_tag(tag.as_deref(), place)?;
                let value = scalar(text.into_owned(), style, kind);
                let bytes = match &value {
                    Value::Text(text) | Value::Plain(text) => text.len(),
                    _ => 0,
                };
                self.budget.spend(Size::scalar(bytes), place)?;
                self.complete(Node { value, place }, Size::scalar(bytes), function, anchor)
            }
            Event::SequenceStart(anchor, tag) => self.enter(Held::List(Vec::new()), anchor, tag.as_deref(), place),
            Event::MappingStart(anchor, tag) => {
                let held = Held::Map { members: Map::new(), key: None, merged: Map::new() };
                self.enter(held, anchor, tag.as_deref(), place)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { held, place, function, anchor, size } = self.open.pop().expect("what ends has begun");
                let value = match held {
                    Held::List(items) => Value::List(items),
                    Held::Map { members, mut merged, .. } => {
                        if merged.is_empty() {
                            Value::Map(members)
                        } else {
                            merged.extend(members);
                            Value::Map(merged)
                        }
                    }
                };
                self.complete(Node { value, place }, size, function, anchor)
            }
            Event::Alias(anchor) => {
                let unknown = || Fault::new("this alias stands within what it stands for", "", place);
                let (node, size) = self.anchored.get(&anchor).ok_or_else(unknown)?;
                let size = *size;
                if self.wants_key() {
                    let text = node.as_str().map(str::to_owned);
                    let text = text.ok_or_else(|| Fault::new("a key is a text", "", place))?;
                    return self.key(&text, ScalarStyle::DoubleQuoted, false, 0, place);
                }
                self.budget.spend(size, place)?;
                if self.open.len() + size.height > DEPTH_MAX {
                    return Err(too_deep(place));
                }
                let node = node.clone();
                self.complete(node, size, None, 0)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { held: Held::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: &str, style: ScalarStyle, tagged: bool, anchor: usize, place: Place) -> Result<(), Fault> {
        if tagged {
            return Err(Fault::new("a function cannot be a key", "", place));
        }
        let plain = style == ScalarStyle::Plain;
        if plain && text.is_empty() {
            return Err(Fault::new("a key is missing before this", "", place));
        }
        let size = Size { nodes: 0, bytes: text.len(), height: 1 };
        self.budget.spend(size, place)?;
        if anchor != 0 {
            self.anchored.insert(anchor, (Node::text(text, place), Size::scalar(text.len())));
        }
        if let Some(Open { held: Held::Map { key, .. }, size: whole, .. }) = self.open.last_mut() {
            whole.bytes += text.len();
            *key = Some(if plain && text == "<<" { Key::Merge } else { Key::Own(text.to_owned()) });
        }
        Ok(())
    }

    fn enter(&mut self, held: Held, anchor: usize, tag: Option<&Tag>, place: Place) -> Result<(), Fault> {
        if self.wants_key() {
            return Err(Fault::new("a key is a text, not a list or a map", "", place));
        }
        let (function, kind) = sort_tag(tag, place)?;
        let fits = match kind {
            None => true,
            Some("seq") => matches!(held, Held::List(_)),
            Some("map") => matches!(held, Held::Map { .. }),
            Some(_) => false,
        };
        if !fits {
            return Err(unknown_tag(&format!("!!{}", kind.unwrap_or_default()), place));
        }
        self.budget.spend(Size::scalar(0), place)?;
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(place));
        }
        self.open.push(Open { held, place, function, anchor, size: Size::scalar(0) });
        Ok(())
    }

    /// A value is complete but for its function, and goes where it belongs.
    fn complete(&mut self, node: Node, size: Size, function: Option<String>, anchor: usize) -> Result<(), Fault> {
        let place = node.place;
        let (node, size) = match function {
            None => (node, size),
            Some(function) => {
                let (whole, more) = long_form(function, node, size);
                let added = Size { nodes: more.nodes - size.nodes, bytes: more.bytes - size.bytes, height: 1 };
                self.budget.spend(added, place)?;
                if self.open.len() + more.height > DEPTH_MAX {
                    return Err(too_deep(place));
                }
                (whole, more)
            }
        };
        if anchor != 0 {
            // The copy counts, too.
            self.budget.spend(size, place)?;
            self.anchored.insert(anchor, (node.clone(), size));
        }
        let Some(Open { held, size: whole, .. }) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match held {
            Held::List(items) => items.push(node),
            Held::Map { members, key, merged } => match key.take() {
                // The last one of a name counts; its place in the order is the first's.
                Some(Key::Own(key)) => drop(members.insert(key, node)),
                Some(Key::Merge) => merge(merged, node)?,
                None => unreachable!("a value follows its key"),
            },
        }
        whole.add(size, 0);
        Ok(())
    }
}

/// Adds what a merge key names; what is there already goes before.
fn merge(merged: &mut Map, node: Node) -> Result<(), Fault> {
    let wrong = |place| Fault::new("what `<<` merges is a map or a list of maps", "", place);
    let maps = match node.value {
        Value::Map(_) => vec![node],
        Value::List(items) => items,
        _ => return Err(wrong(node.place)),
    };
    for map in maps {
        let Value::Map(members) = map.value else { return Err(wrong(map.place)) };
        for (key, value) in members {
            merged.entry(key).or_insert(value);
        }
    }
    Ok(())
}

/// The function that a tag is short for, or the name of one of YAML's own tags, such as `str`.
fn sort_tag(tag: Option<&Tag>, place: Place) -> Result<(Option<String>, Option<&'static str>), Fault> {
    const OWN: [&str; 7] = ["str", "int", "float", "bool", "null", "seq", "map"];
    let Some(tag) = tag else { return Ok((None, None)) };
    if tag.is_yaml_core_schema() {
        let own = OWN.iter().find(|own| **own == tag.suffix);
        return own.map(|own| (None, Some(*own))).ok_or_else(|| unknown_tag(&format!("!!{}", tag.suffix), place));
    }
    if tag.handle.is_empty() && tag.suffix == "!" {
        return Ok((None, Some("str")));
    }
    if tag.handle != "!" {
        return Err(unknown_tag(&format!("{}{}", tag.handle, tag.suffix), place));
    }
    match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => Ok((Some(name.to_owned()), None)),
        name if TAGS.contains(&name) => Ok((Some(format!("Fn::{name}")), None)),
        name => Err(unknown_tag(&format!("!{name}"), place)),
    }
}

fn unknown_tag(tag: &str, place: Place) -> Fault {
    let near = nearest(tag.trim_start_matches('!').trim_start_matches("Fn::"), TAGS);
    let hint = near.map(|near| format!(" (did you mean `!{near}`?)")).unwrap_or_default();
    Fault::new(format!("there is no tag `{}` in CloudFormation{hint}", shortened(tag)), "", place)
}

fn scalar(text: String, style: ScalarStyle, own: Option<&'static str>) -> Value {
    match own {
        Some("null") => return Value::Null,
        Some("int" | "float" | "bool") => return Value::Plain(text),
        Some(_) => return Value::Text(text),
        None => {}
    }
    match style {
        ScalarStyle::Plain if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        ScalarStyle::Plain => Value::Plain(text),
        _ => Value::Text(text),
    }
}

/// What a tag is short for: `!Ref A` is `{"Ref": "A"}`, `!GetAtt A.B.C` is `{"Fn::GetAtt": ["A", "B.C"]}`.
fn long_form(function: String, argument: Node, size: Size) -> (Node, Size) {
    let place = argument.place;
    let (argument, size) = match (function.as_str(), &argument.value) {
        ("Fn::GetAtt", Value::Text(text) | Value::Plain(text)) => match text.split_once('.') {
            Some((logical, attribute)) => {
                let list = Node::list([Node::text(logical, place), Node::text(attribute, place)], place);
                (list, Size { nodes: 3, bytes: size.bytes, height: 2 })
            }
            None => (argument, size),
        },
        _ => (argument, size),
    };
    let mut whole = Size::scalar(0);
    whole.add(size, function.len());
    (Node::map([(function, argument)], place), whole)
}
