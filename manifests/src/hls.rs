//! HLS playlists (RFC 8216, rfc8216bis): the multivariant playlist in `master.rs`, media playlists in `media.rs`.

mod attributes;
mod master;
mod media;

pub use master::master;
pub(crate) use media::longest_us;
pub use media::{media_playlist, target_duration};
