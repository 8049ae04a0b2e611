//! OpenAPI document of the API, built from the descriptions of the handlers.

use axum::Json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::uploads;
use super::videos::{codecs, create, delete, get, list, remake, retry, sound, text};

/// OpenAPI document: all operations of the API.
#[derive(OpenApi)]
#[openapi(
    info(title = "reelmill", description = "Upload videos, follow their progress, and find the URLs to play them."),
    paths(
        create::create,
        list::list,
        get::get,
        delete::delete,
        remake::get,
        remake::post,
        retry::retry,
        sound::sound,
        codecs::list::list,
        codecs::put::put,
        text::list::list,
        text::put::put,
        text::delete::delete,
        uploads::create,
        uploads::get,
        uploads::parts,
        uploads::sync,
        uploads::complete,
    ),
    modifiers(&Token),
    tags(
        (name = "videos", description = "Upload, list, examine and delete videos"),
        (name = "codecs", description = "Codecs of a video besides H.264"),
        (name = "text", description = "Subtitles of a video, from its source or from files"),
        (name = "uploads", description = "Uploads that a client sends straight to the object store, in blocks"),
    ),
)]
pub struct Api;

/// Adds the bearer token to the document as the way to authenticate.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", scheme);
    }
}

/// `GET /api/v1/openapi.json`: the OpenAPI document. It needs no token: it has nothing that the public sources of
/// reelmill do not have.
pub async fn openapi() -> Json<Document> {
    Json(Api::openapi())
}
