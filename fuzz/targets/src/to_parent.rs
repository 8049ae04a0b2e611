//! What an engine says, which may have been taken over by its source: the parent neither panics
//! nor works for ever, and what it plans by it can be written for players.

use bytes::Bytes;
use manifests::{Averages, chapters, dash, hls, storyboard};
use plan::{MediaInfo, Policy};
use protocol::{Decoder, Made, ToParent};

/// Segments up to which manifests are written: past it they are only longer.
const WRITTEN: u32 = 500;

/// A stream of messages, which comes in pieces as long as its first byte says.
pub fn run(bytes: &[u8]) {
    let Some((&length, stream)) = bytes.split_first() else {
        return;
    };
    let mut decoder = Decoder::default();
    for piece in stream.chunks(usize::from(length).max(1)) {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.take::<ToParent>() {
                Ok(Some((message, payload))) => hear(message, &payload),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fn hear(message: ToParent, payload: &Bytes) {
    match message {
        ToParent::Probed { info, .. } => plan_of(&info),
        ToParent::Made {
            what: Made::Cues { .. },
            ..
        } => crate::cues::run(payload),
        ToParent::Made {
            what: Made::Loudness(measured),
            ..
        } => assert!(
            measured
                .iter()
                .all(|sound| sound.gain_millibels(-16) <= 2000)
        ),
        _ => {}
    }
}

fn plan_of(info: &MediaInfo) {
    let Ok(plan) = plan::make_plan(info, &Policy::default()) else {
        return;
    };
    assert!(plan.segments() > 0);
    let json = serde_json::to_vec(&plan).unwrap();
    assert!(serde_json::from_slice::<plan::Plan>(&json).unwrap() == plan);
    if plan.segments() > WRITTEN {
        return;
    }
    let averages = Averages::new();
    assert!(hls::master(&plan, &averages).starts_with("#EXTM3U"));
    assert!(dash::mpd(&plan, &averages).contains("<MPD"));
    for rendition in plan.media_ids() {
        assert!(hls::media_playlist(&plan, rendition).is_some());
    }
    storyboard::vtt(&plan);
    chapters::vtt(&plan);
}
