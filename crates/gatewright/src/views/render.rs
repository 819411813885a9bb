//! What a template makes of a message, and which of its lines wrote what: the console's playground.

use serde_json::{Value, json};

use super::{Asked, Wrong};

/// `POST render {"template", "body", "context", "stageVariables", "params"}`: `{"output", "lines"}`, or `{"error"}` with `kind`
/// (`parse`, `body`, `eval`), `line`, `column` and `message`.
pub(super) fn answer(asked: &Asked) -> Result<Value, Wrong> {
    let given = asked.json()?;
    let template = given["template"].as_str().ok_or_else(|| Wrong::bad("`template` has to be a text"))?;
    let mut case = json!({ "template": template, "input": { "body": given["body"] } });
    if let Some(params) = given.get("params").filter(|params| params.is_object()) {
        case["input"]["params"] = params.clone();
    }
    for member in ["context", "stageVariables"] {
        if let Some(value) = given.get(member).filter(|value| value.is_object()) {
            case[member] = value.clone();
        }
    }
    Ok(match mapping::preview(&case.to_string()) {
        Ok((output, pieces)) => {
            let piece = |piece: mapping::Piece| json!({ "from": piece.from, "to": piece.to, "line": piece.line });
            json!({ "output": output, "lines": pieces.into_iter().map(piece).collect::<Vec<_>>() })
        }
        Err(answer) => {
            let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
            json!({ "error": {
                "kind": answer["error"], "line": answer["line"], "column": answer["column"], "message": answer["message"],
            } })
        }
    })
}
