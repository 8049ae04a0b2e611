//! Checks whether a file ends before the length that it declares.

use std::io::{Read, Seek, SeekFrom};

use ffmpeg_next::format::context::Input;
use plan::{Code, Note, Rational};

use crate::ffi;
use crate::input::boxes::Boxes;
use crate::input::source::Source;
use crate::probe::spans::Measured;
use crate::probe::spans::packets::tracks;
use crate::probe::tracks::DeclaredTracks;

/// Declared length of a RIFF file from which on the writer did not know the length.
const LENGTH_UNKNOWN: u64 = 0x7fff_0000;
/// Bytes behind the last packet, and their percentage of the file, from which on they are too much for an index.
const MUCH: u64 = 4 << 10;
const MUCH_PERCENT: u64 = 10;
/// Seconds by which a header's duration may exceed the tracks': headers count other tracks too, and round.
const SLACK: Rational = Rational::new(1, 1);

/// Note on a source that ends before its index, its header or its last piece says, or that is whole but shorter than
/// its declared duration.
pub fn missing(source: &Source, input: &Input, found: &DeclaredTracks) -> Option<Note> {
    if is_cut(source, input, found) {
        let message = "The file ends before its picture or sound does: it was cut off.";
        return Some(Note::new(Code::Truncated, message));
    }
    let message = "The file declares a longer duration than its content has; the duration of the content is used.";
    (says_length(input) && is_shorter(input, found))
        .then(|| Note::new(Code::LengthCorrected, message))
}

/// Whether a container really declares its duration; others have one that is guessed from their bytes.
fn says_length(input: &Input) -> bool {
    let name = input.format().name().to_owned();
    ["matroska", "flv", "avi", "flac"]
        .iter()
        .any(|known| name.contains(known))
}

fn is_cut(source: &Source, input: &Input, found: &DeclaredTracks) -> bool {
    let format = input.format();
    let name = format.name();
    let size = source.size();
    if name.contains("mp4") {
        let whole = i64::try_from(size).unwrap_or(i64::MAX);
        let streams = tracks(found).filter_map(|stream| input.stream(stream as usize));
        let mut entries = streams.flat_map(|stream| ffi::index_entries(&stream));
        let is_cut = Boxes::walk(source.reader(), size).is_some_and(|boxes| boxes.cut);
        return is_cut || entries.any(|entry| entry.end > whole);
    }
    let says_otherwise = match name {
        "avi" | "wav" => riff_is_cut(source.reader(), size),
        "aiff" => big_endian(source.reader(), b"FORM").is_some_and(|said| said + 8 > size + 1),
        "w64" => w64_length(source.reader()).is_some_and(|said| said > size),
        "caf" => caf_is_cut(source.reader(), size),
        "mp3" => mp3_is_cut(source.reader(), size),
        "mxf" => mxf_footer(source.reader()).is_some_and(|footer| footer >= size),
        "flv" => flv_is_cut(source.reader(), size),
        "ogg" => ogg_is_cut(source.reader(), size),
        "asf" => asf_is_cut(source.reader(), size),
        _ => found
            .matroska
            .as_ref()
            .is_some_and(|segment| segment.is_cut),
    };
    // Whether the container knows how many bytes it has, and has them.
    let is_whole = match name {
        "avi" => riff_length(source.reader()).is_some_and(|said| said.abs_diff(size) <= 1),
        _ => found
            .matroska
            .as_ref()
            .is_some_and(|segment| segment.is_whole),
    };
    says_otherwise || !is_whole && says_length(input) && is_shorter(input, found)
}

/// Note on content behind the part that is shown, where that is much.
pub fn rest(source: &Source, input: &Input, measured: &Measured) -> Option<Note> {
    let format = input.format();
    if format.name().contains("mp4") {
        let boxes = Boxes::walk(source.reader(), source.size())?;
        let is_second = boxes.is_followed && !boxes.fragment;
        let message = "The file contains another film behind the first; it is not shown.";
        return is_second.then(|| Note::new(Code::TrackSkipped, message));
    }
    if format.name() == "wav" {
        let said = riff_length(source.reader())?;
        let is_much = source.size().saturating_sub(said) > MUCH;
        let message = "The file contains more data behind its sound; it was not read.";
        return is_much.then(|| Note::new(Code::TrackSkipped, message));
    }
    if format.name() == "mxf" {
        let rest = source.size().saturating_sub(mxf_footer(source.reader())?);
        let is_much =
            rest > MUCH && rest.saturating_mul(100) / source.size().max(1) >= MUCH_PERCENT;
        let message = "The file contains more data behind the end of its film; it is not shown.";
        return is_much.then(|| Note::new(Code::TrackSkipped, message));
    }
    let read = measured.read_to?;
    let rest = source.size().saturating_sub(read);
    let percent = rest.saturating_mul(100) / source.size().max(1);
    // Other formats have an index or a cover there.
    let ends_in_packets = matches!(format.name(), "mpegts" | "mpeg" | "flv" | "ogg" | "asf");
    let is_much = rest > MUCH && percent >= MUCH_PERCENT && ends_in_packets;
    let message =
        format!("{percent} % of the file lies behind its last picture and sound and was not read.");
    is_much.then(|| Note::new(Code::TrackSkipped, message))
}

/// Whether all tracks end well before the container's declared duration.
fn is_shorter(input: &Input, found: &DeclaredTracks) -> bool {
    // Where the declared duration of a track was not believed, the container's is no better.
    if found
        .notes
        .iter()
        .any(|note| note.code == Code::LengthCorrected)
    {
        return false;
    }
    let ends = found.video.iter().map(|video| video.end);
    let ends = ends.chain(found.audio.iter().map(|audio| audio.end));
    let declared = Rational::from_us(input.duration().max(0));
    let tenth = Rational::new(declared.num(), declared.den().saturating_mul(10));
    ends.max().is_some_and(|end| end + SLACK + tenth < declared)
}

fn bytes(mut reader: impl Read + Seek, at: u64, count: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    reader.seek(SeekFrom::Start(at)).ok()?;
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn riff_is_cut(reader: impl Read + Seek, size: u64) -> bool {
    riff_length(reader).is_some_and(|said| said > size + 1)
}

/// Length of a RIFF file in bytes, as it declares it. A stream that was never closed declares none, or the largest.
fn riff_length(reader: impl Read + Seek) -> Option<u64> {
    let head = bytes(reader, 0, 8)?;
    let said = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
    // Writers into a pipe declare about the largest possible length.
    (head.starts_with(b"RIFF") && said < LENGTH_UNKNOWN).then_some(said + 8)
}

/// Big-endian length that follows four letters at the start of a file.
fn big_endian(reader: impl Read + Seek, letters: &[u8; 4]) -> Option<u64> {
    let head = bytes(reader, 0, 8)?;
    let said = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
    head.starts_with(letters).then_some(u64::from(said))
}

/// Length of a file of Sony's RIFF of 64 bits, which follows its identifier of 16 bytes.
fn w64_length(reader: impl Read + Seek) -> Option<u64> {
    let head = bytes(reader, 0, 24)?;
    let said = head.last_chunk().map(|said| u64::from_le_bytes(*said))?;
    head.starts_with(b"riff").then_some(said)
}

/// Whether a CAF file is cut. Its chunks follow one another, each with four letters and a length; the length of the
/// last chunk is -1 where it was not known (Apple's Core Audio Format 1.0).
fn caf_is_cut(mut reader: impl Read + Seek, size: u64) -> bool {
    const MOST_CHUNKS: usize = 64;
    let mut at = 8_u64;
    for _ in 0..MOST_CHUNKS {
        let Some(head) = bytes(&mut reader, at, 12) else {
            return false;
        };
        let length = head
            .last_chunk()
            .map_or(-1, |said| i64::from_be_bytes(*said));
        let Ok(length) = u64::try_from(length) else {
            return false;
        };
        at = at.saturating_add(12).saturating_add(length);
        if at >= size {
            return at > size;
        }
    }
    false
}

/// Whether an MP3 file is cut. Encoders store the number of its bytes in the first frame, which has no sound.
fn mp3_is_cut(mut reader: impl Read + Seek, size: u64) -> bool {
    /// Flags behind the letters that say that frames and bytes are counted.
    const COUNTS: u32 = 3;
    const LOOKED_AT: u64 = 4096;
    let Some(head) = bytes(&mut reader, 0, 10) else {
        return false;
    };
    // A tag before the first frame declares its length in seven bits of each byte (ID3v2.4 §3.1).
    let tag = match head.starts_with(b"ID3") {
        true => {
            10 + head[6..]
                .iter()
                .fold(0, |length, byte| length << 7 | u64::from(byte & 0x7f))
        }
        false => 0,
    };
    let length = LOOKED_AT.min(size.saturating_sub(tag));
    let Some(first) = bytes(&mut reader, tag, length as usize) else {
        return false;
    };
    let letters = first
        .windows(4)
        .position(|found| found == b"Xing" || found == b"Info");
    let number = |at: usize| {
        let number = first.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(number))
    };
    let counted =
        letters.and_then(|at| (number(at + 4)? & COUNTS == COUNTS).then(|| number(at + 12))?);
    counted.is_some_and(|counted| tag + u64::from(counted) > size)
}

/// Byte at which the last partition of an MXF file lies, from the first partition (SMPTE ST 377-1 §7.1); none where
/// it was not known.
fn mxf_footer(reader: impl Read + Seek) -> Option<u64> {
    const PARTITION: [u8; 13] = [
        0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01,
    ];
    /// Bytes before the footer's place: versions, grid, and the places of this and of the partition before.
    const BEFORE_FOOTER: usize = 24;
    let head = bytes(reader, 0, 128)?;
    if !head.starts_with(&PARTITION) {
        return None;
    }
    // The length takes one byte, or as many more as its low bits say.
    let length = *head.get(16)?;
    let more = if length & 0x80 == 0 {
        0
    } else {
        usize::from(length & 0x7f)
    };
    let footer = head.get(17 + more + BEFORE_FOOTER..)?.first_chunk()?;
    Some(u64::from_be_bytes(*footer)).filter(|&footer| footer > 0)
}

/// Whether an FLV file is cut: its last tag is not followed by that tag's length (Adobe FLV 10.1, E.3).
fn flv_is_cut(mut reader: impl Read + Seek, size: u64) -> bool {
    const TAG_HEAD: u64 = 11;
    let Some(last) = size.checked_sub(4).and_then(|at| bytes(&mut reader, at, 4)) else {
        return false;
    };
    let length = u64::from(u32::from_be_bytes([last[0], last[1], last[2], last[3]]));
    let tag = size
        .checked_sub(4 + length)
        .and_then(|at| bytes(&mut reader, at, 4));
    let body = tag.map(|tag| u64::from(u32::from_be_bytes([0, tag[1], tag[2], tag[3]])));
    length > 0 && body.is_none_or(|body| body + TAG_HEAD != length)
}

/// Whether an Ogg file is cut: its last page is incomplete, or does not say that it is the last (RFC 3533 §6).
fn ogg_is_cut(reader: impl Read + Seek, size: u64) -> bool {
    /// Bytes at the end that hold a whole page, which has 65,307 bytes at most.
    const TAIL: u64 = 65_536;
    const LAST: u8 = 4;
    let length = TAIL.min(size);
    let Some(tail) = bytes(reader, size - length, length as usize) else {
        return false;
    };
    let Some(at) = tail.windows(4).rposition(|window| window == b"OggS") else {
        return true;
    };
    let page = &tail[at..];
    let Some(&segments) = page.get(26) else {
        return true;
    };
    let Some(lacing) = page.get(27..27 + usize::from(segments)) else {
        return true;
    };
    let body: usize = lacing.iter().map(|&length| usize::from(length)).sum();
    page.len() < 27 + lacing.len() + body || page[5] & LAST == 0
}

/// Whether an ASF file is cut. Its properties declare its number of bytes, unless it was broadcast (ASF 01.20.06,
/// 3.2).
fn asf_is_cut(reader: impl Read + Seek, size: u64) -> bool {
    const PROPERTIES: [u8; 16] = [
        0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53,
        0x65,
    ];
    const BROADCAST: u8 = 1;
    let Some(head) = bytes(reader, 0, size.min(65_536) as usize) else {
        return false;
    };
    let Some(at) = head.windows(16).position(|window| window == PROPERTIES) else {
        return false;
    };
    let said = head
        .get(at + 40..at + 48)
        .and_then(|bytes| bytes.try_into().ok());
    let flags = head.get(at + 88);
    said.map(u64::from_le_bytes).is_some_and(|said| said > size)
        && flags.is_some_and(|flags| flags & BROADCAST == 0)
}
