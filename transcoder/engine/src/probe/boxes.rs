//! The top-level boxes of a file of the MP4 family (ISO/IEC 14496-12 §4.2).

use std::io::{Read, Seek, SeekFrom};

/// Top-level boxes a file of the MP4 family may start with.
const BOXES: [&[u8; 4]; 10] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"sidx", b"moof", b"pnot",
];
const FRAGMENT: [u8; 4] = *b"moof";
/// Bytes of a box that holds nothing.
const SMALLEST: u64 = 8;
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
    pub fn walk(reader: impl Read + Seek, total: u64) -> Option<Self> {
        let mut found = Self::default();
        for (count, Header { kind, at, size }) in headers(reader, total).enumerate() {
            if count == 0 && !BOXES.contains(&&kind) {
                return None;
            }
            found.index |= kind == *b"moov";
            found.fragment |= kind == FRAGMENT;
            found.broken |= size < SMALLEST;
            found.cut |= size > total - at;
            if size >= SMALLEST && [b"moov", &FRAGMENT, b"mdat"].contains(&&kind) {
                found.content += size.min(total - at) - SMALLEST;
            }
        }
        Some(found)
    }
}

/// Whether a file of `total` bytes has samples in fragments, of which its index says nothing.
pub fn has_fragments(reader: impl Read + Seek, total: u64) -> bool {
    headers(reader, total).any(|header| header.kind == FRAGMENT)
}

struct Header {
    kind: [u8; 4],
    /// Where it begins; less than the file's bytes.
    at: u64,
    /// As declared.
    size: u64,
}

/// One after the other, up to the first that no other can follow.
fn headers(mut reader: impl Read + Seek, total: u64) -> impl Iterator<Item = Header> {
    let mut next = Some(0);
    let headers = std::iter::from_fn(move || {
        let at = next.take().filter(|&at| at < total)?;
        let (kind, size) = header(&mut reader, at, total)?;
        next = at.checked_add(size).filter(|_| size >= SMALLEST);
        Some(Header { kind, at, size })
    });
    headers.take(MOST_BOXES)
}

/// What a box at `at` is, and its size; nothing where the file ends before it says.
fn header(mut reader: impl Read + Seek, at: u64, total: u64) -> Option<([u8; 4], u64)> {
    let mut bytes = Vec::with_capacity(16);
    reader.seek(SeekFrom::Start(at)).ok()?;
    // What was read before an error counts.
    let _ = reader.take(16).read_to_end(&mut bytes);
    let short = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let size = match (short, bytes.get(8..16)) {
        (0, _) => total - at,
        (1, Some(long)) => u64::from_be_bytes(long.try_into().ok()?),
        _ => u64::from(short),
    };
    Some((kind, size))
}
