//! How old a server may be.

/// Since this version replicated streams look at what is on its way before they take a message:
/// two offers of a chunk at the same time are one chunk. It is the oldest that our suite has run
/// on. Debian's 2.9 takes settings that it does not know in silence.
pub(super) const OLDEST: (u32, u32) = (2, 12);

/// Whether a server of this version (`2.15.2`, `2.12.0-RC.1`) will do.
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
