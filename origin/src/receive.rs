//! Receives the source of a new video. The API and the upload form both call [`receive`].

use std::time::Duration;

use accounts::Principal;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use pipeline::UploadError;
use store::metadata::{Priority, VideoRow};

use crate::app::App;
use crate::problem::Problem;

/// Time for which an upload may send nothing before it is given up. A phone that changes networks needs some seconds.
const STANDSTILL: Duration = Duration::from_secs(60);
/// Longest title, in characters; the rest is cut off.
const LONGEST_TITLE: usize = 200;

/// Receives a whole source and creates its video. Only the block that is being filled is in memory.
///
/// # Errors
/// An empty body, or one that is refused while it arrives, leaves nothing behind. A body that is cut off leaves a video
/// that failed with `upload_lost`, and none of its bytes.
pub async fn receive<E>(
    app: &App,
    principal: Principal,
    title: &str,
    declared_size: Option<u64>,
    pieces: impl Stream<Item = Result<Bytes, E>>,
) -> Result<VideoRow, Problem> {
    let seat = app.upload_seats.take(Some(principal.owner));
    let _seat = seat.ok_or_else(Problem::busy)?;
    // This is checked before the first byte is read: a client that sent `Expect: 100-continue` need not send the body.
    app.pipeline.uploads().admits(declared_size).await?;
    let pieces = pieces.filter(|piece| {
        let is_something = piece.as_ref().map_or(true, |bytes| !bytes.is_empty());
        std::future::ready(is_something)
    });
    let mut pieces = std::pin::pin!(pieces);
    let first = match next(&mut pieces).await? {
        Some(first) => first,
        None => return Err(Problem::empty()),
    };
    let (owner, title) = (principal.owner, title_of(title));
    let begun = app
        .pipeline
        .uploads()
        .create(owner, title, declared_size, Priority::Interactive);
    let (row, mut writer) = begun.await?;
    let mut piece = first;
    let refused = loop {
        app.metrics.upload_bytes.add(piece.len() as u64);
        if let Err(error) = writer.write(piece).await {
            break error.into();
        }
        match next(&mut pieces).await {
            Ok(Some(more)) => piece = more,
            Ok(None) => match writer.finish().await {
                Ok(row) => {
                    app.metrics.uploads.increment();
                    return Ok(row);
                }
                Err(error) => return Err(discard(app, &row, error.into()).await),
            },
            // Dropping the writer deletes the bytes and marks the video's row.
            Err(problem) => return Err(problem),
        }
    };
    drop(writer);
    Err(discard(app, &row, refused).await)
}

/// Deletes the video of a refused upload, and returns the problem. The client learns the reason from the response; a
/// failed video would say nothing more.
async fn discard(app: &App, row: &VideoRow, problem: Problem) -> Problem {
    if let Err(error) = app.pipeline.videos().delete(row.id).await {
        tracing::warn!(%error, video = %row.id, "the video of a refused upload could not be deleted");
    }
    problem
}

/// Next piece of the body, or `None` at its end.
async fn next<E>(
    pieces: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
) -> Result<Option<Bytes>, Problem> {
    match tokio::time::timeout(STANDSTILL, pieces.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_))) => Err(Problem::cut_off()),
        Err(_) => Err(Problem::standstill()),
    }
}

/// Title of a video as people see it: one line of limited length, or "Untitled".
pub fn title_of(text: &str) -> String {
    one_line(text, LONGEST_TITLE).unwrap_or_else(|| "Untitled".to_owned())
}

/// Text that somebody typed, as one line of at most `longest` characters; `None` if nothing is left of it.
pub fn one_line(text: &str, longest: usize) -> Option<String> {
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    let line: String = line.trim().chars().take(longest).collect();
    (!line.is_empty()).then_some(line)
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::TooLarge { limit } => Self::too_large(limit),
            UploadError::NoSpace => Self::no_space(),
            UploadError::Incomplete { there } => Self::incomplete(there),
            UploadError::NotDirect => Self::not_direct(),
            UploadError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_limited_length() {
        assert_eq!(title_of(" \n"), "Untitled");
        assert_eq!(title_of("a\u{0}b\r\nc "), "abc");
        assert_eq!(title_of(&"é".repeat(900)).chars().count(), LONGEST_TITLE);
    }
}
