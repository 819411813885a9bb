//! What is asked of another node and what it answers, as bytes.
//!
//! Big-endian numbers, texts behind their length. The first byte is the form; a node of the next version that needs more writes
//! a new form only to those whose version reads it.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use gateway::{Command, ConnectionsAnswer};
use types::Id;
use types::snapshot::StageKey;

/// The form that is written and read.
const FORM: u8 = 1;
/// What a command takes besides its texts: id, lengths, kind.
const COMMAND_BYTES: usize = 32;
/// The names of failures that go over the wire as their place in this list; so it may only grow.
const ERROR_TYPES: [&str; 12] = [
    "GoneException",
    "LimitExceededException",
    "ForbiddenException",
    "PayloadTooLargeException",
    "BadRequestException",
    "ServiceUnavailableException",
    "InternalServerErrorException",
    "TooManyRequestsException",
    "NotFoundException",
    "AccessDeniedException",
    "UnauthorizedException",
    "MissingAuthenticationTokenException",
];
/// The one for names that are not in the list.
const OTHER: u8 = 6;
const NONE: u8 = u8::MAX;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Its number.
    pub(crate) number: u16,
    /// Its fencing token.
    pub(crate) token: u64,
}

/// One command on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) stage: StageKey,
    pub(crate) id: Id,
    pub(crate) command: Command,
}

impl Asked {
    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let command = match &self.command {
            Command::Post(data) => data.len(),
            Command::Get => 0,
            Command::Delete { reason, .. } => reason.len(),
        };
        COMMAND_BYTES + self.stage.api_id.len() + self.stage.stage.len() + command
    }
}

/// What is asked of a node.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) from: Sender,
    /// The number of the node that is meant. Whoever has it knows by the connections' ids whether they are its own: an earlier
    /// holder's are found nowhere.
    pub(crate) to: u16,
    pub(crate) asked: Vec<Asked>,
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// One answer for each command, in order.
    Answers(Sender, Vec<ConnectionsAnswer>),
    /// It works on too much already.
    Busy,
    /// It has not, or no longer, the number that is meant: its clients are being closed.
    NotMe,
    /// It does not believe that the sender is who it says.
    NotYou,
}

pub(crate) fn write_question(question: &Question) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(FORM);
    put_sender(&mut out, question.from);
    out.put_u16(question.to);
    out.put_u16(u16::try_from(question.asked.len()).unwrap_or(u16::MAX));
    for asked in question.asked.iter().take(usize::from(u16::MAX)) {
        put_text(&mut out, asked.stage.api_id.as_bytes());
        put_text(&mut out, asked.stage.stage.as_bytes());
        put_text(&mut out, asked.id.text().as_str().as_bytes());
        match &asked.command {
            Command::Post(data) => {
                out.put_u8(1);
                put_text(&mut out, data);
            }
            Command::Get => out.put_u8(2),
            Command::Delete { code, reason } => {
                out.put_u8(3);
                out.put_u16(*code);
                put_text(&mut out, reason.as_bytes());
            }
        }
    }
    out.freeze()
}

pub(crate) fn read_question(mut bytes: Bytes) -> Option<Question> {
    let bytes = &mut bytes;
    if bytes.try_get_u8().ok()? != FORM {
        return None;
    }
    let from = sender(bytes)?;
    let to = bytes.try_get_u16().ok()?;
    let count = bytes.try_get_u16().ok()?;
    let mut asked = Vec::new();
    for _ in 0..count {
        let stage = StageKey { api_id: string(bytes)?, stage: string(bytes)? };
        let id = string(bytes)?.parse().ok()?;
        let command = match bytes.try_get_u8().ok()? {
            1 => Command::Post(text(bytes)?),
            2 => Command::Get,
            3 => Command::Delete { code: bytes.try_get_u16().ok()?, reason: string(bytes)? },
            _ => return None,
        };
        asked.push(Asked { stage, id, command });
    }
    bytes.is_empty().then_some(Question { from, to, asked })
}

pub(crate) fn write_reply(reply: &Reply) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(FORM);
    let answers = match reply {
        Reply::Answers(from, answers) => {
            out.put_u8(1);
            put_sender(&mut out, *from);
            answers
        }
        Reply::Busy => return end(out, 2),
        Reply::NotMe => return end(out, 3),
        Reply::NotYou => return end(out, 4),
    };
    out.put_u16(u16::try_from(answers.len()).unwrap_or(u16::MAX));
    for answer in answers {
        out.put_u16(answer.status);
        out.put_u8(answer.error_type.map_or(NONE, |name| {
            let place = ERROR_TYPES.iter().position(|known| *known == name);
            place.and_then(|place| u8::try_from(place).ok()).unwrap_or(OTHER)
        }));
        out.put_u32(answer.retry_after.unwrap_or(u32::MAX));
        put_text(&mut out, answer.body.as_bytes());
    }
    out.freeze()
}

fn end(mut out: BytesMut, kind: u8) -> Bytes {
    out.put_u8(kind);
    out.freeze()
}

pub(crate) fn read_reply(mut bytes: Bytes) -> Option<Reply> {
    let bytes = &mut bytes;
    if bytes.try_get_u8().ok()? != FORM {
        return None;
    }
    let reply = match bytes.try_get_u8().ok()? {
        1 => {
            let from = sender(bytes)?;
            let count = bytes.try_get_u16().ok()?;
            let mut answers = Vec::new();
            for _ in 0..count {
                let status = bytes.try_get_u16().ok()?;
                let error_type = match bytes.try_get_u8().ok()? {
                    NONE => None,
                    // A newer node may know more of them.
                    place => {
                        Some(ERROR_TYPES.get(usize::from(place)).copied().unwrap_or(ERROR_TYPES[usize::from(OTHER)]))
                    }
                };
                let retry_after = Some(bytes.try_get_u32().ok()?).filter(|seconds| *seconds != u32::MAX);
                answers.push(ConnectionsAnswer { status, error_type, body: string(bytes)?, retry_after });
            }
            Reply::Answers(from, answers)
        }
        2 => Reply::Busy,
        3 => Reply::NotMe,
        4 => Reply::NotYou,
        _ => return None,
    };
    bytes.is_empty().then_some(reply)
}

fn put_sender(out: &mut BytesMut, sender: Sender) {
    out.put_u16(sender.number);
    out.put_u64(sender.token);
}

fn sender(bytes: &mut Bytes) -> Option<Sender> {
    Some(Sender { number: bytes.try_get_u16().ok()?, token: bytes.try_get_u64().ok()? })
}

fn put_text(out: &mut BytesMut, text: &[u8]) {
    // Nothing that is sent is four gigabytes long; if it were, the reader would find that lengths do not fit.
    out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(text);
}

fn text(bytes: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

fn string(bytes: &mut Bytes) -> Option<String> {
    String::from_utf8(text(bytes)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::id::IdKind;

    fn question() -> Question {
        let stage = StageKey { api_id: "a1b2".to_owned(), stage: "$default".to_owned() };
        let asked =
            |random, command| Asked { stage: stage.clone(), id: Id::new(IdKind::Connection, 9, random), command };
        let delete = Command::Delete { code: 1001, reason: "äh".to_owned() };
        let asked = vec![asked(1, Command::Post("hello".into())), asked(2, Command::Get), asked(3, delete)];
        Question { from: Sender { number: 3, token: 77 }, to: 5, asked }
    }

    fn replies() -> Vec<Reply> {
        let answer = ConnectionsAnswer {
            status: 429,
            error_type: Some("LimitExceededException"),
            body: "{}".to_owned(),
            retry_after: Some(1),
        };
        let answers = vec![ConnectionsAnswer::gone(), answer, ConnectionsAnswer::forbidden()];
        vec![Reply::Answers(Sender { number: 9, token: 5 }, answers), Reply::Busy, Reply::NotMe, Reply::NotYou]
    }

    #[test]
    fn what_is_written_is_read() {
        let question = question();
        let read = read_question(write_question(&question)).map(|read| format!("{read:?}"));
        assert_eq!(read, Some(format!("{question:?}")));
        for reply in replies() {
            assert_eq!(read_reply(write_reply(&reply)), Some(reply));
        }
    }

    #[test]
    fn a_piece_of_a_message_and_one_with_more_behind_it_are_none() {
        let replies = replies();
        let messages = [write_question(&question())].into_iter().chain(replies.iter().map(write_reply));
        for (index, message) in messages.enumerate() {
            let is_read =
                |bytes: Bytes| if index == 0 { read_question(bytes).is_some() } else { read_reply(bytes).is_some() };
            assert!(is_read(message.clone()));
            for end in 0..message.len() {
                assert!(!is_read(message.slice(..end)), "{index}: {end} bytes");
            }
            assert!(!is_read([&message[..], b"x"].concat().into()), "{index}");
            let mut newer = message.to_vec();
            newer[0] = FORM + 1;
            assert!(!is_read(newer.into()), "{index}");
        }
    }

    #[test]
    fn no_bytes_make_it_fall_over() {
        let mut message = write_question(&question()).to_vec();
        let answers = write_reply(&replies()[0]).to_vec();
        for round in 0..20_000_u64 {
            let at = usize::try_from(round.wrapping_mul(0x9e37_79b9) % message.len() as u64).unwrap();
            message[at] ^= round.to_le_bytes()[0] | 1;
            let _ = read_question(message.clone().into());
            let mut answers = answers.clone();
            let at = at % answers.len();
            answers[at] ^= round.to_le_bytes()[0] | 1;
            let _ = read_reply(answers.into());
        }
    }

    #[test]
    fn a_failure_without_a_place_in_the_list_is_an_internal_one() {
        let answer = ConnectionsAnswer { error_type: Some("NewException"), ..ConnectionsAnswer::gone() };
        let read = read_reply(write_reply(&Reply::Answers(Sender { number: 1, token: 1 }, vec![answer])));
        let Some(Reply::Answers(_, answers)) = read else { panic!("{read:?}") };
        assert_eq!(answers[0].error_type, Some("InternalServerErrorException"));
    }
}
