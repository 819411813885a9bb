//! The stages whose every event a person wants to see, whatever their settings log: a switch that is no definition.

use serde_json::{Value, json};
use types::snapshot::StageKey;

use super::{Asked, Views, Wrong};

/// `GET`: the watched stages. `POST {"apiId", "stage", "on"}` turns one on or off, and gives them too.
pub(super) fn answer(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    if asked.method == http::Method::POST {
        let wanted = asked.json()?;
        let text = |name: &str| {
            let value = wanted[name].as_str().map(str::to_owned);
            value.ok_or_else(|| Wrong::bad(format!("`{name}` has to be a text")))
        };
        let key = StageKey { api_id: text("apiId")?, stage: text("stage")? };
        let on = wanted["on"].as_bool().ok_or_else(|| Wrong::bad("`on` has to be true or false"))?;
        if !views.gateway.watch(&key, on) {
            return Err(Wrong::absent(format!("there is no deployed stage {key}")));
        }
    }
    let watched = views.gateway.watched();
    let watched = watched.iter().map(|key| json!({ "apiId": key.api_id, "stage": key.stage }));
    Ok(json!({ "watched": watched.collect::<Vec<_>>() }))
}
