//! Callers of `@connections`.

use std::sync::Arc;

use super::gateway::Address;
use bytes::Bytes;

use super::plan::Call;
use super::snapshots::{API, STAGE};
use super::world::World;

/// The host that clients and callers name; the path says the API.
const HOST: &str = "127.0.0.1";

/// The bytes of what frames a post beside its padding, at most.
const POST_OVERHEAD: usize = 64;
/// The largest of the posts that a schedule makes, of the replies, and of an error frame.
const FRAME_BYTES_MAX: usize = 1000 + POST_OVERHEAD;
/// Pongs and close frames, which only what was read can cause: a schedule has at most so many pings, of few bytes.
const CONTROL_BYTES_MAX: usize = 512;
const CONTROL_FRAMES_MAX: usize = 12;

pub(crate) async fn poster(world: Arc<World>, number: usize) {
    let plan = &world.schedule.posters[number];
    let client = plan.client;
    // Without a $connect at the backend there is nobody to call.
    world.until(|state| state.ids.contains_key(&client) || state.over.contains(&client) || state.drained).await;
    let id = world.state().ids.get(&client).cloned();
    if let Some(id) = id {
        let mut deleted = false;
        let plan_moves = world.schedule.moves.is_some();
        for (sequence, call) in plan.calls.iter().enumerate() {
            let status = match call {
                Call::Post(padding) => post(&world, client, &id, number, sequence, *padding).await,
                Call::Get => other(&world, "GET", &id).await,
                Call::Delete => other(&world, "DELETE", &id).await,
            };
            let fits = match call {
                // 403: the stage is gone. 429: the client is being handed over, or does not read.
                Call::Post(_) => [200, 410, 429, 403].contains(&status),
                Call::Get => [200, 410, 403].contains(&status) || status == 429 && plan_moves,
                Call::Delete => [204, 410, 403].contains(&status) || status == 429 && plan_moves,
            };
            if !fits {
                world.fault(format!("{call:?} was answered {status}"));
            }
            if deleted && [200, 204].contains(&status) {
                world.fault(format!("{call:?} was answered {status} after a DELETE"));
            }
            deleted |= status == 204;
            // Only what was taken can have filled an outbox.
            if status == 200 {
                bounds_hold(&world);
            }
            tokio::task::yield_now().await;
        }
    }
    world.note(|state| *state.posters_done.entry(client).or_default() += 1);
}

/// Posts one frame; what was taken is written down in order.
pub(crate) async fn post(
    world: &World,
    client: usize,
    id: &str,
    poster: usize,
    sequence: usize,
    padding: usize,
) -> u16 {
    let text = format!(r#"{{"post":{poster},"sequence":{sequence},"pad":"{}"}}"#, "y".repeat(padding));
    let address = address(world, id);
    let status = world.gateway.connections("POST", &address, "", Bytes::from(text)).await.status;
    world.note(|state| match status {
        200 => state.taken.entry((client, poster)).or_default().push(sequence),
        429 => state.posts_full += 1,
        410 => state.posts_gone += 1,
        _ => {}
    });
    world.say(|| format!("poster {poster}: {sequence} to client {client}: {status}"));
    status
}

async fn other(world: &World, method: &str, id: &str) -> u16 {
    let address = address(world, id);
    let status = world.gateway.connections(method, &address, "", Bytes::new()).await.status;
    world.say(|| format!("{method} {id}: {status}"));
    world.note(|state| match status {
        200 => state.gets += 1,
        204 => state.deletes += 1,
        _ => {}
    });
    status
}

pub(crate) fn address(world: &World, id: &str) -> Address {
    let path = format!("{}/@connections/{id}", path());
    world.gateway.address(HOST, &path).expect("the path is one of the data plane")
}

pub(crate) fn path() -> String {
    format!("/_aws/execute-api/{API}/{STAGE}")
}

/// What waits for all clients together is what may wait for each of them.
fn bounds_hold(world: &World) {
    let schedule = &world.schedule;
    let clients = schedule.clients.len() as u64;
    let bytes_max = super::run::OUTBOX_BYTES + FRAME_BYTES_MAX * (1 + schedule.in_flight) + CONTROL_BYTES_MAX;
    let frames_max = super::run::OUTBOX_MESSAGES + schedule.in_flight + CONTROL_FRAMES_MAX;
    for (name, max) in [("gatewright_outbox_bytes", bytes_max), ("gatewright_outbox_frames", frames_max)] {
        let waits = world.metric(name);
        if waits > clients * max as u64 {
            world.fault(format!("{name} is {waits} for {clients} clients of at most {max} each"));
        }
    }
}
