//! Who makes a request: an API token, or a signed-in cookie.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use catalog::{Principal, sign_in, tokens};

use crate::app::App;
use crate::problem::Problem;

/// Name of the sign-in cookie.
pub const COOKIE: &str = "reelmill_session";

/// Somebody who is known; a request without is refused.
pub struct Known(pub Principal);

impl FromRequestParts<App> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let stores = app.pipeline.stores();
        if let Some(token) = bearer(&parts.headers) {
            let principal = tokens::authenticate(stores, token).await?;
            let wrong = || Problem::unauthorized("The token is not known, or was revoked.");
            return principal.map(Self).ok_or_else(wrong);
        }
        let Some(cookie) = cookie(&parts.headers) else {
            return Err(Problem::unauthorized("Sign in, or send an API token."));
        };
        if is_unsafe(&parts.method) && !is_same_origin(&parts.headers, app) {
            let detail = "A page of another site may not do this.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "cross_origin", detail));
        }
        let principal = sign_in::authenticate(stores, cookie).await?;
        principal
            .map(Self)
            .ok_or_else(|| Problem::unauthorized("The sign-in has expired."))
    }
}

/// Who is signed in, if anybody: for pages, which show a way in instead of refusing.
pub async fn signed_in(headers: &HeaderMap, app: &App) -> Option<Principal> {
    sign_in::authenticate(app.pipeline.stores(), cookie(headers)?)
        .await
        .ok()?
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|p| p.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that a request comes from another site's page.
pub fn is_cross_origin(headers: &HeaderMap, app: &App) -> bool {
    let says = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    says && !is_same_origin(headers, app)
}

/// Browsers say where a request comes from; one that says nothing is no browser, and has no
/// business with a cookie.
fn is_same_origin(headers: &HeaderMap, app: &App) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(header::ORIGIN).and_then(|o| o.to_str().ok()) else {
        return false;
    };
    // The host is a known one: `hosts` has seen to that.
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    origin == app.settings.public_url || (own.is_some() && own == host)
}
