//! Byte ranges of requests (RFC 9110 §14.2). One range is supported; several are answered with the whole body.
//!
//! The crate `headers` reads ranges too, but gives the same answer to one behind the end of the body, which is refused with
//! `416`, and to one that is malformed, which is ignored.

use http::{HeaderMap, header};

/// Part of a body that a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum RequestedRange {
    /// The whole body; a server may answer so to several ranges.
    Whole,
    /// The bytes from the first to the last position, both included.
    Part(u64, u64),
    /// A range that lies behind the end of the body; the response is `416`.
    Beyond,
}

/// Part that a request asks for, of a body with this ETag and this length in bytes.
pub fn requested_range(request: &HeaderMap, etag: &str, total: u64) -> RequestedRange {
    let value = |name| request.get(name).and_then(|v| v.to_str().ok());
    // `If-Range` is compared strongly (RFC 9110 §13.1.5): a weak ETag or a date never matches.
    let validator = value(header::IF_RANGE);
    if validator.is_some_and(|tag| tag != etag || tag.starts_with("W/")) {
        return RequestedRange::Whole;
    }
    let spec = value(header::RANGE).and_then(|v| v.strip_prefix("bytes="));
    let Some((first, last)) = spec
        .filter(|spec| !spec.contains(','))
        .and_then(|spec| spec.split_once('-'))
    else {
        return RequestedRange::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if last < first => RequestedRange::Whole,
        (Ok(first), _) if first >= total => RequestedRange::Beyond,
        (Ok(first), Ok(last)) => RequestedRange::Part(first, last.min(total - 1)),
        (Ok(first), Err(_)) if last.is_empty() => RequestedRange::Part(first, total - 1),
        (Err(_), Ok(0)) if first.is_empty() => RequestedRange::Beyond,
        (Err(_), Ok(suffix)) if first.is_empty() && total > 0 => {
            RequestedRange::Part(total.saturating_sub(suffix), total - 1)
        }
        _ => RequestedRange::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(range: &str, validator: Option<&str>) -> RequestedRange {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(validator) = validator {
            headers.insert(header::IF_RANGE, validator.parse().unwrap());
        }
        requested_range(&headers, "\"tag\"", 10)
    }

    #[test]
    fn ranges_are_cut_at_the_end_and_refused_beyond_it() {
        for (range, first, last) in [
            ("bytes=0-3", 0, 3),
            ("bytes=8-", 8, 9),
            ("bytes=5-99", 5, 9),
            ("bytes=-3", 7, 9),
            ("bytes=-99", 0, 9),
        ] {
            assert_eq!(
                ask(range, None),
                RequestedRange::Part(first, last),
                "{range}"
            );
        }
        assert_eq!(ask("bytes=10-", None), RequestedRange::Beyond);
        assert_eq!(ask("bytes=-0", None), RequestedRange::Beyond);
        for range in [
            "bytes=3-1",
            "bytes=0-1,4-5",
            "lines=0-1",
            "bytes=a-b",
            "bytes=-",
        ] {
            assert_eq!(ask(range, None), RequestedRange::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_answered_with_the_whole_body() {
        assert_eq!(
            ask("bytes=0-3", Some("\"tag\"")),
            RequestedRange::Part(0, 3)
        );
        assert_eq!(ask("bytes=0-3", Some("\"old\"")), RequestedRange::Whole);
        assert_eq!(ask("bytes=0-3", Some("W/\"tag\"")), RequestedRange::Whole);
    }
}
