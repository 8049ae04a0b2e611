//! Media: playlists of renditions, init segments, segments, sheets, stills.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use plan::{RenditionId, RenditionKey, SegmentKey, VideoId};
use store::{CachePolicy, ImageFormat, ObjectKey};

use super::manifests::PLAYLIST;
use super::respond::{Body, DeliveryError};
use crate::app::App;

/// What a file name below a rendition asks for.
#[derive(Debug, PartialEq, Eq)]
enum File {
    Playlist,
    Init,
    Segment(u32),
    Sheet(u32),
}

impl File {
    fn parse(name: &str) -> Option<Self> {
        let number = |digits: &str| {
            let canonical = digits == "0" || !digits.starts_with('0');
            let plain = digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit());
            (canonical && plain).then(|| digits.parse().ok()).flatten()
        };
        match name {
            "playlist.m3u8" => Some(Self::Playlist),
            "init.mp4" => Some(Self::Init),
            _ => match name.split_once('.')? {
                (digits, "m4s") => number(digits).map(Self::Segment),
                (digits, "jpg") => number(digits).map(Self::Sheet),
                _ => None,
            },
        }
    }
}

/// `GET /v/{video}/{rendition}/{playlist.m3u8|init.mp4|n.m4s|n.jpg}`: cached for a year, since
/// the rendition's id is a hash of all that shapes its bytes.
pub async fn rendition(
    State(app): State<App>,
    Path((video, rendition, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let video: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    let rendition: RenditionId = rendition.parse().map_err(|_| DeliveryError::NotFound)?;
    let file = File::parse(&file).ok_or(DeliveryError::NotFound)?;
    // Deleted means deleted, for what is cached here too.
    app.pipeline
        .video(video)
        .await?
        .ok_or(DeliveryError::NotFound)?;
    let key = |index| SegmentKey {
        video,
        rendition,
        index,
    };
    let (bytes, content_type, made_in) = match file {
        File::Playlist => {
            let plan = app.pipeline.rendition(video, rendition).await?;
            let plan = plan.ok_or(DeliveryError::NotFound)?;
            let text = manifests::hls::media_playlist(&plan, rendition);
            (
                text.ok_or(DeliveryError::NotFound)?.into(),
                PLAYLIST,
                Duration::ZERO,
            )
        }
        File::Init => {
            let key = RenditionKey { video, rendition };
            let bytes = app.pipeline.init(key).await?;
            (bytes, ObjectKey::Init(key).content_type(), Duration::ZERO)
        }
        File::Segment(index) => {
            let (bytes, made_in) = segment(&app, key(index)).await?;
            (
                bytes,
                ObjectKey::Segment(key(index)).content_type(),
                made_in,
            )
        }
        File::Sheet(index) => {
            let bytes = app.pipeline.sheet(key(index)).await?;
            (bytes, "image/jpeg", Duration::ZERO)
        }
    };
    let policy = CachePolicy::Immutable;
    Ok(Body {
        video,
        bytes,
        content_type,
        policy,
        made_in,
    }
    .respond(&headers))
}

/// A segment from memory, from the store, or made now.
async fn segment(app: &App, key: SegmentKey) -> Result<(Bytes, Duration), DeliveryError> {
    if let Some(bytes) = app.cache.get(&key).await {
        return Ok((bytes, Duration::ZERO));
    }
    let delivered = app.pipeline.segment(key).await?;
    app.cache.keep(key, &delivered.bytes).await;
    Ok((delivered.bytes, delivered.made_in))
}

/// `GET /v/{video}/{poster.jpg|poster.webp}`.
pub async fn poster(
    State(app): State<App>,
    Path((video, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let id: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    let format = match file.as_str() {
        "poster.jpg" => ImageFormat::Jpeg,
        "poster.webp" => ImageFormat::Webp,
        _ => return Err(DeliveryError::NotFound),
    };
    app.pipeline
        .video(id)
        .await?
        .ok_or(DeliveryError::NotFound)?;
    let key = ObjectKey::Poster(id, format);
    let bytes = app.pipeline.poster(id, format).await?;
    Ok(still(id, bytes, &key).respond(&headers))
}

/// `GET /v/{video}/thumbnail/{width}/{seconds}.jpg`.
pub async fn thumbnail(
    State(app): State<App>,
    Path((video, width, file)): Path<(String, u32, String)>,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let id: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    let Some(File::Sheet(second)) = File::parse(&file) else {
        return Err(DeliveryError::NotFound);
    };
    let bytes = app.pipeline.thumbnail(id, width, second).await?;
    let key = ObjectKey::Thumbnail {
        video: id,
        width,
        second,
    };
    Ok(still(id, bytes, &key).respond(&headers))
}

fn still(video: VideoId, bytes: Bytes, key: &ObjectKey) -> Body {
    let (content_type, policy) = (key.content_type(), key.cache());
    Body {
        video,
        bytes,
        content_type,
        policy,
        made_in: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_have_one_spelling() {
        assert_eq!(File::parse("0.m4s"), Some(File::Segment(0)));
        assert_eq!(File::parse("412.m4s"), Some(File::Segment(412)));
        assert_eq!(File::parse("3.jpg"), Some(File::Sheet(3)));
        for name in [
            "00.m4s",
            "-1.m4s",
            "+1.m4s",
            ".m4s",
            "1.mp4",
            "1.m4s.m4s",
            "9999999999.m4s",
        ] {
            assert_eq!(File::parse(name), None, "{name}");
        }
    }
}
