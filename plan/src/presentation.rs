//! The plan of a presentation, fixed before a frame is encoded.
//!
//! [`make_plan`] takes what the probe found and the policy, and returns a [`Plan`]: the time line, all segment
//! boundaries and all renditions with their settings. The modules below hold one kind of rendition or one decision
//! each. The methods that return a changed [`Plan`] take renditions over unchanged where they can.

pub(crate) mod audio;
pub(crate) mod check;
pub(crate) mod chunks;
pub(crate) mod color;
pub(crate) mod generation;
pub(crate) mod hashes;
pub(crate) mod lazy;
pub(crate) mod loudness;
pub(crate) mod make;
pub(crate) mod model;
pub(crate) mod opus;
pub(crate) mod passthrough;
pub(crate) mod remake;
pub(crate) mod replace;
pub(crate) mod storyboard;
pub(crate) mod text;
pub(crate) mod trick_play;
pub(crate) mod video;

pub use self::audio::{AudioRendition, SoundCodec, audio_preroll};
pub use self::color::{Conversion, OutputColor};
pub use self::generation::MEDIA_GENERATION;
pub use self::lazy::Lazy;
pub use self::loudness::Loudness;
pub use self::make::make_plan;
pub use self::model::{Access, Content, Plan, WorkKind};
pub use self::passthrough::SHORTEST_PASSED;
pub use self::storyboard::Storyboard;
pub use self::text::TextRendition;
pub use self::video::{
    FirstFactor, Fit, LazyCodec, Next, RateControl, RateFactor, Try, VideoCodec, VideoRendition,
};
