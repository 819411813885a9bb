//! `AWS::Include` of files beside the template, as it is written before `aws cloudformation package` uploads them.
//!
//! On AWS the place is an object of a bucket; a path is what people write and the packager replaces. Source: documented
//! ("AWS::Include transform", and `package` of the CLI).

use crate::fault::Fault;
use crate::node::{Map, Node, Place, Value};
use crate::read;

/// How deep files may include files.
const FILES_MAX: usize = 8;

/// How many files a template may include.
const INCLUDED_MAX: usize = 500;

/// The name of the transform.
const INCLUDE: &str = "AWS::Include";

/// A document with the files that it includes; `None` where it includes none. `read` gives the text of a file by the path that
/// the template has. What comes of a file has the place of what included it.
///
/// # Errors
/// A file that is not there, that is no YAML or JSON (but for `.vtl`, whose text is taken as it is), or files that include each
/// other without end. An object of a bucket cannot be read here.
pub fn expand(document: &Node, read: &dyn Fn(&str) -> Option<String>) -> Result<Option<Node>, Fault> {
    let mut work = Work { read, included: 0 };
    let expanded = work.node(document, "", 0, None)?;
    Ok((work.included > 0).then_some(expanded))
}

struct Work<'r> {
    read: &'r dyn Fn(&str) -> Option<String>,
    included: usize,
}

impl Work<'_> {
    /// `at` is where the file was included that the node is of.
    fn node(&mut self, node: &Node, path: &str, depth: usize, at: Option<Place>) -> Result<Node, Fault> {
        let place = at.unwrap_or(node.place);
        let value = match &node.value {
            Value::List(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(n, item)| self.node(item, &format!("{path}[{n}]"), depth, at));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Value::Map(map) => match self.map(map, path, depth, at)? {
                Ok(map) => Value::Map(map),
                Err(whole) => return Ok(Node { value: whole, place }),
            },
            scalar => scalar.clone(),
        };
        Ok(Node { value, place })
    }

    /// A map with what it includes among its members; or what was included in its place, where it is nothing else.
    fn map(&mut self, map: &Map, path: &str, depth: usize, at: Option<Place>) -> Result<Result<Map, Value>, Fault> {
        let mut expanded = Map::new();
        for (key, value) in map {
            let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let location = if key == "Fn::Transform" { location(value) } else { None };
            let Some(location) = location else {
                expanded.insert(key.clone(), self.node(value, &here, depth, at)?);
                continue;
            };
            let included = self.file(location, &here, depth, at.unwrap_or(value.place))?;
            match included.value {
                Value::Map(members) => {
                    for (name, member) in members {
                        expanded.entry(name).or_insert(member);
                    }
                }
                whole if map.len() == 1 => return Ok(Err(whole)),
                _ => {
                    let text = format!("{location} holds no map, and cannot be put among others");
                    return Err(Fault::new(text, here, value.place));
                }
            }
        }
        Ok(Ok(expanded))
    }

    fn file(&mut self, location: &str, path: &str, depth: usize, place: Place) -> Result<Node, Fault> {
        let wrong = |text: String| Fault::new(text, path, place);
        self.included += 1;
        if depth >= FILES_MAX || self.included > INCLUDED_MAX {
            return Err(wrong(format!(
                "{location} is not included: files include each other, or too many are included"
            )));
        }
        if location.contains("://") {
            return Err(wrong(format!("{location} cannot be read here; name a file beside the template")));
        }
        let text = (self.read)(location).ok_or_else(|| wrong(format!("there is no file {location}")))?;
        if location.ends_with(".vtl") {
            return Ok(Node::text(text, place));
        }
        let document =
            read::read(&text).map_err(|fault| wrong(format!("{location}, {}: {}", fault.place, fault.message)))?;
        self.node(&document, path, depth + 1, Some(place))
    }
}

/// What `{Name: AWS::Include, Parameters: {Location: …}}` names.
fn location(argument: &Node) -> Option<&str> {
    let name = argument.get("Name").and_then(Node::as_str)?;
    (name == INCLUDE).then(|| argument.get("Parameters")?.get("Location")?.as_str())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn included(text: &str) -> Result<Option<Node>, Fault> {
        let files = |path: &str| {
            Some(match path {
                "a.yaml" => "Name: a\nMore: [1, !Ref B]\n".to_owned(),
                "body.vtl" => "{\"id\": \"$context.connectionId\"}\n".to_owned(),
                "self.yaml" => {
                    "x: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: self.yaml}}}".to_owned()
                }
                "bad.yaml" => "x: [".to_owned(),
                "list.yaml" => "[1]".to_owned(),
                _ => return None,
            })
        };
        expand(&read::read(text).unwrap(), &files)
    }

    #[test]
    fn files_are_put_where_they_are_named() {
        let of =
            |location: &str| format!("'Fn::Transform': {{Name: AWS::Include, Parameters: {{Location: {location}}}}}");
        let text = format!("Own: 1\nName: own\n{}\nRest: {{$default: {{{}}}}}\n", of("a.yaml"), of("body.vtl"));
        let node = included(&text).unwrap().unwrap();
        let expected = json!({
            "Own": 1, "Name": "own", "More": [1, {"Ref": "B"}],
            "Rest": {"$default": "{\"id\": \"$context.connectionId\"}\n"},
        });
        assert_eq!(node.to_json(), expected);
        assert_eq!(node.get("More").unwrap().place.line, 3);
        assert_eq!(included("a: 1\n'Fn::Transform': {Name: Mine}\n").unwrap(), None);
        for (location, part) in [
            ("nothing.yaml", "there is no file nothing.yaml"),
            ("self.yaml", "include each other"),
            ("bad.yaml", "bad.yaml, line 2"),
            ("s3://bucket/key", "cannot be read here"),
        ] {
            let fault = included(&format!("A: {{{}}}\n", of(location))).unwrap_err();
            assert!(fault.message.contains(part) && fault.place.line == 1, "{location}: {fault}");
        }
        assert!(included(&format!("A: {{b: 1, {}}}\n", of("list.yaml"))).unwrap_err().message.contains("holds no map"));
    }
}
