//! Tests of codecs besides H.264: asking for one, the master playlist, and refusals.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use plan::LazyCodec;
use store::metadata::{State, videos};

use crate::house::{Answer, House, house, request};

impl House {
    async fn ask(&self, path: &str) -> Answer {
        let request = request(Method::PUT, path);
        let request = request.header("authorization", format!("Bearer {}", self.token));
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn a_codec_enters_the_master_playlist_when_all_of_its_renditions_are_measured() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let codecs = format!("/api/v1/videos/{video}/codecs");
    let states = async || {
        let list = house.get_as(&house.token, &codecs).await.json();
        let state = |at: usize| list["codecs"][at]["state"].as_str().unwrap().to_owned();
        [state(0), state(1)]
    };
    assert_eq!(states().await, ["absent", "absent"]);
    for _ in 0..2 {
        let asked = house.ask(&format!("{codecs}/av1")).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED);
        let codec = asked.json();
        assert_eq!(
            (&codec["codec"], &codec["state"]),
            (&"av1".into(), &"pending".into())
        );
    }
    assert_eq!(states().await, ["absent", "pending"]);
    let master = async || house.get(&format!("/v/{video}/master.m3u8")).await.text();
    assert!(!master().await.contains("av01"));

    // This is the plan that the video has now.
    let plan = plan.with_codec(LazyCodec::Av1).unwrap();
    let measured = |row: &mut store::metadata::VideoRow| {
        row.average_bandwidth = plan.lazy[0].ids().map(|id| (id, 90_000)).collect();
        true
    };
    let rows = house.stores.metadata.videos();
    videos::change(rows, &video, measured).await.unwrap();
    assert_eq!(states().await, ["absent", "listed"]);
    let asked = house.ask(&format!("{codecs}/av1")).await;
    assert_eq!(asked.status, StatusCode::OK);
    let shown = master().await;
    assert!(shown.contains("av01") && shown.contains("opus") && !shown.contains("hvc1"));
}

#[tokio::test]
async fn an_unknown_codec_or_video_and_a_missing_token_are_refused() {
    let house = house().await;
    let (video, _) = house.video().await;
    let of = |video: &str, codec: &str| format!("/api/v1/videos/{video}/codecs/{codec}");
    let own = video.to_string();
    let missing = house.ask(&of(&own, "vp9")).await.problem();
    assert_eq!(missing, (404, "not_found".into()));
    let nobody = store::Ids::new(house.stores.clock.clone())
        .video()
        .to_string();
    let missing = house.ask(&of(&nobody, "av1")).await.problem();
    assert_eq!(missing, (404, "not_found".into()));
    let open = request(Method::PUT, &of(&own, "av1")).body(Body::empty());
    let unknown = house.send(open.unwrap()).await.problem();
    assert_eq!(unknown, (401, "unauthorized".into()));
    for (state, code) in [(State::Waiting, "not_playable"), (State::Failed, "failed")] {
        let set = |row: &mut store::metadata::VideoRow| {
            row.state = state;
            true
        };
        let rows = house.stores.metadata.videos();
        videos::change(rows, &video, set).await.unwrap();
        let refused = house.ask(&of(&own, "hevc")).await.problem();
        assert_eq!(refused, (409, code.into()));
    }
}
