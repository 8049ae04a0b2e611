//! Why a source that FFmpeg cannot open cannot be opened, from its first bytes.

use std::io::{Read, Seek, SeekFrom};

use ffmpeg_next::Error;
use plan::Code;
use protocol::EngineFailure;

use super::reject;
use crate::session::NO_MEMORY;
use crate::source::Source;

/// Top-level boxes a file of the MP4 family may start with.
const BOXES: [&[u8; 4]; 10] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"sidx", b"moof", b"pnot",
];
/// More top-level boxes than any sane file has.
const MOST_BOXES: usize = 4096;

/// The code and sentence for an open that failed.
pub fn refusal(source: &Source, error: Error) -> EngineFailure {
    if source.size() == 0 {
        return reject(Code::NotMedia, "The file is empty.");
    }
    if error == Error::Exit {
        return reject(Code::SourceUnreachable, "The source could not be read.");
    }
    if error == NO_MEMORY {
        let message = "The file declares more than a probe has memory for.";
        return reject(Code::EngineMemory, message);
    }
    match boxes(source) {
        Some(Boxes { broken: true, .. }) => {
            reject(Code::Corrupt, "The file's structure is damaged.")
        }
        Some(Boxes {
            content: 0,
            cut: false,
            ..
        }) => reject(
            Code::NotMedia,
            "The file begins like a video but holds nothing.",
        ),
        Some(
            Boxes { cut: true, .. }
            | Boxes {
                index: false,
                fragment: false,
                ..
            },
        ) => reject(
            Code::Truncated,
            "The file ends before its index: the recording or the upload was cut off.",
        ),
        Some(_) => reject(Code::Corrupt, "The file's structure is damaged."),
        None => reject(Code::NotMedia, "The file is not a video or sound file."),
    }
}

/// The code and sentence for a source that opened but holds no packet: a cut file of a known
/// structure, or something else that a demuxer took for its own.
pub fn without_packets(source: &Source) -> EngineFailure {
    match boxes(source) {
        Some(_) => reject(
            Code::Truncated,
            "The file ends before its first picture or sound.",
        ),
        None => reject(Code::NotMedia, "The file is not a video or sound file."),
    }
}

struct Boxes {
    /// Whether a box ends after the file does.
    cut: bool,
    /// Whether there is a `moov`.
    index: bool,
    /// Whether there is a `moof`.
    fragment: bool,
    /// Whether a box declares a size that no box can have.
    broken: bool,
    /// Bytes of samples or of an index, as far as the file holds them.
    content: u64,
}

/// Walks the top-level boxes; nothing where the file does not start with one.
fn boxes(source: &Source) -> Option<Boxes> {
    let mut reader = source.reader();
    let mut found = Boxes {
        cut: false,
        index: false,
        fragment: false,
        broken: false,
        content: 0,
    };
    let mut at = 0u64;
    for count in 0..MOST_BOXES {
        let mut header = [0u8; 16];
        reader.seek(SeekFrom::Start(at)).ok()?;
        let mut filled = 0;
        while filled < header.len() {
            match reader.read(&mut header[filled..]) {
                Ok(0) | Err(_) => break,
                Ok(n) => filled += n,
            }
        }
        if filled < 8 {
            break;
        }
        let kind: [u8; 4] = [header[4], header[5], header[6], header[7]];
        if count == 0 && !BOXES.contains(&&kind) {
            return None;
        }
        found.index |= kind == *b"moov";
        found.fragment |= kind == *b"moof";
        let short = u64::from(u32::from_be_bytes([
            header[0], header[1], header[2], header[3],
        ]));
        let size = match short {
            0 => source.size() - at,
            1 if filled == 16 => u64::from_be_bytes(header[8..16].try_into().ok()?),
            n => n,
        };
        if size < 8 {
            found.broken = true;
            break;
        }
        if [b"moov", b"moof", b"mdat"].contains(&&kind) {
            found.content += size.min(source.size() - at) - 8;
        }
        at = at.checked_add(size)?;
        if at >= source.size() {
            found.cut |= at > source.size();
            break;
        }
    }
    Some(found)
}
