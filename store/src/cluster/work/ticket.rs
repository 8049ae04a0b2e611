//! A chunk in the hands of a worker of this process.

use std::time::Duration;

use async_nats::Subject;
use async_nats::jetstream::AckKind;
use tokio::task::AbortHandle;

use super::queue::still_here;
use crate::Error;
use crate::cluster::nats::Connection;
use crate::work::{Chunk, InHand, Settle};

/// Where the server hears of the chunk. What is said too late, since the chunk has gone to
/// somebody else, takes a hint away at most.
struct Ticket {
    connection: Connection,
    server: Subject,
    heartbeat: AbortHandle,
}

/// Says that it is in hand until it is settled.
pub(super) fn in_hand(connection: &Connection, chunk: Chunk, server: Subject) -> InHand {
    let heartbeat = heartbeat(connection.clone(), server.clone());
    let heartbeat = connection.runtime().spawn(heartbeat).abort_handle();
    let ticket = Ticket {
        connection: connection.clone(),
        server,
        heartbeat,
    };
    InHand::new(chunk, Box::new(ticket))
}

async fn heartbeat(connection: Connection, server: Subject) {
    let pause = still_here(connection.settings().silence);
    loop {
        connection.clock().sleep(pause).await;
        // While the server is away there is nobody to tell.
        let _ = connection
            .send(server.clone(), AckKind::Progress.into())
            .await;
    }
}

impl Settle for Ticket {
    fn settle(self: Box<Self>, again_after: Option<Duration>) {
        self.heartbeat.abort();
        let word = match again_after {
            None => AckKind::Ack,
            Some(Duration::ZERO) => AckKind::Nak(None),
            delay => AckKind::Nak(delay),
        };
        say(&self.connection, self.server, word);
    }
}

/// A chunk that nobody can read is nobody's.
pub(super) fn forget(connection: &Connection, server: Subject) {
    say(connection, server, AckKind::Ack);
}

fn say(connection: &Connection, server: Subject, word: AckKind) {
    let connection = connection.clone();
    let runtime = connection.runtime().clone();
    runtime.spawn(async move {
        let send = async {
            let sent = connection.client().publish(server, word.into()).await;
            sent.map_err(Error::unavailable)
        };
        // What does not get through comes again when nobody was heard of for long enough.
        if let Err(error) = connection.answer(send).await {
            tracing::debug!(?error, "a chunk comes again although it is settled");
        }
    });
}
