//! `/sign-in?code=`: the code of a printed link becomes a cookie. Only the POST uses it up,
//! so that a link that is merely looked at stays good.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{message, page};
use crate::access::COOKIE;
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
pub async fn exchange(State(app): State<App>, Form(code): Form<Code>) -> Result<Response, Problem> {
    let exchanged = catalog::sign_in::exchange(app.pipeline.stores(), code.code.trim()).await?;
    let Some(secret) = exchanged else {
        let text = "This link was used, or is older than ten minutes. `reelmill serve` prints a new one when it starts.";
        return Ok(message(StatusCode::FORBIDDEN, "The link has expired", text));
    };
    let secure = if app.settings.public_url.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let age = catalog::sign_in::SESSION_LIFE.as_secs();
    let value = secret.expose();
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}
