//! `/sign-in?code=`: the code of a printed link becomes a cookie. Only the POST uses it up,
//! so that a link that is merely looked at stays good.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{message, page};
use crate::access::{self, COOKIE, Known};
use crate::app::App;
use crate::problem::Problem;

#[derive(Deserialize)]
pub struct Code {
    #[serde(default)]
    code: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    code: String,
}

/// A page with a button that uses the code.
pub async fn sign_in(Query(code): Query<Code>) -> Response {
    page(&SignIn { code: code.code })
}

/// Exchanges the code for a cookie.
pub async fn exchange(
    State(app): State<App>,
    headers: HeaderMap,
    Form(code): Form<Code>,
) -> Result<Response, Problem> {
    // Or a page of another site signs somebody in as somebody else.
    if access::is_cross_origin(&headers, &app) {
        let text = "A page of another site may not sign you in.";
        return Ok(message(StatusCode::FORBIDDEN, "Not signed in", text));
    }
    let exchanged = catalog::sign_in::exchange(app.pipeline.stores(), code.code.trim()).await?;
    let Some(secret) = exchanged else {
        let text = "This link was used, or is older than ten minutes. `reelmill serve` prints a new one when it starts.";
        return Ok(message(StatusCode::FORBIDDEN, "The link has expired", text));
    };
    let age = catalog::sign_in::SESSION_LIFE.as_secs();
    Ok(with_cookie(&app, secret.expose(), age))
}

/// `POST /sign-out`: the cookie is worth nothing any more, wherever it was copied to.
pub async fn sign_out(
    State(app): State<App>,
    _: Known,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(cookie) = access::cookie(&headers) {
        catalog::sign_in::end(app.pipeline.stores(), cookie).await?;
    }
    Ok(with_cookie(&app, "", 0))
}

fn with_cookie(app: &App, value: &str, age: u64) -> Response {
    let secure = if app.is_https() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}
