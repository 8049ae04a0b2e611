//! Facts of a Matroska or WebM file (RFC 9559) that FFmpeg does not report: languages by BCP 47, the part and shape
//! in which pictures are shown, disabled tracks, text codecs that FFmpeg has no name for. And whether the file is
//! complete.

use std::io::{Read, Seek, SeekFrom};

/// Most elements that are read at the top level, or in a segment before its pictures: more than any file has.
const MOST_ELEMENTS: usize = 4096;
/// Most further lists of places (`SeekHead`) that the first one names.
const MOST_LISTS: usize = 4;
/// Most bytes of an element that is read whole: all tracks with their private data fit.
const LARGEST_READ: u64 = 16 << 20;

mod id {
    pub const EBML: u32 = 0x1A45_DFA3;
    pub const SEGMENT: u32 = 0x1853_8067;
    pub const SEEK_HEAD: u32 = 0x114D_9B74;
    pub const SEEK: u32 = 0x4DBB;
    pub const SEEK_ID: u32 = 0x53AB;
    pub const SEEK_POSITION: u32 = 0x53AC;
    pub const CLUSTER: u32 = 0x1F43_B675;
    pub const CUES: u32 = 0x1C53_BB6B;
    pub const TRACKS: u32 = 0x1654_AE6B;
    pub const TRACK_ENTRY: u32 = 0xAE;
    pub const TRACK_TYPE: u32 = 0x83;
    pub const FLAG_ENABLED: u32 = 0xB9;
    pub const CODEC_ID: u32 = 0x86;
    pub const LANGUAGE_BCP47: u32 = 0x22_B59D;
    pub const VIDEO: u32 = 0xE0;
    pub const DISPLAY_WIDTH: u32 = 0x54B0;
    pub const DISPLAY_HEIGHT: u32 = 0x54BA;
    pub const DISPLAY_UNIT: u32 = 0x54B2;
    pub const PIXEL_WIDTH: u32 = 0xB0;
    pub const PIXEL_HEIGHT: u32 = 0xBA;
    pub const STEREO_MODE: u32 = 0x53B8;
    pub const CROP_BOTTOM: u32 = 0x54AA;
    pub const CROP_TOP: u32 = 0x54BB;
    pub const CROP_LEFT: u32 = 0x54CC;
    pub const CROP_RIGHT: u32 = 0x54DD;
}

/// First segment of a file.
#[derive(Debug, Default)]
pub struct Segment {
    /// Tracks in the order of FFmpeg's streams.
    pub tracks: Vec<Track>,
    /// Whether the segment has an index (`Cues`).
    pub has_cues: bool,
    /// Whether the segment ends after the file does.
    pub is_cut: bool,
    /// Whether the segment's end is known and lies in the file.
    pub is_whole: bool,
    /// Whether another segment follows.
    pub is_followed: bool,
}

/// Track of a segment.
#[derive(Debug, PartialEq, Eq)]
pub struct Track {
    /// Matroska's name of the track's codec, such as `S_TEXT/WEBVTT`.
    pub codec: String,
    /// Language of the track by BCP 47.
    pub language: Option<String>,
    /// Whether the track is to be played at all.
    pub is_enabled: bool,
    /// Size and shape in which the track's pictures are shown.
    pub picture: Picture,
}

/// Size and shape in which pictures are shown; zero where the file declares nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Width and height of a stored picture in pixels.
    pub stored: (u64, u64),
    /// Width and height of the shown picture. They are a ratio only where their unit is not the pixel.
    pub display: (u64, u64),
    /// Pixels that are not shown, from the left, top, right and bottom.
    pub crop: [u64; 4],
    /// Whether the part that is not shown is the view of the other eye.
    pub is_one_of_two_views: bool,
}

/// Types of tracks of which FFmpeg makes streams: picture, sound, subtitle, metadata.
const STREAMS: [u64; 4] = [1, 2, 17, 33];
/// Unit of a display size from which on the meaning of its numbers is unknown.
const UNKNOWN_UNIT: u64 = 4;
/// Values of `StereoMode` that put the views of both eyes into one picture.
const SIDE_BY_SIDE: u64 = 1;
const TOP_BOTTOM_RIGHT_FIRST: u64 = 2;
const TOP_BOTTOM: u64 = 3;
const SIDE_BY_SIDE_RIGHT_FIRST: u64 = 11;

impl Segment {
    /// Reads the first segment of a file of `total` bytes; none where the file does not begin like Matroska.
    pub fn read(mut reader: impl Read + Seek, total: u64) -> Option<Self> {
        let header = element(&mut reader, 0, total)?;
        if header.id != id::EBML {
            return None;
        }
        let segment = element(&mut reader, header.end?, total)?;
        if segment.id != id::SEGMENT {
            return None;
        }
        let end = segment.end.unwrap_or(total);
        let mut found = Self {
            is_cut: end > total,
            is_whole: segment.end.is_some_and(|end| end <= total),
            is_followed: element(&mut reader, end, total).is_some_and(|next| next.id == id::EBML),
            ..Self::default()
        };
        // Elements that lie behind the pictures, with their places.
        let mut further: Vec<(u32, u64)> = Vec::new();
        let mut at = segment.start;
        let mut has_tracks = false;
        for _ in 0..MOST_ELEMENTS {
            let Some(next) = element(&mut reader, at, end.min(total)) else {
                break;
            };
            match next.id {
                id::CLUSTER => break,
                id::CUES => found.has_cues = true,
                id::TRACKS => {
                    has_tracks = true;
                    found.tracks = tracks(&next.payload(&mut reader)?);
                }
                id::SEEK_HEAD => further.extend(seeks(&next.payload(&mut reader)?)),
                _ => {}
            }
            let Some(end) = next.end else { break };
            at = end;
        }
        // The first list of places names the second.
        further.truncate(MOST_ELEMENTS);
        let lists: Vec<u64> = further
            .iter()
            .filter(|(id, _)| *id == id::SEEK_HEAD)
            .map(|(_, position)| *position)
            .take(MOST_LISTS)
            .collect();
        for position in lists {
            if let Some(list) = element(&mut reader, segment.start.saturating_add(position), total)
                && list.id == id::SEEK_HEAD
                && let Some(payload) = list.payload(&mut reader)
            {
                further.extend(seeks(&payload));
                further.truncate(MOST_ELEMENTS);
            }
        }
        let mut is_at = |id: u32, position: u64| {
            let found = element(&mut reader, segment.start.saturating_add(position), total)?;
            (found.id == id).then_some(found)
        };
        let mut behind = None;
        for (id, position) in further {
            match id {
                id::CUES if !found.has_cues => found.has_cues = is_at(id, position).is_some(),
                id::TRACKS if !has_tracks => behind = is_at(id, position),
                _ => {}
            }
        }
        if let Some(behind) = behind {
            found.tracks = tracks(&behind.payload(&mut reader)?);
        }
        Some(found)
    }
}

/// Entries of a list of places: the identifier of each element, and its bytes from the start of the segment.
fn seeks(payload: &[u8]) -> Vec<(u32, u64)> {
    let seek = |entry: &[u8]| {
        let (mut id, mut position) = (None, None);
        for (kind, payload) in children(entry) {
            match kind {
                id::SEEK_ID => id = Some(number(payload) as u32),
                id::SEEK_POSITION => position = Some(number(payload)),
                _ => {}
            }
        }
        Some((id?, position?))
    };
    let entries = children(payload).filter(|(kind, _)| *kind == id::SEEK);
    entries.filter_map(|(_, entry)| seek(entry)).collect()
}

fn tracks(payload: &[u8]) -> Vec<Track> {
    let entries = children(payload).filter(|(kind, _)| *kind == id::TRACK_ENTRY);
    entries.filter_map(|(_, entry)| track(entry)).collect()
}

/// Reads a track entry; none for a track of which FFmpeg makes no stream.
fn track(entry: &[u8]) -> Option<Track> {
    let mut kind = 0;
    let mut track = Track {
        codec: String::new(),
        language: None,
        is_enabled: true,
        picture: Picture::default(),
    };
    for (id, payload) in children(entry) {
        match id {
            id::TRACK_TYPE => kind = number(payload),
            id::FLAG_ENABLED => track.is_enabled = number(payload) != 0,
            id::CODEC_ID => track.codec = text(payload),
            id::LANGUAGE_BCP47 => {
                track.language = Some(text(payload)).filter(|tag| !tag.is_empty())
            }
            id::VIDEO => track.picture = picture(payload),
            _ => {}
        }
    }
    (STREAMS.contains(&kind) && !track.codec.is_empty()).then_some(track)
}

fn picture(payload: &[u8]) -> Picture {
    let mut picture = Picture::default();
    let (mut unit, mut stereo) = (0, 0);
    for (id, payload) in children(payload) {
        let value = number(payload);
        match id {
            id::PIXEL_WIDTH => picture.stored.0 = value,
            id::PIXEL_HEIGHT => picture.stored.1 = value,
            id::DISPLAY_WIDTH => picture.display.0 = value,
            id::DISPLAY_HEIGHT => picture.display.1 = value,
            id::DISPLAY_UNIT => unit = value,
            id::STEREO_MODE => stereo = value,
            id::CROP_LEFT => picture.crop[0] = value,
            id::CROP_TOP => picture.crop[1] = value,
            id::CROP_RIGHT => picture.crop[2] = value,
            id::CROP_BOTTOM => picture.crop[3] = value,
            _ => {}
        }
    }
    if unit >= UNKNOWN_UNIT {
        picture.display = (0, 0);
    }
    picture.show_one_view(stereo);
    picture
}

impl Picture {
    /// Shows only the first of two views in one picture. The display size is that of one view (RFC 9559
    /// §5.1.4.1.28.3).
    fn show_one_view(&mut self, stereo_mode: u64) {
        let (width, height) = self.stored;
        let (side, hidden) = match stereo_mode {
            SIDE_BY_SIDE | SIDE_BY_SIDE_RIGHT_FIRST => (2, width - width / 2),
            TOP_BOTTOM_RIGHT_FIRST | TOP_BOTTOM => (3, height - height / 2),
            _ => return,
        };
        self.crop[side] = self.crop[side].max(hidden);
        self.is_one_of_two_views = true;
        if self.display == (0, 0) {
            self.display = self.stored;
        }
    }
}

fn number(payload: &[u8]) -> u64 {
    let bytes = payload.iter().take(8);
    bytes.fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Text up to the first zero byte; zeros may fill the rest of the element.
fn text(payload: &[u8]) -> String {
    let end = payload.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&payload[..end.unwrap_or(payload.len())]).into_owned()
}

/// Element of a file.
struct Element {
    id: u32,
    /// Byte at which the payload starts.
    start: u64,
    /// Byte at which the payload ends; none where its size was unknown when it was written.
    end: Option<u64>,
}

impl Element {
    fn payload(&self, mut reader: impl Read + Seek) -> Option<Vec<u8>> {
        let length = self
            .end?
            .checked_sub(self.start)
            .filter(|&length| length <= LARGEST_READ)?;
        reader.seek(SeekFrom::Start(self.start)).ok()?;
        let mut payload = Vec::new();
        // Bytes that were read before the file's end count.
        let _ = reader.take(length).read_to_end(&mut payload);
        Some(payload)
    }
}

/// Reads the head of the element at a byte of a file; none where it does not begin before `end`.
fn element(mut reader: impl Read + Seek, at: u64, end: u64) -> Option<Element> {
    /// Bytes of the longest identifier and the longest size.
    const LONGEST_HEAD: u64 = 12;
    if at >= end {
        return None;
    }
    reader.seek(SeekFrom::Start(at)).ok()?;
    let mut head = Vec::with_capacity(LONGEST_HEAD as usize);
    let _ = reader.take(LONGEST_HEAD).read_to_end(&mut head);
    let (id, size, length) = head_of(&head)?;
    let start = at.checked_add(length as u64)?;
    Some(Element {
        id,
        start,
        end: match size {
            Some(size) => Some(start.checked_add(size)?),
            None => None,
        },
    })
}

/// Identifier and size of an element, and the bytes of both; the size is none where it is unknown.
fn head_of(bytes: &[u8]) -> Option<(u32, Option<u64>, usize)> {
    let first = *bytes.first()?;
    let id_length = first.leading_zeros() as usize + 1;
    if id_length > 4 {
        return None;
    }
    let id = number(bytes.get(..id_length)?) as u32;
    let rest = &bytes[id_length..];
    let size_length = rest.first()?.leading_zeros() as usize + 1;
    if size_length > 8 {
        return None;
    }
    let marked = number(rest.get(..size_length)?);
    let mask = (1_u64 << (7 * size_length)) - 1;
    let size = marked & mask;
    Some((id, (size != mask).then_some(size), id_length + size_length))
}

/// Elements in a payload, up to the first that is incomplete.
fn children(payload: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let (id, size, length) = head_of(rest)?;
        let end = length.checked_add(usize::try_from(size?).ok()?)?;
        let payload = rest.get(length..end)?;
        rest = &rest[end..];
        Some((id, payload))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Makes an element whose size takes one byte.
    fn element(id: &[u8], payload: &[u8]) -> Vec<u8> {
        [id, &[0x80 | payload.len() as u8], payload].concat()
    }

    fn file(after: &[u8]) -> Vec<u8> {
        let crop = element(&[0x54, 0xCC], &[8]);
        let shown = [
            element(&[0x54, 0xB0], &[16]),
            element(&[0x54, 0xBA], &[9]),
            crop,
        ]
        .concat();
        let track = [
            element(&[0x83], &[1]),
            element(&[0x86], b"V_VP8\0\0"),
            element(&[0x22, 0xB5, 0x9D], b"zh-Hans"),
            element(&[0xE0], &shown),
        ]
        .concat();
        let tracks = element(&[0x16, 0x54, 0xAE, 0x6B], &element(&[0xAE], &track));
        let segment = [tracks, element(&[0x1C, 0x53, 0xBB, 0x6B], &[])].concat();
        [
            element(&[0x1A, 0x45, 0xDF, 0xA3], &[]),
            element(&[0x18, 0x53, 0x80, 0x67], &segment),
            after.to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_track_says_what_ffmpeg_does_not() {
        let file = file(&[]);
        let segment = Segment::read(Cursor::new(&file), file.len() as u64).unwrap();
        assert!(segment.has_cues && !segment.is_cut && !segment.is_followed);
        let [track] = &segment.tracks[..] else {
            panic!("{segment:?}")
        };
        assert_eq!(
            (&*track.codec, track.language.as_deref()),
            ("V_VP8", Some("zh-Hans"))
        );
        assert_eq!(
            (track.picture.display, track.picture.crop),
            ((16, 9), [8, 0, 0, 0])
        );
    }

    #[test]
    fn a_cut_file_and_a_second_one_are_seen_and_none_is_read_beyond_its_end() {
        let whole = file(&[]);
        let twice = file(&whole);
        assert!(
            Segment::read(Cursor::new(&twice), twice.len() as u64)
                .unwrap()
                .is_followed
        );
        for cut in 0..whole.len() {
            if let Some(segment) = Segment::read(Cursor::new(&whole[..cut]), cut as u64) {
                assert!(segment.is_cut, "cut at {cut}");
            }
        }
    }
}
