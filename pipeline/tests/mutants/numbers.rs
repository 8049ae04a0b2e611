//! Numbers in containers, and where they are: sizes of boxes and packets, counts, times, dimensions. Each format is
//! parsed only as far as is needed to find the numbers in undamaged files.

/// A number in a file.
#[derive(Clone, Copy)]
pub struct Number {
    pub at: usize,
    /// Width of the number in bytes, 1 to 8.
    pub width: usize,
    little_endian: bool,
}

impl Number {
    pub fn read(self, bytes: &[u8]) -> u64 {
        let bytes = bytes[self.at..self.at + self.width].iter();
        let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.little_endian {
            true => bytes.rev().fold(0, push),
            false => bytes.fold(0, push),
        }
    }

    pub fn write(self, bytes: &mut [u8], value: u64) {
        let target = &mut bytes[self.at..self.at + self.width];
        let digits = value.to_be_bytes();
        target.copy_from_slice(&digits[8 - self.width..]);
        if self.little_endian {
            target.reverse();
        }
    }
}

/// Words of a table that are listed: its head, and some entries.
const WORDS: usize = 48;
/// Boxes, packets or elements that are looked at: the files here are small.
const MOST: usize = 20_000;

struct Finder<'a> {
    bytes: &'a [u8],
    found: Vec<Number>,
}

/// The numbers of a file of a known kind; none of any other file.
pub fn find(bytes: &[u8]) -> Vec<Number> {
    let mut finder = Finder {
        bytes,
        found: Vec::new(),
    };
    let whole = 0..bytes.len();
    let at = |at: usize, length: usize| bytes.get(at..at + length).unwrap_or_default();
    match (at(0, 4), at(4, 4)) {
        (_, b"ftyp" | b"moov" | b"mdat" | b"wide" | b"styp") => finder.boxes(whole),
        ([0x1a, 0x45, 0xdf, 0xa3], _) => finder.elements(whole),
        (b"RIFF", _) => finder.chunks(whole),
        (b"OggS", _) => finder.pages(),
        ([b'F', b'L', b'V', _], _) => finder.tags(),
        ([0x47, ..], _) if at(188, 1) == [0x47] => finder.transport(),
        ([0, 0, 1, 0xba], _) => finder.starts(),
        _ => {}
    }
    finder.found
}

impl Finder<'_> {
    /// Adds a number, unless it lies outside of the file.
    fn put(&mut self, at: usize, width: usize, little_endian: bool) {
        if at + width <= self.bytes.len() && self.found.len() < MOST {
            self.found.push(Number {
                at,
                width,
                little_endian,
            });
        }
    }

    fn value(&self, at: usize, width: usize, little_endian: bool) -> Option<usize> {
        let number = Number {
            at,
            width,
            little_endian,
        };
        let is_there = at.checked_add(width)? <= self.bytes.len();
        usize::try_from(is_there.then(|| number.read(self.bytes))?).ok()
    }

    /// Boxes of ISO/IEC 14496-12: size, kind, and then boxes or words.
    fn boxes(&mut self, within: std::ops::Range<usize>) {
        let mut at = within.start;
        while at + 8 <= within.end {
            let Some(size) = self.value(at, 4, false) else {
                return;
            };
            let end = match size {
                0 | 1 => within.end,
                size => within.end.min(at.saturating_add(size)),
            };
            self.put(at, 4, false);
            let body = at + 8;
            let kind = &self.bytes[at + 4..body];
            let inside = match kind {
                b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"edts" | b"dinf" | b"mvex"
                | b"moof" | b"traf" | b"udta" | b"ilst" => Some(0),
                b"meta" => Some(4),
                b"stsd" | b"dref" => Some(8),
                b"avc1" | b"hvc1" | b"hev1" | b"apcn" | b"apco" | b"mp4v" => Some(78),
                b"mp4a" | b"ac-3" | b"ec-3" => Some(28),
                b"mdat" | b"free" => None,
                _ => Some(usize::MAX),
            };
            let leaf = inside == Some(usize::MAX);
            let head = inside.map_or(0, |head| if leaf { WORDS * 4 } else { head });
            for word in (body..end.min(body + head)).step_by(4) {
                self.put(word, 4, false);
                // Widths, heights and channel counts take half a word.
                self.put(word, 2, false);
                self.put(word + 2, 2, false);
            }
            if let (Some(head), false) = (inside, leaf) {
                self.boxes(body + head..end);
            }
            if end < body {
                return;
            }
            at = end;
        }
    }

    /// Elements of EBML (RFC 8794): ids and sizes of variable width.
    fn elements(&mut self, within: std::ops::Range<usize>) {
        let mut at = within.start;
        while at < within.end {
            let id = self.bytes[at].leading_zeros() as usize + 1;
            let Some(&first) = self.bytes.get(at + id) else {
                return;
            };
            let width = first.leading_zeros() as usize + 1;
            let Some(size) = self
                .value(at + id, width.min(8), false)
                .filter(|_| width < 9)
            else {
                return;
            };
            let size = size & (usize::MAX >> (64 - 7 * width));
            self.put(at + id, width, false);
            let body = at + id + width;
            let end = within.end.min(body.saturating_add(size));
            let master = [
                0x1a45_dfa3,
                0x1853_8067,
                0x1654_ae6b,
                0xae,
                0xe0,
                0xe1,
                0x1f43_b675,
                0x1c53_bb6b,
                0xbb,
                0xb7,
                0x114d_9b74,
                0x4dbb,
                0x1549_a966,
                0xa0,
                0x1043_a770,
                0x45b9,
                0xb6,
                0x6d80,
                0x6240,
                0x5034,
                0x55b0,
            ];
            let kind = self.value(at, id.min(4), false).unwrap_or_default();
            if master.contains(&kind) {
                self.elements(body..end);
            } else if size <= 8 {
                self.put(body, size.max(1), false);
            } else {
                // The first bytes of a block are its track, time and lacing.
                (0..8).for_each(|byte| self.put(body + byte, 1, false));
            }
            at = end.max(body);
        }
    }

    /// Chunks of RIFF: kind, size, words.
    fn chunks(&mut self, within: std::ops::Range<usize>) {
        let mut at = within.start;
        while let Some(size) = self.value(at + 4, 4, true) {
            if at + 8 > within.end {
                return;
            }
            self.put(at + 4, 4, true);
            let body = at + 8;
            let end = within.end.min(body.saturating_add(size));
            if matches!(&self.bytes[at..at + 4], b"RIFF" | b"LIST") {
                self.chunks(body + 4..end);
            } else {
                let coded = self.bytes[at].is_ascii_digit();
                let words = if coded { 0 } else { WORDS };
                (0..words).for_each(|word| self.put((body + word * 4).min(end), 4, true));
            }
            // Chunks begin at even offsets.
            at = end.max(body) + (size & 1);
        }
    }

    /// Pages of Ogg (RFC 3533 §6): the whole header of a page.
    fn pages(&mut self) {
        for at in self.places(b"OggS") {
            self.put(at + 5, 1, true);
            self.put(at + 6, 8, true);
            (14..26)
                .step_by(4)
                .for_each(|word| self.put(at + word, 4, true));
            (26..40).for_each(|byte| self.put(at + byte, 1, true));
        }
        for at in self.places(b"theora").chain(self.places(b"vorbis")) {
            (6..46).for_each(|byte| self.put(at + byte, 1, true));
        }
    }

    /// Tags of FLV: kind, size and time, and the first bytes of the content.
    fn tags(&mut self) {
        let mut at = 13;
        while let Some(size) = self.value(at + 1, 3, false) {
            self.put(at, 1, false);
            self.put(at + 1, 3, false);
            self.put(at + 4, 4, false);
            (11..15).for_each(|byte| self.put(at + byte, 1, false));
            at += 11 + size + 4;
        }
    }

    /// Packets of MPEG-TS: the header, and that of the section or PES packet inside.
    fn transport(&mut self) {
        for at in (0..self.bytes.len()).step_by(188) {
            (0..6).for_each(|byte| self.put(at + byte, 1, false));
            let starts = self.value(at + 1, 1, false).unwrap_or_default() & 0x40 != 0;
            if starts {
                (6..30).for_each(|byte| self.put(at + byte, 1, false));
            }
        }
    }

    /// Start codes of MPEG-PS: the lengths after them, and the first bytes of headers.
    fn starts(&mut self) {
        for at in self.places(&[0, 0, 1]) {
            self.put(at + 3, 1, false);
            self.put(at + 4, 2, false);
            (6..14).for_each(|byte| self.put(at + byte, 1, false));
        }
    }

    fn places(&self, mark: &[u8]) -> impl Iterator<Item = usize> + use<> {
        let windows = self.bytes.windows(mark.len()).enumerate();
        let at = windows.filter(|(_, window)| *window == mark);
        at.map(|(at, _)| at).collect::<Vec<_>>().into_iter()
    }
}
