//! What must hold when a schedule is over.

use std::collections::HashMap;
use std::time::Duration;

use super::client::{Got, Told};
use super::coverage::Coverage;
use super::plan::{Connect, End, Key, Schedule};
use super::world::{State, World};

/// Whether every client is over, but for those that wait for the gateway to close them.
pub(crate) fn only_stayers_left(state: &State, schedule: &Schedule) -> bool {
    let waits = |index: usize| {
        let plan = &schedule.clients[index];
        // A client that is not connected yet is no stayer yet.
        let id = state.ids.get(&index);
        matches!(plan.end, End::Stay | End::Stuck) && state.steps_done.contains(&index) && id.is_some()
    };
    (0..schedule.clients.len()).all(|index| state.over.contains(&index) || waits(index))
}

/// Everything about a schedule that failed.
pub(crate) fn failure(world: &World, faults: &[String]) -> String {
    let state = world.state();
    let trace = state.trace.join("\n  ");
    let faults: Vec<_> = faults.iter().chain(&state.faults).cloned().collect();
    format!(
        "SIMULATION_SEED={} fails:\n  {}\n{:#?}\nwhat happened:\n  {trace}\n",
        world.schedule.seed,
        faults.join("\n  "),
        world.schedule
    )
}

pub(crate) fn check(world: &World, told: &[Told], elapsed: Duration) -> Result<Coverage, String> {
    let mut faults = Vec::new();
    let mut coverage = Coverage::default();
    {
        let state = world.state();
        events(&state, &world.schedule, &mut faults, &mut coverage);
        throttles(&state, &world.schedule, elapsed, &mut faults);
        for (index, told) in told.iter().enumerate() {
            let mut fault = |text: String| faults.push(format!("client {index}: {text}"));
            handshake(&state, &world.schedule, index, told, &mut fault, &mut coverage);
            posts(&state, index, told, &mut fault, &mut coverage);
            replies(&state, &world.schedule, index, told, &mut fault, &mut coverage);
            ending(&state, index, told, &mut fault, &mut coverage);
        }
        coverage.posts_full += state.posts_full;
        coverage.posts_gone += state.posts_gone;
        coverage.gets += state.gets;
        coverage.deletes += state.deletes;
        coverage.stages_gone += state.stages_gone;
        coverage.moved += state.moved;
        coverage.stayed += state.stayed;
        faults.extend(state.faults.iter().cloned());
    }
    if world.gateway.open_connections() != 0 {
        faults.push(format!("{} connections are open at the end", world.gateway.open_connections()));
    }
    for name in
        ["gatewright_outbox_bytes", "gatewright_outbox_frames", "gatewright_connections", "gatewright_in_flight"]
    {
        let left = world.metric(name);
        if left != 0 {
            faults.push(format!("{name} is {left} at the end"));
        }
    }
    if faults.is_empty() {
        return Ok(coverage);
    }
    world.state().faults.clear();
    Err(failure(world, &faults))
}

// What the backend saw.
fn events(state: &State, schedule: &Schedule, faults: &mut Vec<String>, coverage: &mut Coverage) {
    for (id, seen) in &state.seen {
        let mut fault = |text: String| faults.push(format!("connection {id} of client {}: {text}", seen.client));
        if seen.connects != 1 {
            fault(format!("{} CONNECT events", seen.connects));
        }
        if seen.disconnects != usize::from(seen.accepted) {
            fault(format!("{} DISCONNECT events, accepted: {}", seen.disconnects, seen.accepted));
        }
        if seen.at_once_max > schedule.in_flight {
            fault(format!("{} messages at the backend at once, the limit is {}", seen.at_once_max, schedule.in_flight));
        }
        let mut sorted = seen.messages.clone();
        sorted.sort_unstable();
        if schedule.in_flight == 1 && sorted != seen.messages {
            fault(format!("messages out of order: {:?}", seen.messages));
        }
        sorted.dedup();
        if sorted.len() != seen.messages.len() {
            fault(format!("a message came twice: {:?}", seen.messages));
        }
        coverage.accepted += usize::from(seen.accepted);
        coverage.refused += usize::from(!seen.accepted);
        coverage.messages += seen.messages.len();
    }
    if schedule.connections > 0 && state.open_max > schedule.connections {
        faults.push(format!("{} connections open at once, the limit is {}", state.open_max, schedule.connections));
    }
}

fn throttles(state: &State, schedule: &Schedule, elapsed: Duration, faults: &mut Vec<String>) {
    let may = f64::from(state.bursts) + f64::from(state.rate_max) * elapsed.as_secs_f64() + 1.0;
    if !state.was_unthrottled && state.echoes as f64 > may {
        faults.push(format!("{} messages on the throttled route, {may:.1} may pass", state.echoes));
    }
    if let Some(quota) = schedule.quota {
        let used: usize = state.seen.values().map(|seen| seen.connects + seen.messages.len()).sum();
        if used > quota as usize {
            faults.push(format!("{used} requests with a key whose quota is {quota}"));
        }
    }
}

fn handshake(
    state: &State,
    schedule: &Schedule,
    index: usize,
    told: &Told,
    fault: &mut impl FnMut(String),
    coverage: &mut Coverage,
) {
    let plan = &schedule.clients[index];
    let accepted = state.ids.get(&index).is_some_and(|id| state.seen[id].accepted);
    let key_opens = schedule.quota.is_none() || plan.key == Key::Good;
    match told.status {
        101 if !accepted => fault("let in although no backend accepted it".to_owned()),
        101 if !key_opens => fault("let in without a good key".to_owned()),
        101 => {}
        401 if plan.connect == Connect::Refuse => {}
        403 => coverage.handshake_403 += 1,
        429 => coverage.handshake_429 += 1,
        503 => coverage.handshake_503 += 1,
        504 if plan.connect == Connect::Drop => {}
        // It did not wait for the answer, or got none.
        0 if matches!(plan.connect, Connect::Vanish | Connect::Abandon) => {
            coverage.unanswered += usize::from(accepted);
        }
        other => fault(format!("its handshake was answered {other}")),
    }
}

// Each caller's posts come in order and without gaps, up to where the connection broke; all of them if it was closed.
fn posts(state: &State, index: usize, told: &Told, fault: &mut impl FnMut(String), coverage: &mut Coverage) {
    let mut got: HashMap<usize, Vec<usize>> = HashMap::new();
    for one in &told.got {
        if let Got::Post { poster, sequence } = one {
            got.entry(*poster).or_default().push(*sequence);
            coverage.posts_received += 1;
        }
    }
    let was_closed = told.got.iter().any(|got| matches!(got, Got::Close(_)));
    for (poster, got) in &got {
        if !state.taken.get(&(index, *poster)).is_some_and(|taken| taken.starts_with(got)) {
            let taken = state.taken.get(&(index, *poster));
            fault(format!("of poster {poster} it got {got:?}, taken were {taken:?}"));
        }
    }
    for ((_, poster), taken) in state.taken.iter().filter(|((client, _), _)| *client == index) {
        coverage.posts_taken += taken.len();
        let got = got.get(poster).map_or(0, Vec::len);
        if was_closed && got < taken.len() {
            fault(format!("closed after {got} of the {} posts of poster {poster} that were taken", taken.len()));
        }
    }
}

// Every message comes to one reply or one error frame; with one in flight in order.
fn replies(
    state: &State,
    schedule: &Schedule,
    index: usize,
    told: &Told,
    fault: &mut impl FnMut(String),
    coverage: &mut Coverage,
) {
    let seen = state.ids.get(&index).and_then(|id| state.seen.get(id));
    let messages = seen.map_or(&[][..], |seen| &seen.messages);
    coverage.settled += told.settled;
    let mut outcomes = 0;
    let mut replied = Vec::new();
    for (at, got) in told.got.iter().enumerate() {
        match got {
            Got::Reply(number) => {
                if schedule.in_flight == 1 && *number != outcomes {
                    fault(format!("reply {number} instead of {outcomes}"));
                }
                if replied.contains(number) || !messages.contains(number) {
                    fault(format!("reply {number} came twice, or from nowhere"));
                }
                let pushed = told.got[at..].iter().any(
                    |later| matches!(later, Got::Post { poster, .. } if *poster == super::backend::PUSHER + number),
                );
                if pushed {
                    fault(format!("what the backend posted before reply {number} came after it"));
                }
                replied.push(*number);
                outcomes += 1;
                coverage.replies += 1;
            }
            Got::Error(text) => {
                let limited = match text.as_str() {
                    "Too Many Requests" => &mut coverage.throttled_messages,
                    "Limit Exceeded" => &mut coverage.quota_messages,
                    // A backend that dropped the call, or a stage that was gone for a moment.
                    "Internal server error" | "Forbidden" => &mut coverage.error_frames,
                    _ => {
                        fault(format!("an error frame `{text}`"));
                        continue;
                    }
                };
                *limited += 1;
                let is_limited = text != "Internal server error" && text != "Forbidden";
                if schedule.in_flight == 1 && is_limited && messages.contains(&outcomes) {
                    fault(format!("message {outcomes} was refused although the backend saw it"));
                }
                outcomes += 1;
            }
            Got::Pong(payload) if payload == b"are you there" => coverage.pongs += 1,
            Got::Pong(_) => fault("a pong that is not its ping".to_owned()),
            Got::Post { .. } | Got::Close(_) => {}
        }
    }
    if outcomes > told.sent {
        fault(format!("{outcomes} outcomes of {} messages", told.sent));
    }
}

// Who saw a close frame saw what $disconnect was told.
fn ending(state: &State, index: usize, told: &Told, fault: &mut impl FnMut(String), coverage: &mut Coverage) {
    let code = state.ids.get(&index).and_then(|id| state.seen[id].code);
    let Some(closed) = told.got.iter().find_map(|got| if let Got::Close(code) = got { Some(*code) } else { None })
    else {
        coverage.cut_off += usize::from(told.status == 101);
        return;
    };
    if code != Some(closed) {
        fault(format!("closed with {closed}, $disconnect was told {code:?}"));
    }
    match closed {
        1002 | 1007 | 1009 if told.violated => coverage.violations += 1,
        1001 => coverage.closed_1001 += 1,
        _ if told.closed_with == Some(closed) => coverage.closed_by_client += 1,
        1000 if state.deletes > 0 => coverage.closed_by_delete += 1,
        _ => fault(format!("closed with {closed}, which nobody asked for")),
    }
}
