//! Oldest supported version of the NATS server.

/// Oldest supported version (major, minor). Since this version a replicated stream checks pending messages before it
/// accepts one, so that two concurrent offers of a chunk give one chunk. It is also the oldest version that our tests
/// have run on. Debian's 2.9 silently ignores settings that it does not know.
pub(super) const OLDEST: (u32, u32) = (2, 12);

/// Whether a server with this version (`2.15.2`, `2.12.0-RC.1`) is new enough.
pub(super) fn is_new_enough(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split('.');
    let mut number = || parts.next()?.parse::<u32>().ok();
    match (number(), number()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_too_old_is_refused() {
        for version in ["2.15.2", "2.12.0", "2.12.0-RC.1", "v2.20.1", "3.0.0"] {
            assert!(is_new_enough(version), "{version}");
        }
        for version in ["2.9.10", "2.11.17", "1.99.0", "", "2", "new"] {
            assert!(!is_new_enough(version), "{version}");
        }
    }
}
