//! Keys of objects: path, content type and time in caches of every kind of object.

mod layout;
mod path;

use plan::rendition::RenditionName;
use plan::{RenditionKey, SegmentKey, SessionId, UploadId, VideoId};
use serde::{Deserialize, Serialize};

pub use layout::Layout;
pub(crate) use layout::PRIVATE;

/// Key of an object. This is the only type that knows how an object's path is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ObjectKey {
    /// Block of a source: 8 MiB, or less for the last block of an upload.
    SourceBlock {
        /// Upload to which the block belongs.
        upload: UploadId,
        /// Index of the block, counted from 0.
        index: u32,
    },
    /// Plan of a video, as JSON.
    Plan {
        /// Video to which the plan belongs.
        video: VideoId,
        /// Hash of the plan in lower-case letters and digits; see [`is_hash`].
        hash: String,
    },
    /// Init segment of a rendition.
    Init(RenditionKey),
    /// Media segment of a rendition, or sheet of a storyboard.
    Segment(SegmentKey),
    /// List of a text rendition's cues, as JSON.
    Cues(RenditionKey),
    /// Poster of a video in one image format.
    Poster(VideoId, ImageFormat),
    /// Thumbnail: the frame at a whole second.
    Thumbnail {
        /// Video to which the thumbnail belongs.
        video: VideoId,
        /// Width in pixels.
        width: u32,
        /// Time in seconds from the start of the presentation.
        second: u32,
    },
    /// Statistics of an engine session, as JSON.
    Report {
        /// Video to which the session belonged.
        video: VideoId,
        /// Engine session that the report describes.
        session: SessionId,
    },
    /// Body that waits to be published, for stores that cannot refuse to replace an object.
    Staged {
        /// Video to which the body belongs.
        video: VideoId,
        /// Hash of the key under which the body will be published, and of its bytes, in lower-case letters and digits; see [`is_hash`].
        hash: String,
    },
}

/// Image format of a still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// JPEG, for all clients.
    Jpeg,
    /// WebP, for clients that accept it: about a third smaller.
    Webp,
}

/// Caching of a response that carries an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CachePolicy {
    /// The response may be cached forever: the object's name is a hash of all that shapes its bytes.
    Immutable,
    /// The response may be cached for a short time: the object may be replaced by a better one.
    Short,
    /// The response must not be cached: it concerns nobody but the requester.
    Private,
}

impl CachePolicy {
    /// Value of the `Cache-Control` header.
    pub const fn cache_control(self) -> &'static str {
        match self {
            // Caches treat a year as "forever".
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Short => "public, max-age=60, stale-while-revalidate=600",
            Self::Private => "private, no-store",
        }
    }
}

/// Set of objects that are deleted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// All objects of a video, except its source.
    Video(VideoId),
    /// Init segment, segments and cues of one rendition.
    Rendition(RenditionKey),
    /// Source blocks of one upload.
    Upload(UploadId),
}

impl ObjectKey {
    /// Path of the object. Its parts are valid on every file system, and no key is the folder of another key.
    pub fn path(&self) -> String {
        path::write(self)
    }

    /// Whether the path stays inside its folder. A hash is the only part with free text, and must not lead out of the
    /// folder.
    pub fn is_safe(&self) -> bool {
        !matches!(self, Self::Plan { hash, .. } | Self::Staged { hash, .. } if !is_hash(hash))
    }

    /// Whether the object is published: it is only stored if there is none, and never replaced.
    pub const fn is_published(&self) -> bool {
        matches!(self, Self::Init(_) | Self::Segment(_) | Self::Plan { .. })
    }

    /// The key of a path, if [`ObjectKey::path`] writes that path.
    pub fn parse(path: &str) -> Option<Self> {
        path::parse(path)
    }

    /// Media type of the object.
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

    /// Caching of responses that carry the object.
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

    /// Video to which the object belongs. `None` for a source block, which belongs to an upload that the video's row
    /// lists.
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
        Self::parse(&path).ok_or_else(|| format!("{path:?} is not the path of an object"))
    }
}

impl Prefix {
    /// Path that all objects of the prefix start with. It ends with a slash.
    pub fn path(&self) -> String {
        match self {
            Self::Video(video) => format!("videos/{video}/"),
            Self::Rendition(key) => format!("videos/{}/m/{}/", key.video, key.rendition),
            Self::Upload(upload) => format!("uploads/{upload}/"),
        }
    }

    /// Whether `key` belongs to the prefix.
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

/// Whether a text can be the hash of a plan: 1 to 64 lower-case letters and digits.
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
