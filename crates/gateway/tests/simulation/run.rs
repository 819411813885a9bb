//! Runs one schedule: starts everybody, publishes, drains, checks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use integration::Integrations;

use super::gateway::{
    AccessLine, Alone, Arrival, Gateway, HandedOver, LogSink, Push, Record, RequestHead, Settings, Socket,
};
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::Instant;
use types::{Dialect, Limits};

use super::client::Told;
use super::coverage::Coverage;
use super::place::{self, Door, Place};
use super::plan::{Change, Published, Schedule};
use super::snapshots::Deployed;
use super::world::{State, World};
use super::{checks, client, posts};

pub(crate) const OUTBOX_MESSAGES: usize = 4;
pub(crate) const OUTBOX_BYTES: usize = 1024;
pub(crate) const FRAME_BYTES: usize = 2048;

struct Silent;

impl LogSink for Silent {
    fn push(&self, _: Push) {}

    fn say(&self, _: Option<&types::StageKey>, _: String) {}

    fn watched(&self) -> bool {
        false
    }
    fn write(&self, _: Record) {}
    fn keeps_access(&self) -> bool {
        false
    }
    fn access(&self, _: AccessLine) {}
}

/// Gives what the schedule met and all that happened, or everything about it when something did not hold.
pub(crate) async fn run(schedule: Schedule, limit: Duration) -> Result<(Coverage, Vec<String>), String> {
    let place = Place::new(schedule.seed).await;
    let gateway = place.gateway(settings(&schedule));
    let deployed = Deployed::new(&schedule, place.backend());
    gateway.publish(&deployed.snapshot());
    let world = Arc::new(World::new(schedule, gateway));
    world.note(|state| {
        state.was_unthrottled = deployed.throttle.is_none();
        (state.bursts, state.rate_max) = deployed.throttle.unwrap_or_default();
    });
    // They end with this set, whatever happens here.
    let mut servers = JoinSet::new();
    let door = place.serve(&world, &mut servers);
    let timers = world.gateway.clone();
    servers.spawn(async move { timers.run_timers().await });

    let begun = Instant::now();
    let told = tokio::time::timeout(limit, play(&world, deployed, door)).await;
    match told {
        Ok(told) => {
            let coverage = checks::check(&world, &told, begun.elapsed())?;
            let trace = std::mem::take(&mut world.state().trace);
            Ok((coverage, trace))
        }
        Err(_) => Err(checks::failure(&world, &["it hung".to_owned()])),
    }
}

fn settings(schedule: &Schedule) -> Settings {
    let limits = Limits {
        idle_timeout: Duration::from_millis(schedule.idle_ms.unwrap_or(0)),
        close_timeout: Duration::from_millis(schedule.close_ms),
        frame_bytes: FRAME_BYTES,
        message_bytes: 2 * FRAME_BYTES,
        in_flight_per_connection: schedule.in_flight,
        in_flight_bytes: schedule.in_flight_bytes,
        outbox_messages: OUTBOX_MESSAGES,
        outbox_bytes: OUTBOX_BYTES,
        connections: schedule.connections,
        frames_per_second: schedule.pace.0,
        bytes_per_second: schedule.pace.1,
        ..Limits::default()
    };
    Settings {
        public_authority: None,
        origins: Vec::new(),
        authorizer: None,
        journal: None,
        limits,
        node: 0,
        sink: Arc::new(Silent),
        metrics_series: 100,
        peers: Box::new(Alone),
        dialect: Dialect { extended: schedule.extended, ..Dialect::default() },
        vpc_links: Default::default(),
        integrations: Integrations::new(1 << 20, Vec::new()),
    }
}

/// Reads a client's request and lets it in.
pub(crate) async fn greet(mut socket: Socket, from: IpAddr, gateway: Arc<Gateway>) -> Option<()> {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(parsed) = RequestHead::parse(&bytes).ok()? {
            break parsed;
        }
    };
    bytes.drain(..length);
    let peer = Arrival { ip: from, port: 0, local_port: 0, tls: false };
    if head.headers.get("x-abandon").is_some() {
        // As the program does when a kept-alive connection breaks between $connect and its answer.
        if let (_, Some(opening)) = gateway.open(head, peer).await {
            drop(socket);
            opening.abandon().await;
        }
        return None;
    }
    gateway.accept(head, socket, bytes, peer).await;
    Some(())
}

async fn play(world: &Arc<World>, mut deployed: Deployed, door: Door) -> Vec<Told> {
    let count = world.schedule.clients.len();
    let clients: Vec<_> =
        (0..count).map(|index| tokio::spawn(client::run(world.clone(), index, door.clone()))).collect();
    let mut posters = JoinSet::new();
    for number in 0..world.schedule.posters.len() {
        posters.spawn(posts::poster(world.clone(), number));
    }
    let mut mover = JoinSet::new();
    if let Some(events) = world.schedule.moves.filter(|_| place::MOVES) {
        mover.spawn(keep_moving(world.clone(), events));
    }
    for change in world.schedule.changes.clone() {
        publish(world, &mut deployed, change).await;
    }
    // Who stays is closed by the drain itself.
    let early = world.schedule.early_drain;
    let only_stayers_left = |state: &State| checks::only_stayers_left(state, &world.schedule);
    world.until(|state| early.is_some_and(|events| state.events >= events) || only_stayers_left(state)).await;
    while early.is_none() && posters.join_next().await.is_some() {}
    world.say(|| "drain".to_owned());
    let left = world.gateway.drain().await;
    world.note(|state| state.drained = true);
    if left > 0 {
        world.fault(format!("the drain left {left} connections"));
    }
    while posters.join_next().await.is_some() {}
    let mut told = Vec::new();
    for client in clients {
        match client.await {
            Ok(one) => told.push(one),
            Err(error) => {
                world.fault(format!("a client's task: {error}"));
                told.push(Told::default());
            }
        }
    }
    // A handshake that came during the drain may be running still; it is refused or closed.
    world.gateway.drain().await;
    told
}

// Hands every connection over, to the same gateway, through bytes. It may be stopped anywhere.
async fn keep_moving(world: Arc<World>, events: usize) {
    let mut next = events;
    loop {
        world.until(|state| state.events >= next).await;
        next += events;
        for id in world.gateway.connection_ids() {
            let Ok(HandedOver { luggage, socket, seat }) = world.gateway.hand_over(id).await else {
                world.note(|state| state.stayed += 1);
                continue;
            };
            let luggage = serde_json::to_vec(&luggage).expect("it is data");
            let luggage = serde_json::from_slice(&luggage).expect("it was written a moment ago");
            if let Err(back) = world.gateway.take_over(luggage, socket) {
                world.fault(format!("not taken over: {}", back.reason));
            }
            drop(seat);
            world.say(|| format!("{id} is handed over"));
            world.note(|state| state.moved += 1);
        }
    }
}

async fn publish(world: &World, deployed: &mut Deployed, change: Change) {
    let enough =
        |state: &State| state.events >= change.after_events || checks::only_stayers_left(state, &world.schedule);
    world.until(enough).await;
    match change.what {
        Published::ExtraRoute(there) => deployed.has_extra = there,
        Published::Throttle(burst, rate) => deployed.throttle = Some((burst, rate)),
        Published::StageGone => deployed.is_there = false,
        Published::StageBack => deployed.is_there = true,
        Published::Nothing => {}
    }
    world.say(|| format!("publish: {:?}", change.what));
    world.note(|state| {
        // A stage that comes back, or another number, begins with a full bucket.
        if let (Some((burst, rate)), Published::Throttle(..) | Published::StageBack) = (deployed.throttle, change.what)
        {
            state.bursts += burst;
            state.rate_max = state.rate_max.max(rate);
        }
        state.stages_gone += usize::from(change.what == Published::StageGone);
    });
    world.gateway.publish(&deployed.snapshot());
}
