//! The units of which a coded picture consists. They follow start codes (ITU-T H.264 annex B, MPEG-2), or a length
//! before each (ISO/IEC 14496-15).

/// Separation of the units of a coded picture.
#[derive(Clone, Copy, Debug)]
pub enum Parted {
    /// Start codes of the bytes 00 00 01. A unit is taken to reach to the end of the picture: callers read only its
    /// head, so its end need not be found.
    StartCodes,
    /// Each unit follows its length, which is a number of this many bytes.
    Lengths(usize),
}

impl Parted {
    /// Separation by lengths of `length` bytes, or by start codes where `length` is zero.
    pub fn by(length: usize) -> Self {
        match length {
            0 => Self::StartCodes,
            length => Self::Lengths(length),
        }
    }

    /// Units of a picture, each from its header on.
    pub fn units(self, data: &[u8]) -> impl Iterator<Item = &[u8]> {
        let (by_code, by_length) = match self {
            Self::StartCodes => (Some(after_start_codes(data)), None),
            Self::Lengths(length) => (None, Some(after_lengths(data, length))),
        };
        by_code
            .into_iter()
            .flatten()
            .chain(by_length.into_iter().flatten())
    }
}

fn after_start_codes(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = data.windows(3).enumerate();
    let starts = starts.filter(|(_, bytes)| *bytes == [0, 0, 1]);
    starts.map(|(at, _)| &data[at + 3..])
}

fn after_lengths(mut data: &[u8], length: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (size, rest) = data.split_at_checked(length)?;
        let size = size
            .iter()
            .fold(0, |size, &byte| size << 8 | usize::from(byte));
        let (unit, after) = rest.split_at_checked(size.min(rest.len()))?;
        data = after;
        Some(unit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_parted_by_lengths_and_by_start_codes() {
        let heads = |parted: Parted, data: &[u8]| -> Vec<u8> {
            let units = parted.units(data);
            units.filter_map(|unit| unit.first().copied()).collect()
        };
        let by_length = [0, 0, 0, 2, 0x06, 1, 0, 0, 0, 1, 0x65];
        assert_eq!(heads(Parted::by(4), &by_length), [0x06, 0x65]);
        let by_code = [0, 0, 0, 1, 0x06, 1, 0, 0, 1, 0x41];
        assert_eq!(heads(Parted::by(0), &by_code), [0x06, 0x41]);
        // A length that exceeds the data.
        assert_eq!(heads(Parted::by(2), &[0xff, 0xff, 0x65]), [0x65]);
    }
}
