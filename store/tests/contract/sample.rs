//! Sample rows and keys.

use plan::rendition::RenditionName;
use plan::{OwnerId, RenditionId, RenditionKey, SegmentKey, UploadId, VideoId};
use store::metadata::{UploadRow, VideoRow};
use store::{ObjectKey, SecretHash};

pub fn rendition(name: RenditionName) -> RenditionId {
    RenditionId::new(name, &[7; 32])
}

pub fn picture(video: VideoId) -> RenditionKey {
    RenditionKey {
        video,
        rendition: rendition(RenditionName::Video(720)),
    }
}

pub fn segment(video: VideoId, index: u32) -> SegmentKey {
    SegmentKey {
        video,
        rendition: picture(video).rendition,
        index,
    }
}

pub fn block(upload: UploadId, index: u32) -> ObjectKey {
    ObjectKey::SourceBlock { upload, index }
}

pub fn video(owner: OwnerId, created_at_us: i64) -> VideoRow {
    VideoRow::new(VideoId::new(), owner, "A title".into(), created_at_us)
}

pub fn upload(video: VideoId, at_us: i64) -> UploadRow {
    UploadRow {
        id: UploadId::new(),
        video,
        owner: OwnerId::new(),
        offset: 0,
        declared_size: Some(1000),
        complete: false,
        given_up: false,
        created_at_us: at_us,
        updated_at_us: at_us,
    }
}

pub fn hash(text: &str) -> SecretHash {
    SecretHash::of(text)
}
