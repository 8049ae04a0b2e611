//! Receivers of demands for the workers of this process.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use async_nats::{Message, Subject, Subscriber};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, future};
use plan::VideoId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::demands::{GROUP, anybody, warm};
use crate::Error;
use crate::cluster::nats::Connection;
use crate::work::{Answer, Asked, Listener};

/// Largest number of demands that wait for a worker. Workers answer at once, so a full queue means that the worker
/// hangs.
const DEMANDS: usize = 256;

/// Receiver of one worker, with one subscription for each subject.
pub(super) struct NatsListener {
    connection: Connection,
    hand: mpsc::Sender<Asked>,
    handed: mpsc::Receiver<Asked>,
    warm: HashMap<VideoId, Ear>,
    _anybody: Ear,
}

/// Subscription to one subject. When it is closed, messages that are on their way are still delivered.
struct Ear {
    close: oneshot::Sender<()>,
    hearing: JoinHandle<()>,
}

impl NatsListener {
    pub(super) async fn open(connection: &Connection) -> Result<Self, Error> {
        let (hand, handed) = mpsc::channel(DEMANDS);
        let open = async {
            let ear = Ear::open(connection, anybody(connection), &hand).await?;
            connection.reach().await?;
            Ok(ear)
        };
        let anybody = connection.answer(open).await?;
        Ok(Self {
            connection: connection.clone(),
            hand,
            handed,
            warm: HashMap::new(),
            _anybody: anybody,
        })
    }
}

#[async_trait]
impl Listener for NatsListener {
    async fn next(&mut self) -> Result<Asked, Error> {
        let asked = self.handed.recv().await;
        asked.ok_or_else(|| Error::unavailable("no more demands can arrive"))
    }

    async fn attend(&mut self, videos: &[VideoId]) -> Result<(), Error> {
        let wanted: HashSet<_> = videos.iter().copied().collect();
        let cold = self.warm.extract_if(|video, _| !wanted.contains(video));
        let cold: Vec<_> = cold.map(|(_, ear)| ear.close()).collect();
        let (connection, hand, warm_now) = (&self.connection, &self.hand, &mut self.warm);
        let attend = async {
            for video in wanted {
                if let Entry::Vacant(free) = warm_now.entry(video) {
                    free.insert(Ear::open(connection, warm(connection, video), hand).await?);
                }
            }
            future::join_all(cold).await;
            connection.reach().await
        };
        self.connection.answer(attend).await
    }
}

impl Ear {
    async fn open(
        connection: &Connection,
        subject: Subject,
        hand: &mpsc::Sender<Asked>,
    ) -> Result<Self, Error> {
        let heard = connection.hear(subject, Some(GROUP)).await?;
        let (close, closed) = oneshot::channel();
        let hearing = hear(connection.clone(), heard, hand.clone(), closed);
        Ok(Self {
            close,
            hearing: tokio::spawn(hearing),
        })
    }

    /// Closes the subscription. Returns when no more messages arrive.
    fn close(self) -> impl Future<Output = ()> {
        drop(self.close);
        async {
            // The task fails only by a panic, which has been reported.
            let _ = self.hearing.await;
        }
    }
}

async fn hear(
    connection: Connection,
    mut heard: Subscriber,
    hand: mpsc::Sender<Asked>,
    mut closed: oneshot::Receiver<()>,
) {
    loop {
        tokio::select! {
            message = heard.next() => match message {
                Some(message) => hand_on(&connection, message, &hand),
                None => return,
            },
            _ = &mut closed => break,
        }
    }
    let link = *connection.link().borrow();
    if !link.is_up || heard.drain().await.is_err() {
        return;
    }
    // Messages that the server sent before it processed the unsubscription still arrive.
    while let Some(message) = heard.next().await {
        hand_on(&connection, message, &hand);
    }
    if connection.link().borrow().breaks != link.breaks {
        // If a client unsubscribes while it reconnects, the server may continue to send messages that the client then
        // discards (async-nats 0.51). A new connection starts with the current subscriptions.
        let _ = connection.client().force_reconnect().await;
    }
}

/// Passes a demand to the worker. If its queue is full or closed, the demand is dropped and thereby refused.
fn hand_on(connection: &Connection, message: Message, hand: &mpsc::Sender<Asked>) {
    let reply = message.reply.map(|to| {
        let connection = connection.clone();
        move |answer| answer_to(&connection, to, answer)
    });
    match serde_json::from_slice(&message.payload) {
        Ok(demand) => {
            let reply = reply.map(|reply| Box::new(reply) as Box<_>);
            drop(hand.try_send(Asked::new(demand, reply)));
        }
        Err(error) => {
            tracing::warn!(%error, "refused a demand that cannot be parsed");
            reply.map(|reply| reply(Answer::Busy)).unwrap_or_default();
        }
    }
}

fn answer_to(connection: &Connection, to: Subject, answer: Answer) {
    let connection = connection.clone();
    let runtime = connection.runtime().clone();
    runtime.spawn(async move {
        let body = serde_json::to_vec(&answer).map(Bytes::from);
        let sent = match body {
            Ok(body) => connection.send(to, body).await,
            Err(error) => Err(Error::unavailable(error)),
        };
        // The requester does not wait forever.
        if let Err(error) = sent {
            tracing::debug!(?error, "an answer to a demand was lost");
        }
    });
}
