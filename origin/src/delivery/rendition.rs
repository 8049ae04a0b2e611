//! Files of a rendition: playlist, init segment, media segments, storyboard sheets and subtitles.

use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use plan::{RenditionId, RenditionKey, SegmentKey, VideoId};
use store::CachePolicy;

use super::rendition_file::RenditionFile;
use super::respond::{Body, DeliveryError};
use super::{init, playlist, segment, sheet, text};
use crate::app::App;
use crate::viewer::RequestViewer;

/// Time after which a request ends with `503`. It is longer than the pipeline lets a demand wait (9 s), and shorter
/// than players wait (10 s), so that a request that joined the wait of an earlier one ends in time too.
const TIMEOUT: Duration = Duration::from_millis(9_500);
/// Longest time of a read from the store; a request that took longer has waited for its segment to be encoded.
const A_READ: Duration = Duration::from_millis(2);

/// `GET /v/{video}/{rendition}/{file}`: a file of a rendition.
///
/// Cached for a year, because the rendition's id is a hash of everything that shapes its bytes. A missing segment is
/// encoded on demand; the request waits at most `TIMEOUT`, then gets `503`. `404` if the video does not exist or is
/// deleted, or if the rendition has no such file.
pub async fn rendition(
    State(app): State<App>,
    Path((video, rendition, file)): Path<(String, String, String)>,
    asker: RequestViewer,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let video: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    let rendition: RenditionId = rendition.parse().map_err(|_| DeliveryError::NotFound)?;
    let name = RenditionFile::parse(&file).ok_or(DeliveryError::NotFound)?;
    let key = RenditionKey { video, rendition };
    // A deleted video is not served, even if the file is in the memory cache.
    app.existing_videos.check(&app.pipeline, video).await?;
    app.metrics.files.increment();
    // The pipeline is told of every request, also of those that are served from memory: it encodes ahead of the viewer.
    match name {
        RenditionFile::Playlist => app.pipeline.playback().note_chosen(key, &asker.viewer),
        RenditionFile::Segment(index) => {
            let segment = SegmentKey {
                video,
                rendition,
                index,
            };
            app.pipeline.playback().note_served(segment, &asker.viewer);
        }
        RenditionFile::Init
        | RenditionFile::Sheet(_)
        | RenditionFile::Text(_)
        | RenditionFile::AllText => {}
    }
    if let Some(next) = asker.next_segment(key) {
        app.pipeline.playback().note_next(next, &asker.viewer);
    }
    let began = Instant::now();
    let reading = async {
        app.metrics.files_read.increment();
        match name {
            RenditionFile::Playlist => playlist::read(&app, key).await,
            RenditionFile::Init => init::read(&app, key).await,
            RenditionFile::Segment(index) => {
                segment::read(&app, key, index, asker.viewer.clone()).await
            }
            RenditionFile::Sheet(index) => sheet::read(&app, key, index, &asker.viewer).await,
            RenditionFile::Text(index) => text::segment(&app, key, index).await,
            RenditionFile::AllText => text::whole(&app, key).await,
        }
    };
    let got = tokio::time::timeout(TIMEOUT, app.file_cache.get((key, name), reading)).await;
    let file = got.unwrap_or(Err(DeliveryError::NotReady));
    if file
        .as_ref()
        .is_err_and(|&error| error == DeliveryError::NotReady)
    {
        app.metrics.not_ready.increment();
    }
    let file = file?;
    // Only media segments count as a view: manifests and subtitles are fetched by clients that do not play.
    if matches!(name, RenditionFile::Segment(_)) {
        app.pipeline.playback().record_view(video, &asker.viewer);
    }
    // Each request that waited reports its own wait; a file from memory has none.
    let waited = began.elapsed();
    let made_in = if file.made && waited >= A_READ {
        app.metrics.count_wait(waited);
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
