//! A reader of WebVTT cues in boxes, as MP4 stores them (ISO/IEC 14496-30 §7.4).

/// Cue of a sample.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BoxedCue {
    /// Text of the cue.
    pub payload: Vec<u8>,
    /// WebVTT settings of the cue, such as its position.
    pub settings: Vec<u8>,
}

/// Cues that are shown for the duration of a sample; none where the sample is empty.
pub fn cues(sample: &[u8]) -> Vec<BoxedCue> {
    let cue = |payload: &[u8]| {
        let mut cue = BoxedCue::default();
        for (kind, payload) in boxes(payload) {
            match &kind {
                b"payl" => cue.payload = payload.to_vec(),
                b"sttg" => cue.settings = payload.to_vec(),
                _ => {}
            }
        }
        cue
    };
    let found = boxes(sample).filter(|(kind, _)| kind == b"vttc");
    found.map(|(_, payload)| cue(payload)).collect()
}

/// Boxes one after the other, up to the first that is incomplete.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let head: [u8; 8] = rest.get(..8)?.try_into().ok()?;
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let payload = rest.get(8..size)?;
        rest = &rest[size..];
        Some(([head[4], head[5], head[6], head[7]], payload))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32 + 8).to_be_bytes()[..], kind, payload].concat()
    }

    #[test]
    fn cues_are_read_and_what_lies_about_its_size_is_not() {
        let cue = [boxed(b"sttg", b"line:0"), boxed(b"payl", b"Hello")].concat();
        let sample = [boxed(b"vttc", &cue), boxed(b"vtte", b"")].concat();
        let found = cues(&sample);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0].payload[..], &found[0].settings[..]),
            (&b"Hello"[..], &b"line:0"[..])
        );
        for cut in 0..sample.len() {
            cues(&sample[..cut]);
        }
        assert_eq!(cues(&[0, 0, 0, 2, b'v', b't', b't', b'c']), []);
    }
}
