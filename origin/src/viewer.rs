//! Viewers: who asks for media, and what their players report in CMCD (CTA-5004). The pipeline uses both to share
//! encoding fairly between viewers.

mod client;
mod cmcd;

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Query};
use axum::http::request::Parts;
use pipeline::Viewer;
use plan::{RenditionKey, SegmentKey};
use serde::Deserialize;

use crate::app::App;
use client::{client, values};
use cmcd::Cmcd;

/// Extractor of the viewer who sent a request for media.
#[derive(Debug, Default)]
pub struct RequestViewer {
    /// Viewer as the pipeline knows them: network, CMCD session and deadline.
    pub viewer: Viewer,
    /// CMCD data of the request.
    cmcd: Cmcd,
}

impl RequestViewer {
    /// Segment that the player will ask for next, if it says so; `at` is the rendition of this request.
    pub fn next_segment(&self, at: RenditionKey) -> Option<SegmentKey> {
        self.cmcd.next_segment(at)
    }
}

impl FromRequestParts<App> for RequestViewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let mut asker = read_cmcd(parts);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let client = peer.and_then(|ConnectInfo(peer)| {
            client(peer.ip(), &parts.headers, &app.settings.trusted_proxies)
        });
        asker.viewer.network = client.map(Into::into);
        Ok(asker)
    }
}

/// CMCD data in the query of a request.
#[derive(Deserialize)]
struct CmcdQuery {
    #[serde(rename = "CMCD")]
    cmcd: Option<String>,
}

/// Reads the CMCD data of a request, from its query and its headers.
fn read_cmcd(parts: &Parts) -> RequestViewer {
    let query = Query::<CmcdQuery>::try_from_uri(&parts.uri).ok();
    let query = query.and_then(|Query(query)| query.cmcd);
    let headers = ["cmcd-request", "cmcd-session"]
        .into_iter()
        .flat_map(|name| values(&parts.headers, name));
    let mut cmcd = Cmcd::read(query.as_deref().into_iter().chain(headers));
    let viewer = Viewer {
        session: cmcd.session.take(),
        deadline: cmcd.deadline,
        ..Viewer::default()
    };
    RequestViewer { viewer, cmcd }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderMap, Request};
    use std::time::Duration;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = lines
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        pairs.collect()
    }

    fn asker(path: &str, lines: &[(&'static str, &str)]) -> RequestViewer {
        let mut request = Request::get(path).body(()).unwrap();
        *request.headers_mut() = headers(lines);
        read_cmcd(&request.into_parts().0)
    }

    #[test]
    fn cmcd_names_the_session_the_deadline_and_the_next_segment() {
        let key = RenditionKey {
            video: "video_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
            rendition: "v720-k3m9x2a7q0wd".parse().unwrap(),
        };
        let query =
            "/1.m4s?CMCD=bl%3D21300%2Cdl%3D400%2Cnor%3D%222.m4s%22%2Cot%3Dv%2Csid%3D%22s1%22";
        let asker_by_query = asker(query, &[]);
        assert_eq!(asker_by_query.viewer.session.as_deref(), Some("s1"));
        assert_eq!(
            asker_by_query.viewer.deadline,
            Some(Duration::from_millis(400))
        );
        let next = asker_by_query.next_segment(key).unwrap();
        assert_eq!((next.rendition, next.index), (key.rendition, 2));
        let lines = [
            ("cmcd-request", "nor=\"../v480-k3m9x2a7q0wd/7.m4s\",su"),
            ("cmcd-session", "sf=h,sid=\"s2\",v=1"),
        ];
        let by_headers = asker("/1.m4s", &lines);
        assert_eq!(by_headers.viewer.session.as_deref(), Some("s2"));
        let next = by_headers.next_segment(key).unwrap();
        assert_eq!(
            (next.rendition.to_string().as_str(), next.index),
            ("v480-k3m9x2a7q0wd", 7)
        );
        for nonsense in ["CMCD=", "CMCD=%22", "CMCD=nor%3D7", "CMCD=nor%3D%22x%22"] {
            let asker = asker(&format!("/1.m4s?{nonsense}"), &[]);
            assert_eq!(asker.next_segment(key), None, "{nonsense}");
            assert_eq!(asker.viewer, Viewer::default());
        }
    }
}
