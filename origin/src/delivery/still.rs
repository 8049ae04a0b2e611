//! Still images of a video: posters, and thumbnails of whole seconds.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use plan::VideoId;
use store::{ImageFormat, ObjectKey};

use super::rendition_file::number;
use super::respond::{Body, DeliveryError, strong_tag};
use crate::app::App;
use crate::viewer::RequestViewer;

/// `GET /v/{video}/poster.jpg` and `poster.webp`: the poster; `404` before it is made.
///
/// Cached for a minute, and stale for up to ten more while it is fetched again: a better one may replace it.
pub async fn poster(
    State(app): State<App>,
    Path((video, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let video: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    let format = match file.as_str() {
        "poster.jpg" => ImageFormat::Jpeg,
        "poster.webp" => ImageFormat::Webp,
        _ => return Err(DeliveryError::NotFound),
    };
    app.existing_videos.check(&app.pipeline, video).await?;
    let bytes = app.pipeline.playback().poster(video, format).await?;
    let key = ObjectKey::Poster(video, format);
    Ok(still(video, bytes, &key).respond(&headers))
}

/// `GET /v/{video}/thumbnail/{width}/{seconds}.jpg`: the picture at a whole second, in one of a few widths. It is made
/// when it is first asked for; `404` for another width or a time behind the end.
///
/// Cached for a minute, and stale for up to ten more while it is fetched again: a better one may replace it.
pub async fn thumbnail(
    State(app): State<App>,
    Path((video, width, file)): Path<(String, String, String)>,
    asker: RequestViewer,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let video: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    let width = number(&width).ok_or(DeliveryError::NotFound)?;
    let second = file.strip_suffix(".jpg").and_then(number);
    let second = second.ok_or(DeliveryError::NotFound)?;
    app.existing_videos.check(&app.pipeline, video).await?;
    let made = app
        .pipeline
        .playback()
        .thumbnail(video, width, second, &asker.viewer);
    let bytes = made.await?;
    let key = ObjectKey::Thumbnail {
        video,
        width,
        second,
    };
    Ok(still(video, bytes, &key).respond(&headers))
}

/// Body of a response with a still image.
fn still(video: VideoId, bytes: Bytes, key: &ObjectKey) -> Body {
    Body {
        video,
        etag: strong_tag(&bytes),
        bytes,
        content_type: key.content_type(),
        policy: key.cache(),
        made_in: Duration::ZERO,
    }
}
