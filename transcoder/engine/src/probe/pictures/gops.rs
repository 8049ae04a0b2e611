//! Open GOPs: whether a decoder that starts at a key frame shows the following pictures like one that comes from
//! before.

use ffmpeg_next::Packet;
use ffmpeg_next::codec::Parameters;

use crate::ffi;
use crate::input::coded_units::Parted;

/// Way in which the key frames of a codec are checked for open GOPs.
#[derive(Clone, Copy, Debug)]
pub enum Gops {
    H264(Parted),
    Mpeg2,
    /// No open GOPs: these codecs begin anew at each key frame, or mark the pictures to leave out (HEVC's leading
    /// ones).
    Closed,
}

impl Gops {
    /// Way to check the key frames of a stream.
    pub fn of(codec: &str, parameters: &Parameters) -> Self {
        match codec {
            "h264" => Self::H264(Parted::by(ffi::nal_length(parameters))),
            "mpeg2video" | "mpeg1video" => Self::Mpeg2,
            _ => Self::Closed,
        }
    }

    /// Whether pictures after this key frame may refer to pictures before it. In H.264 that is a recovery point
    /// (D.2.8) or an I picture that is no IDR picture, in MPEG-2 a group that is not closed.
    pub fn is_open(self, key: &Packet) -> bool {
        let data = key.data().unwrap_or_default();
        match self {
            Self::Closed => false,
            Self::Mpeg2 => !mpeg2_is_closed(data),
            Self::H264(parted) => !parted.units(data).any(is_idr),
        }
    }
}

/// Whether a unit is a slice of an IDR picture (H.264 table 7-1).
fn is_idr(unit: &[u8]) -> bool {
    unit.first().is_some_and(|header| header & 0x1f == 5)
}

/// Whether an MPEG-2 group is closed: `closed_gop` follows 25 bits of time code in the group's header (ISO/IEC
/// 13818-2 §6.2.2.6).
fn mpeg2_is_closed(data: &[u8]) -> bool {
    const GROUP: u8 = 0xb8;
    let header = Parted::StartCodes
        .units(data)
        .find(|unit| unit.first() == Some(&GROUP));
    header.is_some_and(|unit| unit.get(4).is_some_and(|flags| flags & 0x40 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_says_whether_it_is_closed() {
        let group = |flags| [0, 0, 1, 0xb3, 9, 0, 0, 1, 0xb8, 0, 8, 0, flags];
        assert!(mpeg2_is_closed(&group(0x40)));
        assert!(!mpeg2_is_closed(&group(0x00)));
        assert!(!mpeg2_is_closed(&[0, 0, 1]));
    }
}
