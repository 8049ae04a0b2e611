//! Takes chunks from the server for all of this process.
//!
//! The server is asked for as many as somebody waits for. It cannot be told that nobody does any
//! more: a chunk that comes then goes to the next who waits, or back at once. It answers within
//! [`ASKING`]; where it does not, it has forgotten, and is asked anew.

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

/// How long the server looks for a chunk before it says that there is none.
const ASKING: Duration = Duration::from_secs(5);
/// How long after that its word may be on its way.
const LATE: Duration = Duration::from_secs(2);
/// When a chunk comes again that is in the hands of somebody who took it past the server.
const OTHERS: Duration = Duration::from_secs(2);
/// After a refusal, as when the stream is gone.
const PAUSE: Duration = Duration::from_millis(100);

type Waiter = oneshot::Sender<Result<InHand, Error>>;

pub(super) struct Taker {
    connection: Connection,
    queue: Queue,
    hands: Hands,
    /// Made anew when the server does not know it.
    consumer: Option<PullConsumer>,
    /// Where the server answers.
    inbox: Subject,
    answers: Subscriber,
    link: watch::Receiver<Link>,
    taken: mpsc::Receiver<Waiter>,
    waiters: VecDeque<Waiter>,
    /// Until when each chunk that the server was asked for counts as on its way.
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

    /// Until nobody can take any more.
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
                // What was asked for over the old connection may never come.
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

    /// Asks the server for one more.
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
                expires: Some(ASKING),
                ..BatchConfig::default()
            };
            let asked = consumer.request_batch(one, inbox).await;
            asked.map_err(Error::unavailable)
        };
        self.connection.answer(ask).await?;
        let now = self.connection.clock().now();
        self.asked.push_back(now + ASKING + LATE);
        Ok(())
    }

    /// Nobody gets one.
    fn fail(&mut self, error: &Error) {
        self.consumer = None;
        self.asked.clear();
        while let Some(Some(waiter)) = self.taken.recv().now_or_never() {
            self.waiters.push_back(waiter);
        }
        let reason = reason(error);
        for waiter in self.waiters.drain(..) {
            // Nobody waits for it any more: fine.
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
            // There was none.
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                self.asked.pop_front();
            }
            Some(status) => {
                let why = message.description;
                tracing::debug!(?status, ?why, "the server does not give chunks");
                self.asked.clear();
                self.consumer = None;
                self.rests_until = self.connection.clock().now() + PAUSE;
            }
        }
    }

    /// To the first who waits. Where nobody does it is dropped, and so goes back at once.
    fn hand_on(&mut self, message: &Message) {
        let Some(server) = message.reply.clone() else {
            return;
        };
        let chunk = match serde_json::from_slice::<Chunk>(&message.payload) {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::warn!(%error, subject = %message.subject, "a chunk that nobody understands");
                forget(&self.connection, server);
                return;
            }
        };
        let is_others = self.hands.hold(&chunk);
        let mut in_hand = in_hand(&self.connection, chunk, server);
        if is_others {
            return in_hand.nack(OTHERS);
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
