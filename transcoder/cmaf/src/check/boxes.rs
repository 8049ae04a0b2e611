//! Which boxes there may be, and in which: what is nested otherwise is not read any further. A reader of boxes of all
//! kinds goes as deep as they do.

use super::Flaw;
use crate::segment::BOX_HEADER;

/// Bytes of a sample entry before its boxes (ISO/IEC 14496-12 §12.1.3 and §12.2.3).
const VISUAL: usize = 78;
const AUDIO: usize = 28;
/// Version, flags and number of entries.
const LIST: usize = 8;

/// What a box holds: so many bytes of its own, and these boxes.
fn held(kind: &[u8; 4]) -> Option<(usize, &'static [&'static [u8; 4]])> {
    Some(match kind {
        b"moof" => (0, &[b"mfhd", b"traf"]),
        b"traf" => (0, &[b"tfhd", b"tfdt", b"trun"]),
        b"moov" => (0, &[b"mvhd", b"mvex", b"trak"]),
        b"mvex" => (0, &[b"trex"]),
        b"trak" => (0, &[b"tkhd", b"edts", b"mdia"]),
        b"edts" => (0, &[b"elst"]),
        b"mdia" => (0, &[b"mdhd", b"hdlr", b"minf"]),
        b"minf" => (0, &[b"vmhd", b"smhd", b"dinf", b"stbl"]),
        b"dinf" => (0, &[b"dref"]),
        b"dref" => (LIST, &[b"url "]),
        b"stbl" => (0, &[b"stsd", b"stts", b"stsc", b"stsz", b"stco"]),
        b"stsd" => (LIST, &[b"avc1", b"hvc1", b"av01", b"mp4a", b"Opus"]),
        b"avc1" => (VISUAL, &[b"avcC", b"colr"]),
        b"hvc1" => (VISUAL, &[b"hvcC", b"colr"]),
        b"av01" => (VISUAL, &[b"av1C", b"colr"]),
        b"mp4a" => (AUDIO, &[b"esds"]),
        b"Opus" => (AUDIO, &[b"dOps"]),
        _ => return None,
    })
}

/// Whether the body of a box of this kind holds none but ours.
pub(super) fn are_ours(body: &[u8], kind: &[u8; 4]) -> Result<(), Flaw> {
    let Some((own, kinds)) = held(kind) else {
        return Ok(());
    };
    let mut rest = body.get(own..).ok_or(Flaw::Length)?;
    while !rest.is_empty() {
        let (size, after) = rest.split_first_chunk::<4>().ok_or(Flaw::Length)?;
        let (found, _) = after.split_first_chunk::<4>().ok_or(Flaw::Length)?;
        let size = u32::from_be_bytes(*size) as usize;
        let inner = rest.get(BOX_HEADER..size).ok_or(Flaw::Length)?;
        if !kinds.contains(&found) {
            return Err(Flaw::Boxes);
        }
        // Each kind is held by one other: this goes seven deep.
        are_ours(inner, found)?;
        rest = &rest[size..];
    }
    Ok(())
}
