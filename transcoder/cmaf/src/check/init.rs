//! Checks of init segments: each is written anew from its parameter sets and compared byte for byte.

use mp4_atom::{Atom, Codec, Moov};
use plan::{Plan, RenditionId};

use super::{Flaw, boxes};
use crate::init::{audio_init, parameter_sets, video_init};
use crate::segment::BOX_HEADER;

/// Most bytes of an init segment: ours have 700 to 900, and a source's `avcC` may hold more parameter sets.
pub const MOST_INIT_BYTES: usize = 64 << 10;

/// Checks that these bytes are an init segment of a rendition of the plan. The parameter sets in it are the encoder's
/// choice.
///
/// # Errors
/// The flaw of the init segment is returned.
pub fn init(plan: &Plan, id: RenditionId, bytes: &[u8]) -> Result<(), Flaw> {
    if !plan.has_media(id) {
        return Err(Flaw::Rendition);
    }
    if bytes.len() > MOST_INIT_BYTES {
        return Err(Flaw::TooLarge);
    }
    let entry = entry(bytes)?;
    let declared = parameter_sets(&entry).ok_or(Flaw::Codec)?;
    let written = match (plan.video_rendition(id), plan.audio_rendition(id)) {
        (Some(rendition), _) => match &rendition.passed_through {
            Some(record) => video_init(rendition, record),
            None => video_init(rendition, &declared),
        },
        (None, Some(rendition)) => audio_init(rendition, &declared),
        (None, None) => return Err(Flaw::Rendition),
    };
    match written {
        Ok(written) if written == bytes => Ok(()),
        Ok(_) => Err(Flaw::Boxes),
        Err(_) => Err(Flaw::Codec),
    }
}

/// Single sample entry of an init segment.
fn entry(bytes: &[u8]) -> Result<Codec, Flaw> {
    let (_, rest) = first_box(bytes, b"ftyp")?;
    let (mut moov, rest) = first_box(rest, b"moov")?;
    if !rest.is_empty() {
        return Err(Flaw::Length);
    }
    boxes::check_nesting(moov, b"moov")?;
    let moov = Moov::decode_body(&mut moov).map_err(|_| Flaw::Boxes)?;
    let [track] = moov.trak.as_slice() else {
        return Err(Flaw::Boxes);
    };
    match track.mdia.minf.stbl.stsd.codecs.as_slice() {
        [entry] => Ok(entry.clone()),
        _ => Err(Flaw::Boxes),
    }
}

/// Body of a leading box of this type, and the bytes after the box.
fn first_box<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<(&'a [u8], &'a [u8]), Flaw> {
    let (header, _) = bytes.split_at_checked(BOX_HEADER).ok_or(Flaw::Length)?;
    let (size, found) = header.split_at(4);
    if found != kind {
        return Err(Flaw::Boxes);
    }
    let size = size
        .iter()
        .fold(0, |size, &byte| size << 8 | usize::from(byte));
    let body = bytes.get(BOX_HEADER..size).ok_or(Flaw::Length)?;
    Ok((body, &bytes[size..]))
}
