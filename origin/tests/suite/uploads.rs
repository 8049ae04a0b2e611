//! Tests of uploads: complete, empty, cut off and refused ones.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use futures::stream;
use store::Prefix;
use store::metadata::PageRequest;

use crate::house::{Answer, House, house, request};

/// Uploads a body as ann.
async fn upload(house: &House, query: &str, body: Body) -> Answer {
    let request = request(Method::POST, &format!("/api/v1/videos{query}"));
    let request = request.header("authorization", format!("Bearer {}", house.token));
    house.send(request.body(body).unwrap()).await
}

/// Rows of all videos.
async fn listed(house: &House) -> Vec<store::metadata::VideoRow> {
    let page = PageRequest::first(10);
    let rows = house.stores.metadata.videos().list(None, &page).await;
    rows.unwrap().items
}

#[tokio::test]
async fn a_complete_body_becomes_a_video_with_its_title() {
    let house = house().await;
    let answer = upload(&house, "?title=A%20film", Body::from("bytes")).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let video = answer.json();
    let id = video["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/videos/{id}"));
    assert_eq!(video["title"], "A film");
    assert_eq!(video["source"], "complete");
    let rows = listed(&house).await;
    assert_eq!((rows.len(), rows[0].received_bytes), (1, 5));
}

#[tokio::test]
async fn an_empty_body_is_refused_and_leaves_nothing_behind() {
    let house = house().await;
    for body in [
        Body::empty(),
        Body::from_stream(stream::iter([Ok::<_, std::io::Error>(Bytes::new())])),
    ] {
        let answer = upload(&house, "", body).await;
        assert_eq!(answer.problem(), (422, "not_media".into()));
    }
    assert!(listed(&house).await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_lost_and_none_of_its_bytes_stay() {
    use futures::StreamExt;
    let house = house().await;
    let half = Bytes::from(vec![7; 9 << 20]);
    let pieces = [Ok(half), Err(std::io::Error::other("the connection broke"))];
    let answer = upload(&house, "", Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(answer.problem(), (400, "upload_lost".into()));
    // The bytes are deleted soon after the response.
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let rows = listed(&house).await;
        let lost = rows[0]
            .error
            .as_ref()
            .is_some_and(|e| e.code == plan::Code::UploadLost);
        let uploads = house.stores.metadata.uploads();
        let open = uploads.list_by_video(&rows[0].id).await.unwrap();
        let mut left = 0;
        for upload in &open {
            let prefix = Prefix::Upload(upload.id);
            left += house
                .stores
                .objects
                .list(&prefix)
                .await
                .unwrap()
                .count()
                .await;
        }
        if lost && left == 0 {
            return;
        }
    }
    panic!("bytes of the upload are left, or its video did not fail");
}

#[tokio::test]
async fn a_body_whose_declared_length_is_above_the_limit_is_refused_at_once() {
    let house = house().await;
    let request = request(Method::POST, "/api/v1/videos")
        .header("authorization", format!("Bearer {}", house.token))
        .header("content-length", u64::MAX.to_string());
    let answer = house.send(request.body(Body::from("x")).unwrap()).await;
    assert_eq!(answer.problem(), (413, "limit_size".into()));
    assert!(listed(&house).await.is_empty());
}

#[tokio::test]
async fn an_upload_without_a_token_is_refused() {
    let house = house().await;
    let post = request(Method::POST, "/api/v1/videos").body(Body::from("bytes"));
    let answer = house.send(post.unwrap()).await;
    assert_eq!(answer.problem(), (401, "unauthorized".into()));
    assert!(listed(&house).await.is_empty());
}

/// Request of the upload form, as a browser sends it.
fn form(cookie: &str, body: &'static str) -> axum::http::Request<Body> {
    request(Method::POST, "/upload")
        .header("cookie", cookie)
        .header("origin", "http://localhost:8080")
        .header("content-type", "multipart/form-data; boundary=xx")
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test]
async fn the_upload_form_works_without_a_script() {
    let house = house().await;
    let cookie = house.cookie().await;
    let body = "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a film.mp4\"\r\n\r\nbytes\r\n--xx--\r\n";
    let answer = house.send(form(&cookie, body)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let rows = listed(&house).await;
    assert_eq!(answer.header("location"), format!("/watch/{}", rows[0].id));
    assert_eq!(
        (rows[0].title.as_str(), rows[0].received_bytes),
        ("a film", 5)
    );
}

#[tokio::test]
async fn an_empty_or_broken_form_is_refused_on_a_page() {
    let house = house().await;
    let cookie = house.cookie().await;
    for body in [
        "--xx--\r\n",
        "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--xx--\r\n",
        "nonsense",
    ] {
        let answer = house.send(form(&cookie, body)).await;
        assert!(answer.status.is_client_error(), "{body:?}");
        assert!(answer.text().contains("Not uploaded"), "{body:?}");
    }
    assert!(listed(&house).await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_not_a_raw_file_by_its_headers_is_refused() {
    let house = house().await;
    for (name, value) in [
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-type", "Application/JSON"),
        ("content-encoding", "gzip"),
    ] {
        let request = request(Method::POST, "/api/v1/videos")
            .header("authorization", format!("Bearer {}", house.token))
            .header(name, value);
        let answer = house.send(request.body(Body::from("bytes")).unwrap()).await;
        assert_eq!(answer.problem(), (415, "not_raw".into()), "{value}");
    }
    assert!(listed(&house).await.is_empty());
    // `curl --data-binary` sends this Content-Type with any file, so it is accepted.
    let form = request(Method::POST, "/api/v1/videos")
        .header("authorization", format!("Bearer {}", house.token))
        .header("content-type", "application/x-www-form-urlencoded");
    let taken = house.send(form.body(Body::from("bytes")).unwrap()).await;
    assert_eq!(taken.status, StatusCode::CREATED);
}
