//! Where an object lives, what it is, and how long it may be cached.

mod layout;
mod path;

use plan::rendition::RenditionName;
use plan::{RenditionKey, SegmentKey, SessionId, UploadId, VideoId};
use serde::{Deserialize, Serialize};

pub use layout::Layout;
pub(crate) use layout::PRIVATE;

/// An object's name. The only type that knows how a path is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ObjectKey {
    /// One block of a source: 8 MiB, the last one of an upload less.
    SourceBlock {
        /// Of which upload.
        upload: UploadId,
        /// Which, from 0.
        index: u32,
    },
    /// A plan, as JSON.
    Plan {
        /// Of which video.
        video: VideoId,
        /// Its hash in lower-case letters and digits; see [`is_hash`].
        hash: String,
    },
    /// A rendition's init segment.
    Init(RenditionKey),
    /// A media segment, or a storyboard's sheet.
    Segment(SegmentKey),
    /// A text rendition's list of cues, as JSON.
    Cues(RenditionKey),
    /// A video's poster.
    Poster(VideoId, ImageFormat),
    /// A still of a whole second.
    Thumbnail {
        /// Of which video.
        video: VideoId,
        /// In pixels.
        width: u32,
        /// From the presentation's start.
        second: u32,
    },
    /// An engine session's statistics, as JSON.
    Report {
        /// Of which video.
        video: VideoId,
        /// Which session.
        session: SessionId,
    },
    /// What may be published next, where the store does not keep to the first by itself.
    Staged {
        /// Of which video.
        video: VideoId,
        /// Of the key and the bytes, in lower-case letters and digits; see [`is_hash`].
        hash: String,
    },
}

/// How a still is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// For everybody.
    Jpeg,
    /// For who accepts it: about a third smaller.
    Webp,
}

/// How long a response that carries an object may be kept by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CachePolicy {
    /// Its name is a hash of all that shapes its bytes.
    Immutable,
    /// It may be made again, better.
    Short,
    /// It is nobody else's business.
    Private,
}

impl CachePolicy {
    /// The value of `Cache-Control`.
    pub const fn cache_control(self) -> &'static str {
        match self {
            // A year: what caches take for "for ever".
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Short => "public, max-age=60, stale-while-revalidate=600",
            Self::Private => "private, no-store",
        }
    }
}

/// A set of objects that live and die together; what a sweep removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// Everything of a video, except its source.
    Video(VideoId),
    /// One rendition's init segment, segments and cues.
    Rendition(RenditionKey),
    /// One upload's source blocks.
    Upload(UploadId),
}

impl ObjectKey {
    /// The path: its parts are safe on every file system and no key is another's folder.
    pub fn path(&self) -> String {
        path::write(self)
    }

    /// Whether its path stays where it belongs. A hash is the one part that is a free text: it must
    /// not lead out of its folder.
    pub fn is_safe(&self) -> bool {
        !matches!(self, Self::Plan { hash, .. } | Self::Staged { hash, .. } if !is_hash(hash))
    }

    /// Whether it is only ever put where nothing is.
    pub const fn is_published(&self) -> bool {
        matches!(self, Self::Init(_) | Self::Segment(_) | Self::Plan { .. })
    }

    /// The key of a path, if the path is one that [`ObjectKey::path`] writes.
    pub fn parse(path: &str) -> Option<Self> {
        path::parse(path)
    }

    /// The media type of the bytes.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::SourceBlock { .. } | Self::Staged { .. } => "application/octet-stream",
            Self::Plan { .. } | Self::Cues(_) | Self::Report { .. } => "application/json",
            Self::Init(key) => media_type(key.rendition.name()),
            Self::Segment(key) => media_type(key.rendition.name()),
            Self::Poster(_, ImageFormat::Webp) => "image/webp",
            Self::Poster(_, ImageFormat::Jpeg) | Self::Thumbnail { .. } => "image/jpeg",
        }
    }

    /// How long it may be cached.
    pub const fn cache(&self) -> CachePolicy {
        match self {
            Self::Init(_) | Self::Segment(_) => CachePolicy::Immutable,
            Self::Poster(..) | Self::Thumbnail { .. } => CachePolicy::Short,
            Self::SourceBlock { .. }
            | Self::Plan { .. }
            | Self::Cues(_)
            | Self::Report { .. }
            | Self::Staged { .. } => CachePolicy::Private,
        }
    }

    /// Whose it is; a source block belongs to an upload, which its video's row lists.
    pub const fn video(&self) -> Option<VideoId> {
        match self {
            Self::SourceBlock { .. } => None,
            Self::Plan { video, .. }
            | Self::Poster(video, _)
            | Self::Thumbnail { video, .. }
            | Self::Report { video, .. }
            | Self::Staged { video, .. } => Some(*video),
            Self::Init(key) | Self::Cues(key) => Some(key.video),
            Self::Segment(key) => Some(key.video),
        }
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.path()
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        Self::parse(&path).ok_or_else(|| format!("{path:?} is no object's path"))
    }
}

impl Prefix {
    /// The path that all its objects' paths start with; ends with a slash.
    pub fn path(&self) -> String {
        match self {
            Self::Video(video) => format!("videos/{video}/"),
            Self::Rendition(key) => format!("videos/{}/m/{}/", key.video, key.rendition),
            Self::Upload(upload) => format!("uploads/{upload}/"),
        }
    }

    /// Whether `key` is one of its objects.
    pub fn contains(&self, key: &ObjectKey) -> bool {
        match self {
            Self::Video(video) => key.video() == Some(*video),
            Self::Rendition(rendition) => match key {
                ObjectKey::Init(key) | ObjectKey::Cues(key) => key == rendition,
                ObjectKey::Segment(key) => {
                    key.video == rendition.video && key.rendition == rendition.rendition
                }
                _ => false,
            },
            Self::Upload(upload) => {
                matches!(key, ObjectKey::SourceBlock { upload: of, .. } if of == upload)
            }
        }
    }
}

/// Whether a text can be a plan's hash: 1 to 64 lower-case letters and digits.
pub fn is_hash(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

const fn media_type(name: RenditionName) -> &'static str {
    match name {
        RenditionName::Video(_) | RenditionName::TrickPlay(_) => "video/mp4",
        RenditionName::Stereo(_) | RenditionName::Surround(_) => "audio/mp4",
        RenditionName::Text(_) => "application/mp4",
        RenditionName::Storyboard => "image/jpeg",
    }
}

#[cfg(test)]
mod tests;
