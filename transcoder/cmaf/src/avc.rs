//! H.264 as files of the MP4 family store it: parameter sets in a record, and the units of a picture behind their
//! lengths (ISO/IEC 14496-15 §5.3).

use anyhow::{Context as _, Result, ensure};
use mp4_atom::{Atom, Avcc};

/// Types of the units of a picture: slices, their partitions, and enhancement messages (captions, brightness).
const PICTURE_UNITS: std::ops::RangeInclusive<u8> = 1..=6;
const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const SPS_EXTENSION: u8 = 13;

/// Parameter sets of a stream: an `AVCDecoderConfigurationRecord`.
pub struct Record {
    bytes: Vec<u8>,
    avcc: Avcc,
}

/// Coded picture as a segment holds it.
pub struct Sample {
    /// Units of the picture, each behind a length of four bytes.
    pub data: Vec<u8>,
    /// Whether all following pictures can be decoded from this one on.
    pub is_idr: bool,
}

impl Record {
    /// Reads a record; none where the bytes are no record, or one without parameter sets.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let avcc = Avcc::decode_body(&mut &*bytes).ok()?;
        let is_whole =
            !avcc.sequence_parameter_sets.is_empty() && !avcc.picture_parameter_sets.is_empty();
        is_whole.then(|| Self {
            bytes: bytes.to_vec(),
            avcc,
        })
    }

    /// Bytes of the record as they were read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Record of samples whose lengths have four bytes.
    pub fn avcc(&self) -> Avcc {
        Avcc {
            length_size: 4,
            ..self.avcc.clone()
        }
    }

    /// Converts a stored picture to a sample, without delimiters, stuffing, and the parameter sets that the record
    /// has.
    ///
    /// # Errors
    /// An error is returned where a length exceeds the data, there is no slice, or the record lacks a parameter set.
    pub fn sample(&self, stored: &[u8]) -> Result<Sample> {
        let length = usize::from(self.avcc.length_size);
        let (mut has_slice, mut is_idr) = (false, false);
        let mut data = Vec::with_capacity(stored.len() + 16);
        let mut rest = stored;
        while !rest.is_empty() {
            let unit;
            (unit, rest) = first_unit(rest, length).context("a picture's units are cut off")?;
            let header = unit.first().copied().unwrap_or(0);
            ensure!(header & 0x80 == 0, "a unit is marked as damaged");
            let kind = header & 0x1f;
            match kind {
                SPS | PPS | SPS_EXTENSION => {
                    ensure!(
                        self.has(unit),
                        "the parameter sets change inside the stream"
                    );
                }
                kind if PICTURE_UNITS.contains(&kind) => {
                    has_slice |= kind <= IDR;
                    is_idr |= kind == IDR;
                    data.extend_from_slice(&(unit.len() as u32).to_be_bytes());
                    data.extend_from_slice(unit);
                }
                _ => {}
            }
        }
        ensure!(has_slice, "a picture has no slice");
        Ok(Sample { data, is_idr })
    }

    fn has(&self, unit: &[u8]) -> bool {
        let sets = self.avcc.sequence_parameter_sets.iter();
        let extensions = self.avcc.ext.iter();
        let extensions = extensions.flat_map(|ext| &ext.sequence_parameter_sets_ext);
        let mut sets = sets
            .chain(&self.avcc.picture_parameter_sets)
            .chain(extensions);
        sets.any(|set| set == unit)
    }
}

/// First unit of some data, and the data after it.
fn first_unit(data: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (size, rest) = data.split_at_checked(length)?;
    let size = size
        .iter()
        .fold(0, |size, &byte| size << 8 | usize::from(byte));
    rest.split_at_checked(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Record of Main profile at level 3, with lengths of two bytes and one parameter set of each kind.
    const RECORD: [u8; 16] = [
        1, 77, 0, 30, 0xfd, 0xe1, 0, 3, 0x67, 77, 0, 1, 0, 2, 0x68, 9,
    ];

    #[test]
    fn a_sample_has_longer_lengths_and_only_what_the_record_lacks() {
        let record = Record::read(&RECORD).unwrap();
        let delimiter = [0, 2, 9, 0xf0];
        let known = [0, 2, 0x68, 9];
        let captions = [0, 2, 6, 4];
        let slice = [0, 3, 0x65, 1, 2];
        let stored = [&delimiter[..], &known, &captions, &slice].concat();
        let sample = record.sample(&stored).unwrap();
        assert_eq!(sample.data, [0, 0, 0, 2, 6, 4, 0, 0, 0, 3, 0x65, 1, 2]);
        assert!(sample.is_idr);
        assert!(!record.sample(&[0, 2, 0x41, 7]).unwrap().is_idr);
        assert_eq!(record.avcc().length_size, 4);
    }

    #[test]
    fn other_parameter_sets_and_cut_units_are_refused() {
        let record = Record::read(&RECORD).unwrap();
        let slice = [0, 3, 0x65, 1, 2];
        let other = [0, 2, 0x68, 8];
        for stored in [&[&other[..], &slice].concat()[..], &slice[..4], &[], &[0]] {
            assert!(record.sample(stored).is_err(), "{stored:?}");
        }
        for cut in 0..RECORD.len() {
            assert!(Record::read(&RECORD[..cut]).is_none(), "{cut}");
        }
    }
}
