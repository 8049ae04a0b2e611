//! Sound: a track's samples, mixed and resampled, encoded segment by segment.
//!
//! `track` gives any span of a track's samples by its `decoder`; `mix` brings channels to stereo or 5.1, `resample` the rate
//! to 48 kHz; `encode` makes one segment from a fixed place before it; `loudness` measures. Begin with `track`.

pub(crate) mod decoder;
pub(crate) mod encode;
pub(crate) mod loudness;
pub(crate) mod mix;
pub(crate) mod resample;
pub(crate) mod track;
