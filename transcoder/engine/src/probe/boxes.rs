//! The boxes of a file of the MP4 family (ISO/IEC 14496-12 §4.2): those at the top, and those of its
//! tracks of which FFmpeg says nothing.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

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
        for (count, Header { kind, at, size, .. }) in headers(reader, 0..total).enumerate() {
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
    headers(reader, 0..total).any(|header| header.kind == FRAGMENT)
}

/// What a track says of its pictures (ISO/IEC 14496-12 §12.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Number of the track.
    pub track: u32,
    /// The clean aperture: width, height, and how far its middle is to the right of the picture's,
    /// and below it; each a numerator and a denominator.
    pub clean: Option<[u32; 8]>,
    /// Width and height of a pixel.
    pub pixel: Option<[u32; 2]>,
}

/// Payload of `tkhd` before the track's number, in its two versions (§8.3.2).
const BEFORE_NUMBER: [u64; 2] = [12, 20];
/// Payload of `stsd` before its first entry (§8.5.2).
const BEFORE_ENTRY: u64 = 8;
/// A visual sample entry before its boxes (§12.1.3).
const BEFORE_EXTENSIONS: u64 = 78;

/// Of each track of a file of `total` bytes, by its first sample entry. What is no picture's is read as
/// if it were, and says nothing.
pub fn shapes(mut reader: impl Read + Seek, total: u64) -> Vec<Shape> {
    let Some(index) = child(&mut reader, 0..total, b"moov") else {
        return Vec::new();
    };
    let tracks: Vec<Header> = headers(&mut reader, index)
        .filter(|header| header.kind == *b"trak")
        .collect();
    let shape = |track: Header| shape(&mut reader, track.inside());
    tracks.into_iter().filter_map(shape).collect()
}

fn shape(mut reader: impl Read + Seek, track: Range<u64>) -> Option<Shape> {
    let header = child(&mut reader, track.clone(), b"tkhd")?;
    let [version] = numbers(&mut reader, header.start)?.map(|number: u32| number >> 24);
    let number = header.start + BEFORE_NUMBER.get(version as usize)?;
    let [number] = numbers(&mut reader, number)?;
    let path = [b"mdia", b"minf", b"stbl", b"stsd"];
    let entries = path
        .into_iter()
        .try_fold(track, |inside, kind| child(&mut reader, inside, kind))?;
    let entry = headers(&mut reader, entries.start + BEFORE_ENTRY..entries.end).next()?;
    let inside = entry.inside();
    let extensions = inside.start + BEFORE_EXTENSIONS..inside.end;
    let mut payload = |kind| Some(child(&mut reader, extensions.clone(), kind)?.start);
    let (clean, pixel) = (payload(b"clap"), payload(b"pasp"));
    Some(Shape {
        track: number,
        clean: clean.and_then(|at| numbers(&mut reader, at)),
        pixel: pixel.and_then(|at| numbers(&mut reader, at)),
    })
}

/// What is in the first box of a kind among these bytes.
fn child(reader: impl Read + Seek, inside: Range<u64>, kind: &[u8; 4]) -> Option<Range<u64>> {
    let found = headers(reader, inside).find(|header| header.kind == *kind);
    found.map(|header| header.inside())
}

/// Big-endian numbers at a place.
fn numbers<const N: usize>(mut reader: impl Read + Seek, at: u64) -> Option<[u32; N]> {
    reader.seek(SeekFrom::Start(at)).ok()?;
    let mut numbers = [0; N];
    for number in &mut numbers {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).ok()?;
        *number = u32::from_be_bytes(bytes);
    }
    Some(numbers)
}

struct Header {
    kind: [u8; 4],
    /// Where it begins; less than the file's bytes.
    at: u64,
    /// As declared.
    size: u64,
    /// Where what it is in ends.
    end: u64,
}

impl Header {
    /// What it holds. That of a size in 64 bits is taken to begin too early: none that is looked into here
    /// has one.
    fn inside(&self) -> Range<u64> {
        let end = self.at.saturating_add(self.size).min(self.end);
        self.at + SMALLEST..end
    }
}

/// One after the other, up to the first that no other can follow.
fn headers(mut reader: impl Read + Seek, inside: Range<u64>) -> impl Iterator<Item = Header> {
    let Range { start, end } = inside;
    let mut next = Some(start);
    let headers = std::iter::from_fn(move || {
        let at = next.take().filter(|&at| at < end)?;
        let (kind, size) = header(&mut reader, at, end)?;
        next = at.checked_add(size).filter(|_| size >= SMALLEST);
        Some(Header {
            kind,
            at,
            size,
            end,
        })
    });
    headers.take(MOST_BOXES)
}

/// What a box at `at` is, and its size; nothing where the file ends before it says. A size of nought is
/// that of all up to `end`.
fn header(mut reader: impl Read + Seek, at: u64, end: u64) -> Option<([u8; 4], u64)> {
    let mut bytes = Vec::with_capacity(16);
    reader.seek(SeekFrom::Start(at)).ok()?;
    // What was read before an error counts.
    let _ = reader.take(16).read_to_end(&mut bytes);
    let short = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let size = match (short, bytes.get(8..16)) {
        (0, _) => end - at,
        (1, Some(long)) => u64::from_be_bytes(long.try_into().ok()?),
        _ => u64::from(short),
    };
    Some((kind, size))
}
