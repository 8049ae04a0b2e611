//! The top-level boxes of a file of the MP4 family (ISO/IEC 14496-12 §4.2).

use std::io::{Read, Seek, SeekFrom};

/// Top-level boxes a file of the MP4 family may start with.
const BOXES: [&[u8; 4]; 10] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"sidx", b"moof", b"pnot",
];
/// More top-level boxes than any sane file has.
const MOST_BOXES: usize = 4096;

/// What a walk over them found.
#[derive(Debug, Default)]
pub struct Boxes {
    /// Whether a box ends after the file does.
    pub cut: bool,
    /// Whether there is a `moov`.
    pub index: bool,
    /// Whether there is a `moof`.
    pub fragment: bool,
    /// Whether a box declares a size that no box can have.
    pub broken: bool,
    /// Bytes of samples or of an index, as far as the file holds them.
    pub content: u64,
}

impl Boxes {
    /// Those of a file of `total` bytes; nothing where it does not start with one.
    pub fn walk(mut reader: impl Read + Seek, total: u64) -> Option<Self> {
        let mut found = Self::default();
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
                0 => total - at,
                1 if filled == 16 => u64::from_be_bytes(header[8..16].try_into().ok()?),
                n => n,
            };
            if size < 8 {
                found.broken = true;
                break;
            }
            if [b"moov", b"moof", b"mdat"].contains(&&kind) {
                found.content += size.min(total - at) - 8;
            }
            // A size may be anything: what ends past all numbers ends past the file.
            at = at.saturating_add(size);
            if at >= total {
                found.cut |= at > total;
                break;
            }
        }
        Some(found)
    }
}
