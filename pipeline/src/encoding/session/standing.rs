//! Standing of an engine session: the work to which it gives way.

/// The work to which a session gives way. Whatever the standing, a session takes a turn for a request that waits for
/// its segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The session makes what a request waits for, in a turn.
    Foreground,
    /// The session makes what nobody has asked for yet; it gives way to requests of other videos.
    Ahead,
    /// The session gives way to everything that is made for viewers.
    Background,
}
