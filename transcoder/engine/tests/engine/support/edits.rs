//! A writer of edit lists in MP4 files (ISO/IEC 14496-12 §8.6.6).

use std::path::Path;

use mp4_atom::{Atom, Decode, Edts, Elst, ElstEntry, Encode, Moov};

/// Stretch of a time line.
pub enum Edit {
    /// Nothing, for so many seconds.
    Nothing(f64),
    /// The picture at a second, held for so many seconds.
    Still(f64, f64),
    /// The media from a second on, for so many seconds.
    Play(f64, f64),
}

/// Makes all tracks of a file show these stretches of their media; the file's index must come last. Times count from
/// where the file's own edit lists let the media begin.
pub fn set(path: &Path, edits: &[Edit]) {
    let mut bytes = std::fs::read(path).unwrap();
    let kind = |kind: &[u8]| bytes.windows(4).rposition(|four| four == kind).unwrap();
    let at = kind(Moov::KIND.as_ref()) - 4;
    assert!(kind(b"mdat") < at);
    let mut moov = Moov::decode(&mut &bytes[at..]).unwrap();
    for track in &mut moov.trak {
        let scale = f64::from(track.mdia.mdhd.timescale);
        let own = track.edts.as_ref().and_then(|edts| edts.elst.as_ref());
        let first = own.and_then(|list| list.entries.last()?.media_time);
        let entry = |edit: &Edit| {
            let (start, seconds, rate) = match *edit {
                Edit::Nothing(seconds) => (None, seconds, 0),
                Edit::Still(start, seconds) => (Some(start), seconds, 0),
                Edit::Play(start, seconds) => (Some(start), seconds, 1),
            };
            ElstEntry {
                segment_duration: (seconds * f64::from(moov.mvhd.timescale)) as u64,
                media_time: start.map(|start| first.unwrap_or(0) + (start * scale) as u64),
                media_rate: rate.into(),
            }
        };
        let entries = edits.iter().map(entry).collect();
        track.edts = Some(Edts {
            elst: Some(Elst { entries }),
        });
    }
    bytes.truncate(at);
    moov.encode(&mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}
