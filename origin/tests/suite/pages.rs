//! Tests of the pages, of sign-in, and of the event stream.

use accounts::{owners, sign_in};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use http_body_util::BodyExt;
use plan::Loudness;
use store::Event;
use store::metadata::{Role, State, videos};
use tower::ServiceExt;

use crate::house::{Answer, House, house, request};

async fn exchange(house: &House, code: &str) -> Answer {
    let post = request(Method::POST, "/sign-in")
        .header("content-type", "application/x-www-form-urlencoded");
    house
        .send(post.body(Body::from(format!("code={code}"))).unwrap())
        .await
}

#[tokio::test]
async fn opening_a_sign_in_link_does_not_use_it_up() {
    let house = house().await;
    let ann = owners::find_or_create(&house.stores, "ann", Role::Uploader).await;
    let code = sign_in::create_code(&house.stores, ann.unwrap().id)
        .await
        .unwrap();
    let link = format!("/sign-in?code={}", code.expose());
    for _ in 0..2 {
        assert!(house.get(&link).await.text().contains(code.expose()));
    }
    // A page of another site cannot sign a visitor in, and does not use the code up.
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let post = request(Method::POST, "/sign-in")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value);
        let body = Body::from(format!("code={}", code.expose()));
        let refused = house.send(post.body(body).unwrap()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.header("set-cookie").is_empty());
    }
    let signed_in = exchange(&house, code.expose()).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let cookie = signed_in.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "this house is not behind https");
    let again = exchange(&house, code.expose()).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_list_is_shown_until_the_visitor_signs_out() {
    let house = house().await;
    let (video, _) = house.video().await;
    let id = video.to_string();
    assert!(!house.get("/").await.text().contains(&id));
    let cookie = house.cookie().await;
    let home = house.get_with("/", &[("cookie", &cookie)]).await;
    assert!(home.text().contains(&id));
    assert_eq!(home.header("cache-control"), "private, no-cache");
    let out = request(Method::POST, "/sign-out").header("cookie", &cookie);
    let out = out
        .header("sec-fetch-site", "same-origin")
        .body(Body::empty());
    assert_eq!(house.send(out.unwrap()).await.status, StatusCode::SEE_OTHER);
    assert!(
        !house
            .get_with("/", &[("cookie", &cookie)])
            .await
            .text()
            .contains(&id)
    );
}

#[tokio::test]
async fn a_watch_page_is_public_and_shows_poster_title_and_links_without_scripts() {
    let house = house().await;
    let (video, _) = house.video().await;
    let page = house.get(&format!("/watch/{video}")).await;
    let html = page.text();
    for part in ["A title", "/poster.jpg", "/master.m3u8", "/manifest.mpd"] {
        assert!(html.contains(part), "{part}");
    }
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("media-src 'self' blob:") && policy.contains("worker-src 'self' blob:")
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let missing = house.get("/watch/nonsense").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/nonsense").await.status, StatusCode::NOT_FOUND);
}

/// The measured loudness of a video and its gain are in the API, and on the watch page for its owner only.
#[tokio::test]
async fn the_loudness_of_a_video_is_shown_to_its_owner_only() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let path = format!("/api/v1/videos/{video}/sound");
    let sound = house.get_as(&house.token, &path).await.json();
    assert!(sound["sounds"][0]["loudness"].is_null());
    let measured = Loudness {
        integrated_millibels: Some(-2312),
        range_millibels: 540,
        true_peak_millibels: Some(-300),
    };
    house
        .put_plan(video, &plan.with_loudness(&[measured], Some(-16)))
        .await;
    let sound = house.get_as(&house.token, &path).await.json();
    let expected = serde_json::json!({
        "language": null,
        "name": "Audio 1",
        "channels": 2,
        "loudness": { "integrated_lufs": -23.12, "range_lu": 5.4, "true_peak_dbtp": -3.0 },
        "gain_db": 2.0,
    });
    assert_eq!(sound["sounds"][0], expected);
    let page = format!("/watch/{video}");
    let cookie = house.cookie().await;
    let own = house.get_with(&page, &[("cookie", &cookie)]).await;
    let line =
        "Loudness: \u{2212}23.1 LUFS, range 5.4 LU, peak \u{2212}3.0 dBTP; sent 2.0 dB louder";
    assert!(own.text().contains(line));
    assert!(!house.get(&page).await.text().contains("LUFS"));
    assert_eq!(house.get(&path).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_title_is_text_and_never_markup() {
    let house = house().await;
    let post = request(
        Method::POST,
        "/api/v1/videos?title=%3Cscript%3Ex%3C/script%3E",
    );
    let post = post.header("authorization", format!("Bearer {}", house.token));
    let created = house
        .send(post.body(Body::from("bytes")).unwrap())
        .await
        .json();
    let page = house
        .get(&format!("/watch/{}", created["id"].as_str().unwrap()))
        .await;
    assert!(!page.text().contains("<script>x"));
}

#[tokio::test]
async fn third_party_scripts_are_immutable_and_our_own_are_revalidated() {
    let house = house().await;
    let vendored = house.get("/assets/vendor/hls-1.7.4.min.js").await;
    assert!(vendored.header("cache-control").contains("immutable"));
    let own = house.get("/assets/watch.js").await;
    assert_eq!(own.header("cache-control"), "no-cache");
    assert!(own.header("content-type").contains("javascript"));
    let tag = own.header("etag").to_owned();
    let again = house
        .get_with("/assets/watch.js", &[("if-none-match", &tag)])
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let outside = house.get("/assets/../Cargo.toml").await;
    assert_eq!(outside.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_event_stream_begins_with_the_state_and_ends_with_the_video() {
    let house = house().await;
    let (video, _) = house.video().await;
    let get = request(Method::GET, &format!("/events?video={video}"));
    let response = house
        .router
        .clone()
        .oneshot(get.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let first = line(&mut body).await;
    assert!(first.contains("\"state\":\"ready\""), "{first}");
    let delete = request(Method::DELETE, &format!("/api/v1/videos/{video}"));
    let delete = delete.header("authorization", format!("Bearer {}", house.token));
    house.send(delete.body(Body::empty()).unwrap()).await;
    assert!(body.frame().await.is_none());
    let unknown = house.get("/events?video=nonsense").await;
    assert_eq!(unknown.problem(), (404, "not_found".into()));
}

/// The next server-sent event.
async fn line(body: &mut Body) -> String {
    let line = body.frame().await.unwrap().unwrap().into_data().unwrap();
    String::from_utf8(line.to_vec()).unwrap()
}

#[tokio::test]
async fn an_event_stream_reports_how_much_of_a_source_without_an_index_is_read() {
    let house = house().await;
    let (video, _) = house.video().await;
    let turn = async |state: State| {
        let rows = house.stores.metadata.videos();
        let turned = videos::change(rows, &video, |row| {
            row.state = state;
            true
        });
        turned.await.unwrap();
    };
    turn(State::Probing).await;
    let get = request(Method::GET, &format!("/events?video={video}"));
    let get = get.body(Body::empty()).unwrap();
    let mut body = house.router.clone().oneshot(get).await.unwrap().into_body();
    let first = line(&mut body).await;
    assert!(first.contains("\"scanned\":null"), "{first}");
    let events = &house.stores.events;
    let scanned = Event::SourceScanned { video, percent: 42 };
    events.publish(scanned).await.unwrap();
    let then = line(&mut body).await;
    assert!(then.contains("\"scanned\":42"), "{then}");
    turn(State::Playable).await;
    let changed = Event::VideoChanged {
        video,
        state: State::Playable,
        epoch: 9,
    };
    events.publish(changed).await.unwrap();
    let last = line(&mut body).await;
    assert!(last.contains("\"scanned\":null"), "{last}");
}

#[tokio::test]
async fn metrics_count_requests_and_reads_of_files() {
    let house = house().await;
    let (video, plan) = house.video().await;
    for _ in 0..3 {
        house
            .get(&format!("/v/{video}/{}/0.m4s", plan.video[0].id))
            .await;
    }
    assert_eq!(house.get("/metrics").await.status, 404);
    let text = house.metrics().await;
    assert!(
        text.contains("reelmill_files_requested_total 3\n"),
        "{text}"
    );
    assert!(text.contains("reelmill_files_read_total 1\n"), "{text}");
}
