//! Frames of a client, put together to messages.

use crate::assembly::{Assembly, Bounds, Input};
use crate::frame;

/// The bounds are small, so that they are met.
const MESSAGE_BYTES_MAX: usize = 300;
const FRAME_BYTES_MAX: usize = 150;
/// The longest head of a frame. Source: RFC 6455, 5.2.
const HEAD_BYTES_MAX: usize = 14;

/// Frames: the first byte says what the bounds are, the second how the rest is cut in reads.
///
/// However they are cut, the same comes of them, within the bounds; and no more is kept than a message may have.
pub fn client_frames(input: &[u8]) {
    let [form, cut, bytes @ ..] = input else { return };
    let frame_bytes = if form & 1 == 0 { FRAME_BYTES_MAX } else { 0 };
    let bounds = Bounds { frame_bytes, message_bytes: MESSAGE_BYTES_MAX, binary: form & 2 != 0 };
    let whole = read(bytes, bytes.len().max(1), bounds);
    for step in [1, usize::from(*cut) + 2] {
        assert_eq!(read(bytes, step, bounds), whole, "in steps of {step}: {bytes:x?}");
    }
}

fn read(bytes: &[u8], step: usize, bounds: Bounds) -> (Vec<Input>, Option<u16>) {
    let mut assembly = Assembly::default();
    let mut inputs = Vec::new();
    let mut frames = 0;
    for mut piece in bytes.chunks(step) {
        loop {
            let before = piece.len();
            match assembly.next(&mut piece, bounds) {
                Ok(Some(input)) => {
                    frames += 1;
                    check(&input, bounds);
                    inputs.push(input);
                }
                Ok(None) => break,
                Err(violation) => {
                    assert!(frame::is_close_code(violation.code) && !violation.reason.is_empty(), "{violation:?}");
                    return (inputs, Some(violation.code));
                }
            }
            // Whole frames are counted, and come to an end.
            assert!(piece.len() < before || step < HEAD_BYTES_MAX, "a frame of no bytes");
        }
        assert!(piece.is_empty(), "{} bytes are left", piece.len());
        let kept = assembly.kept_bytes();
        assert!(kept <= 2 * MESSAGE_BYTES_MAX + HEAD_BYTES_MAX, "{kept} bytes are kept");
    }
    assert_eq!(assembly.take_frames(), frames);
    (inputs, None)
}

fn check(input: &Input, bounds: Bounds) {
    match input {
        Input::Message { body, is_binary } => {
            assert!(body.len() <= bounds.message_bytes, "a message of {} bytes", body.len());
            assert!(bounds.binary || !is_binary, "a binary message");
            assert!(*is_binary || str::from_utf8(body).is_ok(), "a text that is none");
        }
        Input::Ping(payload) => assert!(payload.len() <= frame::CONTROL_BYTES_MAX, "a ping of {} bytes", payload.len()),
        Input::Close { code, .. } => {
            assert!(*code == frame::close::NO_STATUS || frame::is_close_code(*code), "closed with {code}");
        }
        Input::Part | Input::Pong => {}
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::client_frames;

    const SEED: u64 = 20_261_127;
    const CASES: usize = 20_000;
    const FRAMES_MAX: usize = 8;

    /// First bytes of frames, mostly well-formed ones.
    const FIRST: &[u8] =
        &[0x81, 0x81, 0x01, 0x01, 0x00, 0x00, 0x80, 0x80, 0x02, 0x82, 0x88, 0x89, 0x8a, 0x09, 0xc1, 0x83];

    fn frame(random: &mut StdRng) -> Vec<u8> {
        let length = match random.random_range(0..4) {
            0 => random.random_range(0..4),
            1 => random.random_range(120..156),
            _ => random.random_range(0..130),
        };
        let mut frame = vec![FIRST[random.random_range(0..FIRST.len())]];
        match random.random_range(0..20) {
            0 => frame.push(random.random()),
            1 => frame.extend([0xff, 0, 0, 0, 0, 0, 0, random.random(), random.random()]),
            2 => frame.extend([0xfe, random.random_range(0..2), random.random()]),
            _ if length < 126 => frame.push(0x80 | length as u8),
            _ => frame.extend([0xfe, 0, length as u8]),
        }
        // Half of the masks change nothing, so that the payload stays text.
        let mask: [u8; 4] = if random.random_bool(0.5) { [0; 4] } else { random.random() };
        frame.extend(mask);
        let text = ["a", "ü", "€", "😀"][random.random_range(0..4)].bytes().cycle();
        let skipped = random.random_range(0..3);
        let payload = text.skip(if random.random_bool(0.3) { skipped } else { 0 }).take(length);
        frame.extend(payload.enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        frame
    }

    #[test]
    fn frames_of_all_kinds_read_the_same_however_they_come() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let mut input = vec![random.random(), random.random()];
            for _ in 0..random.random_range(0..FRAMES_MAX) {
                input.extend(frame(&mut random));
            }
            client_frames(&input);
        }
    }

    #[test]
    fn no_bytes_do_harm() {
        let mut random = StdRng::seed_from_u64(SEED);
        for _ in 0..CASES {
            let length = random.random_range(0..60);
            client_frames(&(0..length).map(|_| random.random()).collect::<Vec<u8>>());
        }
    }
}
