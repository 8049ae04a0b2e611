//! Tests of delivery to players and CDNs: headers, ranges, errors, and the memory cache.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use futures::future::join_all;

use crate::house::house;

const YEAR: &str = "public, max-age=31536000, immutable";

#[tokio::test]
async fn a_segment_is_cached_for_a_year_and_tagged_with_its_video() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let path = format!("/v/{video}/{}/0.m4s", plan.video[0].id);
    for _ in 0..2 {
        let answer = house.get(&path).await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (StatusCode::OK, &b"0123456789"[..])
        );
        assert_eq!(answer.header("cache-control"), YEAR);
        assert_eq!(answer.header("content-type"), "video/mp4");
        assert_eq!(answer.header("cache-tag"), video.to_string());
        assert_eq!(answer.header("surrogate-key"), video.to_string());
        assert_eq!(answer.header("timing-allow-origin"), "*");
        assert_eq!(answer.header("server-timing"), "", "nothing was made");
        assert!(answer.header("etag").starts_with('"'), "a strong validator");
    }
}

#[tokio::test]
async fn a_client_that_has_the_file_gets_304_without_a_body() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let segment = format!("/v/{video}/{}/0.m4s", plan.video[0].id);
    for path in [segment, format!("/v/{video}/master.m3u8")] {
        let tag = house.get(&path).await.header("etag").to_owned();
        let again = house.get_with(&path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.body.is_empty() && again.header("etag") == tag);
        let other = house
            .get_with(&path, &[("if-none-match", "\"other\"")])
            .await;
        assert_eq!(other.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_range_of_a_segment_is_answered_with_that_range() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let path = format!("/v/{video}/{}/0.m4s", plan.audio[0].id);
    let part = house.get_with(&path, &[("range", "bytes=2-4")]).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.text(), "234");
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(part.header("content-type"), "audio/mp4");
    let beyond = house.get_with(&path, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("content-range"), "bytes */10");
    assert_eq!(beyond.header("cache-control"), "no-store");
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let path = format!("/v/{video}/{}/0.m4s", plan.video[0].id);
    let head = Request::builder().method(Method::HEAD).uri(&path);
    let answer = house.send(head.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-length"), "10");
}

#[tokio::test]
async fn a_thousand_requests_at_once_read_a_cold_segment_once() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let path = format!("/v/{video}/{}/0.m4s", plan.video[0].id);
    house.objects.take_reads();
    let answers = join_all((0..1000).map(|_| house.get(&path))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(house.objects.take_reads(), 1);
}

#[tokio::test]
async fn a_listed_segment_that_is_not_encoded_in_time_is_never_a_4xx() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let listed = format!("/v/{video}/{}/1.m4s", plan.video[0].id);
    let answer = house.get(&listed).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("retry-after"), "1");
    let unlisted = format!("/v/{video}/{}/{}.m4s", plan.video[0].id, plan.segments());
    assert_eq!(house.get(&unlisted).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn players_on_any_page_may_read_everything() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let path = format!("/v/{video}/{}/0.m4s", plan.video[0].id);
    let from = [
        ("origin", "https://player.example"),
        ("host", "cdn.example"),
    ];
    let answer = house.get_with(&path, &from).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let exposed = answer.header("access-control-expose-headers");
    assert!(exposed.contains("server-timing"), "{exposed}");
    assert_eq!(answer.header("vary"), "", "one copy in every cache");
    let preflight = Request::builder().method(Method::OPTIONS).uri(&path);
    let preflight = preflight
        .header("origin", "https://player.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "range");
    let answer = house.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-headers"), "*");
}

#[tokio::test]
async fn manifests_are_short_lived_and_playlists_are_compressed() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let master = house.get(&format!("/v/{video}/master.m3u8")).await;
    assert!(master.text().starts_with("#EXTM3U"));
    assert_eq!(
        master.header("content-type"),
        "application/vnd.apple.mpegurl"
    );
    assert!(master.header("cache-control").contains("max-age=60"));
    assert!(master.header("etag").starts_with("W/"));
    let mpd = house.get(&format!("/v/{video}/manifest.mpd")).await;
    assert_eq!(mpd.header("content-type"), "application/dash+xml");
    for file in ["storyboard.vtt", "chapters.vtt"] {
        let vtt = house.get(&format!("/v/{video}/{file}")).await;
        assert!(vtt.text().starts_with("WEBVTT"), "{file}");
    }
    let path = format!("/v/{video}/{}/playlist.m3u8", plan.video[0].id);
    let playlist = house.get_with(&path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(playlist.header("content-encoding"), "gzip");
    assert_eq!(playlist.header("cache-control"), YEAR);
    assert_eq!(playlist.header("vary"), "accept-encoding");
}

#[tokio::test]
async fn a_deleted_video_is_not_served_from_memory() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let segment = format!("/v/{video}/{}/0.m4s", plan.video[0].id);
    assert_eq!(house.get(&segment).await.status, StatusCode::OK);
    let delete = crate::house::request(Method::DELETE, &format!("/api/v1/videos/{video}"));
    let delete = delete.header("authorization", format!("Bearer {}", house.token));
    let deleted = house.send(delete.body(Body::empty()).unwrap()).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    for path in [
        segment,
        format!("/v/{video}/master.m3u8"),
        format!("/v/{video}/poster.jpg"),
    ] {
        let answer = house.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_404_under_any_host_name() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let rendition = plan.video[0].id;
    for path in [
        "/v/nonsense/master.m3u8".to_owned(),
        format!("/v/{video}/nonsense"),
        format!("/v/{video}/nonsense/0.m4s"),
        format!("/v/{video}/{rendition}/00.m4s"),
        format!("/v/{video}/{rendition}/0.m4s/more"),
        format!("/v/{video}/thumbnail/77/0.jpg"),
        format!("/v/{video}/thumbnail/nonsense/0.jpg"),
    ] {
        let answer = house.get_with(&path, &[("host", "cdn.example")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_manifest_waits_for_a_source_that_is_being_probed() {
    use store::metadata::{Source, VideoRow};
    let house = house().await;
    let (ready, _) = house.video().await;
    let videos = house.stores.metadata.videos();
    let known = videos.get(&ready).await.unwrap().unwrap();
    let (id, owner) = (house.stores.ids.video(), known.owner);
    let mut row = VideoRow::new(id, owner, "New".into(), 1);
    videos.insert(&row).await.unwrap();
    let path = format!("/v/{id}/master.m3u8");
    let uploading = house.get(&path).await;
    assert_eq!(
        uploading.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "come again"
    );
    row.source = Source::Complete;
    let row = videos.compare_and_set(&row).await.unwrap();
    let becoming = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let mut row = row.clone();
        (row.state, row.plans) = (known.state, known.plans.clone());
        row.current_plan = known.current_plan.clone();
        let from = store::ObjectKey::Plan {
            video: ready,
            hash: "abc123".into(),
        };
        let to = store::ObjectKey::Plan {
            video: id,
            hash: "abc123".into(),
        };
        let objects = &*house.stores.objects;
        let plan = store::objects::get(objects, &from).await.unwrap();
        objects.put(&to, plan).await.unwrap();
        let row = videos.compare_and_set(&row).await.unwrap();
        let event = store::Event::VideoChanged {
            video: id,
            state: row.state,
            epoch: row.epoch,
        };
        house.stores.events.publish(event).await.unwrap();
    };
    let (answer, ()) = tokio::join!(house.get(&path), becoming);
    assert_eq!(answer.status, StatusCode::OK);
}
