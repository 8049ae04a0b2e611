//! Deletion of media that the finished presentation does not list. No player can be using these files: the presentation
//! was not published before.

use anyhow::Result;
use futures::TryStreamExt;
use plan::{Plan, VideoId};
use store::{ObjectKey, Objects, Prefix};

/// Deletes the media of renditions that an earlier plan of the video had and the final plan does not have.
pub async fn sweep(objects: &dyn Objects, video: VideoId, plan: &Plan) -> Result<()> {
    let listed: Vec<_> = objects
        .list(&Prefix::Video(video))
        .await?
        .try_collect()
        .await?;
    let is_left_out = |key: &ObjectKey| match key {
        ObjectKey::Segment(key) => !plan.lists(key.rendition),
        ObjectKey::Init(key) => !plan.lists(key.rendition),
        _ => false,
    };
    let keys = listed.into_iter().map(|listed| listed.key);
    let left_out: Vec<ObjectKey> = keys.filter(is_left_out).collect();
    Ok(objects.delete(&left_out).await?)
}
