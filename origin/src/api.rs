//! HTTP API under `/api/v1`, and the event stream of the watch page.
//!
//! Each operation has a file: `videos/` has what is done to a video, `uploads.rs` the uploads that go straight to the
//! object store, `events.rs` the event stream. Handlers carry their own description for the OpenAPI document, which
//! `openapi.rs` collects and `reference.rs` shows as a page: their doc comments, and those of their types, are what
//! users of the API read. Begin reading with `videos/create.rs`.

mod events;
mod openapi;
mod params;
mod reference;
mod uploads;
mod video;
mod videos;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post, put};

pub use events::events;
pub use reference::reference;
pub use videos::create::create;
pub(crate) use videos::owned;

use crate::app::App;
use crate::problem::Problem;
use crate::side_car;

/// Routes of the API, except the upload of a whole file, which `router.rs` adds without a time limit.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(reference::reference))
        .route("/openapi.json", get(openapi::openapi))
        .route("/videos", get(videos::list::list))
        .route(
            "/videos/{video}",
            get(videos::get::get).delete(videos::delete::delete),
        )
        .route("/videos/{video}/sound", get(videos::sound::sound))
        .route(
            "/videos/{video}/remake",
            get(videos::remake::get).post(videos::remake::post),
        )
        .route("/videos/{video}/retry", post(videos::retry::retry))
        .route("/videos/{video}/codecs", get(videos::codecs::list::list))
        .route(
            "/videos/{video}/codecs/{codec}",
            put(videos::codecs::put::put),
        )
        .route("/videos/{video}/text", get(videos::text::list::list))
        .route(
            "/videos/{video}/text/{language}",
            put(videos::text::put::put)
                .delete(videos::text::delete::delete)
                .layer(DefaultBodyLimit::max(side_car::MOST_BYTES)),
        )
        .route("/uploads", post(uploads::create))
        .route("/uploads/{upload}", get(uploads::get))
        .route("/uploads/{upload}/parts", get(uploads::parts))
        .route("/uploads/{upload}/sync", post(uploads::sync))
        .route("/uploads/{upload}/complete", post(uploads::complete))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
}

async fn unknown_path(uri: Uri) -> Problem {
    let detail = format!("The API has no path {}.", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

async fn wrong_method() -> Problem {
    let detail =
        "This path does not support the method; the header Allow lists those that it supports.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
