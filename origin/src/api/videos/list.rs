//! `GET /api/v1/videos`: lists videos, page by page.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::metadata::{PageRequest, Role};
use utoipa::{IntoParams, ToSchema};

use crate::access::Authenticated;
use crate::api::params::Params;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;

/// Videos of a page if the client does not say how many.
const PAGE: u32 = 50;
/// Most videos of a page: the progress of each takes a read from the stores.
const MOST: u32 = 100;

#[derive(Deserialize, IntoParams)]
pub struct ListParams {
    /// Value of `next` of the previous page; without it, the list begins with the newest video.
    cursor: Option<String>,
    /// Most videos on the page, 1 to 100; 50 by default.
    limit: Option<u32>,
}

/// Page of the list of videos.
#[derive(Serialize, ToSchema)]
pub struct Videos {
    /// Videos of the page, newest first.
    videos: Vec<Video>,
    /// Cursor of the next page; null on the last page.
    next: Option<String>,
}

/// List videos
///
/// The list has your own videos, or with an admin's token all videos, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/videos",
    tag = "videos",
    params(ListParams),
    responses(
        (status = 200, body = Videos),
        (status = 400, description = "`bad_cursor`: the cursor is not one of this list; `bad_request`: a parameter cannot be read", body = Problem),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn list(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
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
    let rows = app.pipeline.videos().list(owner.as_ref(), &page).await?;
    let mut videos = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        videos.push(Video::of(&app, row).await?);
    }
    let next = rows.next.map(|cursor| cursor.to_string());
    Ok(Json(Videos { videos, next }))
}

fn bad_cursor() -> Problem {
    let detail = "The cursor is invalid; use the value of next from the previous page.";
    Problem::new(axum::http::StatusCode::BAD_REQUEST, "bad_cursor", detail)
}
