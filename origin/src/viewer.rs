//! Who asks for media, and what their player says of its state (CTA-5004, CMCD): by this,
//! viewers take turns where something must be made for them.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Query};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;
use pipeline::Viewer;
use plan::{RenditionKey, SegmentKey};
use serde::Deserialize;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::app::App;
use crate::delivery::FileName;

/// Session ids are at most so long (CTA-5004); what is longer is not taken for one.
const LONGEST_SESSION: usize = 64;

/// Who sent a request for media.
#[derive(Debug, Default)]
pub struct Asker {
    pub viewer: Viewer,
    /// The object that the player asks for next, relative to this one.
    next: Option<String>,
}

impl Asker {
    /// The segment that the player asks for next.
    pub fn next_segment(&self, at: RenditionKey) -> Option<SegmentKey> {
        let mut names = self.next.as_deref()?.rsplit('/');
        let FileName::Segment(index) = FileName::parse(names.next()?)? else {
            return None;
        };
        let named = names.next().and_then(|name| name.parse().ok());
        Some(SegmentKey {
            video: at.video,
            rendition: named.unwrap_or(at.rendition),
            index,
        })
    }
}

impl FromRequestParts<App> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let mut asker = said(parts);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let client = peer.and_then(|ConnectInfo(peer)| {
            client(peer.ip(), &parts.headers, &app.settings.trusted_proxies)
        });
        asker.viewer.network = client.map(Into::into);
        Ok(asker)
    }
}

/// The address of the client: the peer's, or what a trusted proxy says of whom it serves.
/// Nothing where a proxy does not tell.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let peer = peer.to_canonical();
    if !is_trusted(&peer) {
        return Some(peer);
    }
    let mut hops = forwarded(headers);
    if hops.is_empty() {
        let lines = values(headers, "x-forwarded-for");
        hops = lines
            .flat_map(|line| line.split(','))
            .map(address)
            .collect();
    }
    // Each hop appends: the last that is not ours is as far as anybody can be believed.
    let mut hops = hops.into_iter().rev();
    hops.find(|hop| hop.is_none_or(|ip| !is_trusted(&ip)))?
}

/// The `for` of every hop (RFC 7239, section 4).
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let elements = values(headers, "forwarded").flat_map(|line| line.split(','));
    let by = |element: &str| {
        let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        address(value)
    };
    elements.map(by).collect()
}

/// An address as proxies write it: quoted or not, with or without a port, IPv6 in brackets or
/// not; nothing for `unknown` and made-up names.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let whole: Option<SocketAddr> = text.parse().ok();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = whole.map(|address| address.ip()).or(bare.parse().ok());
    address.map(|ip: IpAddr| ip.to_canonical())
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter();
    lines.filter_map(|line| line.to_str().ok())
}

#[derive(Deserialize)]
struct InQuery {
    #[serde(rename = "CMCD")]
    cmcd: Option<String>,
}

/// What the player says, in the query or in headers.
fn said(parts: &Parts) -> Asker {
    let query = Query::<InQuery>::try_from_uri(&parts.uri).ok();
    let query = query.and_then(|Query(query)| query.cmcd);
    let headers = ["cmcd-request", "cmcd-session"]
        .into_iter()
        .flat_map(|name| values(&parts.headers, name));
    let mut asker = Asker::default();
    for text in query.as_deref().into_iter().chain(headers) {
        // What cannot be read is not said.
        let said: Dictionary = Parser::new(text).parse().unwrap_or_default();
        for (key, value) in &said {
            let item = match value {
                ListEntry::Item(item) => Some(item),
                ListEntry::InnerList(list) => list.items.first(),
            };
            let Some(item) = item else { continue };
            match (key.as_str(), &item.bare_item) {
                ("sid", BareItem::String(session)) => {
                    let session = session.as_str().to_owned();
                    asker.viewer.session =
                        Some(session).filter(|session| session.len() <= LONGEST_SESSION);
                }
                ("dl", BareItem::Integer(ms)) => {
                    let ms = u64::try_from(i64::from(*ms)).ok();
                    asker.viewer.deadline = ms.map(Duration::from_millis);
                }
                ("nor", BareItem::String(next)) => asker.next = Some(next.as_str().to_owned()),
                _ => {}
            }
        }
    }
    asker
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = lines
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        pairs.collect()
    }

    fn from(peer: &str, lines: &[(&'static str, &str)]) -> Option<String> {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let found = client(peer.parse().unwrap(), &headers(lines), &trusted);
        found.map(|ip| ip.to_string())
    }

    #[test]
    fn only_a_trusted_proxy_says_who_the_client_is() {
        let line = [("x-forwarded-for", "198.51.100.7, 192.0.2.9, 10.0.0.2")];
        assert_eq!(from("10.0.0.1", &line).as_deref(), Some("192.0.2.9"));
        assert_eq!(from("203.0.113.5", &line).as_deref(), Some("203.0.113.5"));
        assert_eq!(from("10.0.0.1", &[]), None);
        assert_eq!(from("10.0.0.1", &[("x-forwarded-for", "10.0.0.3")]), None);
        let mapped = from("::ffff:10.0.0.1", &line);
        assert_eq!(mapped.as_deref(), Some("192.0.2.9"));
    }

    #[test]
    fn forwarded_is_read_before_what_it_replaced() {
        let lines = [
            (
                "forwarded",
                "for=198.51.100.7;proto=https, For=\"[2001:db8::7]:4711\"",
            ),
            ("x-forwarded-for", "192.0.2.9"),
        ];
        assert_eq!(from("::1", &lines).as_deref(), Some("2001:db8::7"));
        let hidden = [("forwarded", "for=192.0.2.9, for=_gazonk")];
        assert_eq!(from("::1", &hidden), None);
    }

    fn asker(path: &str, lines: &[(&'static str, &str)]) -> Asker {
        let mut request = Request::get(path).body(()).unwrap();
        *request.headers_mut() = headers(lines);
        said(&request.into_parts().0)
    }

    #[test]
    fn players_say_who_they_are_and_what_comes_next() {
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
