//! Check of the header `Host`: pages and API answer only under their own names. A foreign name that resolves to this
//! server's address (DNS rebinding) therefore reaches nothing that reads a cookie.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::{App, Settings};
use crate::problem::Problem;

/// Middleware that passes requests for known host names on and refuses all others with `421`.
pub async fn require_known_host(State(app): State<App>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    // HTTP/2 carries the host name in the URI.
    let host = host.or_else(|| request.uri().authority().map(|a| a.as_str()));
    if host.is_some_and(|host| is_known(&app.settings, host)) {
        return next.run(request).await;
    }
    let detail = "This server does not know the host name of the request; the setting `allowed_hosts` lists \
                  additional names.";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", detail).into_response()
}

/// Whether a host name is loopback, the server's own, or one that the operator allowed.
fn is_known(settings: &Settings, host: &str) -> bool {
    let name = without_port(host);
    let public = settings
        .public_url
        .split_once("://")
        .map_or("", |(_, rest)| rest);
    let loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    loopback
        || name == without_port(public.trim_end_matches('/'))
        || host == settings.listen.to_string()
        || settings
            .allowed_hosts
            .iter()
            .any(|allowed| without_port(allowed) == name)
}

/// Host name without its port; an IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_host_names_are_known() {
        let settings = Settings {
            public_url: "https://video.example.org".into(),
            listen: ([192, 0, 2, 1], 8080).into(),
            allowed_hosts: vec!["other.example.org".into()],
            trusted_proxies: Vec::new(),
            direct_endpoint: None,
            cache_bytes: 0,
        };
        for host in [
            "localhost:8080",
            "127.0.0.1",
            "[::1]:80",
            "video.example.org",
            "192.0.2.1:8080",
            "other.example.org:1",
        ] {
            assert!(is_known(&settings, host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "", "[::2]:80"] {
            assert!(!is_known(&settings, host), "{host}");
        }
    }
}
