//! The backend: does what messages ask of it and writes down what it sees. How it is called is its place's.

use std::time::Duration;

use serde_json::Value;

use super::plan::Connect;
use super::posts;
use super::world::{Seen, World};

/// The poster of what a backend posts while it works on message n is `PUSHER + n`.
pub(crate) const PUSHER: usize = 1000;
/// How long a late answer takes; long enough for others to overtake it.
const LATE: Duration = Duration::from_millis(4);
/// The padding of a large reply.
const LARGE: usize = 900;

/// What it is sent.
pub(crate) struct Call {
    event: String,
    route: String,
    connection: String,
    client: Option<usize>,
    code: Option<u16>,
    body: Vec<u8>,
}

impl Call {
    pub(crate) fn read<'h>(header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) -> Call {
        Call {
            event: header("sim-event").unwrap_or_default().to_owned(),
            route: header("sim-route").unwrap_or_default().to_owned(),
            connection: header("sim-id").unwrap_or_default().to_owned(),
            client: header("sim-client").and_then(|client| client.parse().ok()),
            code: header("sim-code").and_then(|code| code.parse().ok()),
            body: body.to_vec(),
        }
    }
}

/// An answer; `None` closes the connection instead.
pub(crate) type Scripted = Option<(u16, String)>;

/// Does what a call asks for.
pub(crate) async fn answer(call: &Call, world: &World) -> Scripted {
    match call.event.as_str() {
        "CONNECT" => connect(call, world).await,
        "MESSAGE" => message(call, world).await,
        "DISCONNECT" => disconnect(call, world).await,
        other => {
            world.fault(format!("the backend was sent an event {other}"));
            None
        }
    }
}

async fn connect(call: &Call, world: &World) -> Scripted {
    let Some(client) = call.client else {
        world.fault("a $connect without a client".to_owned());
        return None;
    };
    let plan = world.schedule.clients[client].connect;
    world.say(|| format!("backend: CONNECT of client {client}, {}", call.connection));
    world.note(|state| {
        state.events += 1;
        state.open += 1;
        state.open_max = state.open_max.max(state.open);
        state.ids.insert(client, call.connection.clone());
        let seen = state.seen.entry(call.connection.clone()).or_default();
        seen.client = client;
        seen.connects += 1;
    });
    match plan {
        Connect::Late => tokio::time::sleep(LATE).await,
        Connect::Vanish => world.until(|state| state.over.contains(&client)).await,
        _ => {}
    }
    let accepts = !matches!(plan, Connect::Refuse | Connect::Drop);
    world.note(|state| {
        state.open -= usize::from(!accepts);
        if let Some(seen) = state.seen.get_mut(&call.connection) {
            seen.accepted = accepts;
        }
    });
    match plan {
        Connect::Refuse => Some((401, "no".to_owned())),
        Connect::Drop => None,
        _ => Some((200, String::new())),
    }
}

async fn message(call: &Call, world: &World) -> Scripted {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let (Some(number), Some(does)) = (body["n"].as_u64(), body["does"].as_str()) else {
        world.fault(format!("the backend got a message that nobody sent: {}", String::from_utf8_lossy(&call.body)));
        return None;
    };
    let number = number as usize;
    world.say(|| format!("backend: MESSAGE {number} ({does}) of {}", call.connection));
    let client = world.note(|state| {
        state.events += 1;
        state.echoes += usize::from(call.route == "echo");
        let seen = state.seen.entry(call.connection.clone()).or_default();
        seen.messages.push(number);
        seen.at_once += 1;
        seen.at_once_max = seen.at_once_max.max(seen.at_once);
        seen.client
    });
    let answer = match does {
        "late" => {
            tokio::time::sleep(LATE).await;
            Some((200, reply(number, 0)))
        }
        "push" => {
            posts::post(world, client, &call.connection, PUSHER + number, 0, 10).await;
            Some((200, reply(number, 0)))
        }
        "fail" => Some((500, reply(number, 0))),
        "large" => Some((200, reply(number, LARGE))),
        "drop" => None,
        _ => Some((200, reply(number, 0))),
    };
    // Before the answer is on its way: the gateway may send the next message as soon as it has it.
    world.note(|state| {
        if let Some(seen) = state.seen.get_mut(&call.connection) {
            seen.at_once -= 1;
        }
    });
    answer
}

fn reply(number: usize, padding: usize) -> String {
    format!(r#"{{"reply":{number},"pad":"{}"}}"#, "x".repeat(padding))
}

async fn disconnect(call: &Call, world: &World) -> Scripted {
    world.say(|| format!("backend: DISCONNECT {:?} of {}", call.code, call.connection));
    let (turn, client) = world.note(|state| {
        state.events += 1;
        let seen = state.seen.entry(call.connection.clone()).or_default();
        seen.disconnects += 1;
        seen.code = call.code;
        (state.events, state.seen[&call.connection].client)
    });
    // Some $disconnect calls are slow, some fail: neither may lose or repeat one.
    let odd = (turn + client) % 8;
    if odd == 0 {
        tokio::time::sleep(LATE).await;
    }
    world.note(|state| state.open = state.open.saturating_sub(1));
    Some((if odd == 1 { 500 } else { 200 }, String::new()))
}

/// Whether a connection's end has reached the backend.
pub(crate) fn is_over(seen: Option<&Seen>) -> bool {
    seen.is_some_and(|seen| seen.disconnects > 0)
}
