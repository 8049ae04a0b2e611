//! Authentication: finds out who sends a request, by its API token or by the cookie of a sign-in.

use accounts::{Principal, sign_in, tokens};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum_extra::extract::CookieJar;
use axum_extra::headers::authorization::Bearer;
use axum_extra::headers::{Authorization, HeaderMapExt};

use crate::app::App;
use crate::problem::Problem;

/// Name of the sign-in cookie.
pub const COOKIE: &str = "reelmill_session";

/// Extractor of the authenticated sender of a request. Requests without a valid token or sign-in are refused with
/// `401`, and changes that a page of another site asks for with a cookie are refused with `403`.
pub struct Authenticated(pub Principal);

impl FromRequestParts<App> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let stores = &app.stores;
        if let Some(token) = bearer(&parts.headers) {
            let principal = tokens::authenticate(stores, &token).await?;
            let wrong = || Problem::unauthorized("The API token is unknown or was revoked.");
            return principal.map(Self).ok_or_else(wrong);
        }
        let Some(cookie) = cookie(&parts.headers) else {
            let detail = "Sign in, or send an API token in the header Authorization.";
            return Err(Problem::unauthorized(detail));
        };
        if is_unsafe(&parts.method) && !is_same_origin(&parts.headers, app) {
            let detail = "A page of another site asked for this change; it was refused.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "cross_origin", detail));
        }
        let principal = sign_in::authenticate(stores, &cookie).await?;
        principal
            .map(Self)
            .ok_or_else(|| Problem::unauthorized("Your sign-in has expired; please sign in again."))
    }
}

/// The signed-in visitor of a page, if there is one. Pages show a way to sign in instead of refusing the request.
pub async fn signed_in(headers: &HeaderMap, app: &App) -> Option<Principal> {
    sign_in::authenticate(&app.stores, &cookie(headers)?)
        .await
        .ok()?
}

/// API token of the header `Authorization`.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let authorization = headers.typed_get::<Authorization<Bearer>>()?;
    Some(authorization.token().to_owned())
}

/// Value of the sign-in cookie.
pub fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = CookieJar::from_headers(headers);
    cookies.get(COOKIE).map(|cookie| cookie.value().to_owned())
}

fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that a page of another site sent the request.
pub fn is_cross_origin(headers: &HeaderMap, app: &App) -> bool {
    let says = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    says && !is_same_origin(headers, app)
}

/// Whether a browser says that a page of this server sent the request. Every browser says where a request comes from; a
/// client that does not say so is not a browser, and has no reason to send a cookie.
fn is_same_origin(headers: &HeaderMap, app: &App) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(header::ORIGIN).and_then(|o| o.to_str().ok()) else {
        return false;
    };
    // The middleware of `hosts.rs` has checked that `Host` is a known name.
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    origin == app.settings.public_url || (own.is_some() && own == host)
}
