//! Folder layouts: where the file store puts an object below its root.

use plan::{RenditionKey, SegmentKey, VideoId};

use super::path::{exact, media, number, poster_format, poster_name, segment_name};
use super::{ObjectKey, Prefix, is_hash};

/// Arrangement of objects below a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Layout of the object keys, for many videos.
    Store,
    /// Layout of the URLs under `/v/{video}/`, for one video, so that any web server can serve the folder. Objects
    /// outside of the URL contract are in `.reelmill/`.
    Presentation,
}

/// Folder inside a presentation for objects that clients do not fetch.
pub(crate) const PRIVATE: &str = ".reelmill";

impl Layout {
    /// Path of an object below the root.
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

    /// Key of a file that was found while listing `within`. The prefix supplies the video's id, which the paths of a
    /// presentation do not contain.
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

    /// Folders below the root that contain all objects of a prefix; `""` is the root.
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
        // Cue lists are never stored beside the segments in this layout, where anybody could fetch them.
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
