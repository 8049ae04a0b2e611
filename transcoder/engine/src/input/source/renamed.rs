//! Replacement of bytes that FFmpeg 5.1 misunderstands by names that it knows. FFmpeg takes all uncompressed sound in
//! MP4 (ISO/IEC 23003-5) for 16 bits, so its sample entries are shown to readers in QuickTime's older form.

use std::io::{Read, Seek};

use crate::input::boxes::{self, PcmConfig, Uncompressed};

/// Bytes that readers of a source see in place of the stored ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Byte of the source at which the replacement begins.
    pub at: u64,
    /// Bytes that readers see there.
    pub bytes: Vec<u8>,
}

impl Replacement {
    /// Writes the replacement into `bytes`, which were read from the source's byte `from` on.
    pub fn apply(&self, from: u64, bytes: &mut [u8]) {
        let end = from + bytes.len() as u64;
        let own_end = self.at + self.bytes.len() as u64;
        let (first, last) = (self.at.max(from), own_end.min(end));
        if first < last {
            let taken = &self.bytes[(first - self.at) as usize..(last - self.at) as usize];
            bytes[(first - from) as usize..(last - from) as usize].copy_from_slice(taken);
        }
    }
}

/// Bytes from the start of a sample entry to its name, and to its sample size.
const NAME: u64 = 4;
const SAMPLE_SIZE: u64 = 26;

/// Finds all replacements in a source of `size` bytes.
pub fn find_replacements(reader: impl Read + Seek, size: u64) -> Vec<Replacement> {
    boxes::uncompressed(reader, size)
        .iter()
        .flat_map(of_sound)
        .collect()
}

fn of_sound(sound: &Uncompressed) -> Vec<Replacement> {
    let rename = |at: u64, bytes: &[u8]| Replacement {
        at,
        bytes: bytes.to_vec(),
    };
    let known = sound
        .config
        .and_then(|config| Some((config, name(sound.is_float, config)?)));
    let Some((config, name)) = known else {
        // The format has no name that FFmpeg knows. A name that nobody knows keeps FFmpeg from guessing one.
        return vec![rename(sound.entry + NAME, b"pcm?")];
    };
    let order = u16::from(config.is_little_endian).to_be_bytes();
    vec![
        rename(sound.entry + NAME, name),
        rename(
            sound.entry + SAMPLE_SIZE,
            &u16::from(config.bits).to_be_bytes(),
        ),
        // The `pcmC` box becomes an `enda` box, which tells the byte order.
        rename(config.at - 4, b"enda"),
        rename(config.at, &[order[0], order[1], 0, 0, 0, 0]),
    ]
}

fn name(is_float: bool, config: PcmConfig) -> Option<&'static [u8; 4]> {
    match (is_float, config.bits, config.is_little_endian) {
        (false, 8 | 16, false) => Some(b"twos"),
        (false, 16, true) => Some(b"sowt"),
        (false, 24, _) => Some(b"in24"),
        (false, 32, _) => Some(b"in32"),
        (true, 32, _) => Some(b"fl32"),
        (true, 64, _) => Some(b"fl64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_replaced_wherever_a_read_begins() {
        let renamed = Replacement {
            at: 10,
            bytes: b"abcd".to_vec(),
        };
        for (from, expected) in [
            (0, &b"......"[..]),
            (8, b"..abcd"),
            (12, b"cd...."),
            (14, b"......"),
        ] {
            let mut bytes = *b"......";
            renamed.apply(from, &mut bytes);
            assert_eq!(bytes, expected, "from {from}");
        }
    }

    #[test]
    fn what_nobody_knows_has_no_name() {
        let config = |bits, is_little_endian| PcmConfig {
            at: 100,
            is_little_endian,
            bits,
        };
        assert_eq!(name(false, config(24, true)), Some(b"in24"));
        assert_eq!(name(true, config(64, false)), Some(b"fl64"));
        assert_eq!(name(false, config(20, true)), None);
        let unknown = Uncompressed {
            entry: 50,
            is_float: false,
            config: None,
        };
        assert_eq!(of_sound(&unknown)[0].bytes, b"pcm?");
    }
}
