//! `GET /api/v1/openapi.json`: what the API is, written from the handlers themselves.

use axum::Json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::uploads;
use super::videos::{codecs, create, delete, get, list, remake, retry, sound, text};

/// The API.
#[derive(OpenApi)]
#[openapi(
    info(title = "reelmill", description = "Upload videos, see how they are, play them."),
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
        (name = "videos", description = "Sources that become streams"),
        (name = "codecs", description = "What there is besides H.264"),
        (name = "text", description = "Subtitles, of the source and beside it"),
        (name = "uploads", description = "Sources that their senders put into the object store"),
    ),
)]
pub struct Api;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", scheme);
    }
}

/// Needs no token: it tells nothing that the sources do not.
pub async fn openapi() -> Json<Document> {
    Json(Api::openapi())
}
