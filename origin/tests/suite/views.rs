//! Tests of views: what counts as one, and who sees their number.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, StatusCode};
use plan::VideoId;

use crate::house::{House, house, request};

impl House {
    /// Fetches a file of a video from a client address, in a CMCD session.
    async fn fetch(&self, from: Option<[u8; 4]>, session: &str, path: &str) -> StatusCode {
        let mut request = request(Method::GET, path)
            .header("cmcd-session", format!("sid=\"{session}\""))
            .body(Body::empty())
            .unwrap();
        if let Some(address) = from {
            let peer = SocketAddr::from((address, 4711));
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        self.send(request).await.status
    }

    /// Stops the pipeline, which writes all views, and returns a video's number of views.
    async fn views(&self, video: VideoId) -> u64 {
        self.pipeline.stop().await;
        let path = format!("/api/v1/videos/{video}");
        let shown = self.get_as(&self.token, &path).await.json();
        shown["views"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn fetching_a_manifest_an_image_or_a_missing_segment_is_not_a_view() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let (base, picture) = (format!("/v/{video}"), plan.video[0].id);
    for file in ["master.m3u8", "manifest.mpd", "poster.jpg", "chapters.vtt"] {
        let got = house
            .fetch(Some([192, 0, 2, 1]), "a", &format!("{base}/{file}"))
            .await;
        assert_eq!(got, StatusCode::OK, "{file}");
    }
    for file in ["playlist.m3u8", "init.mp4"] {
        let path = format!("{base}/{picture}/{file}");
        let got = house.fetch(Some([192, 0, 2, 1]), "a", &path).await;
        assert_eq!(got, StatusCode::OK, "{file}");
    }
    for missing in [
        format!("{picture}/99999.m4s"),
        "v720-0123456789ab/0.m4s".into(),
    ] {
        let path = format!("{base}/{missing}");
        let got = house.fetch(Some([192, 0, 2, 1]), "a", &path).await;
        assert_eq!(got, StatusCode::NOT_FOUND, "{missing}");
    }
    assert_eq!(house.views(video).await, 0);
}

#[tokio::test]
async fn a_network_that_fetches_segments_is_one_view_whatever_its_sessions() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let media = [plan.video[0].id, plan.video[1].id, plan.audio[0].id];
    for rendition in media {
        let path = format!("/v/{video}/{rendition}/0.m4s");
        for (from, session) in [
            (Some([192, 0, 2, 1]), "a"),
            (Some([192, 0, 2, 1]), "b"),
            (Some([192, 0, 2, 2]), "a"),
            // The client's address is unknown, as behind a proxy that does not report it.
            (None, "a"),
            (None, "b"),
        ] {
            let got = house.fetch(from, session, &path).await;
            assert_eq!(got, StatusCode::OK);
        }
    }
    assert_eq!(house.views(video).await, 4);
}

#[tokio::test]
async fn the_number_of_views_is_shown_to_the_owner_only() {
    let house = house().await;
    let (video, _) = house.video().await;
    let page = format!("/watch/{video}");
    let cookie = house.cookie().await;
    for (more, line) in [(1, "1 view "), (11, "12 views ")] {
        let views = house.stores.metadata.views();
        views.add(&video, more).await.unwrap();
        let own = house.get_with(&page, &[("cookie", &cookie)]).await.text();
        assert!(own.contains(line), "{own}");
    }
    assert!(!house.get(&page).await.text().contains("views"));
}
