//! Style sheet, scripts and third-party players, which are embedded in the program.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::layout::missing;
use crate::delivery::respond::is_match;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

/// `GET /assets/{path}`: an embedded file; `404` if there is none.
///
/// Third-party files have their version in the name and are cached for a year; our own are revalidated by their ETag.
pub async fn asset(Path(path): Path<String>, request: HeaderMap) -> Response {
    let Some(file) = Assets::get(&path) else {
        return missing().await;
    };
    // A new version of a third-party file has a new name.
    let cache = if path.starts_with("vendor/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let hash = file.metadata.sha256_hash();
    // The ETag is weak because the file may be compressed on its way.
    let etag = format!("W/\"{}\"", hex::encode(&hash[..12]));
    let same = is_match(&request, &etag);
    let headers = [
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::ETAG, etag),
    ];
    if same {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, file.metadata.mimetype().to_owned())];
    (headers, content_type, file.data).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_that_a_page_names_exists() {
        let templates = concat!(
            include_str!("../../templates/base.html"),
            include_str!("../../templates/home.html"),
            include_str!("../../templates/watch.html"),
        );
        let named = templates.split("/assets/").skip(1);
        let mut count = 0;
        for name in named.filter_map(|rest| rest.split(['"', ' ']).next()) {
            assert!(Assets::get(name).is_some(), "{name}");
            count += 1;
        }
        assert!(count > 4);
    }
}
