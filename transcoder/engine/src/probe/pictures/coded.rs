//! The decision whether a track's pictures could be sent as they are stored.

use ffmpeg_next::Packet;
use ffmpeg_next::codec::Parameters;
use ffmpeg_next::codec::packet::side_data;
use plan::Rational;
use plan::media_info::{CodedPictures, Group};

use super::rate;
use crate::ffi::{self, IndexEntry};
use crate::input::boxes;
use crate::input::source::Source;
use cmaf::avc::Record;

/// Parameter sets of a track of H.264; none where the track is of another codec or has no single record of them.
pub fn record(codec: &str, parameters: &Parameters) -> Option<Record> {
    let bytes = (codec == "h264").then(|| ffi::stored_extradata(parameters))?;
    Record::read(&bytes)
}

/// Whether a packet is a whole picture that is shown, uses these parameter sets, and refers to nothing before it if
/// it is a key frame.
pub fn keeps_to(record: &Record, packet: &Packet) -> bool {
    let mut side_data = packet.side_data();
    let has_others = side_data.any(|data| data.kind() == side_data::Type::NewExtraData);
    let sample = record.sample(packet.data().unwrap_or_default());
    let is_fit = sample.is_ok_and(|sample| sample.is_idr || !packet.is_key());
    is_fit && !has_others && !ffi::is_discarded(packet)
}

/// Coded pictures of a track, from an index of all of them. None where they come at no constant rate, some are not
/// shown, or the source has fragments, since the index then grows as fragments are read.
pub fn pictures(
    source: &Source,
    record: &Record,
    reorder_frames: u32,
    index: &[IndexEntry],
    time_base: Rational,
    rate: Rational,
) -> Option<CodedPictures> {
    let stamps: Vec<i64> = index.iter().map(|entry| entry.timestamp).collect();
    let is_shown = index.iter().all(|entry| entry.shown && entry.size > 0);
    let begins = index.first().is_some_and(|entry| entry.key);
    let is_fit = is_shown && begins && rate::is_without_gaps(&stamps, time_base, rate);
    let is_whole = is_fit && !boxes::has_fragments(source.reader(), source.size());
    is_whole.then(|| CodedPictures {
        record: record.bytes().to_vec(),
        reorder_frames,
        groups: groups(index, rate),
    })
}

/// GOPs of the track; one that is too short for a segment is joined to the one before.
fn groups(index: &[IndexEntry], rate: Rational) -> Vec<Group> {
    let shortest = plan::SHORTEST_PASSED.scale_round(rate.num(), rate.den());
    let mut groups: Vec<Group> = Vec::new();
    for entry in index {
        let bytes = u64::from(entry.size);
        match groups.last_mut() {
            Some(group) if !entry.key || i64::from(group.pictures) < shortest => {
                group.pictures += 1;
                group.bytes += bytes;
            }
            _ => groups.push(Group { pictures: 1, bytes }),
        }
    }
    groups
}
