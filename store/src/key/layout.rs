//! Where the files implementation puts an object below its root.

use plan::{RenditionKey, SegmentKey, VideoId};

use super::path::{exact, media, number, poster_format, poster_name, segment_name};
use super::{ObjectKey, Prefix, is_hash};

/// How object paths lie below a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The key layout, for many videos.
    Store,
    /// The layout of the URLs under `/v/{video}/`, for one video: any web server can
    /// serve the folder. What is not in the URL contract lies under `.reelmill/`.
    Presentation,
}

/// What of a presentation's folder is ours alone.
pub(crate) const PRIVATE: &str = ".reelmill";

impl Layout {
    /// The path of an object below the root.
    pub fn path(self, key: &ObjectKey) -> String {
        if self == Self::Store {
            return key.path();
        }
        match key {
            ObjectKey::SourceBlock { upload, index } => {
                format!("{PRIVATE}/uploads/{upload}/{index}")
            }
            ObjectKey::Plan { hash, .. } => format!("{PRIVATE}/plan/{hash}.json"),
            ObjectKey::Init(RenditionKey { rendition, .. }) => format!("{rendition}/init.mp4"),
            ObjectKey::Segment(SegmentKey {
                rendition, index, ..
            }) => {
                format!("{rendition}/{}", segment_name(*rendition, *index))
            }
            ObjectKey::Cues(RenditionKey { rendition, .. }) => {
                format!("{PRIVATE}/cues/{rendition}.json")
            }
            ObjectKey::Poster(_, format) => poster_name(*format).to_owned(),
            ObjectKey::Thumbnail { width, second, .. } => {
                format!("thumbnail/{width}/{second}.jpg")
            }
            ObjectKey::Report { session, .. } => format!("{PRIVATE}/report/{session}.json"),
            ObjectKey::Staged { hash, .. } => format!("{PRIVATE}/staged/{hash}"),
        }
    }

    /// The key of a path below the root that was found while listing `within`. The
    /// prefix gives the video's id, which a presentation's paths do not carry.
    pub fn parse(self, path: &str, within: &Prefix) -> Option<ObjectKey> {
        let key = match (self, within) {
            (Self::Store, _) => ObjectKey::parse(path)?,
            (Self::Presentation, Prefix::Upload(_)) => match *parts(path).as_slice() {
                [PRIVATE, "uploads", upload, index] => ObjectKey::SourceBlock {
                    upload: exact(upload)?,
                    index: number(index)?,
                },
                _ => return None,
            },
            (Self::Presentation, Prefix::Video(video)) => presented(*video, path)?,
            (Self::Presentation, Prefix::Rendition(key)) => presented(key.video, path)?,
        };
        within.contains(&key).then_some(key)
    }

    /// The folders below the root that hold all objects of a prefix; `""` is the root.
    pub(crate) fn folders(self, prefix: &Prefix) -> Vec<String> {
        match (self, prefix) {
            (Self::Store, _) => vec![prefix.path().trim_end_matches('/').to_owned()],
            (Self::Presentation, Prefix::Video(_)) => vec![String::new()],
            (Self::Presentation, Prefix::Rendition(key)) => {
                vec![key.rendition.to_string(), format!("{PRIVATE}/cues")]
            }
            (Self::Presentation, Prefix::Upload(upload)) => {
                vec![format!("{PRIVATE}/uploads/{upload}")]
            }
        }
    }
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

fn presented(video: VideoId, path: &str) -> Option<ObjectKey> {
    match *parts(path).as_slice() {
        [PRIVATE, "plan", file] => {
            let hash = file.strip_suffix(".json").filter(|hash| is_hash(hash))?;
            Some(ObjectKey::Plan {
                video,
                hash: hash.to_owned(),
            })
        }
        [PRIVATE, "cues", file] => {
            let rendition = exact(file.strip_suffix(".json")?)?;
            Some(ObjectKey::Cues(RenditionKey { video, rendition }))
        }
        [PRIVATE, "staged", hash] if is_hash(hash) => Some(ObjectKey::Staged {
            video,
            hash: hash.to_owned(),
        }),
        [PRIVATE, "report", file] => Some(ObjectKey::Report {
            video,
            session: exact(file.strip_suffix(".json")?)?,
        }),
        ["thumbnail", width, file] => Some(ObjectKey::Thumbnail {
            video,
            width: number(width)?,
            second: number(file.strip_suffix(".jpg")?)?,
        }),
        [file] => Some(ObjectKey::Poster(video, poster_format(file)?)),
        // Cues never lie beside the segments here, where the world could fetch them.
        [rendition, file] if file != "cues.json" => media(
            RenditionKey {
                video,
                rendition: exact(rendition)?,
            },
            file,
        ),
        _ => None,
    }
}
