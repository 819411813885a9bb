//! Everything at one place of the log, in a stream of its own: who starts plays only what came after it, and the log is cut behind it.
//!
//! Parts come first, each under the snapshot's own id; the last message says that all are there. So one that was not finished is
//! never read, and two nodes may make one at a time.

use std::collections::BTreeSet;

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use bytes::Bytes;
use control::store::{Content, Document, Key, Revision};
use serde::{Deserialize, Serialize};

use super::writer::Snapshot;
use crate::error::Error;
use crate::link::{Link, told};

/// The form that is written and read.
const FORM: u32 = 1;
/// How many messages of the log stay that a snapshot makes superfluous, so that nodes a little behind need not begin anew.
const LOG_KEPT: u64 = 200;
/// How often a snapshot is looked for anew that was replaced while it was read.
const TRIES: usize = 3;
/// What headers and subject may take of a message.
const ENVELOPE_BYTES: usize = 1024;

/// Says of a snapshot that all of it is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    form: u32,
    /// Its place in the log in 20 digits, and chance.
    id: String,
    revision: u64,
    applied: u64,
    parts: u32,
    bytes: u64,
    /// The one before, which somebody may still be reading.
    #[serde(default)]
    previous: Option<String>,
}

/// Puts everything into the stream, and cuts the log behind it. Gives how many bytes it has.
///
/// # Errors
/// What NATS did not take. The snapshot before still counts then.
pub(super) async fn make(
    link: &Link,
    log: &Stream,
    stream: &Stream,
    snapshot: &Snapshot,
    bytes_max: usize,
) -> Result<u64, Error> {
    let what = "store a snapshot of the definitions";
    let body = write(snapshot).map_err(|error| Error::failed(what, error))?;
    let (before, place) = match made(link, stream).await? {
        Some((made, place)) => (Some(made), place),
        None => (None, 0),
    };
    if before.as_ref().is_some_and(|made| made.applied >= snapshot.applied) {
        return Ok(0);
    }
    let id = format!("{:020}-{:08x}", snapshot.applied, rand::random::<u32>());
    let piece = bytes_max.saturating_sub(ENVELOPE_BYTES).max(1);
    let parts = u32::try_from(body.len().div_ceil(piece)).map_err(|error| Error::failed(what, error))?;
    for part in 0..parts {
        let from = part as usize * piece;
        let bytes = body.slice(from..body.len().min(from + piece));
        publish(link, link.names.snapshot_part(&id, part), PublishMessage::build().payload(bytes)).await?;
    }
    let made = Made {
        form: FORM,
        id: id.clone(),
        revision: snapshot.revision.0,
        applied: snapshot.applied,
        parts,
        bytes: body.len() as u64,
        previous: before.map(|made| made.id),
    };
    let text = serde_json::to_vec(&made).map_err(|error| Error::failed(what, error))?;
    // Where another node made one meanwhile, this one is not needed.
    let last = PublishMessage::build().expected_last_subject_sequence(place).payload(text.into());
    let published = publish(link, link.names.snapshot_made(), last).await;
    if let Err(error) = published {
        let _ = stream.purge().filter(link.names.snapshot_parts(&id)).await;
        return Err(error);
    }
    clean(link, stream, &made).await;
    let cut = (snapshot.applied + 1).saturating_sub(LOG_KEPT);
    if cut > 1 {
        let _ = log.purge().sequence(cut).await;
    }
    Ok(made.bytes)
}

async fn publish(link: &Link, subject: String, message: PublishMessage) -> Result<(), Error> {
    let what = "store a snapshot of the definitions";
    let sent = link.context.send_publish(subject, message).await.map_err(|error| Error::failed(what, told(&error)))?;
    sent.await.map(drop).map_err(|error| Error::failed(what, told(&error)))
}

/// Removes what is older than this one and the one before. What stays by mistake goes with the next.
async fn clean(link: &Link, stream: &Stream, made: &Made) {
    let _ = stream.purge().filter(link.names.snapshot_made()).keep(1).await;
    let Some(previous) = &made.previous else { return };
    let Ok(mut found) = stream.info_with_subjects(link.names.snapshot_parts("*")).await else { return };
    let mut old = BTreeSet::new();
    while let Some(Ok((subject, _))) = futures_util::StreamExt::next(&mut found).await {
        // cluster.snapshot.part.ID.NUMBER
        old.extend(subject.rsplit('.').nth(1).filter(|id| *id < previous.as_str()).map(str::to_owned));
    }
    for id in old {
        let _ = stream.purge().filter(link.names.snapshot_parts(&id)).await;
    }
}

/// Reads the newest; none where there never was one.
///
/// # Errors
/// When NATS does not answer, or what is there cannot be read.
pub(super) async fn read(link: &Link, stream: &Stream) -> Result<Option<Snapshot>, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let Some((made, _)) = made(link, stream).await? else { return Ok(None) };
        match body(link, stream, &made).await {
            Ok(body) => return parse(&made, &body).map(Some),
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => {}
        }
    }
}

async fn made(link: &Link, stream: &Stream) -> Result<Option<(Made, u64)>, Error> {
    let place = || link.names.snapshots();
    match stream.get_last_raw_message_by_subject(&link.names.snapshot_made()).await {
        Ok(message) => {
            let made: Made = serde_json::from_slice(&message.payload)
                .map_err(|error| Error::Damaged { place: place(), detail: error.to_string() })?;
            match made.form {
                FORM => Ok(Some((made, message.sequence))),
                found => Err(Error::Newer { place: place(), found, known: FORM }),
            }
        }
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Error::failed("read the snapshot of the definitions", told(&error))),
    }
}

async fn body(link: &Link, stream: &Stream, made: &Made) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    for part in 0..made.parts {
        let subject = link.names.snapshot_part(&made.id, part);
        let message = stream.get_last_raw_message_by_subject(&subject).await;
        let message =
            message.map_err(|error| Error::failed(format!("read part {part} of the snapshot"), told(&error)))?;
        body.extend_from_slice(&message.payload);
    }
    Ok(body)
}

/// A line of JSON for each document: its number, its place, itself.
fn write(snapshot: &Snapshot) -> Result<Bytes, serde_json::Error> {
    let mut body = Vec::new();
    for (key, content) in &snapshot.contents {
        serde_json::to_writer(&mut body, &(key.sequence, &key.path, content))?;
        body.push(b'\n');
    }
    Ok(body.into())
}

fn parse(made: &Made, body: &[u8]) -> Result<Snapshot, Error> {
    let damaged = |detail: String| Error::Damaged { place: format!("the snapshot {}", made.id), detail };
    if body.len() as u64 != made.bytes {
        return Err(damaged(format!("{} bytes of {}", body.len(), made.bytes)));
    }
    let mut snapshot = Snapshot { revision: Revision(made.revision), applied: made.applied, ..Snapshot::default() };
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let (sequence, path, document): (u64, String, Document) =
            serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
        let content = Content::of(&path, document);
        snapshot.contents.insert(Key { sequence, path }, content);
    }
    Ok(snapshot)
}
