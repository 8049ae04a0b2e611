//! Chunk that a worker of this process has taken from the server.

use std::time::Duration;

use async_nats::Subject;
use async_nats::jetstream::AckKind;
use tokio::task::AbortHandle;

use super::queue::still_here;
use crate::Error;
use crate::cluster::nats::Connection;
use crate::work::{Chunk, InHand, Settle};

/// Connection to the server's record of a taken chunk. If the chunk has gone to another worker in the meantime, a
/// late message removes at most a hint.
struct Ticket {
    connection: Connection,
    server: Subject,
    heartbeat: AbortHandle,
}

/// Starts to confirm that a chunk is taken, until it is settled.
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
        // There is nobody to inform while the server is away.
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

/// Removes a chunk that cannot be parsed from the stream.
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
        // If the message is lost, the chunk is handed out again after the time without a sign of life.
        if let Err(error) = connection.answer(send).await {
            tracing::debug!(
                ?error,
                "a settled chunk could not be acknowledged and will be handed out again"
            );
        }
    });
}
