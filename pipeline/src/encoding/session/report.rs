//! Reports of engine sessions: statistics, on which nothing depends.

use std::sync::Arc;

use bytes::Bytes;
use plan::{RenditionId, SessionId, VideoId};
use serde::Serialize;
use store::ObjectKey;
use transcoder::Made;

use crate::encoding::sessions::Sessions;

/// Segments that a report lists one by one; further segments are only counted. A chunk of every rung of a film has
/// fewer.
const LISTED: usize = 2000;

/// The report of one session, stored as an object of its own when the session has ended.
#[derive(Serialize)]
pub(super) struct Report {
    session: SessionId,
    video: VideoId,
    started_at_us: i64,
    ended_at_us: i64,
    /// Number of segments that were made, listed or not.
    made: u64,
    segments: Vec<Line>,
}

/// One segment in a report.
#[derive(Serialize)]
struct Line {
    rendition: RenditionId,
    segment: u32,
    bytes: usize,
    /// Time that the encoder took, in microseconds.
    encode_us: u64,
    /// Number of times that the segment was encoded until it fitted under its cap.
    attempts: u32,
    /// The first 64 bits of the BLAKE3 hash of the segment's bytes, in hexadecimal.
    hash: String,
}

impl Report {
    pub(super) fn new(sessions: &Sessions, video: VideoId) -> Self {
        let now = sessions.records.stores.clock.now_us();
        Self {
            session: sessions.records.stores.ids.session(),
            video,
            started_at_us: now,
            ended_at_us: now,
            made: 0,
            segments: Vec::new(),
        }
    }

    /// Adds a segment to the report; other products are not counted.
    pub(super) fn note(&mut self, made: &Made, bytes: &Bytes) {
        let Made::Segment {
            rendition,
            segment,
            report,
            ..
        } = made
        else {
            return;
        };
        self.made += 1;
        if self.segments.len() < LISTED {
            self.segments.push(Line {
                rendition: *rendition,
                segment: *segment,
                bytes: bytes.len(),
                encode_us: report.encode_us,
                attempts: report.attempts,
                hash: blake3::hash(bytes).to_hex()[..16].to_owned(),
            });
        }
    }

    /// Stores the report in a task of its own, if any segment was made.
    pub(super) fn leave(mut self, sessions: &Arc<Sessions>) {
        if self.made == 0 {
            return;
        }
        self.ended_at_us = sessions.records.stores.clock.now_us();
        let task = sessions.clone();
        sessions.tasks.finish(async move {
            if let Err(error) = self.store(&task).await {
                tracing::debug!(%error, "the report of a session was not stored");
            }
        });
    }

    async fn store(&self, sessions: &Sessions) -> Result<(), store::Error> {
        let (video, session) = (self.video, self.session);
        if sessions.records.living(video).await?.is_none() {
            return Ok(());
        }
        let json =
            serde_json::to_vec(self).map_err(|error| store::Error::corrupt(error.to_string()))?;
        let key = ObjectKey::Report { video, session };
        sessions.records.stores.objects.put(&key, json.into()).await
    }
}
