//! Codecs in FLV that FFmpeg 5.1 takes for others: the codecs of Enhanced RTMP (HEVC, AV1, VP9, Opus ...), which are
//! named by four letters, and HEVC and AV1 under numbers that were never assigned.

use std::io::{Read, Seek, SeekFrom};

/// Bytes before the first tag: the file's header and the length of the tag before, which is zero (Adobe FLV 10.1, E.2
/// and E.3).
const BEFORE_TAGS: u64 = 13;
/// Bytes of a tag before its payload, and of the length behind it.
const HEAD: u64 = 11;
const BEHIND: u64 = 4;
/// Most tags that are read: the first ones of picture and sound are among them.
const LOOKED_AT: usize = 400;

/// Codecs that the engine cannot read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Codec of the picture.
    pub picture: Option<String>,
    /// Codec of the sound.
    pub sound: Option<String>,
}

/// Finds the unreadable codecs of a file of `total` bytes.
pub fn unread(mut reader: impl Read + Seek, total: u64) -> Unread {
    const SOUND: u8 = 8;
    const PICTURE: u8 = 9;
    let mut found = Unread::default();
    let mut at = BEFORE_TAGS;
    for _ in 0..LOOKED_AT {
        let mut tag = [0; HEAD as usize + 5];
        let is_there = at < total && reader.seek(SeekFrom::Start(at)).is_ok();
        if !is_there || reader.read_exact(&mut tag).is_err() {
            break;
        }
        let size = u64::from(u32::from_be_bytes([0, tag[1], tag[2], tag[3]]));
        let payload = &tag[HEAD as usize..];
        match tag[0] & 0x1f {
            PICTURE if size > 0 => found.picture = found.picture.or_else(|| of_picture(payload)),
            SOUND if size > 0 => found.sound = found.sound.or_else(|| of_sound(payload)),
            _ => {}
        }
        at += HEAD + size + BEHIND;
    }
    found
}

fn of_picture(payload: &[u8]) -> Option<String> {
    const EXTENDED: u8 = 0x80;
    match payload[0] {
        head if head & EXTENDED != 0 => Some(letters(&payload[1..])),
        head if head & 0x0f == 12 => Some("hevc".to_owned()),
        head if head & 0x0f == 13 => Some("av1".to_owned()),
        _ => None,
    }
}

fn of_sound(payload: &[u8]) -> Option<String> {
    const EXTENDED: u8 = 9;
    (payload[0] >> 4 == EXTENDED).then(|| letters(&payload[1..]))
}

fn letters(bytes: &[u8]) -> String {
    let letters = bytes.iter().take(4).filter(|byte| byte.is_ascii_graphic());
    let letters: String = letters.map(|&byte| char::from(byte)).collect();
    match letters.is_empty() {
        true => "an unnamed codec".to_owned(),
        false => letters,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn file(tags: &[(u8, &[u8])]) -> Vec<u8> {
        let mut file = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        for (kind, payload) in tags {
            let size = (payload.len() as u32).to_be_bytes();
            file.extend([*kind, size[1], size[2], size[3], 0, 0, 0, 0, 0, 0, 0]);
            file.extend_from_slice(payload);
            file.extend((payload.len() as u32 + 11).to_be_bytes());
        }
        file
    }

    fn of(tags: &[(u8, &[u8])]) -> Unread {
        let file = file(tags);
        unread(Cursor::new(&file), file.len() as u64)
    }

    #[test]
    fn codecs_in_four_letters_are_known_and_old_ones_are_left_alone() {
        let old: [(u8, &[u8]); 2] = [(9, b"\x17\0\0\0\0\0"), (8, b"\xaf\0\x12\x10\0\0")];
        assert_eq!(of(&old), Unread::default());
        let extended = of(&[(9, b"\x90hvc1\0"), (8, b"\x90Opus\0")]);
        assert_eq!(
            (extended.picture.as_deref(), extended.sound.as_deref()),
            (Some("hvc1"), Some("Opus"))
        );
        assert_eq!(
            of(&[(9, b"\x1c\0\0\0\0\0")]).picture.as_deref(),
            Some("hevc")
        );
        let cut = file(&old);
        for end in 0..cut.len() {
            unread(Cursor::new(&cut[..end]), end as u64);
        }
    }
}
