//! Videos: create, show, list, delete.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::Principal;
use futures::StreamExt;
use plan::VideoId;
use serde::Deserialize;
use serde_json::json;
use store::metadata::{PageRequest, Priority, Role, VideoRow};

use super::view;
use crate::access::Known;
use crate::app::App;
use crate::problem::Problem;

/// Rows of a page, unless the client asks for fewer.
const PAGE: u32 = 50;
/// Longest title in characters.
const LONGEST_TITLE: usize = 200;

#[derive(Deserialize)]
pub struct CreateQuery {
    title: Option<String>,
}

/// `POST /api/v1/videos?title=`: the body is the source, of any size; it is cut into blocks as
/// it arrives and never held in memory.
pub async fn create(
    State(app): State<App>,
    Known(principal): Known,
    Query(query): Query<CreateQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let title: String = query
        .title
        .unwrap_or_default()
        .chars()
        .take(LONGEST_TITLE)
        .collect();
    let title = if title.trim().is_empty() {
        "Untitled".to_owned()
    } else {
        title
    };
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse().ok());
    let begun = app
        .pipeline
        .create_video(principal.owner, title, length, Priority::Interactive);
    let (_, mut writer) = begun.await?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        // The writer, dropped, clears away what has arrived.
        let piece = piece.map_err(|_| cut_off())?;
        writer.write(piece).await?;
    }
    let row = writer.finish().await?;
    let location = [(header::LOCATION, format!("/api/v1/videos/{}", row.id))];
    Ok((StatusCode::CREATED, location, Json(view(&app, &row).await?)).into_response())
}

fn cut_off() -> Problem {
    let detail = "The upload was cut off before its last byte; nothing of it was kept.";
    Problem::new(StatusCode::BAD_REQUEST, "upload_lost", detail)
}

/// `GET /api/v1/videos/{video}`.
pub async fn show(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<Response, Problem> {
    let row = owned(&app, &principal, &video).await?;
    Ok(Json(view(&app, &row).await?).into_response())
}

#[derive(Deserialize)]
pub struct ListQuery {
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `GET /api/v1/videos?cursor=&limit=`: one's own videos, newest first; an admin's are all.
pub async fn list(
    State(app): State<App>,
    Known(principal): Known,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PageRequest::MOST);
    let page = match query.cursor {
        None => PageRequest::first(limit),
        Some(text) => {
            let detail = "The cursor is not one that this list handed out.";
            let wrong = |_| Problem::new(StatusCode::BAD_REQUEST, "bad_cursor", detail);
            PageRequest::after(text.parse().map_err(wrong)?, limit)
        }
    };
    let owner = (principal.role != Role::Admin).then_some(principal.owner);
    let rows = app.pipeline.list(owner.as_ref(), &page).await?;
    let mut videos = Vec::with_capacity(rows.items.len());
    for row in &rows.items {
        videos.push(view(&app, row).await?);
    }
    let next = rows.next.map(|cursor| cursor.to_string());
    Ok(Json(json!({ "videos": videos, "next": next })).into_response())
}

/// `DELETE /api/v1/videos/{video}`.
pub async fn delete(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<StatusCode, Problem> {
    let row = owned(&app, &principal, &video).await?;
    app.pipeline.delete(row.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A video that the principal may touch; of others it is not even said that they exist.
async fn owned(app: &App, principal: &Principal, video: &str) -> Result<VideoRow, Problem> {
    let id: VideoId = video.parse().map_err(|_| Problem::not_found())?;
    let row = app
        .pipeline
        .video(id)
        .await?
        .ok_or_else(Problem::not_found)?;
    if principal.may_touch(row.owner) {
        Ok(row)
    } else {
        Err(Problem::not_found())
    }
}
