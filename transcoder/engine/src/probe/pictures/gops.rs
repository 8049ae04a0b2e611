//! Whether a decoder that starts at a key frame sees all that follows as one does that comes from
//! before.

use ffmpeg_next::Packet;
use ffmpeg_next::codec::Parameters;

use crate::ffi;
use crate::input::coded_units::Parted;

/// How key frames of a stream are looked into.
#[derive(Clone, Copy, Debug)]
pub enum Gops {
    H264(Parted),
    Mpeg2,
    /// Others begin anew at each, or say which pictures to leave out (HEVC's leading ones).
    Closed,
}

impl Gops {
    /// Of a stream.
    pub fn of(codec: &str, parameters: &Parameters) -> Self {
        match codec {
            "h264" => Self::H264(Parted::by(ffi::nal_length(parameters))),
            "mpeg2video" | "mpeg1video" => Self::Mpeg2,
            _ => Self::Closed,
        }
    }

    /// Whether what follows this key frame may refer to what is before it: one from which H.264
    /// recovers (D.2.8) or an I picture that is no IDR, an MPEG-2 group that is not closed.
    pub fn is_open(self, key: &Packet) -> bool {
        let data = key.data().unwrap_or_default();
        match self {
            Self::Closed => false,
            Self::Mpeg2 => !mpeg2_is_closed(data),
            Self::H264(parted) => !parted.units(data).any(is_idr),
        }
    }
}

/// H.264 table 7-1.
fn is_idr(unit: &[u8]) -> bool {
    unit.first().is_some_and(|header| header & 0x1f == 5)
}

/// `closed_gop` follows 25 bits of time code in the group's header (ISO/IEC 13818-2 §6.2.2.6).
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
