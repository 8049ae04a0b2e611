//! A reader of the boxes of a file of the MP4 family (ISO/IEC 14496-12 §4.2): the boxes at the top level, and those
//! boxes of its tracks that FFmpeg does not report.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// Top-level boxes with which a file of the MP4 family may start.
const BOXES: [&[u8; 4]; 10] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"sidx", b"moof", b"pnot",
];
const FRAGMENT: [u8; 4] = *b"moof";
/// Bytes of a box without content: its size and its type.
const SMALLEST: u64 = 8;
/// Most top-level boxes that are read; no sane file has as many.
const MOST_BOXES: usize = 4096;

/// Findings of a walk over the top-level boxes of a file.
#[derive(Debug, Default)]
pub struct Boxes {
    /// Whether a box ends after the file does.
    pub cut: bool,
    /// Whether the file has an index (`moov`).
    pub index: bool,
    /// Whether the file has a second index: another film behind the first, or the beginning of the first again.
    pub is_followed: bool,
    /// Whether the file has a fragment (`moof`).
    pub fragment: bool,
    /// Whether a box declares a size that no box can have.
    pub broken: bool,
    /// Bytes of samples and of indexes that the file really holds.
    pub content: u64,
}

impl Boxes {
    /// Walks over the top-level boxes of a file of `total` bytes; none where the file does not start with a box of
    /// the MP4 family.
    pub fn walk(reader: impl Read + Seek, total: u64) -> Option<Self> {
        let mut found = Self::default();
        for (count, Header { kind, at, size, .. }) in headers(reader, 0..total).enumerate() {
            if count == 0 && !BOXES.contains(&&kind) {
                return None;
            }
            found.is_followed |= found.index && kind == *b"moov";
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

/// Whether a file of `total` bytes has samples in fragments, which its index does not list.
pub fn has_fragments(reader: impl Read + Seek, total: u64) -> bool {
    headers(reader, 0..total).any(|header| header.kind == FRAGMENT)
}

/// Shape that a track declares for its pictures (ISO/IEC 14496-12 §12.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Number of the track.
    pub track: u32,
    /// Clean aperture: width, height, and the distance of its middle to the right of the picture's middle and below
    /// it. Each is a numerator and a denominator.
    pub clean: Option<[u32; 8]>,
    /// Width and height of a pixel.
    pub pixel: Option<[u32; 2]>,
}

/// Edit list of a track: the stretches of its samples that are shown, one after the other (§8.6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditList {
    /// Number of the track.
    pub track: u32,
    /// Units of the edits' durations in a second.
    pub scale: u32,
    /// Edits in the order in which they are shown.
    pub edits: Vec<Edit>,
}

/// Edit of an edit list: one stretch of the presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Duration of the stretch, in the list's units.
    pub duration: u64,
    /// Start of the stretch among the samples, in the track's time base; a negative number means that nothing is
    /// shown.
    pub start: i64,
    /// Playing rate; a rate of zero holds one picture for the whole stretch.
    pub rate: i16,
}

/// Most edits of a list that is read; nobody makes a longer one by hand.
const MOST_EDITS: u32 = 64;
/// Bytes of the payload of `tkhd` before the track's number, in the box's two versions (§8.3.2). In `mvhd` as many
/// precede the number of units in a second (§8.2.2).
const BEFORE_NUMBER: [u64; 2] = [12, 20];
/// Bytes of the payload of `stsd` before its first entry (§8.5.2).
const BEFORE_ENTRY: u64 = 8;
/// Bytes of the payload of a visual sample entry before its boxes (§12.1.3).
const BEFORE_EXTENSIONS: u64 = 78;

/// Reads the shapes that the tracks of a file of `total` bytes declare in their first sample entries. An entry of
/// another medium is read in the same way and declares nothing.
pub fn shapes(mut reader: impl Read + Seek, total: u64) -> Vec<Shape> {
    let Some(index) = child(&mut reader, 0..total, b"moov") else {
        return Vec::new();
    };
    let tracks = tracks(&mut reader, index).into_iter();
    tracks
        .filter_map(|track| shape(&mut reader, track))
        .collect()
}

/// Reads the edit lists of the tracks of a file of `total` bytes; tracks without one are left out.
pub fn edit_lists(mut reader: impl Read + Seek, total: u64) -> Vec<EditList> {
    let Some(index) = child(&mut reader, 0..total, b"moov") else {
        return Vec::new();
    };
    let Some(scale) = number(&mut reader, index.clone(), b"mvhd") else {
        return Vec::new();
    };
    let tracks = tracks(&mut reader, index).into_iter();
    let list = |track: Range<u64>| {
        Some(EditList {
            track: number(&mut reader, track.clone(), b"tkhd")?,
            scale,
            edits: edits(&mut reader, track)?,
        })
    };
    tracks.filter_map(list).collect()
}

/// Sample entry of uncompressed sound (ISO/IEC 23003-5 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncompressed {
    /// Byte of the file at which the entry begins.
    pub entry: u64,
    /// Whether samples are floating-point numbers.
    pub is_float: bool,
    /// Format of the stored samples, where the entry declares it.
    pub config: Option<PcmConfig>,
}

/// Format of uncompressed samples: a `pcmC` box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcmConfig {
    /// Byte of the file at which the payload of the box begins.
    pub at: u64,
    pub is_little_endian: bool,
    pub bits: u8,
}

/// Bytes of the payload of an audio sample entry before its boxes (ISO/IEC 14496-12 §12.2.3).
const BEFORE_SOUND_EXTENSIONS: u64 = 28;

/// Reads the sample entries of uncompressed sound in a file of `total` bytes.
pub fn uncompressed(mut reader: impl Read + Seek, total: u64) -> Vec<Uncompressed> {
    let Some(index) = child(&mut reader, 0..total, b"moov") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for track in tracks(&mut reader, index) {
        let Some(entries) = entries_of(&mut reader, track) else {
            continue;
        };
        let entries = headers(&mut reader, entries);
        let entries: Vec<Header> = entries
            .filter(|entry| [*b"ipcm", *b"fpcm"].contains(&entry.kind))
            .collect();
        for entry in entries {
            let inside = entry.inside();
            let extensions = inside.start + BEFORE_SOUND_EXTENSIONS..inside.end;
            let config = child(&mut reader, extensions, b"pcmC").and_then(|config| {
                let [_, flags] = numbers(&mut reader, config.start)?;
                Some(PcmConfig {
                    at: config.start,
                    is_little_endian: flags >> 24 & 1 == 1,
                    bits: (flags >> 16) as u8,
                })
            });
            found.push(Uncompressed {
                entry: entry.at,
                is_float: entry.kind == *b"fpcm",
                config,
            });
        }
    }
    found
}

/// Reads the sample entries of each track of a file of `total` bytes: the number of the track, and for each entry the
/// four letters that name the coding of its samples.
pub fn sample_entries(mut reader: impl Read + Seek, total: u64) -> Vec<(u32, Vec<[u8; 4]>)> {
    let Some(index) = child(&mut reader, 0..total, b"moov") else {
        return Vec::new();
    };
    let tracks = tracks(&mut reader, index).into_iter();
    let entries = |track: Range<u64>| {
        let number = number(&mut reader, track.clone(), b"tkhd")?;
        let entries = entries_of(&mut reader, track)?;
        let kinds = headers(&mut reader, entries).map(|entry| entry.kind);
        Some((number, kinds.collect()))
    };
    tracks.filter_map(entries).collect()
}

/// Types of sample entries whose samples are encrypted: those of ISO/IEC 23001-7, and those of shops before it.
const ENCRYPTED: [[u8; 4]; 4] = [*b"encv", *b"enca", *b"drmi", *b"drms"];

/// Whether a type of sample entry says that its samples are encrypted.
pub fn says_encrypted(entry: &[u8; 4]) -> bool {
    ENCRYPTED.contains(entry)
}

/// Whether a track of a file of `total` bytes begins with encrypted samples.
pub fn is_encrypted(reader: impl Read + Seek, total: u64) -> bool {
    let entries = sample_entries(reader, total).into_iter();
    let mut first = entries.filter_map(|(_, kinds)| kinds.first().copied());
    first.any(|entry| says_encrypted(&entry))
}

/// Bytes of the file in which a track's sample entries lie (§8.5.2), from the bytes of its `trak` box.
fn entries_of(mut reader: impl Read + Seek, track: Range<u64>) -> Option<Range<u64>> {
    let path = [b"mdia", b"minf", b"stbl", b"stsd"];
    let description = path
        .into_iter()
        .try_fold(track, |inside, kind| child(&mut reader, inside, kind))?;
    Some(description.start + BEFORE_ENTRY..description.end)
}

fn edits(mut reader: impl Read + Seek, track: Range<u64>) -> Option<Vec<Edit>> {
    let edits = child(&mut reader, track, b"edts")?;
    let Range { start, end } = child(&mut reader, edits, b"elst")?;
    let [version, count] = numbers(&mut reader, start)?;
    let is_long = version >> 24 == 1;
    let size = if is_long { 20 } else { 12 };
    let last = start + 8 + u64::from(count) * size;
    if count > MOST_EDITS || last > end {
        return None;
    }
    let long = |[high, low]: [u32; 2]| u64::from(high) << 32 | u64::from(low);
    let edit = |at: u64| {
        let [rate] = numbers(&mut reader, at + size - 4)?;
        let (duration, start) = if is_long {
            let [a, b, c, d] = numbers(&mut reader, at)?;
            (long([a, b]), long([c, d]) as i64)
        } else {
            let [duration, start] = numbers(&mut reader, at)?;
            (u64::from(duration), i64::from(start as i32))
        };
        Some(Edit {
            duration,
            start,
            rate: (rate >> 16) as i16,
        })
    };
    (start + 8..last).step_by(size as usize).map(edit).collect()
}

fn tracks(reader: impl Read + Seek, index: Range<u64>) -> Vec<Range<u64>> {
    let tracks = headers(reader, index).filter(|header| header.kind == *b"trak");
    tracks.map(|track| track.inside()).collect()
}

/// Number behind the two times at the start of a header box: the number of a track, or the units in a second of a
/// movie.
fn number(mut reader: impl Read + Seek, inside: Range<u64>, kind: &[u8; 4]) -> Option<u32> {
    let header = child(&mut reader, inside, kind)?;
    let [version] = numbers(&mut reader, header.start)?.map(|number: u32| number >> 24);
    let at = header.start + BEFORE_NUMBER.get(version as usize)?;
    numbers(&mut reader, at).map(|[number]| number)
}

fn shape(mut reader: impl Read + Seek, track: Range<u64>) -> Option<Shape> {
    let number = number(&mut reader, track.clone(), b"tkhd")?;
    let entries = entries_of(&mut reader, track)?;
    let entry = headers(&mut reader, entries).next()?;
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

/// Range of the payload of the first box of a type among these bytes.
fn child(reader: impl Read + Seek, inside: Range<u64>, kind: &[u8; 4]) -> Option<Range<u64>> {
    let found = headers(reader, inside).find(|header| header.kind == *kind);
    found.map(|header| header.inside())
}

/// Reads big-endian 32-bit numbers at a byte of the file.
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
    /// Byte at which the box begins; less than the bytes of the file.
    at: u64,
    /// Size of the box as declared, in bytes.
    size: u64,
    /// Byte at which the surrounding box or the file ends.
    end: u64,
}

impl Header {
    /// Range of the payload of the box. The payload of a box with a 64-bit size is taken to begin too early; none of
    /// the boxes whose payload is read has one.
    fn inside(&self) -> Range<u64> {
        let end = self.at.saturating_add(self.size).min(self.end);
        self.at + SMALLEST..end
    }
}

/// Reads box headers one after the other, up to the first box that no other can follow.
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

/// Reads the type and size of the box at the byte `at`; none where the file ends before both are known. A size of
/// zero means that the box reaches to `end`.
fn header(mut reader: impl Read + Seek, at: u64, end: u64) -> Option<([u8; 4], u64)> {
    let mut bytes = Vec::with_capacity(16);
    reader.seek(SeekFrom::Start(at)).ok()?;
    // Bytes that were read before an error count.
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// File with edit lists of three stretches in 32 bits, and of two in 64 bits.
    const SEED: &[u8] = include_bytes!("../../../../fuzz/corpus/boxes/edits");

    #[test]
    fn edit_lists_of_both_versions_are_read() {
        let lists = edit_lists(Cursor::new(SEED), SEED.len() as u64);
        let edits = |list: &EditList| {
            let edits = list.edits.iter();
            let numbers = edits.map(|edit| (edit.duration, edit.start, edit.rate));
            (list.track, list.scale, numbers.collect::<Vec<_>>())
        };
        let [short, long] = &lists[..] else {
            panic!("{lists:?}");
        };
        let three = vec![(900, -1, 1), (4000, 1024, 1), (500, 2048, 0)];
        assert_eq!(edits(short), (1, 1000, three));
        assert_eq!(edits(long), (2, 1000, vec![(900, -1, 1), (4000, 1024, 1)]));
        for cut in 0..SEED.len() {
            edit_lists(Cursor::new(&SEED[..cut]), cut as u64);
        }
    }
}
