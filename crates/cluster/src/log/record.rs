//! What stands in a message of the log: a line of JSON that says what it is, and behind it a piece of a batch.
//!
//! A batch that is larger than a message is several, of which the last one makes it count. Nothing is compressed: batches are
//! small, and what is in the log can be read with any tool.

use bytes::Bytes;
use control::store::{Change, Content, Document, Key, Revision};
use serde::{Deserialize, Serialize};

/// The form that is written. A reader takes this and older ones; members may be added without a new form.
pub(crate) const FORM: u32 = 1;
/// How much of a message its first line may take.
const HEAD_BYTES_MAX: usize = 1024;
/// The largest batch, which every node holds in memory while its parts arrive. An import of 100 APIs of 300 routes has a third.
pub(crate) const BATCH_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The first line of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// [`FORM`].
    pub(crate) form: u32,
    /// The batch: chance, 32 hexadecimal digits.
    pub(crate) id: String,
    /// The revision that the batch was made on.
    pub(crate) from: u64,
    /// Which part of the batch it is, from 0 on.
    pub(crate) part: u32,
    /// How many parts it has; 0 for a fence, which changes nothing and only takes its place.
    pub(crate) of: u32,
}

/// A change as it is written.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Written<'a> {
    Put(u64, &'a str, &'a Content),
    Gone(u64, &'a str),
}

/// A change as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Found {
    Put(u64, String, Document),
    Gone(u64, String),
}

/// A batch, ready to be sent.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) id: String,
    pub(crate) from: Revision,
    pub(crate) to: Revision,
    /// The messages, in order.
    pub(crate) messages: Vec<Bytes>,
}

impl Batch {
    /// Cuts a batch into messages of a size.
    ///
    /// # Errors
    /// In words, when it is too large, or cannot be written.
    pub(crate) fn write(id: String, from: Revision, changes: &[Change], bytes_max: usize) -> Result<Batch, String> {
        let written = changes.iter().map(|change| match change {
            Change::Put(key, content) => Written::Put(key.sequence, &key.path, content),
            Change::Delete(key) => Written::Gone(key.sequence, &key.path),
        });
        let body = serde_json::to_vec(&written.collect::<Vec<_>>()).map_err(|error| error.to_string())?;
        if body.len() > BATCH_BYTES_MAX {
            return Err(format!("a change of {} bytes at once; {BATCH_BYTES_MAX} are taken", body.len()));
        }
        let piece = bytes_max.saturating_sub(HEAD_BYTES_MAX).max(1);
        let of = u32::try_from(body.len().div_ceil(piece)).map_err(|error| error.to_string())?;
        let parts = (0..of).zip(body.chunks(piece));
        let messages =
            parts.map(|(part, piece)| message(&Head { form: FORM, id: id.clone(), from: from.0, part, of }, piece));
        let messages = messages.collect();
        Ok(Batch { id, from, to: from.after(changes), messages })
    }

    /// A message that changes nothing: where it stands, nothing else can that was meant to stand there.
    pub(crate) fn fence(id: String, from: Revision) -> Bytes {
        message(&Head { form: FORM, id, from: from.0, part: 0, of: 0 }, &[])
    }
}

fn message(head: &Head, piece: &[u8]) -> Bytes {
    // A struct of numbers and texts has a JSON form.
    let mut message = serde_json::to_vec(head).unwrap_or_default();
    message.push(b'\n');
    message.extend_from_slice(piece);
    message.into()
}

/// Takes a message apart.
///
/// # Errors
/// In words, when it is none of ours.
pub(crate) fn read(message: &[u8]) -> Result<(Head, &[u8]), String> {
    let end = message.iter().take(HEAD_BYTES_MAX).position(|byte| *byte == b'\n');
    let (head, rest) = message.split_at(end.ok_or("it has no first line")?);
    let head: Head = serde_json::from_slice(head).map_err(|error| error.to_string())?;
    Ok((head, &rest[1..]))
}

/// Reads a whole batch.
///
/// # Errors
/// In words, when it is none.
pub(crate) fn changes(body: &[u8]) -> Result<Vec<Change>, String> {
    let found: Vec<Found> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let changes = found.into_iter().map(|found| match found {
        Found::Put(sequence, path, document) => {
            let content = Content::of(&path, document);
            Change::Put(Key { sequence, path }, content)
        }
        Found::Gone(sequence, path) => Change::Delete(Key { sequence, path }),
    });
    Ok(changes.collect())
}

/// A new id of a batch.
pub(crate) fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn put(sequence: u64, text: &str) -> Change {
        let document: Document = serde_json::from_str(&format!(r#"{{"name":"{text}","b":1,"a":2}}"#)).unwrap();
        Change::Put(Key { sequence, path: format!("apis/{sequence}") }, Content::Document(Arc::new(document)))
    }

    #[test]
    fn a_batch_is_read_as_it_was_written_whatever_a_message_holds() {
        let gone = Change::Delete(Key { sequence: 2, path: "apis/2".to_owned() });
        let changes = [gone, put(7, "ä\\n"), put(8, &"x".repeat(3000))];
        for bytes_max in [1, HEAD_BYTES_MAX + 1, HEAD_BYTES_MAX + 7, 2000, 1_000_000] {
            let batch = Batch::write(new_id(), Revision(7), &changes, bytes_max).unwrap();
            assert_eq!(batch.to, Revision(9));
            let mut body = Vec::new();
            for (part, message) in batch.messages.iter().enumerate() {
                assert!(message.len() <= bytes_max.max(HEAD_BYTES_MAX + 1), "{bytes_max}: {}", message.len());
                let (head, piece) = read(message).unwrap();
                assert_eq!((head.part as usize, head.of as usize), (part, batch.messages.len()));
                assert_eq!((head.from, &head.id), (7, &batch.id));
                body.extend_from_slice(piece);
            }
            assert_eq!(format!("{:?}", super::changes(&body).unwrap()), format!("{changes:?}"), "{bytes_max}");
        }
    }

    #[test]
    fn what_is_no_message_of_ours_is_refused() {
        for message in ["", "\n", "{}", "{}\n", "x\n[]", r#"{"form":1}"#, &"x".repeat(5000)] {
            assert!(read(message.as_bytes()).is_err(), "{message}");
        }
        for body in ["", "{}", "[1]", r#"[{"put":[1,"a"]}]"#, r#"[{"put":[1,"a",[]]}]"#, r#"[{"else":[1,"a"]}]"#] {
            assert!(changes(body.as_bytes()).is_err(), "{body}");
        }
    }
}
