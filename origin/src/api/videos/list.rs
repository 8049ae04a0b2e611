//! `GET /api/v1/videos`

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::metadata::{PageRequest, Role};
use utoipa::{IntoParams, ToSchema};

use crate::access::Known;
use crate::api::params::Params;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;

/// Rows of a page, unless the client says how many.
const PAGE: u32 = 50;
/// Most rows of a page: each takes a look at how far its video is.
const MOST: u32 = 100;

#[derive(Deserialize, IntoParams)]
pub struct ListParams {
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100; 50 unless said.
    limit: Option<u32>,
}

/// A page of videos.
#[derive(Serialize, ToSchema)]
pub struct Videos {
    /// Newest first.
    videos: Vec<Video>,
    /// The cursor of the next page; nothing where this is the last.
    next: Option<String>,
}

/// List videos
///
/// One's own, newest first; an admin's are all.
#[utoipa::path(
    get,
    path = "/api/v1/videos",
    tag = "videos",
    params(ListParams),
    responses(
        (status = 200, body = Videos),
        (status = 400, description = "`bad_cursor`, `bad_request`", body = Problem),
        (status = 401, description = "`unauthorized`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn list(
    State(app): State<App>,
    Known(principal): Known,
    Params(params): Params<ListParams>,
) -> Result<Json<Videos>, Problem> {
    let limit = params.limit.unwrap_or(PAGE).clamp(1, MOST);
    let after = match params.cursor.as_deref().map(str::parse) {
        None => None,
        Some(Ok(cursor)) => Some(cursor),
        Some(Err(_)) => return Err(bad_cursor()),
    };
    let owner = (principal.role != Role::Admin).then_some(principal.owner);
    let page = PageRequest { after, limit };
    let rows = app.pipeline.list(owner.as_ref(), &page).await?;
    let mut videos = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        videos.push(Video::of(&app, row).await?);
    }
    let next = rows.next.map(|cursor| cursor.to_string());
    Ok(Json(Videos { videos, next }))
}

fn bad_cursor() -> Problem {
    let detail = "The cursor is not one that this list handed out.";
    Problem::new(axum::http::StatusCode::BAD_REQUEST, "bad_cursor", detail)
}
