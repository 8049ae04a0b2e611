//! Byte ranges: what is answered is there.

use http::{HeaderMap, HeaderValue, header};

use crate::delivery::range::{RequestedRange, requested_range};

/// `Range`, and after a line break `If-Range`.
pub fn run(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    for name in [header::RANGE, header::IF_RANGE] {
        if let Some(Ok(value)) = lines.next().map(HeaderValue::from_bytes) {
            headers.insert(name, value);
        }
    }
    for total in [0, 1, 10, 1 << 40, u64::MAX] {
        if let RequestedRange::Part(first, last) = requested_range(&headers, "\"tag\"", total) {
            assert!(first <= last && last < total, "{first}-{last} of {total}");
        }
    }
}
