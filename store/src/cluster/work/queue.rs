//! The stream in which chunks wait, and its single consumer, from which all workers take chunks.
//!
//! The stream is in memory and may be lost at any time. The first process that notices creates it again, empty, and
//! the reconciler offers unmade chunks again.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Subject;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{
    ConsumerInfoErrorKind, CreateStreamError, CreateStreamErrorKind, PublishErrorKind,
};
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{self, Context, ErrorCode};
use bytes::Bytes;
use plan::VideoId;

use crate::Error;
use crate::cluster::nats::{Connection, OpenError};
use crate::work::{Chunk, Offered, Scope};

/// Largest number of chunks that wait or are taken. The reconciler offers a few at a time.
const MOST_CHUNKS: i64 = 1024;
/// Largest number of workers that wait for a chunk at the same time.
const MOST_WAITING_WORKERS: i64 = 4096;
/// Number of waiting chunks of a video that are checked. If none of them is free, other workers have the video's
/// chunks.
const MOST_CHECKED_CHUNKS: usize = 4;
/// Name of the consumer that all workers share.
const CONSUMER_NAME: &str = "workers";

/// Client of the stream of chunks. Clones are cheap.
#[derive(Clone)]
pub(super) struct Queue {
    connection: Connection,
    jetstream: Arc<Context>,
}

/// Answer of the stream to a published message.
enum Published {
    Said(Offered),
    /// The stream does not exist.
    Gone,
}

impl Queue {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            connection: connection.clone(),
            jetstream: Arc::new(jetstream::new(connection.client().clone())),
        }
    }

    /// Creates the stream and its consumer unless they exist, and checks their settings, whoever created them.
    pub(super) async fn make(&self) -> Result<PullConsumer, OpenError> {
        let wanted = self.stream();
        let made = self.jetstream.create_or_update_stream(wanted.clone()).await;
        let made = made.map_err(|error| self.not_made(error))?.config;
        // A server silently ignores settings that it does not know.
        if !is_as_asked(&made, &wanted) {
            return Err(self.other(format!("it is {made:?}")));
        }
        let wanted = self.consumer();
        let made = self
            .jetstream
            .create_consumer_on_stream(wanted.clone(), self.name());
        let made = made.await;
        let made = made.map_err(|error| self.other(error.to_string()))?;
        let found = &made.cached_info().config;
        let is_as_asked = found.ack_policy == wanted.ack_policy
            && found.ack_wait == wanted.ack_wait
            && found.max_ack_pending == wanted.max_ack_pending
            && found.max_deliver == wanted.max_deliver;
        if !is_as_asked {
            return Err(self.other(format!("its consumer is {found:?}")));
        }
        Ok(made)
    }

    pub(super) async fn offer(&self, chunk: &Chunk) -> Result<Offered, Error> {
        let subject = self.subject(chunk)?;
        let body = serde_json::to_vec(chunk).map_err(Error::unavailable)?;
        let body = Bytes::from(body);
        if let Published::Said(offered) = self.publish(subject.clone(), body.clone()).await? {
            return Ok(offered);
        }
        self.make().await.map_err(Error::unavailable)?;
        match self.publish(subject, body).await? {
            Published::Said(offered) => Ok(offered),
            Published::Gone => Err(Error::unavailable(
                "the stream of chunks was deleted again at once",
            )),
        }
    }

    /// A chunk of a video that waits and for which `is_free` holds, with its position in the stream.
    pub(super) async fn waiting(
        &self,
        video: VideoId,
        is_free: impl Fn(&Chunk) -> bool,
    ) -> Result<Option<(u64, Chunk)>, Error> {
        let stream = self.known_stream().await?;
        let Some(given) = self.given(&stream).await? else {
            return Ok(None);
        };
        let mut from = given + 1;
        let subject = self.connection.subject(format_args!("chunk.{video}.>"));
        for _ in 0..MOST_CHECKED_CHUNKS {
            let next = stream.raw_message_builder().sequence(from);
            let next = next.next_by_subject(subject.as_str()).send().await;
            let message = match next {
                Ok(message) => message,
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => break,
                Err(error) => return Err(Error::unavailable(error)),
            };
            match serde_json::from_slice::<Chunk>(&message.payload) {
                Ok(chunk) if is_free(&chunk) => return Ok(Some((message.sequence, chunk))),
                // The worker that is given this chunk reports what is wrong with it.
                Ok(_) | Err(_) => from = message.sequence + 1,
            }
        }
        Ok(None)
    }

    /// Removes a waiting chunk from the stream. Returns whether it was waiting.
    pub(super) async fn withdraw(&self, chunk: &Chunk) -> Result<bool, Error> {
        let subject = self.subject(chunk)?;
        let stream = self.known_stream().await?;
        let last = stream
            .raw_message_builder()
            .last_by_subject(subject.as_str())
            .send();
        let sequence = match last.await {
            Ok(message) => message.sequence,
            // The chunk is usually done already.
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                return Ok(false);
            }
            Err(error) => return Err(Error::unavailable(error)),
        };
        let given = self.given(&stream).await?;
        if given.is_none_or(|given| sequence <= given) {
            return Ok(false);
        }
        let deleted = stream.delete_message(sequence).await;
        deleted.map_err(Error::unavailable)
    }

    async fn known_stream(&self) -> Result<Stream<()>, Error> {
        let stream = self.jetstream.get_stream_no_info(self.name()).await;
        stream.map_err(Error::unavailable)
    }

    /// Position in the stream of the last chunk that was given to a worker. Chunks that were handed back for later
    /// are before it. `None` if nothing waits because there is no stream or no consumer.
    async fn given(&self, stream: &Stream<()>) -> Result<Option<u64>, Error> {
        match stream.consumer_info(CONSUMER_NAME).await {
            Ok(consumer) => Ok(Some(consumer.delivered.stream_sequence)),
            Err(error) if error.kind() == ConsumerInfoErrorKind::TimedOut => {
                Err(Error::unavailable(error))
            }
            Err(_) => Ok(None),
        }
    }

    /// Removes a chunk that is done from the stream.
    pub(super) async fn forget(&self, sequence: u64) {
        let forget = async {
            let stream = self.known_stream().await?;
            let deleted = stream.delete_message(sequence).await;
            deleted.map_err(Error::unavailable)
        };
        // Otherwise another worker gets the chunk again and finds that nothing is missing.
        if let Err(error) = self.connection.answer(forget).await {
            tracing::debug!(%error, sequence, "a chunk that is done could not be removed and will be handed out again");
        }
    }

    async fn publish(&self, subject: Subject, body: Bytes) -> Result<Published, Error> {
        let publish = async { self.jetstream.publish(subject, body).await?.await };
        let refused = match publish.await {
            Ok(_) => return Ok(Published::Said(Offered::Queued)),
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
                return Ok(Published::Gone);
            }
            Err(error) => error,
        };
        let reason = refused.source().and_then(|source| {
            let reason = source.downcast_ref::<jetstream::Error>();
            reason.and_then(why_not_stored)
        });
        reason
            .map(Published::Said)
            .ok_or_else(|| Error::unavailable(refused))
    }

    fn name(&self) -> String {
        format!("{}-chunks", self.connection.settings().prefix)
    }

    /// Subject of a chunk. Each chunk has its own, by which the stream recognizes a repeated offer.
    fn subject(&self, chunk: &Chunk) -> Result<Subject, Error> {
        let Chunk {
            video,
            plan,
            scope,
            index,
        } = chunk;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if plan.is_empty() || !plan.chars().all(is_plain) {
            return Err(Error::corrupt(format!(
                "{plan:?} is not the hash of a plan"
            )));
        }
        let scope = match scope {
            Scope::Start => "start",
            Scope::All => "all",
            Scope::Poster => "poster",
            Scope::Sheet => "sheet",
            Scope::Texts => "texts",
            Scope::Loudness => "loudness",
            Scope::Inits => "inits",
            Scope::Lazy => "lazy",
        };
        Ok(self
            .connection
            .subject(format_args!("chunk.{video}.{plan}.{scope}.{index}")))
    }

    fn stream(&self) -> Config {
        Config {
            name: self.name(),
            description: Some("chunks of reelmill's plans, to be made".to_owned()),
            subjects: vec![self.connection.subject("chunk.>").into_string()],
            // A lost hint is offered again, so nothing needs to be stored on disk.
            storage: StorageType::Memory,
            retention: RetentionPolicy::WorkQueue,
            max_messages: MOST_CHUNKS,
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            discard_new_per_subject: true,
            num_replicas: self.connection.settings().replicas,
            ..Config::default()
        }
    }

    fn consumer(&self) -> pull::Config {
        pull::Config {
            durable_name: Some(CONSUMER_NAME.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.connection.settings().silence,
            // All chunks may be taken, or handed back for later.
            max_ack_pending: MOST_CHUNKS,
            max_deliver: -1,
            max_waiting: MOST_WAITING_WORKERS,
            memory_storage: true,
            ..pull::Config::default()
        }
    }

    fn not_made(&self, error: CreateStreamError) -> OpenError {
        let without = [
            ErrorCode::JETSTREAM_NOT_ENABLED,
            ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT,
        ];
        match error.kind() {
            CreateStreamErrorKind::JetStreamUnavailable => self.connection.no_jetstream(),
            CreateStreamErrorKind::JetStream(reason) if without.contains(&reason.error_code()) => {
                self.connection.no_jetstream()
            }
            CreateStreamErrorKind::JetStream(reason) => self.other(reason.to_string()),
            _ => self.connection.unusable(&Error::unavailable(error)),
        }
    }

    fn other(&self, what: String) -> OpenError {
        let stream = self.name();
        OpenError::Stream { stream, what }
    }
}

fn is_as_asked(made: &Config, wanted: &Config) -> bool {
    made.subjects == wanted.subjects
        && made.storage == wanted.storage
        && made.retention == wanted.retention
        && made.max_messages == wanted.max_messages
        && made.max_messages_per_subject == wanted.max_messages_per_subject
        && made.discard == wanted.discard
        && made.discard_new_per_subject == wanted.discard_new_per_subject
}

/// Reason why the server did not store an offer. The server has one code for all limits and names the limit in words
/// only. A replicated stream that is full reports this first, whatever is offered.
fn why_not_stored(reason: &jetstream::Error) -> Option<Offered> {
    let words = reason.to_string();
    if reason.error_code() != ErrorCode::STREAM_STORE_FAILED {
        None
    } else if words.starts_with("maximum messages per subject exceeded") {
        Some(Offered::Already)
    } else if words.starts_with("maximum messages exceeded") {
        Some(Offered::Full)
    } else {
        None
    }
}

/// Interval at which a worker confirms that it still has a chunk. Two of three confirmations may be lost.
pub(super) fn still_here(silence: Duration) -> Duration {
    silence / 3
}
