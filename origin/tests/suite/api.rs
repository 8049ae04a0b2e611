//! Tests of the API: authentication, authorization, lists and errors.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use plan::VideoId;

use crate::house::{house, request};

#[tokio::test]
async fn a_request_without_a_token_is_refused() {
    let house = house().await;
    let (video, _) = house.video().await;
    for path in [
        "/api/v1/videos".to_owned(),
        format!("/api/v1/videos/{video}"),
    ] {
        let answer = house.get(&path).await;
        assert_eq!(answer.problem(), (401, "unauthorized".into()), "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let wrong = house.get_as("nonsense", &path).await;
        assert_eq!(wrong.problem(), (401, "unauthorized".into()));
    }
}

#[tokio::test]
async fn an_uploader_does_not_learn_that_other_peoples_videos_exist() {
    let house = house().await;
    let (video, _) = house.video().await;
    let bob = accounts::tokens::create(&house.stores, "bob", "x", store::metadata::Role::Uploader);
    let bob = bob.await.unwrap().1;
    let path = format!("/api/v1/videos/{video}");
    let answer = house.get_as(bob.expose(), &path).await;
    assert_eq!(answer.problem(), (404, "not_found".into()));
    let list = house.get_as(bob.expose(), "/api/v1/videos").await.json();
    assert_eq!(list["videos"].as_array().unwrap().len(), 0);
    assert_eq!(
        house.get_as(&house.token, &path).await.status,
        StatusCode::OK
    );
    assert_eq!(
        house.get_as(&house.admin, &path).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_video_shows_its_state_and_its_playback_urls() {
    let house = house().await;
    let (video, plan) = house.video().await;
    let shown = house
        .get_as(&house.token, &format!("/api/v1/videos/{video}"))
        .await
        .json();
    assert_eq!(shown["source"], "complete");
    assert_eq!(shown["state"], "ready");
    let total = u64::from(plan.segments()) * plan.media_ids().count() as u64;
    assert_eq!(shown["progress"]["total"], total);
    assert_eq!(shown["duration_s"], 10.0);
    let base = "http://localhost:8080";
    assert_eq!(
        shown["playback"]["hls"],
        format!("{base}/v/{video}/master.m3u8")
    );
    assert_eq!(
        shown["playback"]["dash"],
        format!("{base}/v/{video}/manifest.mpd")
    );
    assert_eq!(shown["watch"], format!("{base}/watch/{video}"));
    let created = shown["created_at"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.contains('T'), "{created}");
    assert!(shown["error"].is_null());
}

#[tokio::test]
async fn a_page_of_a_list_begins_where_the_previous_page_ended() {
    let house = house().await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(house.video().await.0.to_string());
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    all.reverse();
    let mut seen = Vec::new();
    let mut path = "/api/v1/videos?limit=2".to_owned();
    loop {
        let page = house.get_as(&house.token, &path).await.json();
        for video in page["videos"].as_array().unwrap() {
            seen.push(video["id"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/videos?limit=2&cursor={next}");
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn an_invalid_request_is_answered_with_a_problem_document() {
    let house = house().await;
    let get = async |path: &str| house.get_as(&house.token, path).await.problem();
    assert_eq!(
        get("/api/v1/videos?limit=many").await,
        (400, "bad_request".into())
    );
    assert_eq!(
        get("/api/v1/videos?cursor=x").await,
        (400, "bad_cursor".into())
    );
    assert_eq!(
        get("/api/v1/videos/nonsense").await,
        (404, "not_found".into())
    );
    assert_eq!(get("/api/v1/nonsense").await, (404, "not_found".into()));
    let put = request(Method::PUT, "/api/v1/videos/x").body(Body::empty());
    let wrong = house.send(put.unwrap()).await.problem();
    assert_eq!(wrong, (405, "method_not_allowed".into()));
}

#[tokio::test]
async fn a_foreign_host_name_reaches_nothing_that_reads_a_cookie() {
    let house = house().await;
    let (video, _) = house.video().await;
    let foreign = [("host", "evil.example")];
    for path in [
        "/",
        "/api/v1/videos",
        "/sign-in",
        "/events?video=x",
        "/assets/style.css",
    ] {
        let answer = house.get_with(path, &foreign).await;
        assert_eq!(answer.problem(), (421, "unknown_host".into()), "{path}");
    }
    let master = format!("/v/{video}/master.m3u8");
    for path in ["/health", "/livez", "/readyz", &master] {
        let answer = house.get_with(path, &foreign).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_cookie_from_another_site_changes_nothing() {
    let house = house().await;
    let (video, _) = house.video().await;
    let cookie = house.cookie().await;
    let delete = |name: &'static str, value: &'static str| {
        let request = request(Method::DELETE, &format!("/api/v1/videos/{video}"));
        let request = request.header("cookie", &cookie).header(name, value);
        house.send(request.body(Body::empty()).unwrap())
    };
    for (name, value) in [
        ("x-nothing", "said"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let refused = delete(name, value).await.problem();
        assert_eq!(refused, (403, "cross_origin".into()), "{name}: {value}");
    }
    let own = delete("origin", "http://localhost:8080").await;
    assert_eq!(own.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_reference_page_has_every_operation_of_the_openapi_document() {
    let house = house().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/api/v1/videos") && paths.contains_key("/api/v1/videos/{video}"));
    let video = &document["components"]["schemas"]["Video"]["properties"];
    assert!(video["playback"].is_object());
    let video = VideoId::new().to_string();
    for (path, operations) in paths {
        // A request with another method is answered with the allowed ones in the header Allow.
        let place = path.replace("{video}", &video).replace(['{', '}'], "");
        let other = request(Method::TRACE, &place).body(Body::empty()).unwrap();
        let answer = house.send(other).await;
        let allowed: Vec<&str> = answer.header("allow").split(',').collect();
        assert!(!operations.as_object().unwrap().is_empty(), "{path}");
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            assert!(
                allowed.contains(&method.as_str()),
                "{method} {path}: {allowed:?}"
            );
            for reference in ["/api/v1/", "/api/v1"] {
                let page = house.get(reference).await.text();
                assert!(
                    page.contains(&format!("{method} {path}")),
                    "{method} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_answer_carries_the_id_of_its_request() {
    let house = house().await;
    assert!(!house.get("/livez").await.header("x-request-id").is_empty());
    let given = house.get_with("/livez", &[("x-request-id", "abc")]).await;
    assert_eq!(given.header("x-request-id"), "abc");
}
