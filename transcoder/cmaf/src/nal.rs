//! NAL units: encoders write them between start codes, files hold them behind their lengths.

/// Converts an Annex B byte stream (start codes) to NAL units with four-byte lengths.
pub fn length_prefixed(annex_b: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(annex_b.len() + 16);
    for unit in nal_units(annex_b) {
        out.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        out.extend_from_slice(unit);
    }
    out
}

/// Writes NAL units behind start codes, as encoders do.
pub(crate) fn annex_b<'a>(units: impl Iterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    let behind_start_code =
        |unit: &'a Vec<u8>| [0, 0, 0, 1].into_iter().chain(unit.iter().copied());
    units.flat_map(behind_start_code).collect()
}

/// NAL units between start codes (ITU-T H.264 annex B).
pub(crate) fn nal_units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(bytes).unwrap_or_default();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (unit, next) = match start_code(rest) {
            Some(at) => (&rest[..at], &rest[at + 3..]),
            None => (rest, &rest[..0]),
        };
        rest = next;
        // A four-byte start code leaves its first zero at the end of the unit before.
        let end = unit
            .iter()
            .rposition(|&b| b != 0)
            .map_or(0, |last| last + 1);
        Some(&unit[..end])
    })
    .filter(|unit| !unit.is_empty())
}

fn start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|w| w == [0, 0, 1])
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    start_code(bytes).map(|at| &bytes[at + 3..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_codes_of_three_and_four_bytes_part_the_units() {
        let bytes = [
            0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 4,
        ];
        let units: Vec<&[u8]> = nal_units(&bytes).collect();
        assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 4]]);
        assert_eq!(length_prefixed(&bytes[..7]), [0, 0, 0, 3, 0x67, 1, 2]);
    }
}
