//! A schedule, made from a seed: what everybody will do.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The key that opens the stage of schedules with API keys.
pub(crate) const GOOD_KEY: &str = "good-key-good-key-good";

/// Everything that happens in one simulation.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    pub(crate) in_flight: usize,
    /// The limit `in-flight-bytes`; 0 is none.
    pub(crate) in_flight_bytes: usize,
    pub(crate) extended: bool,
    pub(crate) idle_ms: Option<u64>,
    pub(crate) close_ms: u64,
    /// The limit `connections`; 0 is none.
    pub(crate) connections: usize,
    /// Burst and rate of the route `echo`.
    pub(crate) throttle: Option<(u32, u32)>,
    /// With API keys: the quota of the good one.
    pub(crate) quota: Option<u32>,
    pub(crate) clients: Vec<ClientPlan>,
    pub(crate) posters: Vec<Poster>,
    pub(crate) changes: Vec<Change>,
    /// The drain comes when the changes are through and the backend has seen so many events, whatever clients are
    /// doing; without a number it waits for them.
    pub(crate) early_drain: Option<usize>,
    /// All connections are handed over whenever the backend has seen so many events more.
    pub(crate) moves: Option<usize>,
    /// The limits `frames-per-second` and `bytes-per-second`; 0 is none. Rarely what a client sends, so that none takes long.
    pub(crate) pace: (usize, usize),
}

/// What one client does, in order.
#[derive(Clone, Debug)]
pub(crate) struct ClientPlan {
    pub(crate) connect: Connect,
    pub(crate) key: Key,
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
}

/// What becomes of a client's `$connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connect {
    Accept,
    /// The backend answers late.
    Late,
    Refuse,
    /// The backend closes the connection instead of answering.
    Drop,
    /// The client resets while the backend is thinking, which then accepts.
    Vanish,
    /// The front door loses the socket after `$connect`.
    Abandon,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Good,
    Wrong,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Message),
    Ping,
    /// Reads nothing from now on, until it must.
    Stop,
    Resume,
    /// Waits until the callers of `@connections` are done with this client, so that its outbox fills up.
    LetFill,
    /// Reads until every message sent has come to something.
    Settle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) action: &'static str,
    pub(crate) does: &'static str,
    /// Frames that it is sent in.
    pub(crate) fragments: usize,
    /// Bytes of each of its first writes; 0: all at once.
    pub(crate) torn: usize,
    pub(crate) padding: usize,
}

/// How a client ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Close(u16),
    CloseWithoutCode,
    Reset,
    HalfClose,
    /// A frame that breaks the protocol.
    Violate(Violation),
    /// Reads until the gateway closes.
    Stay,
    /// Reads nothing until the gateway gives up.
    Stuck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    Unmasked,
    Reserved,
    TooLong,
    NotUtf8,
}

/// One caller of `@connections`; its calls follow each other.
#[derive(Clone, Debug)]
pub(crate) struct Poster {
    pub(crate) client: usize,
    pub(crate) calls: Vec<Call>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// So many bytes of padding.
    Post(usize),
    Get,
    Delete,
}

/// What is published once the backend has seen so many events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) after_events: usize,
    pub(crate) what: Published,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// A route comes or goes.
    ExtraRoute(bool),
    Throttle(u32, u32),
    StageGone,
    StageBack,
    /// The same as before, which throws out what nobody uses.
    Nothing,
}

impl Schedule {
    pub(crate) fn from_seed(seed: u64) -> Schedule {
        let rng = &mut StdRng::seed_from_u64(seed);
        let clients: Vec<_> = (0..rng.random_range(1..=6)).map(|_| client(rng)).collect();
        let keys = rng.random_bool(0.25);
        let is_stuck = clients.iter().any(|client| client.end == End::Stuck);
        Schedule {
            seed,
            in_flight: [1, 1, 2, 16][rng.random_range(0..4)],
            extended: rng.random_bool(0.25),
            idle_ms: rng.random_bool(0.3).then(|| rng.random_range(50..=200)),
            close_ms: if is_stuck || rng.random_bool(0.3) { 50 } else { 5000 },
            connections: if rng.random_bool(0.15) { rng.random_range(1..=3) } else { 0 },
            throttle: rng.random_bool(0.3).then(|| (rng.random_range(1..=4), rng.random_range(1..=20))),
            quota: keys.then(|| rng.random_range(1..=30)),
            posters: (0..rng.random_range(0..=4)).map(|_| poster(rng, clients.len())).collect(),
            changes: changes(rng),
            early_drain: rng.random_bool(0.2).then(|| rng.random_range(0..=25)),
            clients,
            in_flight_bytes: if rng.random_bool(0.3) { rng.random_range(1..=400) } else { 0 },
            moves: rng.random_bool(0.4).then(|| rng.random_range(1..=4)),
            pace: if rng.random_bool(0.2) {
                (rng.random_range(5..=50), rng.random_range(2000..=20_000))
            } else {
                (0, 0)
            },
        }
    }
}

fn client(rng: &mut StdRng) -> ClientPlan {
    use Connect::*;
    let connect = match rng.random_range(0..100) {
        0..62 => Accept,
        62..78 => Late,
        78..84 => Refuse,
        84..88 => Drop,
        88..95 => Vanish,
        _ => Abandon,
    };
    let key = [Key::Good, Key::Good, Key::Good, Key::Wrong, Key::None][rng.random_range(0..5)];
    let mut steps: Vec<_> = (0..rng.random_range(0..=8)).map(|_| step(rng)).collect();
    if rng.random_bool(0.3) {
        let at = rng.random_range(0..=steps.len());
        steps.splice(at..at, [Step::Stop, Step::LetFill, Step::Resume]);
    }
    if rng.random_bool(0.5) {
        steps.push(Step::Settle);
    }
    let end = match rng.random_range(0..100) {
        0..20 => End::Close([1000, 3000, 4999][rng.random_range(0..3)]),
        20..30 => End::CloseWithoutCode,
        30..48 => End::Reset,
        48..60 => End::HalfClose,
        60..64 => End::Violate(Violation::Unmasked),
        64..67 => End::Violate(Violation::Reserved),
        67..70 => End::Violate(Violation::TooLong),
        70..73 => End::Violate(Violation::NotUtf8),
        73..93 => End::Stay,
        _ => End::Stuck,
    };
    ClientPlan { connect, key, steps, end }
}

fn step(rng: &mut StdRng) -> Step {
    match rng.random_range(0..100) {
        0..80 => Step::Send(Message {
            action: ["echo", "echo", "extra", "other"][rng.random_range(0..4)],
            does: match rng.random_range(0..100) {
                0..60 => "reply",
                60..78 => "late",
                78..84 => "fail",
                84..88 => "drop",
                88..96 => "push",
                _ => "large",
            },
            fragments: if rng.random_bool(0.2) { rng.random_range(2..=4) } else { 1 },
            torn: if rng.random_bool(0.3) { rng.random_range(1..=40) } else { 0 },
            padding: if rng.random_bool(0.2) { rng.random_range(100..=900) } else { 0 },
        }),
        80..86 => Step::Ping,
        86..90 => Step::Stop,
        90..94 => Step::Resume,
        _ => Step::Settle,
    }
}

fn poster(rng: &mut StdRng, clients: usize) -> Poster {
    let fills = rng.random_bool(0.4);
    let count = if fills { rng.random_range(30..=60) } else { rng.random_range(1..=10) };
    let call = |rng: &mut StdRng| match rng.random_range(0..100) {
        0..93 => Call::Post(if fills { 1000 } else { rng.random_range(0..=300) }),
        93..99 => Call::Get,
        _ => Call::Delete,
    };
    Poster { client: rng.random_range(0..clients), calls: (0..count).map(|_| call(rng)).collect() }
}

fn changes(rng: &mut StdRng) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut after_events = 0;
    if !rng.random_bool(0.5) {
        return changes;
    }
    for _ in 0..rng.random_range(1..=4) {
        after_events += rng.random_range(0..=12);
        let mut push = |what| changes.push(Change { after_events, what });
        match rng.random_range(0..10) {
            0..4 => push(Published::ExtraRoute(rng.random_bool(0.5))),
            4..7 => push(Published::Throttle(rng.random_range(1..=4), rng.random_range(1..=20))),
            _ => {
                push(Published::StageGone);
                push(Published::Nothing);
                if rng.random_bool(0.7) {
                    push(Published::StageBack);
                }
            }
        }
    }
    changes
}
