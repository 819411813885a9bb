//! One line of `gatewright render --batch`: a case in, its result out.

use std::rc::Rc;

use vtl::{Map, MapKind, Value};

use crate::objects::{RenderError, RenderInput, RenderKind, Rendered, linked, map_of, parse_and_render};

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
    let has: Vec<&str> = ["requestOverride", "responseOverride"]
        .into_iter()
        .filter(|name| matches!(&input.context, Value::Map(context) if context.member(name).is_some()))
        .collect();
    let result = parse_and_render(&template, input);
    answer(&id, result, &has)
}

/// The payload of a case: a text, or nothing.
pub(super) fn body_of(case: &Map) -> Value {
    match member(case, "input") {
        Value::Map(input) => member(&input, "body"),
        _ => Value::Null,
    }
}

/// What a case lets its template see; `body` is what [`body_of`] gave.
pub(super) fn input_of<'a>(case: &Map, body: &'a Value) -> RenderInput<'a> {
    let params = match member(case, "input") {
        Value::Map(input) => member(&input, "params"),
        _ => Value::Null,
    };
    let of_params = |kind| match &params {
        Value::Map(params) => or_empty(member(params, kind)),
        _ => or_empty(Value::Null),
    };
    RenderInput {
        body: body.as_text().map(str::as_bytes),
        params: linked(["path", "querystring", "header"].map(|kind| (kind, of_params(kind)))),
        context: map_of(&or_empty(member(case, "context"))),
        stage_variables: or_empty(member(case, "stageVariables")),
    }
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
    vtl::to_json(&linked(members)).unwrap_or_else(|error| {
        let error = [
            ("error", Value::text("eval")),
            ("line", Value::Int(1)),
            ("column", Value::Int(1)),
            ("message", Value::from(error)),
        ];
        vtl::to_json(&linked([("id", id.clone())].into_iter().chain(error))).unwrap_or_default()
    })
}
