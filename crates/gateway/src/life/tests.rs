use std::time::Duration;

use super::*;

const BOUNDS: Bounds = Bounds { frame_bytes: 100, message_bytes: 200, binary: false };

/// What happens to a connection's end.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// Somebody closes with this code; the client has 5 s then.
    Close(u16),
    /// The clock says so many seconds; it was opened at 100.
    Clock(u64),
    /// The client was last active then.
    Active(u64),
    AskToLeave,
    Leave,
    Stay,
    End,
}

/// What is to be done about it.
#[derive(Debug, PartialEq, Eq)]
enum Output {
    /// Something is begun: a close frame goes out, a departure, a stay.
    Yes,
    No,
    At(u64),
    Expired,
    Over,
    Never,
    /// The code that `$disconnect` is told.
    Told(u16),
}

fn told(code: u16) -> Disconnect {
    Disconnect::new(code, "r")
}

#[test]
fn what_was_decided_first_counts_and_every_time_is_an_argument() {
    use Happens::*;
    use Output::{At, Expired, Never, No, Over, Told, Yes};
    // Idle after 60 s, old after 500 s.
    let limits = Limits {
        idle_timeout: Duration::from_secs(60),
        connection_duration: Duration::from_secs(500),
        ..Limits::default()
    };
    let table: &[&[(Happens, Output)]] = &[
        // It breaks.
        &[(End, No), (End, No), (Close(1000), No), (Clock(900), Never)],
        // It idles, and lives on while something happens.
        &[(Clock(100), At(160)), (Active(150), No), (Clock(160), At(210)), (Clock(210), Expired), (Close(1001), Yes)],
        // It gets old all the same.
        &[(Active(590), No), (Clock(599), At(600)), (Clock(600), Expired)],
        // The first close counts; after its time the task ends, and $disconnect is told what was decided.
        &[
            (Clock(120), At(160)),
            (Close(1000), Yes),
            (Close(1001), No),
            (Clock(124), At(125)),
            (Clock(125), Over),
            (Clock(126), Never),
            (Close(1001), No),
            (End, Told(1000)),
            (End, No),
        ],
        // It leaves for another gateway, and ends there.
        &[
            (Leave, No),
            (AskToLeave, Yes),
            (AskToLeave, No),
            (Clock(120), At(160)),
            (Leave, Yes),
            (Leave, No),
            (Stay, No),
            (Close(1000), No),
            (AskToLeave, No),
            (Clock(900), Never),
        ],
        // It stays after all.
        &[(Stay, No), (AskToLeave, Yes), (Stay, Yes), (Leave, No), (Close(1000), Yes), (End, Told(1000))],
        // A close comes before it has left, and counts.
        &[(AskToLeave, Yes), (Close(1001), Yes), (Leave, No), (Stay, No), (AskToLeave, No), (End, Told(1001))],
        // What breaks while it is to leave is over.
        &[(AskToLeave, Yes), (End, No), (Leave, No)],
    ];
    let yes = |yes| if yes { Yes } else { No };
    for (number, script) in table.iter().enumerate() {
        let mut ending = Ending::default();
        let (mut now, mut active) = (100, 100);
        for (step, (input, output)) in script.iter().enumerate() {
            let given = match *input {
                Close(code) => yes(ending.close(told(code), Duration::from_secs(now + 5))),
                Active(at) => {
                    active = at;
                    No
                }
                Clock(at) => {
                    now = at;
                    let secs = Duration::from_secs;
                    match ending.timed(secs(now), secs(100), secs(active), &limits) {
                        Timed::At(at) => At(at.as_secs()),
                        Timed::Expired => Expired,
                        Timed::Over => Over,
                        Timed::Never => Never,
                    }
                }
                AskToLeave => yes(ending.ask_to_leave()),
                Leave => yes(ending.leave()),
                Stay => yes(ending.stay()),
                End => ending.end().map_or(No, |disconnect| Told(disconnect.status_code)),
            };
            assert_eq!(&given, output, "script {number}, step {step}: {input:?}");
        }
    }
}

fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend(payload);
    frame
}

fn effects(reading: &mut Reading, mut bytes: &[u8], closing: bool) -> Vec<Effect> {
    std::iter::from_fn(|| reading.take(&mut bytes, BOUNDS, || closing)).collect()
}

fn dispatch(body: &'static str) -> Effect {
    Effect::Dispatch { body: Bytes::from_static(body.as_bytes()), is_binary: false }
}

#[test]
fn frames_come_to_effects() {
    let close = |code: u16, reason: &str, disconnect: (u16, &str), is_over: bool| {
        let disconnect = Disconnect::new(disconnect.0, disconnect.1);
        Effect::Close(Box::new(Farewell { code, reason: reason.to_owned(), disconnect, is_over }))
    };
    let normal = "Connection Closed Normally";
    let unset = "Client-side close frame status not set";
    let utf8 = "text is not UTF-8";
    for (frames, closing, wanted) in [
        (vec![client_frame(0x81, b"hi"), client_frame(0x81, b"")], false, vec![dispatch("hi"), dispatch("")]),
        (vec![client_frame(0x81, b"hi")], true, vec![Effect::Nothing]),
        (vec![client_frame(0x01, b"h"), client_frame(0x80, b"i")], false, vec![Effect::Nothing, dispatch("hi")]),
        (
            vec![client_frame(0x89, b"p"), client_frame(0x8a, b"q")],
            false,
            vec![Effect::Pong(b"p".to_vec()), Effect::Nothing],
        ),
        (vec![client_frame(0x89, b"p")], true, vec![Effect::Pong(b"p".to_vec())]),
        (vec![client_frame(0x88, b"")], false, vec![close(1005, "", (1005, unset), true)]),
        (vec![client_frame(0x88, &[3, 232])], true, vec![close(1000, "", (1000, normal), true)]),
        (vec![client_frame(0x88, &[15, 160, b'x'])], false, vec![close(4000, "", (4000, "x"), true)]),
        (vec![client_frame(0x81, &[0xff])], false, vec![close(1007, utf8, (1007, utf8), false)]),
    ] {
        let mut reading = Reading::default();
        assert_eq!(effects(&mut reading, &frames.concat(), closing), wanted, "{frames:x?}");
        // Our own stream ends once after a violation, and never else.
        let violated = matches!(wanted.last(), Some(Effect::Close(farewell)) if !farewell.is_over);
        assert_eq!((reading.heeds_frames(), reading.flushed(), reading.flushed()), (!violated, violated, false));
    }
}

#[test]
fn who_is_read_when() {
    let limits = Limits { in_flight_per_connection: 2, in_flight_bytes_per_connection: 10, ..Limits::default() };
    let open = Standing::default();
    let (full, leaving, closing) = (
        Standing { full: true, ..open },
        Standing { leaving: true, ..open },
        Standing { closing: true, full: true, ..open },
    );
    for (standing, messages, bytes, next) in [
        (open, 0, 0, Next::Read),
        (open, 1, 9, Next::Read),
        (open, 2, 9, Next::Wait),
        (open, 1, 10, Next::Wait),
        (full, 0, 0, Next::Wait),
        (leaving, 1, 1, Next::Wait),
        (leaving, 0, 0, Next::Leave),
        (Standing { full: true, ..leaving }, 0, 0, Next::Leave),
        (closing, 2, 10, Next::Read),
    ] {
        assert_eq!(Reading::default().next(standing, InFlight { messages, bytes }, &limits), next, "{standing:?}");
        let mut violated = Reading::default();
        effects(&mut violated, &client_frame(0x83, b""), false);
        assert_eq!(violated.next(standing, InFlight { messages, bytes }, &limits), Next::Read);
    }
}

#[test]
fn what_is_written_down_at_any_byte_goes_on_as_if_nothing_had_been() {
    let frames = [
        client_frame(0x81, b"one"),
        client_frame(0x01, "t\u{fc}".as_bytes()),
        client_frame(0x89, b"ping"),
        client_frame(0x80, "\u{20ac}!".as_bytes()),
        client_frame(0x01, &"\u{fc}".as_bytes()[..1]),
        client_frame(0x80, &"\u{fc}".as_bytes()[1..]),
        client_frame(0x88, &[3, 232]),
    ]
    .concat();
    let whole = effects(&mut Reading::default(), &frames, false);
    assert_eq!(whole.len(), 7, "{whole:?}");
    for at in 0..=frames.len() {
        let mut before = Reading::default();
        let mut all = effects(&mut before, &frames[..at], false);
        before.rest = Bytes::from_static(b"not looked at");
        let written = serde_json::to_string(&before).unwrap();
        let mut after: Reading = serde_json::from_str(&written).unwrap();
        assert_eq!(after.rest, before.rest, "{written}");
        all.extend(effects(&mut after, &frames[at..], false));
        assert_eq!(all, whole, "cut at {at}: {written}");
    }
}
