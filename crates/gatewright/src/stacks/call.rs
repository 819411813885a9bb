//! What `gatewright apply` and `delete-stack` ask a running gateway, as JSON under `/_gatewright/v1/stacks`.

use std::path::PathBuf;

use control::Caller;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use stacks::locate::Assets;
use stacks::{Fault, Node, wire};

use super::{Asked, Stacks, Told, faults, source};
use crate::answers::{Response, error, json_response};

/// Where it is.
pub(crate) const PATH: &str = "/_gatewright/v1/stacks";

/// The largest call, in bytes: a template, and the document that was made of it.
pub(crate) const BYTES_MAX: usize = 24 * 1024 * 1024;

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    List,
    Plan,
    Apply(String),
    Delete(String),
}

impl Operation {
    /// What a path asks for.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Operation> {
        let below = path.strip_prefix(PATH)?;
        match (method, below.strip_prefix('/')) {
            (&Method::GET, None) if below.is_empty() => Some(Operation::List),
            (&Method::POST, None) if below.is_empty() => Some(Operation::Plan),
            (&Method::POST, Some(name)) => Some(Operation::Apply(name.to_owned())),
            (&Method::DELETE, Some(name)) => Some(Operation::Delete(name.to_owned())),
            _ => None,
        }
    }

    /// The IAM action that it needs: CloudFormation's own.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Operation::List => "cloudformation:ListStacks",
            Operation::Plan => "cloudformation:CreateChangeSet",
            Operation::Apply(_) => "cloudformation:CreateStack",
            Operation::Delete(_) => "cloudformation:DeleteStack",
        }
    }

    /// The resource that it is allowed or denied for.
    pub(crate) fn resource(&self, region: &str, account_id: &str) -> String {
        match self {
            Operation::List | Operation::Plan => "*".to_owned(),
            Operation::Apply(name) | Operation::Delete(name) => {
                format!("arn:aws:cloudformation:{region}:{account_id}:stack/{name}/*")
            }
        }
    }
}

/// The body of a call that asks what several stacks would become.
pub(crate) fn plan_body(asked: &[Asked]) -> Value {
    json!({ "stacks": asked.iter().map(|asked| json!([asked.name, body(asked)])).collect::<Vec<_>>() })
}

/// The body of a call that applies.
pub(crate) fn body(asked: &Asked) -> Value {
    let (keys, otherwise) = asked.assets.parts();
    let keys = keys.map(|(key, path)| json!([key, path]));
    json!({
        "file": asked.file,
        "text": asked.text,
        "document": asked.document.as_ref().map(wire::write),
        "remarks": asked.remarks.iter().map(|remark| {
            json!([remark.message, remark.path, remark.place.line, remark.place.column])
        }).collect::<Vec<_>>(),
        "parameters": asked.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>(),
        "assets": { "keys": keys.collect::<Vec<_>>(), "otherwise": otherwise },
        "strict": asked.is_strict,
        "named": asked.is_named,
    })
}

fn asked(name: &str, body: &Value) -> Option<Asked> {
    let remark = |remark: &Value| {
        let number = |index: usize| u32::try_from(remark.get(index)?.as_u64()?).ok();
        let place = stacks::Place { line: number(2)?, column: number(3)? };
        Some(Fault::new(remark.get(0)?.as_str()?, remark.get(1)?.as_str()?, place))
    };
    let document: Option<Node> = match body.get("document") {
        None | Some(Value::Null) => None,
        Some(document) => Some(wire::read(document)?),
    };
    let parameters = body.get("parameters")?.as_object()?.iter();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let assets = body.get("assets")?;
    let keys = assets.get("keys")?.as_array()?.iter();
    let key = |pair: &Value| Some((text(pair.get(0))?, text(pair.get(1))?));
    let asked = Asked {
        name: name.to_owned(),
        text: body.get("text")?.as_str()?.to_owned(),
        file: PathBuf::from(body.get("file")?.as_str()?),
        document,
        remarks: body.get("remarks")?.as_array()?.iter().map(remark).collect::<Option<_>>()?,
        parameters: parameters
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect::<Option<_>>()?,
        assets: Assets::of(keys.map(key).collect::<Option<Vec<_>>>()?, text(assets.get("otherwise"))),
        is_strict: body.get("strict")?.as_bool()?,
        is_named: body.get("named")?.as_bool()?,
    };
    source::check_name(&asked.name).ok()?;
    Some(asked)
}

const UNKNOWN: &str = "the body is not what `gatewright apply` of this version sends";

/// Does what is asked. Blocks for the disk.
pub(crate) fn answer(stacks: &Stacks, operation: &Operation, caller: &Caller, body: &[u8]) -> Response {
    match operation {
        Operation::List => {
            let all = stacks.records().into_iter().map(|record| {
                json!({
                    "stackName": record.name, "stackId": record.id, "stackStatus": record.status,
                    "created": record.created, "updated": record.updated, "file": record.file,
                })
            });
            json_response(StatusCode::OK, &json!({ "stacks": all.collect::<Vec<_>>() }))
        }
        Operation::Apply(name) => {
            if let Err(wrong) = source::check_name(name) {
                return error(StatusCode::BAD_REQUEST, &wrong);
            }
            let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
            let Some(asked) = asked(name, &parsed) else { return error(StatusCode::BAD_REQUEST, UNKNOWN) };
            match stacks.apply(caller, &asked) {
                Ok(done) => {
                    let is_changed = done.applied.changes.iter().any(stacks::Change::is_done);
                    let text = stacks.told(&asked, &done, Told::Applied);
                    json_response(StatusCode::OK, &json!({ "text": text, "changed": is_changed }))
                }
                Err(wrong) => error(StatusCode::BAD_REQUEST, &faults(&asked, &wrong)),
            }
        }
        Operation::Plan => {
            let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
            let all = parsed["stacks"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
            let one = |pair: &Value| asked(pair.get(0)?.as_str()?, pair.get(1)?);
            let Some(all) = all.map(one).collect::<Option<Vec<_>>>() else {
                return error(StatusCode::BAD_REQUEST, UNKNOWN);
            };
            match stacks.plan(caller, &all) {
                Ok(done) => {
                    let text: String =
                        all.iter().zip(&done).map(|(asked, done)| stacks.told(asked, done, Told::Planned)).collect();
                    let is_changed = done.iter().flat_map(|done| &done.applied.changes).any(stacks::Change::is_done);
                    json_response(StatusCode::OK, &json!({ "text": text, "changed": is_changed }))
                }
                Err((which, wrong)) => {
                    let text = all.get(which).map(|asked| faults(asked, &wrong)).unwrap_or_default();
                    error(StatusCode::BAD_REQUEST, &text)
                }
            }
        }
        Operation::Delete(name) => match stacks.delete(caller, name) {
            Ok(changes) => {
                let lines: String = changes.iter().map(|change| format!("  {change}\n")).collect();
                json_response(
                    StatusCode::OK,
                    &json!({ "text": format!("stack {name} is gone\n{lines}"), "changed": true }),
                )
            }
            Err(wrong) => {
                let texts: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                error(StatusCode::BAD_REQUEST, &texts.join("\n"))
            }
        },
    }
}
