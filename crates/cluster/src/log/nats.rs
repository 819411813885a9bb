//! The log's stream in NATS.

use bytes::Bytes;
use futures_util::StreamExt;

use async_nats::connection::State;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, RawMessageErrorKind};

use super::snapshot;
use super::writer::{Append, Bounds, Read, Snapshot, Stream};
use crate::error::Error;
use crate::link::{Link, told};

/// The stream, and that of its snapshots.
pub(crate) struct NatsStream {
    pub(crate) link: Link,
    pub(crate) log: stream::Stream,
    pub(crate) snapshots: stream::Stream,
}

impl NatsStream {
    pub(crate) async fn open(link: &Link) -> Result<NatsStream, Error> {
        Ok(NatsStream { link: link.clone(), log: link.log().await?, snapshots: link.snapshots().await? })
    }

    /// Which stream it is: one that was made anew under the old name is another.
    pub(crate) fn made(&self) -> String {
        self.log.cached_info().created.to_string()
    }

    /// Messages as they come, from a place on.
    pub(crate) async fn follow(&self, from: u64) -> Option<pull::Ordered> {
        let config = pull::OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.max(1) },
            ..pull::OrderedConfig::default()
        };
        self.log.create_consumer(config).await.ok()?.messages().await.ok()
    }

    pub(crate) async fn next(messages: &mut pull::Ordered) -> Option<(u64, u64, Bytes)> {
        let message = messages.next().await?.ok()?;
        let info = message.info().ok()?;
        Some((info.stream_sequence, info.pending, message.payload.clone()))
    }
}

impl Stream for NatsStream {
    async fn append(&self, expected: u64, id: &str, message: Bytes) -> Append {
        // What is given to a client that has no connection is sent when it has one again: then nobody would know.
        if self.link.client.connection_state() != State::Connected {
            return Append::NotSent("there is no connection to NATS".to_owned());
        }
        let publish = PublishMessage::build().message_id(id).expected_last_sequence(expected).payload(message);
        let sent = self.link.context.send_publish(self.link.names.log_subject(), publish).await;
        let acknowledged = match sent {
            Ok(sent) => sent.await,
            Err(error) => Err(error),
        };
        match acknowledged {
            Ok(stored) => Append::Stored(stored.sequence),
            Err(error) => match error.kind() {
                PublishErrorKind::WrongLastSequence => Append::Elsewhere,
                PublishErrorKind::StreamNotFound => {
                    Append::NotSent("no NATS server leads the stream: too few of them are there".to_owned())
                }
                PublishErrorKind::MaxPayloadExceeded => Append::NotSent(told(&error)),
                _ => Append::Unknown(told(&error)),
            },
        }
    }

    async fn read(&self, sequence: u64) -> Read {
        match self.log.get_raw_message(sequence).await {
            Ok(message) => Read::Message(message.payload),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Read::Nothing,
            Err(_) => Read::Failed,
        }
    }

    async fn bounds(&self) -> Option<Bounds> {
        let state = self.log.get_info().await.ok()?.state;
        Some(Bounds { first: state.first_sequence, last: state.last_sequence })
    }

    async fn snapshot(&self) -> Option<Snapshot> {
        snapshot::read(&self.link, &self.snapshots).await.ok().flatten()
    }
}
