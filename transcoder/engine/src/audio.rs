//! Sound: the samples of a track are decoded, mixed, resampled and encoded segment by segment.
//!
//! `track` gives any span of a track's samples, decoded by `decoder`. `mix` brings the channels to stereo or 5.1, and
//! `resample` brings the sample rate to 48 kHz. `encode` makes one segment, starting from a fixed place before it.
//! `loudness` measures how loud a track is. Begin with `track`.

pub(crate) mod decoder;
pub(crate) mod encode;
pub(crate) mod loudness;
pub(crate) mod mix;
pub(crate) mod resample;
pub(crate) mod track;
