//! Demands on their way to a worker: first to a worker with a warm session for the video, then to any worker.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind, Subject};
use bytes::Bytes;
use plan::VideoId;

use crate::Error;
use crate::cluster::nats::Connection;
use crate::work::{Answer, Demand};

/// Name of the subscriber group. Each demand goes to one member, both among warm workers and among all workers.
pub(super) const GROUP: &str = "workers";

/// Time limit for the answer of a warm worker. Workers answer at once, so one that does not hangs or is gone, and
/// there is still time to ask another.
const WARM_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Subject to which all workers subscribe.
pub(super) fn anybody(connection: &Connection) -> Subject {
    connection.subject("demand")
}

/// Subject to which workers with a warm session for a video subscribe.
pub(super) fn warm(connection: &Connection, video: VideoId) -> Subject {
    connection.subject(format_args!("warm.{video}"))
}

/// Result of a request.
enum Heard {
    Answer(Answer),
    /// There is no subscriber.
    Nobody,
    /// No answer arrived in time.
    Silence,
}

pub(super) async fn ask(connection: &Connection, mut demand: Demand) -> Result<Answer, Error> {
    let clock = connection.clock();
    let until = clock.now() + demand.patience;
    if let Some(video) = demand.wanted.video() {
        let patience = demand.patience.min(WARM_ANSWER_TIMEOUT);
        let heard = ask_one(connection, warm(connection, video), &demand, patience).await?;
        if let Heard::Answer(answer) = heard
            && answer != Answer::Busy
        {
            return Ok(answer);
        }
    }
    demand.patience = until.since(clock.now());
    let heard = ask_one(connection, anybody(connection), &demand, demand.patience).await?;
    Ok(match heard {
        Heard::Answer(answer) => answer,
        Heard::Nobody => Answer::Nobody,
        Heard::Silence => Answer::Busy,
    })
}

pub(super) async fn tell(connection: &Connection, demand: &Demand) -> Result<(), Error> {
    match demand.wanted.video() {
        Some(video) => {
            connection
                .send(warm(connection, video), body(demand)?)
                .await
        }
        None => Ok(()),
    }
}

async fn ask_one(
    connection: &Connection,
    subject: Subject,
    demand: &Demand,
    patience: Duration,
) -> Result<Heard, Error> {
    let request = Request::new().payload(body(demand)?).timeout(None);
    let ask = async {
        connection.holds().await?;
        let answer = connection.client().send_request(subject, request).await;
        Ok::<_, Error>(answer)
    };
    let answer = tokio::select! {
        answer = ask => answer?,
        () = connection.clock().sleep(patience) => return Ok(Heard::Silence),
    };
    match answer {
        Ok(message) => {
            let answer = serde_json::from_slice(&message.payload);
            answer.map(Heard::Answer).map_err(Error::unavailable)
        }
        Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(Heard::Nobody),
        Err(error) => Err(Error::unavailable(error)),
    }
}

fn body(demand: &Demand) -> Result<Bytes, Error> {
    let body = serde_json::to_vec(demand).map_err(Error::unavailable)?;
    Ok(body.into())
}
