//! Start page: the visitor's videos, and the form to upload a file.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use store::metadata::{PageRequest, Role, State as VideoState, VideoRow};
use store::{ImageFormat, ObjectKey};

use super::layout::{clock, page};
use crate::access;
use crate::app::App;
use crate::problem::Problem;

/// Most videos on one page of the list.
const PAGE: u32 = 48;

#[derive(Deserialize)]
pub struct HomeQuery {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    signed_in: bool,
    /// Whether the script uploads straight to the object store.
    direct: bool,
    videos: Vec<Card>,
    /// Cursor of the next page of the list.
    next: Option<String>,
}

/// Video in the list.
struct Card {
    id: String,
    title: String,
    state: &'static str,
    length: String,
    poster: bool,
    is_sound: bool,
}

/// `GET /`: the list of the visitor's videos, newest first, or of all videos for an admin. Visitors who are not signed
/// in are told how to sign in.
pub async fn home(
    State(app): State<App>,
    Query(query): Query<HomeQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(principal) = access::signed_in(&headers, &app).await else {
        return Ok(page(&Home {
            signed_in: false,
            direct: false,
            videos: Vec::new(),
            next: None,
        }));
    };
    let after = query.cursor.and_then(|text| text.parse().ok());
    let request = PageRequest { after, limit: PAGE };
    let owner = (principal.role != Role::Admin).then_some(principal.owner);
    let rows = app.pipeline.videos().list(owner.as_ref(), &request).await?;
    let mut videos = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        videos.push(Card {
            id: row.id.to_string(),
            state: row.state.as_str(),
            length: row.duration_us.map(clock).unwrap_or_default(),
            poster: has_poster(&app, &row).await?,
            is_sound: super::layout::is_sound(&row),
            title: row.title,
        });
    }
    Ok(page(&Home {
        signed_in: true,
        direct: app.settings.direct_endpoint.is_some(),
        videos,
        next: rows.next.map(|c| c.to_string()),
    }))
}

/// Whether a video's poster exists, so that its card can show it. A ready video with a picture always has one; for
/// others the object store is asked.
async fn has_poster(app: &App, row: &VideoRow) -> Result<bool, Problem> {
    if !matches!(row.state, VideoState::Playable | VideoState::Ready) {
        return Ok(false);
    }
    if row.width_px.is_some() && row.state == VideoState::Ready {
        return Ok(true);
    }
    let poster = ObjectKey::Poster(row.id, ImageFormat::Jpeg);
    Ok(app.stores.objects.head(&poster).await?.is_some())
}
