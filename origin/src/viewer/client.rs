//! Address of the client that sent a request, as trusted proxies report it in `Forwarded` or `X-Forwarded-For`.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// Address of the client: that of the connection's peer, or if the peer is a trusted proxy, the address that it
/// reports. `None` if a trusted proxy reports no address.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
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
    // Each proxy appends the address of its client. The last address that is not a trusted proxy's is the client's;
    // the client itself may have written anything before it.
    let mut hops = hops.into_iter().rev();
    hops.find(|hop| hop.is_none_or(|ip| !is_trusted(&ip)))?
}

/// Address in the `for` parameter of each element of `Forwarded` (RFC 7239, section 4).
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let elements = values(headers, "forwarded").flat_map(|line| line.split(','));
    let by = |element: &str| {
        let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        address(value)
    };
    elements.map(by).collect()
}

/// Parses an address as proxies write it: quoted or not, with or without a port, IPv6 in brackets or not. `None` for
/// `unknown` and for obfuscated names.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let whole: Option<SocketAddr> = text.parse().ok();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = whole.map(|address| address.ip()).or(bare.parse().ok());
    address.map(|ip: IpAddr| ip.to_canonical())
}

/// Values of all lines of a header.
pub fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter();
    lines.filter_map(|line| line.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn only_a_trusted_proxy_is_believed_about_its_client() {
        let line = [("x-forwarded-for", "198.51.100.7, 192.0.2.9, 10.0.0.2")];
        assert_eq!(from("10.0.0.1", &line).as_deref(), Some("192.0.2.9"));
        assert_eq!(from("203.0.113.5", &line).as_deref(), Some("203.0.113.5"));
        assert_eq!(from("10.0.0.1", &[]), None);
        assert_eq!(from("10.0.0.1", &[("x-forwarded-for", "10.0.0.3")]), None);
        let mapped = from("::ffff:10.0.0.1", &line);
        assert_eq!(mapped.as_deref(), Some("192.0.2.9"));
    }

    #[test]
    fn forwarded_takes_precedence_over_x_forwarded_for() {
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
}
