//! Tests of subtitle files: adding, listing, replacing and removing one, and refusals.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use plan::VideoId;
use store::metadata::{Role, State, videos};

use crate::house::{Answer, House, house, request};

const SUBRIP: &str = "1\n00:00:01,000 --> 00:00:02,000\n<i>Good</i> evening & welcome.\n";

impl House {
    async fn text(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let request = request(method, path);
        let request = request.header("authorization", format!("Bearer {}", self.token));
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn set_state(&self, video: VideoId, state: State) {
        let set = |row: &mut store::metadata::VideoRow| {
            row.state = state;
            row.deleted_at_us = (state == State::Deleted).then_some(row.created_at_us);
            true
        };
        let rows = self.stores.metadata.videos();
        videos::change(rows, &video, set).await.unwrap();
    }
}

#[tokio::test]
async fn a_file_is_listed_served_replaced_and_removed() {
    let house = house().await;
    let (video, _) = house.video().await;
    let texts = format!("/api/v1/videos/{video}/text");
    let master = async || house.get(&format!("/v/{video}/master.m3u8")).await.text();
    assert!(!master().await.contains("SUBTITLES"));

    let put = house
        .text(Method::PUT, &format!("{texts}/ger"), SUBRIP)
        .await;
    assert_eq!(put.status, StatusCode::CREATED);
    let text = put.json();
    assert_eq!(
        (&text["language"], &text["name"]),
        (&"de".into(), &"Deutsch".into())
    );
    assert_eq!(text["from"], "file");
    let shown = master().await;
    assert!(
        shown.contains("NAME=\"Deutsch\",LANGUAGE=\"de\""),
        "{shown}"
    );
    let path = |text: &serde_json::Value| {
        let url = text["vtt"].as_str().unwrap();
        url.strip_prefix("http://localhost:8080")
            .unwrap()
            .to_owned()
    };
    let vtt = house.get(&path(&text)).await.text();
    assert!(
        vtt.contains("\n<i>Good</i> evening &amp; welcome.\n"),
        "{vtt}"
    );

    let other = "WEBVTT\n\n00:01.000 --> 00:02.000\nAndere\n";
    let named = format!("{texts}/de?name=F%C3%BCr%20alle%0A");
    let put = house.text(Method::PUT, &named, other).await;
    assert_eq!(put.status, StatusCode::OK);
    assert_eq!(put.json()["name"], "F\u{fc}r alle");
    let list = house.get_as(&house.token, &texts).await.json();
    assert_eq!(list["texts"].as_array().unwrap().len(), 1);
    assert_ne!(path(&list["texts"][0]), path(&text));
    // Players that loaded the master playlist before still get the old file.
    assert_eq!(house.get(&path(&text)).await.status, StatusCode::OK);

    let delete = async || house.text(Method::DELETE, &format!("{texts}/DE"), "").await;
    assert_eq!(delete().await.status, StatusCode::NO_CONTENT);
    assert!(!master().await.contains("SUBTITLES"));
    assert_eq!(delete().await.problem(), (404, "not_found".into()));
    // A ready video stays ready, and its new plan counts as complete.
    let row = house
        .stores
        .metadata
        .videos()
        .get(&video)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.state, &row.whole_plan),
        (State::Ready, &row.current_plan)
    );
}

#[tokio::test]
async fn an_invalid_file_or_language_is_refused_with_a_code() {
    let house = house().await;
    let (video, _) = house.video().await;
    let put = async |language: &str, body: Vec<u8>| {
        let path = format!("/api/v1/videos/{video}/text/{language}");
        house.text(Method::PUT, &path, body).await.problem()
    };
    let file = || SUBRIP.as_bytes().to_vec();
    for (language, body, problem) in [
        ("english", file(), (400, "bad_language")),
        ("e%22n", file(), (400, "bad_language")),
        ("zz", file(), (400, "bad_language")),
        ("en", b"".to_vec(), (422, "no_cues")),
        ("en", b"A letter to you.".to_vec(), (422, "no_cues")),
        (
            "en",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
            (422, "not_text"),
        ),
        // The video is only ten seconds long.
        (
            "en",
            b"1\n00:01:00,0 --> 00:01:09,0\nLate".to_vec(),
            (422, "no_cues"),
        ),
        (
            "en",
            b"00:01 --> 00:02\nx\n\n".repeat(60_000),
            (422, "limit_cues"),
        ),
        ("en", vec![b'x'; (4 << 20) + 1], (413, "limit_size")),
    ] {
        let (status, code) = problem;
        assert_eq!(
            put(language, body).await,
            (status, code.to_owned()),
            "{language}"
        );
    }
    let path = format!("/api/v1/videos/{video}/text");
    let list = house.get_as(&house.token, &path).await.json();
    assert_eq!(list["texts"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn subtitles_can_be_added_only_to_a_video_that_can_be_played() {
    let house = house().await;
    for (state, problem) in [
        (State::Waiting, (409, "not_playable")),
        (State::Probing, (409, "not_playable")),
        (State::Failed, (409, "failed")),
        (State::Deleted, (404, "not_found")),
    ] {
        let (video, _) = house.video().await;
        house.set_state(video, state).await;
        let path = format!("/api/v1/videos/{video}/text/en");
        let (status, code) = problem;
        let refused = house.text(Method::PUT, &path, SUBRIP).await.problem();
        assert_eq!(refused, (status, code.to_owned()), "{state:?}");
        let refused = house.text(Method::DELETE, &path, "").await.problem();
        assert_eq!(refused, (status, code.to_owned()), "{state:?}");
    }
}

#[tokio::test]
async fn only_the_owner_or_an_admin_changes_the_subtitles_of_a_video() {
    let house = house().await;
    let (video, _) = house.video().await;
    let bob = accounts::tokens::create(&house.stores, "bob", "x", Role::Uploader);
    let bob = bob.await.unwrap().1;
    let path = format!("/api/v1/videos/{video}/text/en");
    let send = async |method: Method, token: &str| {
        let path = match method {
            Method::GET => path.trim_end_matches("/en"),
            _ => &path,
        };
        let request = request(method, path).header("authorization", format!("Bearer {token}"));
        house.send(request.body(Body::from(SUBRIP)).unwrap()).await
    };
    for method in [Method::PUT, Method::DELETE, Method::GET] {
        let stranger = send(method.clone(), bob.expose()).await;
        assert_eq!(stranger.problem(), (404, "not_found".into()), "{method}");
        let nobody = send(method.clone(), "nonsense").await;
        assert_eq!(nobody.problem(), (401, "unauthorized".into()), "{method}");
    }
    assert_eq!(
        send(Method::PUT, &house.admin).await.status,
        StatusCode::CREATED
    );
}

fn form(cookie: &str, path: &str, fields: &[(&str, &str)]) -> axum::http::Request<Body> {
    let part = |(name, value): &(&str, &str)| {
        let file = if *name == "file" {
            "; filename=\"a.srt\""
        } else {
            ""
        };
        format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let body: String = fields.iter().map(part).collect();
    request(Method::POST, path)
        .header("cookie", cookie)
        .header("origin", "http://localhost:8080")
        .header("content-type", "multipart/form-data; boundary=xx")
        .body(Body::from(body + "--xx--\r\n"))
        .unwrap()
}

#[tokio::test]
async fn the_owner_adds_and_removes_files_on_the_page_without_a_script() {
    let house = house().await;
    let (video, _) = house.video().await;
    let cookie = house.cookie().await;
    let watch = format!("/watch/{video}");
    let page = async || house.get_with(&watch, &[("cookie", &cookie)]).await.text();
    assert!(page().await.contains("Subtitle files"));
    let stranger = house.get(&watch).await.text();
    assert!(!stranger.contains("Subtitle files"));

    let add = format!("{watch}/text");
    let fields = [
        ("file", SUBRIP),
        ("language", "fr"),
        ("name", "<b>Pour tous</b>"),
    ];
    let added = house.send(form(&cookie, &add, &fields)).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER);
    assert_eq!(added.header("location"), format!("{watch}#texts"));
    let shown = page().await;
    assert!(
        shown.contains("Pour tous") && !shown.contains("<b>Pour"),
        "{shown}"
    );

    let fields = [("file", "nothing"), ("language", "fr")];
    let refused = house.send(form(&cookie, &add, &fields)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("no readable cue"));
    let large = "x".repeat(5 << 20);
    let fields = [("language", "fr"), ("file", large.as_str())];
    let refused = house.send(form(&cookie, &add, &fields)).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    let foreign = request(Method::POST, &format!("{add}/fr/remove")).header("cookie", &cookie);
    let foreign = foreign
        .header("origin", "https://evil.example")
        .body(Body::empty());
    let refused = house.send(foreign.unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let removed = house
        .send(form(&cookie, &format!("{add}/fr/remove"), &[]))
        .await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER);
    assert!(!page().await.contains("Pour tous"));
}
