//! Conversion of object keys to paths of the key layout, and back.

use std::str::FromStr;

use plan::rendition::RenditionName;
use plan::{RenditionId, RenditionKey, SegmentKey};

use super::{ImageFormat, ObjectKey, is_hash};

pub(super) fn write(key: &ObjectKey) -> String {
    match key {
        ObjectKey::SourceBlock { upload, index } => format!("uploads/{upload}/{index}"),
        ObjectKey::Plan { video, hash } => format!("videos/{video}/plan/{hash}.json"),
        ObjectKey::Init(RenditionKey { video, rendition }) => {
            format!("videos/{video}/m/{rendition}/init.mp4")
        }
        ObjectKey::Segment(SegmentKey {
            video,
            rendition,
            index,
        }) => {
            format!(
                "videos/{video}/m/{rendition}/{}",
                segment_name(*rendition, *index)
            )
        }
        ObjectKey::Cues(RenditionKey { video, rendition }) => {
            format!("videos/{video}/m/{rendition}/cues.json")
        }
        ObjectKey::Poster(video, format) => {
            format!("videos/{video}/still/{}", poster_name(*format))
        }
        ObjectKey::Thumbnail {
            video,
            width,
            second,
        } => {
            format!("videos/{video}/still/thumb-{width}-{second}.jpg")
        }
        ObjectKey::Report { video, session } => format!("videos/{video}/report/{session}.json"),
        ObjectKey::Staged { video, hash } => format!("videos/{video}/staged/{hash}"),
    }
}

pub(super) fn parse(path: &str) -> Option<ObjectKey> {
    let parts: Vec<&str> = path.split('/').collect();
    match *parts.as_slice() {
        ["uploads", upload, index] => Some(ObjectKey::SourceBlock {
            upload: exact(upload)?,
            index: number(index)?,
        }),
        ["videos", video, "plan", file] => {
            let hash = file.strip_suffix(".json").filter(|hash| is_hash(hash))?;
            Some(ObjectKey::Plan {
                video: exact(video)?,
                hash: hash.to_owned(),
            })
        }
        ["videos", video, "m", rendition, file] => media(
            RenditionKey {
                video: exact(video)?,
                rendition: exact(rendition)?,
            },
            file,
        ),
        ["videos", video, "still", file] => {
            let video = exact(video)?;
            if let Some(format) = poster_format(file) {
                return Some(ObjectKey::Poster(video, format));
            }
            let (width, second) = file
                .strip_prefix("thumb-")?
                .strip_suffix(".jpg")?
                .split_once('-')?;
            Some(ObjectKey::Thumbnail {
                video,
                width: number(width)?,
                second: number(second)?,
            })
        }
        ["videos", video, "staged", hash] if is_hash(hash) => Some(ObjectKey::Staged {
            video: exact(video)?,
            hash: hash.to_owned(),
        }),
        ["videos", video, "report", file] => {
            let session = exact(file.strip_suffix(".json")?)?;
            Some(ObjectKey::Report {
                video: exact(video)?,
                session,
            })
        }
        _ => None,
    }
}

/// Key of a file in a rendition's folder.
pub(super) fn media(key: RenditionKey, file: &str) -> Option<ObjectKey> {
    match file {
        "init.mp4" => Some(ObjectKey::Init(key)),
        "cues.json" => Some(ObjectKey::Cues(key)),
        _ => {
            let RenditionKey { video, rendition } = key;
            let index = number(file.strip_suffix(segment_suffix(rendition))?)?;
            Some(ObjectKey::Segment(SegmentKey {
                video,
                rendition,
                index,
            }))
        }
    }
}

pub(super) fn segment_name(rendition: RenditionId, index: u32) -> String {
    format!("{index}{}", segment_suffix(rendition))
}

const fn segment_suffix(rendition: RenditionId) -> &'static str {
    match rendition.name() {
        RenditionName::Storyboard => ".jpg",
        _ => ".m4s",
    }
}

pub(super) const fn poster_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "poster.jpg",
        ImageFormat::Webp => "poster.webp",
    }
}

pub(super) fn poster_format(file: &str) -> Option<ImageFormat> {
    [ImageFormat::Jpeg, ImageFormat::Webp]
        .into_iter()
        .find(|format| poster_name(*format) == file)
}

/// Parses a value and accepts only its canonical spelling, so that a key has exactly one path.
pub(super) fn exact<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse()
        .ok()
        .filter(|value: &T| value.to_string() == text)
}

/// Parses a number as it is printed: no sign, no leading zero.
pub(super) fn number(text: &str) -> Option<u32> {
    exact(text)
}
