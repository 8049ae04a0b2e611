//! Texts: the source's own text and files beside it, added in any order.

use std::path::Path;
use std::process::Command;

use crate::house::{House, house, is_over, sample};
use bytes::Bytes;
use pipeline::SideCarError;
use plan::{CueList, RenditionKey, VideoId};
use store::ObjectKey;
use store::metadata::{State, VideoRow};

fn cues(word: &str) -> CueList {
    let file = format!("1\n00:00:01,000 --> 00:00:02,000\n{word}\n");
    CueList::parse(file.as_bytes()).unwrap()
}

/// Makes the sample source with a text track that contains `word`.
fn subtitled(folder: &Path, word: &str) -> Bytes {
    sample(folder, 6);
    let file = |name: &str| folder.join(name);
    let text = format!("1\n00:00:01,000 --> 00:00:02,000\n{word}\n");
    std::fs::write(file("word.srt"), text).unwrap();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(file("sample.mp4"))
        .arg("-i")
        .arg(file("word.srt"))
        .args(["-map", "0", "-map", "1", "-c", "copy"])
        .arg(file("subtitled.mkv"))
        .status();
    assert!(made.unwrap().success());
    std::fs::read(file("subtitled.mkv")).unwrap().into()
}

impl House {
    /// The words of each text of the current plan, the source's own first.
    async fn said(&self, video: VideoId) -> Vec<String> {
        let row = self.pipeline.videos().get(video).await.unwrap().unwrap();
        let plan = self.pipeline.videos().plan_of(&row).await.unwrap().unwrap();
        let mut said = Vec::new();
        for text in plan.texts() {
            let rendition = text.id;
            let key = RenditionKey { video, rendition };
            let list = self.pipeline.playback().cues(key).await.unwrap();
            said.push(list.cues[0].text.clone());
        }
        said
    }

    async fn put(&self, video: VideoId, language: &str, word: &str) -> Result<bool, SideCarError> {
        let cues = cues(word);
        let put = self
            .pipeline
            .videos()
            .put_side_car(video, language, language, &cues);
        put.await
    }
}

#[tokio::test]
async fn the_sources_text_and_files_beside_it_come_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(subtitled(folder.path(), "source")).await;
    // The source's text is most likely not extracted yet.
    let begun = |row: &VideoRow| row.state == State::Playable || is_over(row);
    house.until(video, begun).await;
    assert!(house.put(video, "de", "early").await.unwrap());
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    assert_eq!(house.said(video).await, ["source", "early"]);
    assert!(house.put(video, "fr", "late").await.unwrap());
    assert!(!house.put(video, "de", "other").await.unwrap());
    assert_eq!(house.said(video).await, ["source", "other", "late"]);
    house
        .pipeline
        .videos()
        .remove_side_car(video, "de")
        .await
        .unwrap();
    let again = house.pipeline.videos().remove_side_car(video, "de").await;
    assert!(matches!(again, Err(SideCarError::NotFound)));
    assert_eq!(house.said(video).await, ["source", "late"]);
    let row = house.pipeline.videos().get(video).await.unwrap().unwrap();
    assert_eq!(
        (row.state, &row.whole_plan),
        (State::Ready, &row.current_plan)
    );
}

/// The video looks like one that was encoded before text was extracted.
#[tokio::test]
async fn text_of_a_video_that_was_ready_without_comes_when_it_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(subtitled(folder.path(), "source")).await;
    let row = house.until(video, is_over).await;
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let mut json = serde_json::to_value(&*plan).unwrap();
    // Both fields were unknown to the version before, so the stored plan and its hash lack them.
    let fields = json.as_object_mut().unwrap();
    assert!(fields.remove("text").is_some() && fields.remove("side_cars").is_some());
    let hash = "old".to_owned();
    let key = ObjectKey::Plan {
        video,
        hash: hash.clone(),
    };
    let json = serde_json::to_vec(&json).unwrap();
    house.stores.objects.put(&key, json.into()).await.unwrap();
    let go_back = |row: &mut VideoRow| {
        row.plans[0].hash.clone_from(&hash);
        row.current_plan = Some(hash.clone());
        row.whole_plan = Some(hash.clone());
        true
    };
    let rows = house.stores.metadata.videos();
    let row = store::metadata::videos::change(rows, &video, go_back);
    let row = row.await.unwrap();
    assert!(!row.is_unfinished() && house.said(video).await.is_empty());
    let old = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    house.pipeline.playback().note_watched(&row, &old);
    let is_whole =
        |row: &VideoRow| row.current_plan.as_ref() != Some(&hash) && !row.is_unfinished();
    let row = house.until(video, is_whole).await;
    assert_eq!(row.state, State::Ready);
    assert_eq!(house.said(video).await, ["source"]);
}

#[tokio::test]
async fn of_files_that_come_at_once_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(subtitled(folder.path(), "source")).await;
    let begun = |row: &VideoRow| row.state == State::Playable || is_over(row);
    house.until(video, begun).await;
    let languages = ["cs", "da", "de", "el", "en", "es", "fi", "fr"];
    let put = |language| house.put(video, language, language);
    let done = futures::future::join_all(languages.map(put)).await;
    assert!(done.iter().all(|new| matches!(new, Ok(true))), "{done:?}");
    house.until(video, is_over).await;
    let mut said = house.said(video).await;
    assert_eq!(said.remove(0), "source");
    said.sort();
    assert_eq!(said, languages);
}
