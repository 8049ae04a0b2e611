//! Shared types of reelmill (ids, units, keys, codes) and [`make_plan`], the pure function from the probe's findings and
//! the policy to a [`Plan`].
//!
//! Nothing here does I/O, reads a clock or allocates ids. Begin reading at `presentation/make.rs`: a [`MediaInfo`] and a
//! [`Policy`] go in; a [`Plan`] with all renditions and segment boundaries comes out.

mod canonical;
pub mod codes;
pub mod cues;
mod h264;
pub mod ids;
pub mod ladder;
pub mod language;
mod log2;
pub mod media_info;
pub mod policy;
mod presentation;
pub mod rendition;
pub mod timeline;
pub mod units;

pub use crate::codes::{Code, Note, Rejection};
pub use crate::cues::{Cue, CueList};
pub use crate::ids::{OwnerId, SessionId, TokenId, UploadId, VideoId};
pub use crate::ladder::Size;
pub use crate::media_info::{Aperture, Complexity, Index, MediaInfo};
pub use crate::policy::{Effort, Limits, Policy};
pub use crate::presentation::{
    Access, AudioRendition, Content, Conversion, FirstFactor, Fit, Lazy, LazyCodec, Loudness,
    MEDIA_GENERATION, Next, OutputColor, Plan, RateControl, RateFactor, SHORTEST_PASSED,
    SoundCodec, Storyboard, TextRendition, Try, VideoCodec, VideoRendition, WorkKind,
    audio_preroll, make_plan,
};
pub use crate::rendition::{RenditionId, RenditionKey, RenditionName, SegmentKey};
pub use crate::timeline::TimeLine;
pub use crate::units::{Frames, Rational, Samples};
