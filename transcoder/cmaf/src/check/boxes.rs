//! The allowed nesting of boxes; boxes that are nested otherwise are not read further. This bounds the depth of the
//! parser of `mp4-atom`, which goes as deep as the boxes do.

use super::Flaw;
use crate::segment::BOX_HEADER;

/// Bytes of a sample entry before its boxes, for pictures and for sound (ISO/IEC 14496-12 §12.1.3 and §12.2.3).
const VISUAL: usize = 78;
const AUDIO: usize = 28;
/// Bytes of version, flags and number of entries at the start of a list box.
const LIST: usize = 8;

/// Content of a type of box: the number of bytes before its inner boxes, and the types of these.
fn allowed_content(kind: &[u8; 4]) -> Option<(usize, &'static [&'static [u8; 4]])> {
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

/// Checks that the body of a box of this type holds only boxes that we write.
pub(super) fn check_nesting(body: &[u8], kind: &[u8; 4]) -> Result<(), Flaw> {
    let Some((own, kinds)) = allowed_content(kind) else {
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
        // Each type of box lies in exactly one other, so the recursion goes seven deep.
        check_nesting(inner, found)?;
        rest = &rest[size..];
    }
    Ok(())
}
