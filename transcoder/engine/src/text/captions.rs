//! Captions inside pictures: a finder of the byte pairs of CEA-608 in coded pictures.
//!
//! They are user data of a picture (ATSC A/53 part 4 §6.2.3). H.264 and HEVC store user data in a message that is
//! registered by ITU-T T.35 (SEI, H.264 §D.1.6), MPEG-2 behind a start code of its own.

use crate::input::coded_units::Parted;

/// Coding of pictures that may hold captions.
#[derive(Clone, Copy, Debug)]
pub enum Captions {
    H264(Parted),
    Hevc(Parted),
    Mpeg2,
}

/// Identifier with which user data of ATSC begins, followed by the type of captions.
const ATSC_CAPTIONS: &[u8] = b"GA94\x03";
/// Country code of the United States and provider code of ATSC (ITU-T T.35).
const ATSC: &[u8] = &[0xb5, 0x00, 0x31];
/// SEI payload type of a message that is registered by ITU-T T.35.
const REGISTERED: usize = 4;
/// Bytes of a caption pair with the byte that declares its type, as in CEA-708.
const PAIR: usize = 3;

impl Captions {
    /// Coding of a codec with FFmpeg's name, whose units have lengths of `nal_length` bytes; none for codecs without
    /// captions.
    pub fn of(codec: &str, nal_length: usize) -> Option<Self> {
        let parted = Parted::by(nal_length);
        match codec {
            "h264" => Some(Self::H264(parted)),
            "hevc" => Some(Self::Hevc(parted)),
            "mpeg2video" => Some(Self::Mpeg2),
            _ => None,
        }
    }

    /// Caption pairs of a coded picture, three bytes each (CEA-708 §4.4.1); empty where it has no captions.
    pub fn pairs(self, picture: &[u8]) -> Vec<u8> {
        match self {
            Self::Mpeg2 => {
                const USER_DATA: u8 = 0xb2;
                let units = Parted::StartCodes.units(picture);
                let user_data = units.filter_map(|unit| unit.strip_prefix(&[USER_DATA]));
                user_data.flat_map(pairs).copied().collect()
            }
            Self::H264(parted) => {
                let messages = parted.units(picture).filter(|unit| is(unit, 0x1f, 6));
                messages.flat_map(|unit| of_messages(&unit[1..])).collect()
            }
            // HEVC's messages before a picture's slices have type 39; §7.3.1.2 stores the type in bits 1 to 6 of two
            // bytes.
            Self::Hevc(parted) => {
                let messages = parted.units(picture).filter(|unit| is(unit, 0x7e, 39 << 1));
                let messages = messages.filter_map(|unit| unit.get(2..));
                messages.flat_map(of_messages).collect()
            }
        }
    }
}

fn is(unit: &[u8], mask: u8, kind: u8) -> bool {
    unit.first().is_some_and(|header| header & mask == kind)
}

/// Caption pairs in the messages of a unit (H.264 §7.3.2.3, HEVC §7.3.5 alike).
fn of_messages(unit: &[u8]) -> Vec<u8> {
    let bytes = without_emulation(unit);
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    while let Some((kind, size, after)) = message(rest) {
        let Some((payload, after)) = after.split_at_checked(size) else {
            break;
        };
        if kind == REGISTERED
            && let Some(user_data) = payload.strip_prefix(ATSC)
        {
            found.extend_from_slice(pairs(user_data));
        }
        rest = after;
    }
    found
}

/// Type and size of a message, each coded in steps of 255, and the bytes after them.
fn message(bytes: &[u8]) -> Option<(usize, usize, &[u8])> {
    let number = |bytes: &[u8]| -> Option<(usize, usize)> {
        let full = bytes.iter().take_while(|&&byte| byte == 0xff).count();
        Some((full * 255 + usize::from(*bytes.get(full)?), full + 1))
    };
    let (kind, kind_length) = number(bytes)?;
    let (size, size_length) = number(&bytes[kind_length..])?;
    Some((kind, size, &bytes[kind_length + size_length..]))
}

/// Removes the emulation prevention bytes, which keep start codes out of a unit (H.264 §7.4.1). Where the unit's end
/// is unknown, it is read up to the next start code.
fn without_emulation(unit: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(unit.len().min(1024));
    let mut noughts = 0;
    for &byte in unit {
        match (noughts, byte) {
            (2.., 3) => {
                noughts = 0;
                continue;
            }
            (2.., 0 | 1) => break,
            (_, 0) => noughts += 1,
            _ => noughts = 0,
        }
        bytes.push(byte);
    }
    bytes
}

/// Caption pairs in user data of ATSC (A/53 part 4 table 6.9): a byte of flags and number of pairs, a reserved byte,
/// then the pairs.
fn pairs(user_data: &[u8]) -> &[u8] {
    const PROCESS: u8 = 0x40;
    const NUMBER: u8 = 0x1f;
    let Some([flags, _, pairs @ ..]) = user_data.strip_prefix(ATSC_CAPTIONS) else {
        return &[];
    };
    let length = usize::from(flags & NUMBER) * PAIR;
    match flags & PROCESS {
        0 => &[],
        _ => pairs.get(..length).unwrap_or_default(),
    }
}

/// Caption pairs of a sample of a QuickTime captions track (QuickTime File Format, "Closed captioning sample data"):
/// boxes of the first field and of the second.
pub fn of_sample(sample: &[u8]) -> Vec<u8> {
    /// Type byte of a valid pair of field one.
    const FIELD_1: u8 = 0xfc;
    let mut found = Vec::new();
    let mut rest = sample;
    while let Some((header, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *header;
        let size = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_sub(header.len());
        let (body, after) = after.split_at(size.min(after.len()));
        let field = match &kind {
            b"cdat" => Some(FIELD_1),
            b"cdt2" => Some(FIELD_1 | 1),
            _ => None,
        };
        for pair in body.chunks_exact(2) {
            found.extend(
                field
                    .map(|field| [field, pair[0], pair[1]])
                    .into_iter()
                    .flatten(),
            );
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Caption "Hi" in field one.
    const HI: [u8; 3] = [0xfc, 0xc8, 0xe9];

    fn user_data() -> Vec<u8> {
        [ATSC_CAPTIONS, &[0x41, 0xff], &HI, &[0xff]].concat()
    }

    fn unit(header: &[u8]) -> Vec<u8> {
        let payload = [ATSC, &user_data()].concat();
        let other = [5, 2, 7, 7];
        [header, &other, &[4, payload.len() as u8], &payload, &[0x80]].concat()
    }

    #[test]
    fn pairs_are_found_in_every_coding() {
        let code: &[u8] = &[0, 0, 1];
        let slice: &[u8] = &[0, 0, 1, 0x65, 0xff, 3, 0xff];
        let h264 = [code, &unit(&[6]), slice].concat();
        assert_eq!(Captions::of("h264", 0).unwrap().pairs(&h264), HI);
        let hevc = unit(&[39 << 1, 1]);
        let hevc = [&[0, hevc.len() as u8][..], &hevc].concat();
        assert_eq!(Captions::of("hevc", 2).unwrap().pairs(&hevc), HI);
        let mpeg2 = [code, &[0xb2], &user_data()[..], code, &[1, 2, 3]].concat();
        assert_eq!(Captions::of("mpeg2video", 0).unwrap().pairs(&mpeg2), HI);
        assert!(Captions::of("vp9", 0).is_none());
        let track = [&[0, 0, 0, 10][..], b"cdat", &HI[1..]].concat();
        assert_eq!(of_sample(&track), HI);
    }

    #[test]
    fn bytes_that_were_put_in_are_taken_out() {
        assert_eq!(
            without_emulation(&[1, 0, 0, 3, 1, 0, 0, 3, 0]),
            [1, 0, 0, 1, 0, 0, 0]
        );
        assert_eq!(without_emulation(&[7, 0, 0, 1, 9]), [7, 0, 0]);
    }

    #[test]
    fn what_is_cut_off_has_none() {
        let whole = [&[0, 0, 1][..], &unit(&[6])].concat();
        for end in 0..whole.len() - 4 {
            let found = Captions::of("h264", 0).unwrap().pairs(&whole[..end]);
            assert!(found.is_empty(), "{end}: {found:?}");
        }
        assert!(of_sample(b"\0\0\0\xffcdat").is_empty());
    }
}
