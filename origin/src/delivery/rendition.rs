//! `GET /v/{video}/{rendition}/{file}`: whatever lies below a rendition.

use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use plan::{RenditionId, RenditionKey, SegmentKey, VideoId};
use store::CachePolicy;

use super::name::FileName;
use super::respond::{Body, DeliveryError};
use super::{init, playlist, segment, sheet, text};
use crate::app::App;
use crate::viewer::Asker;

/// Longer than the pipeline lets a demand wait, shorter than players do (10 s): a request that
/// took over another's wait ends in time too.
const PATIENCE: Duration = Duration::from_millis(9_500);
/// Shorter waits are reads, not makings.
const A_READ: Duration = Duration::from_millis(2);

/// Cached for a year: the rendition's id is a hash of all that shapes its bytes. Missing
/// segments are made on demand.
pub async fn rendition(
    State(app): State<App>,
    Path((video, rendition, file)): Path<(String, String, String)>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let video: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    let rendition: RenditionId = rendition.parse().map_err(|_| DeliveryError::NotFound)?;
    let name = FileName::parse(&file).ok_or(DeliveryError::NotFound)?;
    let key = RenditionKey { video, rendition };
    // Deleted means deleted, for what is in memory here too.
    app.living.check(&app.pipeline, video).await?;
    app.metrics.files.one();
    // From memory too: the viewer's window goes on from here.
    match name {
        FileName::Playlist => app.pipeline.is_chosen(key, &asker.viewer),
        FileName::Segment(index) => {
            let segment = SegmentKey {
                video,
                rendition,
                index,
            };
            app.pipeline.handed_out(segment, &asker.viewer);
        }
        FileName::Init | FileName::Sheet(_) | FileName::Text(_) | FileName::AllText => {}
    }
    if let Some(next) = asker.next_segment(key) {
        app.pipeline.is_next(next, &asker.viewer);
    }
    let began = Instant::now();
    let reading = async {
        app.metrics.files_read.one();
        match name {
            FileName::Playlist => playlist::read(&app, key).await,
            FileName::Init => init::read(&app, key).await,
            FileName::Segment(index) => segment::read(&app, key, index, asker.viewer.clone()).await,
            FileName::Sheet(index) => sheet::read(&app, key, index, &asker.viewer).await,
            FileName::Text(index) => text::segment(&app, key, index).await,
            FileName::AllText => text::whole(&app, key).await,
        }
    };
    let got = tokio::time::timeout(PATIENCE, app.files.get((key, name), reading)).await;
    let file = got.unwrap_or(Err(DeliveryError::NotReady));
    if file
        .as_ref()
        .is_err_and(|&error| error == DeliveryError::NotReady)
    {
        app.metrics.not_ready.one();
    }
    let file = file?;
    // Manifests are fetched without being played, and text without being shown.
    if matches!(name, FileName::Segment(_)) {
        app.pipeline.is_viewed(video, &asker.viewer);
    }
    // Everybody who waited is told of their own wait; from memory there is none.
    let waited = began.elapsed();
    let made_in = if file.made && waited >= A_READ {
        app.metrics.waited_for(waited);
        waited
    } else {
        Duration::ZERO
    };
    let body = Body {
        video,
        bytes: file.bytes,
        content_type: file.content_type,
        policy: CachePolicy::Immutable,
        etag: file.etag,
        made_in,
    };
    Ok(body.respond(&headers))
}
