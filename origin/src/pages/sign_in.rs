//! Sign-in and sign-out: the code of a printed link is exchanged for a cookie. Only the POST uses the code up, so that
//! a program that merely previews the link does not make it invalid.

use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::Deserialize;

use super::layout::{message, page};
use crate::access::{self, Authenticated, COOKIE};
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

/// `GET /sign-in?code=`: a page with a button that signs in by the code.
pub async fn sign_in(Query(code): Query<Code>) -> Response {
    page(&SignIn { code: code.code })
}

/// `POST /sign-in`: exchanges the code for a cookie and redirects to the start page. `403` if a page of another site
/// sent the form, or if the code was used or has expired.
pub async fn exchange(
    State(app): State<App>,
    headers: HeaderMap,
    Form(code): Form<Code>,
) -> Result<Response, Problem> {
    // Otherwise a page of another site could sign a visitor in as somebody else.
    if access::is_cross_origin(&headers, &app) {
        let text = "A page of another site tried to sign you in; this was refused.";
        return Ok(message(StatusCode::FORBIDDEN, "Not signed in", text));
    }
    let exchanged = accounts::sign_in::exchange(&app.stores, code.code.trim()).await?;
    let Some(secret) = exchanged else {
        let text = "This link was used already, or is older than ten minutes. Run reelmill sign-in on the server's \
                    machine to get a new one.";
        return Ok(message(StatusCode::FORBIDDEN, "The link has expired", text));
    };
    let age = accounts::sign_in::SESSION_LIFE.as_secs();
    Ok(with_cookie(&app, secret.expose(), age))
}

/// `POST /sign-out`: ends the sign-in and redirects to the start page. The cookie is invalid from then on, and so is
/// every copy of it.
pub async fn sign_out(
    State(app): State<App>,
    _: Authenticated,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(cookie) = access::cookie(&headers) {
        accounts::sign_in::sign_out(&app.stores, &cookie).await?;
    }
    Ok(with_cookie(&app, "", 0))
}

/// Redirect to the start page that sets the sign-in cookie for `age_seconds`; an age of 0 deletes it.
fn with_cookie(app: &App, value: &str, age_seconds: u64) -> Response {
    let cookie = Cookie::build((COOKIE, value.to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(
            Duration::from_secs(age_seconds)
                .try_into()
                .unwrap_or_default(),
        )
        .secure(app.is_https());
    (CookieJar::new().add(cookie), Redirect::to("/")).into_response()
}
