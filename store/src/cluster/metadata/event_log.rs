//! The event log in CQL. An event and its position are written in one batch, each directly after the position before,
//! so that a reader who has read up to a position has missed nothing.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use uuid::Uuid;

use super::CqlMetadata;
use super::database::{Database, RACES, Say};
use super::value::{from_json, json, number};
use crate::metadata::{EventLog, LoggedEvent};
use crate::{Error, Event};

/// Number of events in a partition. They take a few megabytes.
const SPAN_EVENTS: i64 = 10_000;

const ADD_SPAN: Say = Say::write("INSERT INTO event_spans (log, span) VALUES (0, ?)");
const REMOVE_SPAN: Say = Say::write("DELETE FROM event_spans WHERE log = 0 AND span = ?");
const SPANS: Say = Say::read("SELECT span FROM event_spans WHERE log = 0 AND span >= ?");
const HEAD: Say = Say::settle("SELECT DISTINCT span, head FROM events WHERE span = ?");
const FIRST: Say = Say::change("UPDATE events SET head = ? WHERE span = ? IF head = null");
const ADVANCE: Say = Say::change("UPDATE events SET head = ? WHERE span = ? IF head = ?");
const APPEND: Say =
    Say::write("INSERT INTO events (span, seq, at_us, event, written_by) VALUES (?, ?, ?, ?, ?)");
const WRITTEN_BY: Say = Say::settle("SELECT written_by FROM events WHERE span = ? AND seq = ?");
const READ: Say =
    Say::read("SELECT seq, at_us, event FROM events WHERE span = ? AND seq > ? LIMIT ?");
const TIMES: Say = Say::read("SELECT seq, at_us FROM events WHERE span = ?");
const DELETE: Say = Say::write("DELETE FROM events WHERE span = ? AND seq = ?");

/// Span (partition) that contains a position. Positions count from 1.
const fn span_of(seq: i64) -> i64 {
    (seq - 1).div_euclid(SPAN_EVENTS)
}

/// Last span of the log that this process knows. Other processes may be further.
#[derive(Default)]
pub(super) struct Latest(AtomicI64);

#[async_trait]
impl EventLog for CqlMetadata {
    async fn append(&self, event: &Event, at_us: i64) -> Result<u64, Error> {
        let (database, event) = (&self.database, json(event)?);
        let spans = self.spans(self.latest.0.load(Ordering::Relaxed)).await?;
        let latest = spans.last().copied().unwrap_or_default();
        self.latest.0.fetch_max(latest, Ordering::Relaxed);
        for _ in 0..RACES {
            let span = self.latest.0.load(Ordering::Relaxed);
            let head = head(database, span).await?;
            let seq = head.unwrap_or(span * SPAN_EVENTS) + 1;
            if span_of(seq) != span {
                self.latest.0.fetch_max(span + 1, Ordering::Relaxed);
                continue;
            }
            if head.is_none() {
                database.write(ADD_SPAN, (span,)).await?;
            }
            let ours = Uuid::now_v7();
            let row = (span, seq, at_us, &event, ours);
            let appended = match head {
                None => {
                    let changes = ((seq, span), row);
                    database.change_both([FIRST, APPEND], changes).await
                }
                Some(head) => {
                    let changes = ((seq, span, head), row);
                    database.change_both([ADVANCE, APPEND], changes).await
                }
            };
            let is_ours = match appended {
                Ok(is_applied) => is_applied,
                Err(error) => {
                    tracing::warn!(%error, seq, "the write of an event was not answered");
                    let by = database.row::<(Uuid,)>(WRITTEN_BY, (span, seq)).await?;
                    by.is_some_and(|(by,)| by == ours)
                }
            };
            if is_ours {
                return number(seq);
            }
        }
        Err(Error::Conflict)
    }

    async fn read_after(&self, seq: u64, limit: u32) -> Result<Vec<LoggedEvent>, Error> {
        // Greater positions do not fit the column, and no event can have one.
        let after = i64::try_from(seq).unwrap_or(i64::MAX - 1);
        let mut events = Vec::new();
        for span in self.spans(span_of(after + 1)).await? {
            let left = limit as usize - events.len();
            if left == 0 {
                break;
            }
            let found = (span, after, left as i32);
            let found = self
                .database
                .rows::<(i64, i64, String)>(READ, found)
                .await?;
            for (seq, at_us, event) in found {
                let event = LoggedEvent {
                    seq: number(seq)?,
                    at_us,
                    event: from_json(&event)?,
                };
                events.push(event);
            }
        }
        Ok(events)
    }

    async fn prune(&self, before_us: i64) -> Result<u64, Error> {
        let mut pruned = 0;
        let mut spans = self.spans(0).await?;
        // The last span stays, since writers that append must find it.
        let latest = spans.pop();
        for span in spans.iter().copied().chain(latest) {
            let events = self.database.rows::<(i64, i64)>(TIMES, (span,)).await?;
            let old = events.iter().filter(|(_, at_us)| *at_us < before_us);
            let mut kept = events.len();
            for (seq, _) in old {
                self.database.write(DELETE, (span, seq)).await?;
                kept -= 1;
                pruned += 1;
            }
            if kept == 0 && Some(span) != latest {
                self.database.write(REMOVE_SPAN, (span,)).await?;
            }
        }
        Ok(pruned)
    }
}

impl CqlMetadata {
    /// All spans from `from` on that have events, in order.
    async fn spans(&self, from: i64) -> Result<Vec<i64>, Error> {
        let spans = self.database.rows::<(i64,)>(SPANS, (from,)).await?;
        Ok(spans.into_iter().map(|(span,)| span).collect())
    }
}

/// Last position that was used in a span; `None` if the span is empty.
async fn head(database: &Database, span: i64) -> Result<Option<i64>, Error> {
    let found = database.row::<(i64, Option<i64>)>(HEAD, (span,)).await?;
    Ok(found.and_then(|(_, head)| head))
}
