//! Whose request it is: no header makes a client of one of our own proxies.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};

#[path = "../../../origin/src/viewer/client.rs"]
mod parser;

/// Lines of headers: `Forwarded` where the first byte is odd, `X-Forwarded-For` otherwise.
pub fn run(bytes: &[u8]) {
    let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((kind, value)) = line.split_first() else {
            continue;
        };
        let name = if kind & 1 == 1 {
            "forwarded"
        } else {
            "x-forwarded-for"
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let ours = IpAddr::from([10, 0, 0, 1]);
    if let Some(client) = parser::client(ours, &headers, &trusted) {
        assert!(
            trusted.iter().all(|net| !net.contains(&client)),
            "{client} is ours"
        );
    }
    let stranger = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(parser::client(stranger, &headers, &trusted), Some(stranger));
}
