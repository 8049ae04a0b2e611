//! Tests of retrying failed videos, and of encoding videos again.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use store::metadata::{Source, State, VideoRow, videos};

use crate::house::{Answer, House, house, request};

impl House {
    async fn remake(&self, video: &str) -> Answer {
        let request = request(Method::POST, &format!("/api/v1/videos/{video}/remake"));
        let request = request.header("authorization", format!("Bearer {}", self.token));
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn a_video_that_is_up_to_date_is_not_encoded_again() {
    let house = house().await;
    let (video, _) = house.video().await;
    let path = format!("/api/v1/videos/{video}/remake");
    for answer in [
        house.get_as(&house.token, &path).await,
        house.remake(&video.to_string()).await,
    ] {
        assert_eq!(answer.status, StatusCode::OK);
        let said = answer.json();
        assert_eq!(
            (&said["state"], &said["bytes"]),
            (&"current".into(), &serde_json::Value::Null)
        );
    }
}

#[tokio::test]
async fn a_video_that_cannot_be_encoded_again_is_refused_with_a_code() {
    let house = house().await;
    let (video, _) = house.video().await;
    let own = video.to_string();
    let nobody = store::Ids::new(house.stores.clock.clone())
        .video()
        .to_string();
    assert_eq!(
        house.remake(&nobody).await.problem(),
        (404, "not_found".into())
    );
    let open = request(Method::POST, &format!("/api/v1/videos/{own}/remake")).body(Body::empty());
    assert_eq!(
        house.send(open.unwrap()).await.problem(),
        (401, "unauthorized".into())
    );
    for (state, code) in [(State::Playable, "not_ready"), (State::Failed, "failed")] {
        let set = |row: &mut store::metadata::VideoRow| {
            row.state = state;
            true
        };
        videos::change(house.stores.metadata.videos(), &video, set)
            .await
            .unwrap();
        assert_eq!(house.remake(&own).await.problem(), (409, code.into()));
        let path = format!("/api/v1/videos/{own}/remake");
        assert_eq!(
            house.get_as(&house.token, &path).await.json()["state"],
            "unready"
        );
    }
}

impl House {
    async fn retry(&self, video: &str, token: Option<&str>) -> Answer {
        let mut request = request(Method::POST, &format!("/api/v1/videos/{video}/retry"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn set(&self, video: &plan::VideoId, state: State, source: Source) {
        let set = |row: &mut VideoRow| {
            (row.state, row.source) = (state, source);
            true
        };
        let rows = self.stores.metadata.videos();
        videos::change(rows, video, set).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_video_whose_source_is_complete_is_retried() {
    let house = house().await;
    let (video, _) = house.video().await;
    let id = video.to_string();
    let token = Some(house.token.as_str());
    let refused = |code: &str| (409, code.to_owned());
    assert_eq!(
        house.retry(&id, token).await.problem(),
        refused("not_failed")
    );
    assert_eq!(
        house.retry(&id, None).await.problem(),
        (401, "unauthorized".into())
    );
    house.set(&video, State::Failed, Source::Lost).await;
    assert_eq!(
        house.retry(&id, token).await.problem(),
        refused("source_gone")
    );

    house.set(&video, State::Failed, Source::Complete).await;
    let page = async |cookie: String| {
        let path = format!("/watch/{id}");
        house.get_with(&path, &[("cookie", &cookie)]).await.text()
    };
    // The page of a failed video has no playback links, and the button to retry is shown to the owner only.
    let (own, anybodys) = (page(house.cookie().await).await, page(String::new()).await);
    let button = format!("action=\"/watch/{id}/retry\"");
    assert!(own.contains(&button) && !anybodys.contains(&button));
    assert!(anybodys.contains("class=\"links\" hidden"), "{anybodys}");
    let answer = house.retry(&id, token).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_ne!(answer.json()["state"], "failed");
}
