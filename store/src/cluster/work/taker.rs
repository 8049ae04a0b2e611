//! Task that takes chunks from the server for all callers of this process.
//!
//! It requests as many chunks as callers wait for. A request cannot be cancelled: a chunk that arrives when nobody
//! waits goes to the next caller or back at once. The server answers within [`REQUEST_EXPIRY`]; a request without an
//! answer is forgotten, and repeated.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::consumer::pull::BatchConfig;
use async_nats::{Message, StatusCode, Subject, Subscriber};
use futures::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};

use super::hands::Hands;
use super::queue::Queue;
use super::ticket::{forget, in_hand};
use crate::cluster::nats::{Connection, Link, reason};
use crate::work::{Chunk, InHand};
use crate::{Error, Moment};

/// Time for which the server waits for a chunk before it answers that there is none.
const REQUEST_EXPIRY: Duration = Duration::from_secs(5);
/// Additional time that the answer may take to arrive.
const ANSWER_GRACE: Duration = Duration::from_secs(2);
/// Time after which a chunk is handed out again that another worker took directly from the stream.
const TAKEN_ELSEWHERE_DELAY: Duration = Duration::from_secs(2);
/// Pause after the server refused a request, e.g. because the stream does not exist.
const REFUSAL_PAUSE: Duration = Duration::from_millis(100);

type Waiter = oneshot::Sender<Result<InHand, Error>>;

pub(super) struct Taker {
    connection: Connection,
    queue: Queue,
    hands: Hands,
    /// Consumer of the stream; `None` if it must be created again.
    consumer: Option<PullConsumer>,
    /// Subject to which the server sends chunks.
    inbox: Subject,
    answers: Subscriber,
    link: watch::Receiver<Link>,
    taken: mpsc::Receiver<Waiter>,
    waiters: VecDeque<Waiter>,
    /// For each requested chunk, the time until which it may still arrive.
    asked: VecDeque<Moment>,
    rests_until: Moment,
}

impl Taker {
    pub(super) async fn new(
        connection: &Connection,
        queue: Queue,
        consumer: PullConsumer,
        hands: &Hands,
        taken: mpsc::Receiver<Waiter>,
    ) -> Result<Self, Error> {
        let inbox = Subject::from(connection.client().new_inbox());
        let answers = connection.hear(inbox.clone(), None).await?;
        Ok(Self {
            connection: connection.clone(),
            queue,
            hands: hands.clone(),
            consumer: Some(consumer),
            inbox,
            answers,
            link: connection.link(),
            taken,
            waiters: VecDeque::new(),
            asked: VecDeque::new(),
            rests_until: Moment::default(),
        })
    }

    /// Runs until there are no more callers.
    pub(super) async fn run(mut self) {
        loop {
            self.waiters.retain(|waiter| !waiter.is_closed());
            let wants = self.waiters.len() > self.asked.len();
            if wants && self.rests_until <= self.connection.clock().now() {
                if let Err(error) = self.ask().await {
                    self.fail(&error);
                }
                continue;
            }
            let wake = if wants {
                Some(self.rests_until)
            } else {
                self.asked.front().copied()
            };
            let clock = self.connection.clock().clone();
            tokio::select! {
                waiter = self.taken.recv() => match waiter {
                    Some(waiter) => self.waiters.push_back(waiter),
                    None => return,
                },
                Some(message) = self.answers.next() => self.hear(message),
                // Chunks that were requested over the old connection may never arrive.
                Ok(()) = self.link.changed() => self.asked.clear(),
                () = clock.sleep_until(wake.unwrap_or_default()), if wake.is_some() => {
                    if !wants {
                        self.asked.pop_front();
                        self.consumer = None;
                    }
                }
            }
        }
    }

    /// Requests one more chunk from the server.
    async fn ask(&mut self) -> Result<(), Error> {
        let (queue, consumer) = (&self.queue, &mut self.consumer);
        let inbox = self.inbox.clone();
        let ask = async {
            let consumer = match consumer {
                Some(consumer) => consumer,
                None => consumer.insert(queue.make().await.map_err(Error::unavailable)?),
            };
            let one = BatchConfig {
                batch: 1,
                expires: Some(REQUEST_EXPIRY),
                ..BatchConfig::default()
            };
            let asked = consumer.request_batch(one, inbox).await;
            asked.map_err(Error::unavailable)
        };
        self.connection.answer(ask).await?;
        let now = self.connection.clock().now();
        self.asked.push_back(now + REQUEST_EXPIRY + ANSWER_GRACE);
        Ok(())
    }

    /// Reports an error to all waiting callers.
    fn fail(&mut self, error: &Error) {
        self.consumer = None;
        self.asked.clear();
        while let Some(Some(waiter)) = self.taken.recv().now_or_never() {
            self.waiters.push_back(waiter);
        }
        let reason = reason(error);
        for waiter in self.waiters.drain(..) {
            // Sending fails only if the caller has stopped waiting.
            let _ = waiter.send(Err(Error::unavailable(reason.as_str())));
        }
    }

    fn hear(&mut self, message: Message) {
        match message.status {
            None | Some(StatusCode::OK) => {
                self.asked.pop_front();
                self.hand_on(&message);
            }
            Some(StatusCode::IDLE_HEARTBEAT) => {}
            // There was no chunk.
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                self.asked.pop_front();
            }
            Some(status) => {
                let why = message.description;
                tracing::debug!(?status, ?why, "the server refused a request for a chunk");
                self.asked.clear();
                self.consumer = None;
                self.rests_until = self.connection.clock().now() + REFUSAL_PAUSE;
            }
        }
    }

    /// Passes a chunk to the first waiting caller. If nobody waits, the chunk is dropped and so handed back at once.
    fn hand_on(&mut self, message: &Message) {
        let Some(server) = message.reply.clone() else {
            return;
        };
        let chunk = match serde_json::from_slice::<Chunk>(&message.payload) {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::warn!(%error, subject = %message.subject, "discarded a chunk that cannot be parsed");
                forget(&self.connection, server);
                return;
            }
        };
        let is_others = self.hands.hold(&chunk);
        let mut in_hand = in_hand(&self.connection, chunk, server);
        if is_others {
            return in_hand.nack(TAKEN_ELSEWHERE_DELAY);
        }
        while let Some(waiter) = self.waiters.pop_front() {
            match waiter.send(Ok(in_hand)) {
                Ok(()) => return,
                Err(Ok(back)) => in_hand = back,
                Err(Err(_)) => return,
            }
        }
    }
}
