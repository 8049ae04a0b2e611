//! What every rendition's id is a hash of.

use crate::canonical::Canonical;
use crate::media_info::MediaInfo;
use crate::presentation::generation::MEDIA_GENERATION;
use crate::timeline::TimeLine;

/// Adds the settings that shape the bytes of every rendition to a hash.
pub(super) fn hash_source<'a>(
    hash: &'a mut Canonical,
    stream: u32,
    timeline: &TimeLine,
) -> &'a mut Canonical {
    hash.int(MEDIA_GENERATION)
        .int(stream)
        .rational(timeline.rate)
        .rational(timeline.origin)
        .int(timeline.samples.0)
        .ints(timeline.boundaries.iter().map(|b| b.0))
}

/// Adds the time-stamp corrections of a stream to a hash, if recordings were joined.
pub(super) fn hash_joins(hash: &mut Canonical, info: &MediaInfo, stream: u32) {
    let joins = info.joins.iter().filter(|join| join.stream == stream);
    let shifts: Vec<i64> = joins.map(|join| join.shift).collect();
    if !shifts.is_empty() {
        hash.text("joins").ints(shifts.into_iter());
    }
}
