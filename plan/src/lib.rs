//! Shared types of reelmill (ids, units, keys, codes) and [`plan()`], the pure function from the probe's findings and
//! the policy to a [`Plan`].
//!
//! Nothing here does I/O, reads a clock or allocates ids. Begin reading at `plan.rs`: a [`MediaInfo`] and a
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
mod plan;
pub mod policy;
pub mod rendition;
pub mod timeline;
pub mod units;

pub use codes::{Code, Note, Rejection};
pub use cues::{Cue, CueList};
pub use ids::{OwnerId, SessionId, TokenId, UploadId, VideoId};
pub use ladder::Size;
pub use media_info::{Aperture, Complexity, Index, MediaInfo};
pub use plan::{
    Access, AudioRendition, Content, Conversion, FirstFactor, Fit, Lazy, LazyCodec, Loudness,
    MEDIA_GENERATION, Next, OutputColor, Plan, RateControl, RateFactor, SHORTEST_PASSED,
    SoundCodec, Storyboard, TextRendition, Try, VideoCodec, VideoRendition, WorkKind,
    audio_preroll, plan,
};
pub use policy::{Effort, Limits, Policy};
pub use rendition::{RenditionId, RenditionKey, RenditionName, SegmentKey};
pub use timeline::TimeLine;
pub use units::{Frames, Rational, Samples};
