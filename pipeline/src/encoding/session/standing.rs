//! To whom an engine session gives way.

/// To whom a run gives way. Where somebody waits for what it is at, it takes a turn for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is what somebody waits for, whose turn it is.
    Foreground,
    /// Nobody asked for it yet: it gives way to viewers of other videos.
    Ahead,
    /// It gives way to everything that is made for viewers.
    Background,
}
