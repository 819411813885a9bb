//! The WebSocket events of functions.

use crate::fault::Fault;
use crate::node::{Node, Place};
use crate::remark::Remark;

use super::function::Function;

/// One event: a route that a function serves.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) function: String,
    pub(super) route: String,
    pub(super) route_response: Option<Node>,
    pub(super) authorizer: Option<Authorizer>,
    pub(super) place: Place,
}

/// What `authorizer` of an event says.
#[derive(Clone, Debug)]
pub(super) struct Authorizer {
    /// Of a function of the service, or the last part of an ARN.
    pub(super) name: String,
    /// The function's ARN, where it is not one of the service.
    pub(super) arn: Option<Node>,
    pub(super) identity_source: Option<Node>,
}

/// The events of a function, and a remark about those that are none of ours.
pub(super) fn of(function: &Function, remarks: &mut Vec<Remark>, faults: &mut Vec<Fault>) -> Vec<Event> {
    let path = format!("functions.{}.events", function.name);
    let Some(events) = &function.events else { return Vec::new() };
    let Some(items) = events.as_list() else {
        faults.push(Fault::new(format!("events are a list, not {}", events.kind()), path, events.place));
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut others: Vec<&str> = Vec::new();
    for item in items {
        match item.get("websocket") {
            Some(websocket) => match event(function, websocket) {
                Ok(event) => found.push(event),
                Err((message, place)) => faults.push(Fault::new(message, path.clone(), place)),
            },
            None => others.extend(item.as_str().or_else(|| Some(item.as_map()?.keys().next()?.as_str()))),
        }
    }
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        let message = format!("events of these kinds do not run a function here: {}", others.join(", "));
        remarks.push(Remark::new(message, path, events.place));
    }
    found
}

fn event(function: &Function, websocket: &Node) -> Result<Event, (String, Place)> {
    let place = websocket.place;
    let text = |node: &Node| node.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let route = match websocket.as_map() {
        Some(map) => map.get("route").and_then(text),
        None => text(websocket),
    };
    let Some(route) = route else { return Err(("a websocket event needs the key of its route".into(), place)) };
    let member = |name: &str| websocket.get(name).filter(|node| node.as_str() != Some(""));
    let authorizer = member("authorizer").map(authorizer).transpose()?;
    Ok(Event {
        function: function.name.clone(),
        route,
        route_response: member("routeResponseSelectionExpression").cloned(),
        authorizer,
        place,
    })
}

fn authorizer(node: &Node) -> Result<Authorizer, (String, Place)> {
    let last = |arn: &str| arn.rsplit(':').next().unwrap_or_default().to_owned();
    if let Some(text) = node.as_str() {
        let arn = text.contains(':').then(|| node.clone());
        return Ok(Authorizer { name: last(text), arn, identity_source: None });
    }
    let identity_source = node.get("identitySource").cloned();
    let name = node.get("name").and_then(Node::as_str);
    if let Some(arn) = node.get("arn") {
        let Some(name) = arn.as_str().map(last).or_else(|| name.map(str::to_owned)) else {
            return Err(("an authorizer whose arn is a function needs a name too".into(), arn.place));
        };
        return Ok(Authorizer { name, arn: Some(arn.clone()), identity_source });
    }
    match name {
        Some(name) => Ok(Authorizer { name: name.to_owned(), arn: None, identity_source }),
        None => Err(("an authorizer is the name of a function, its ARN, or a map with name or arn".into(), node.place)),
    }
}
