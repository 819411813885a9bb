//! `$input`: the message as a template sees it.

use std::cell::{Cell, OnceCell};

use jsonpath::{Path, Visits};
use vtl::{Object, Text, Value};

use crate::effort;
use crate::objects::node::BodyNode;

/// What the message is where there is none. Source: observed.
const NO_BODY: &str = "{}";

/// `$input`. The body is parsed when it is first asked for, once, and shared: what a template changes in it stays.
#[derive(Debug)]
pub(super) struct Input {
    body: Text,
    params: Value,
    document: OnceCell<Option<Value>>,
    unreadable: Cell<bool>,
    /// What the rendering's JSONPaths may still look at, all together.
    visits: Cell<Visits>,
}

impl Input {
    pub(super) fn new(body: Option<&[u8]>, params: Value) -> Input {
        let body = match body.unwrap_or_default() {
            [] => Text::fixed(NO_BODY),
            body => match str::from_utf8(body) {
                Ok(body) => Text::from(body.to_owned()),
                Err(_) => Text::from(String::from_utf8_lossy(body).into_owned()),
            },
        };
        Input {
            body,
            params,
            document: OnceCell::new(),
            unreadable: Cell::new(false),
            visits: Cell::new(effort::visits()),
        }
    }

    /// Whether the rendering failed because the body is not even lenient JSON.
    pub(super) fn body_was_unreadable(&self) -> bool {
        self.unreadable.get()
    }

    fn document(&self) -> Result<&Value, String> {
        let document = self.document.get_or_init(|| vtl::read_json(&self.body).ok());
        document.as_ref().ok_or_else(|| {
            self.unreadable.set(true);
            "Could not process payload".to_owned()
        })
    }

    /// What a path finds; null where there is nothing.
    fn find(&self, path: &Value) -> Option<Result<Value, String>> {
        match path {
            Value::Text(path) => Some(self.document().and_then(|document| self.follow(document, path))),
            Value::Null => Some(Err("a path cannot be null".to_owned())),
            _ => None,
        }
    }

    fn follow(&self, document: &Value, path: &str) -> Result<Value, String> {
        if let Some(value) = plain(document, path) {
            return Ok(value);
        }
        let path = Path::parse(path).map_err(|error| error.to_string())?;
        if matches!(document, Value::Null) {
            return Ok(Value::Null);
        }
        let mut visits = self.visits.get();
        let found = path.evaluate_within(&BodyNode(document.clone()), &mut visits);
        self.visits.set(visits);
        let found = found.map_err(|error| {
            if error.kind == jsonpath::ErrorKind::Limit {
                effort::limit_met();
            }
            error.to_string()
        })?;
        Ok(found.map_or(Value::Null, |place| place.0))
    }

    fn param(&self, name: &Value) -> Value {
        let Value::Map(params) = &self.params else { return Value::text("") };
        let found = ["path", "querystring", "header"].into_iter().find_map(|kind| match params.member(kind)? {
            Value::Map(values) => values.get(name).filter(|value| !matches!(value, Value::Null)),
            _ => None,
        });
        found.unwrap_or_else(|| Value::text(""))
    }
}

/// The short way for `$` and dotted names, which nearly all paths are; `None` for every other path.
fn plain(document: &Value, path: &str) -> Option<Value> {
    let mut rest = path.strip_prefix('$')?;
    let mut value = document.clone();
    while !rest.is_empty() {
        rest = rest.strip_prefix('.')?;
        let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if len == 0 || !matches!(rest.as_bytes().get(len), None | Some(b'.')) {
            return None;
        }
        value = value.member(&rest[..len]).unwrap_or_default();
        rest = &rest[len..];
    }
    Some(value)
}

impl Object for Input {
    fn get(&self, name: &str) -> Option<Value> {
        (name == "body").then(|| Value::Text(self.body.clone()))
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        match (name, args) {
            ("path", [path]) => self.find(path),
            ("json", [path]) => Some(self.find(path)?.and_then(|found| {
                let found = if matches!(found, Value::Null) { Value::text("") } else { found };
                vtl::to_json(&found).map(Value::from)
            })),
            ("params", []) => Some(Ok(self.params.clone())),
            ("params", [name @ (Value::Text(_) | Value::Null)]) => Some(Ok(self.param(name))),
            ("getBody", [_, ..]) => Some(Err("getBody() takes no argument".to_owned())),
            ("getBody", []) => Some(Ok(Value::Text(self.body.clone()))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::objects::batch_line;

    /// What a template makes of a body.
    fn rendered(template: &str, body: &str) -> String {
        let case =
            [("template", vtl::Value::text(template)), ("input", crate::objects::fixed([("body", body.into())]))];
        let line = vtl::to_json(&crate::objects::fixed(case)).unwrap();
        let answer = vtl::parse_json(&batch_line(&line)).unwrap();
        let output = answer.member("output").or_else(|| answer.member("message"));
        output.and_then(|output| output.as_text().map(str::to_owned)).unwrap_or_default()
    }

    #[test]
    fn what_is_changed_in_a_body_shows_under_each_of_its_names() {
        let body = r#"{"a": {"b": [1, {"c": 2}]}, "d": "x"}"#;
        for (template, expected) in [
            (
                "#set($a = $input.path('$.a'))#set($b = $a.b)#set($b[0] = 7)$input.json('$') $a",
                r#"{"a":{"b":[7,{"c":2}]},"d":"x"} {b=[7,{"c":2}]}"#,
            ),
            (
                "#set($c = $input.path('$.a.b[1]'))#set($x = $c.put('e', 3))$input.path('$.a.b[1].e') $input.path('$').a.b.get(1).e",
                "3 3",
            ),
            ("#set($r = $input.path('$'))#set($r.self = $r)#if($r.self == $r)same#end $r.self.self.d", "same x"),
            (
                "#set($l = $input.path('$.a.b'))#foreach($i in $l)#if($foreach.first)#set($x = $l.set(1, 'new'))#end$i #end",
                "1 new ",
            ),
            (
                "#set($l = $input.path('$.a.b'))#set($m = {})#set($m[$l] = 1)#set($x = $l.add(5))$m.get($input.path('$.a').b)",
                "1",
            ),
            (
                "#set($r = $input.path('$'))#foreach($e in $r.entrySet())$e.key=$e.value;#end$r.keySet()$r.size()",
                r#"a={b=[1,{"c":2}]};d=x;[a, d]2"#,
            ),
        ] {
            assert_eq!(rendered(template, body), expected, "{template}");
        }
    }

    #[test]
    fn a_list_or_map_that_is_changed_while_it_is_looped_over_ends_the_rendering() {
        for template in [
            "#foreach($i in $input.path('$.l'))#set($x = $input.path('$.l').add(1))#end",
            "#foreach($i in $input.path('$'))#set($x = $input.path('$').put('n', 1))#end",
        ] {
            assert!(rendered(template, r#"{"l": [1, 2], "m": {}}"#).contains("was changed while"), "{template}");
        }
    }

    #[test]
    fn what_contains_itself_is_too_much_for_a_path() {
        let itself = "#set($r = $input.path('$'))#set($r.a.x = $r.a)#set($r.b.x = $r.b)";
        for path in ["$.concat($.a)", "$.concat($.l)", "$.l[?(@ == $.a)]"] {
            let text = rendered(
                &format!("{itself}#set($x = $r.l.add($r.b))$input.path(\"{path}\")"),
                r#"{"l":[],"a":{},"b":{}}"#,
            );
            assert!(text.contains("exceeds a limit"), "{path}: {text}");
        }
    }

    #[test]
    fn a_long_chain_of_documents_is_dropped_without_recursion() {
        let pass = "#set($d = $util.parseJson('{}'))#set($d.x = $last)#set($last = $d)";
        let template = format!("#foreach($i in [1..300])#foreach($j in [1..1000]){pass}#end#end$last.size()");
        assert_eq!(rendered(&template, "{}"), "1");
    }

    #[test]
    fn what_is_read_from_texts_counts_as_made() {
        let template = "#set($l = [])#foreach($i in [1..1000])#set($x = $l.add($util.parseJson($input.body)))#end";
        let body = format!("[{}1]", "1,".repeat(50_000));
        assert!(rendered(template, &body).contains("bytes of values"));
    }
}
