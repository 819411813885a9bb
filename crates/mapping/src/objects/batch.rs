//! One line of `gatewright render --batch`, of templates and of JSONPath: a case in, its result out.

use std::rc::Rc;

use jsonpath::Path;
use vtl::{Map, MapKind, Value};

use crate::objects::node::BodyNode;
use crate::objects::{
    RenderError, RenderInput, RenderKind, Rendered, Source, fixed, linked, map_of, parse_and_render, render_noted,
};

/// Renders one case: a JSON object with `template`, and optionally `id`, `input` (`body`, `params`), `context` and
/// `stageVariables`; other members are ignored.
///
/// Gives a JSON object on one line: `id`, then `output` with `requestOverrideAfter` and `responseOverrideAfter` where the
/// case's context has such a member, or `error` (`parse`, `body`, `eval`) with `line`, `column` and `message`.
/// A line that is no case gives an error of kind `parse`.
pub fn batch_line(line: &str) -> String {
    let case = match vtl::parse_json(line) {
        Ok(Value::Map(case)) => case,
        Ok(_) => return answer(&Value::Null, Err(not_a_case("the line is no JSON object")), &[]),
        Err(error) => return answer(&Value::Null, Err(not_a_case(&error)), &[]),
    };
    let id = case.member("id").unwrap_or_default();
    let Some(Value::Text(template)) = case.member("template") else {
        return answer(&id, Err(not_a_case("the case has no `template`")), &[]);
    };
    let body = body_of(&case);
    let input = input_of(&case, &body);
    let has = overrides_of(&case);
    let result = parse_and_render(&template, input);
    answer(&id, result, &has)
}

/// Renders one case as [`batch_line`] does, and tells which part of the output each line of the template wrote: where it fails as
/// `batch_line` does, else `output` and the pieces.
///
/// # Errors
/// The answer of [`batch_line`], which says what is wrong.
pub fn preview(line: &str) -> Result<(String, Vec<vtl::Piece>), String> {
    let wrong = || batch_line(line);
    let Ok(Value::Map(case)) = vtl::parse_json(line) else { return Err(wrong()) };
    let Some(Value::Text(text)) = case.member("template") else { return Err(wrong()) };
    let Ok(template) = vtl::Template::parse(&text) else { return Err(wrong()) };
    let body = body_of(&case);
    let rendered = render_noted(&template, input_of(&case, &body));
    rendered.map(|(rendered, pieces)| (rendered.text, pieces)).map_err(|_| wrong())
}

/// The payload of a case: a text, or nothing.
pub(super) fn body_of(case: &Map) -> Value {
    match member(case, "input") {
        Value::Map(input) => member(&input, "body"),
        _ => Value::Null,
    }
}

/// What a case lets its template see; `body` is what [`body_of`] gave.
pub(super) fn input_of<'a>(case: &'a Map, body: &'a Value) -> RenderInput<'a, impl Source> {
    RenderInput { body: body.as_text().map(str::as_bytes), source: CaseSource(case) }
}

/// The overrides that a case's context has.
fn overrides_of(case: &Map) -> Vec<&'static str> {
    let context = member(case, "context");
    let names = ["requestOverride", "responseOverride"].into_iter();
    names.filter(|name| context.member(name).is_some()).collect()
}

struct CaseSource<'a>(&'a Map);

impl Source for CaseSource<'_> {
    fn params(&self) -> Value {
        let params = member(self.0, "input").member("params").unwrap_or_default();
        let of_params = |kind| (kind, or_empty(params.member(kind).unwrap_or_default()));
        fixed(["path", "querystring", "header"].map(of_params))
    }

    fn context(&self) -> Value {
        map_of(&or_empty(member(self.0, "context")))
    }

    fn overrides(&self) -> bool {
        !overrides_of(self.0).is_empty()
    }

    fn stage_variables(&self) -> Value {
        or_empty(member(self.0, "stageVariables"))
    }
}

/// Evaluates one JSONPath case: a JSON object with `doc` (JSON text) and `path`, and optionally `id`.
///
/// Gives a JSON object on one line: `id`, then `value`, `definite`, `text` (what `$input.path` prints) and `json` (what
/// `$input.json` gives); or `missing`; or `error` (`path`, `eval`) with `message`.
pub fn jsonpath_line(line: &str) -> String {
    let case = match vtl::parse_json(line) {
        Ok(Value::Map(case)) => case,
        _ => return failed(&Value::Null, "path", "the line is no JSON object"),
    };
    let id = case.member("id").unwrap_or_default();
    let (Value::Text(doc), Value::Text(path)) = (member(&case, "doc"), member(&case, "path")) else {
        return failed(&id, "path", "the case has no `doc` and `path`");
    };
    let document = match vtl::read_json(&doc) {
        Ok(document) => document,
        Err(error) => return failed(&id, "eval", &error),
    };
    let kind = |error: &jsonpath::Error| if error.kind == jsonpath::ErrorKind::Path { "path" } else { "eval" };
    let found = Path::parse(&path).and_then(|path| Ok((path.is_definite(), path.evaluate(&BodyNode(document))?)));
    let (definite, found) = match found {
        Ok((definite, Some(BodyNode(found)))) => (definite, found),
        Ok((_, None)) => return one_line(&[("id", id), ("missing", Value::Bool(true))]),
        Err(error) => return failed(&id, kind(&error), &error.to_string()),
    };
    let json = if matches!(found, Value::Null) { vtl::to_json(&Value::text("")) } else { vtl::to_json(&found) };
    match (vtl::display(&found), json) {
        (Ok(text), Ok(json)) => one_line(&[
            ("id", id),
            ("value", found),
            ("definite", Value::Bool(definite)),
            ("text", Value::from(text)),
            ("json", Value::from(json)),
        ]),
        (Err(error), _) | (_, Err(error)) => failed(&id, "eval", &error),
    }
}

fn failed(id: &Value, kind: &str, message: &str) -> String {
    one_line(&[("id", id.clone()), ("error", Value::text(kind)), ("message", Value::text(message))])
}

// What is too large to be written is told without it.
fn one_line(members: &[(&'static str, Value)]) -> String {
    vtl::to_json(&linked(members.iter().cloned())).unwrap_or_else(|error| {
        let told = [("error", Value::text("eval")), ("message", Value::from(error))];
        vtl::to_json(&linked(members.iter().take(1).cloned().chain(told))).unwrap_or_default()
    })
}

fn member(map: &Map, name: &str) -> Value {
    map.member(name).unwrap_or_default()
}

fn or_empty(value: Value) -> Value {
    match value {
        Value::Map(_) => value,
        _ => Value::Map(Rc::new(Map::new(MapKind::Linked))),
    }
}

fn not_a_case(message: &str) -> RenderError {
    RenderError { kind: RenderKind::Parse, line: 1, column: 1, message: message.to_owned() }
}

fn answer(id: &Value, result: Result<Rendered, RenderError>, overrides: &[&str]) -> String {
    let mut members = vec![("id", id.clone())];
    match result {
        Ok(rendered) => {
            members.push(("output", Value::from(rendered.text)));
            for name in overrides {
                let (member, left) = match *name {
                    "requestOverride" => ("requestOverrideAfter", &rendered.request_override),
                    _ => ("responseOverrideAfter", &rendered.response_override),
                };
                members.push((member, left.clone().unwrap_or_default()));
            }
        }
        Err(error) => {
            let kind = match error.kind {
                RenderKind::Parse => "parse",
                RenderKind::Body => "body",
                RenderKind::Eval => "eval",
            };
            members.push(("error", Value::text(kind)));
            members.push(("line", Value::integer(error.line as i64)));
            members.push(("column", Value::integer(error.column as i64)));
            members.push(("message", Value::from(error.message)));
        }
    }
    one_line(&members)
}
