//! Whether a file ends before what it says it holds.

use std::io::{Read, Seek, SeekFrom};

use ffmpeg_next::format::context::Input;
use plan::{Code, Note, Rational};

use crate::ffi;
use crate::input::boxes::Boxes;
use crate::input::source::Source;
use crate::probe::spans::Measured;
use crate::probe::spans::packets::tracks;
use crate::probe::tracks::DeclaredTracks;

/// A length from which on whoever wrote a RIFF did not know it.
const LENGTH_UNKNOWN: u64 = 0x7fff_0000;
/// Bytes behind the last packet that are no index, and their part of the file.
const MUCH: u64 = 4 << 10;
const MUCH_PERCENT: u64 = 10;
/// Headers count other tracks too, and round.
const SLACK: Rational = Rational::new(1, 1);

/// A word about a source that ends before what its index, its header or its last piece tells of, or whose length is not
/// what it says although it is whole.
pub fn missing(source: &Source, input: &Input, found: &DeclaredTracks) -> Option<Note> {
    if is_cut(source, input, found) {
        let message = "The file ends before its picture or sound does: it was cut off.";
        return Some(Note::new(Code::Truncated, message));
    }
    let message = "The file says that it is longer than what it holds; it lasts as long as that.";
    (says_length(input) && is_shorter(input, found))
        .then(|| Note::new(Code::LengthCorrected, message))
}

/// Whether what a container says of its length is no mere guess by its bytes.
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

/// A word about what lies behind what is shown, where that is much.
pub fn rest(source: &Source, input: &Input, measured: &Measured) -> Option<Note> {
    let format = input.format();
    if format.name().contains("mp4") {
        let boxes = Boxes::walk(source.reader(), source.size())?;
        let is_second = boxes.is_followed && !boxes.fragment;
        let message = "Behind the film lies another one, which is not shown.";
        return is_second.then(|| Note::new(Code::TrackSkipped, message));
    }
    if format.name() == "wav" {
        let said = riff_length(source.reader())?;
        let is_much = source.size().saturating_sub(said) > MUCH;
        let message = "Behind the sound lies more, which was not read.";
        return is_much.then(|| Note::new(Code::TrackSkipped, message));
    }
    if format.name() == "mxf" {
        let rest = source.size().saturating_sub(mxf_footer(source.reader())?);
        let is_much =
            rest > MUCH && rest.saturating_mul(100) / source.size().max(1) >= MUCH_PERCENT;
        let message = "Behind the end of the film lies more, which is not shown.";
        return is_much.then(|| Note::new(Code::TrackSkipped, message));
    }
    let read = measured.read_to?;
    let rest = source.size().saturating_sub(read);
    let percent = rest.saturating_mul(100) / source.size().max(1);
    // Others have an index or a cover there.
    let ends_in_packets = matches!(format.name(), "mpegts" | "mpeg" | "flv" | "ogg" | "asf");
    let is_much = rest > MUCH && percent >= MUCH_PERCENT && ends_in_packets;
    let message = format!(
        "Behind its last picture and sound the file has {percent} % more, which was not read."
    );
    is_much.then(|| Note::new(Code::TrackSkipped, message))
}

/// Whether all ends well before the container's own length.
fn is_shorter(input: &Input, found: &DeclaredTracks) -> bool {
    // Where a length was not believed, the container's is no better.
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

/// A RIFF says how long it is; a stream that was never closed says nothing, or all.
fn riff_length(reader: impl Read + Seek) -> Option<u64> {
    let head = bytes(reader, 0, 8)?;
    let said = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
    // Whoever writes into a pipe says something as large as can be.
    (head.starts_with(b"RIFF") && said < LENGTH_UNKNOWN).then_some(said + 8)
}

/// The big-endian length behind four letters at the start.
fn big_endian(reader: impl Read + Seek, letters: &[u8; 4]) -> Option<u64> {
    let head = bytes(reader, 0, 8)?;
    let said = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
    head.starts_with(letters).then_some(u64::from(said))
}

/// Sony's RIFF of 64 bits: behind its identifier of 16 bytes.
fn w64_length(reader: impl Read + Seek) -> Option<u64> {
    let head = bytes(reader, 0, 24)?;
    let said = head.last_chunk().map(|said| u64::from_le_bytes(*said))?;
    head.starts_with(b"riff").then_some(said)
}

/// One chunk behind the other: four letters and a length, which is not known of the last where it is -1 (Apple's Core
/// Audio Format 1.0).
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

/// Encoders count the bytes of MP3 in its first frame, which has no sound.
fn mp3_is_cut(mut reader: impl Read + Seek, size: u64) -> bool {
    /// Behind the letters: whether frames and bytes are counted.
    const COUNTS: u32 = 3;
    const LOOKED_AT: u64 = 4096;
    let Some(head) = bytes(&mut reader, 0, 10) else {
        return false;
    };
    // A tag before it says its length in seven bits of each byte (ID3v2.4 §3.1).
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

/// Where the last partition of MXF lies, by the first (SMPTE ST 377-1 §7.1); nothing where it was not known.
fn mxf_footer(reader: impl Read + Seek) -> Option<u64> {
    const PARTITION: [u8; 13] = [
        0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01,
    ];
    /// Versions, grid, and the places of this and of the partition before.
    const BEFORE_FOOTER: usize = 24;
    let head = bytes(reader, 0, 128)?;
    if !head.starts_with(&PARTITION) {
        return None;
    }
    // A length of one byte, or of as many as its low bits say.
    let length = *head.get(16)?;
    let more = if length & 0x80 == 0 {
        0
    } else {
        usize::from(length & 0x7f)
    };
    let footer = head.get(17 + more + BEFORE_FOOTER..)?.first_chunk()?;
    Some(u64::from_be_bytes(*footer)).filter(|&footer| footer > 0)
}

/// Behind each tag of FLV stands its length (Adobe FLV 10.1, E.3).
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

/// The last page is whole, and says that it is the last (RFC 3533 §6).
fn ogg_is_cut(reader: impl Read + Seek, size: u64) -> bool {
    /// A page has 65,307 bytes at most.
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

/// The file's properties say how many bytes it has, unless it was broadcast (ASF 01.20.06, 3.2).
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
