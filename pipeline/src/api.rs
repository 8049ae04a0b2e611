//! What other crates call, in three groups: uploads, videos and playback.

mod playback;
mod uploads;
mod videos;

pub use self::playback::Playback;
pub use self::uploads::Uploads;
pub use self::videos::Videos;
