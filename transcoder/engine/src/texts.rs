//! The text tracks of a source, as cue lists: one reading of the source for all of them.

mod ass;

use anyhow::Result;
use ffmpeg_next::codec::{self, decoder, subtitle};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet, Subtitle};
use plan::cues::{Cue, CueList, MOST_BYTES, MOST_CUES};
use plan::media_info::TextTrack;
use plan::{Plan, Rational};

use crate::source::Source;
use crate::times::{rational, seconds};
use crate::{ffi, open};

/// How long a cue without an end is shown, unless another follows.
const UNENDING_US: i64 = 5_000_000;

/// A track on its way to a cue list.
struct Track {
    stream: usize,
    time_base: Rational,
    decoder: Option<decoder::Subtitle>,
    cues: Vec<Cue>,
    bytes: usize,
}

/// The cue lists of all text tracks of a plan's source, in the order of `info.text`.
pub fn extract(source: &Source, plan: &Plan) -> Result<Vec<CueList>> {
    let mut input = open::open(source)?;
    let tracks = plan.info.text.iter();
    let mut tracks: Vec<Track> = tracks.map(|track| Track::new(&input, track)).collect();
    let streams: Vec<usize> = tracks.iter().map(|track| track.stream).collect();
    ffi::keep_only(&mut input, &streams);
    loop {
        source.link().go_on()?;
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => break,
        }
        let mut tracks = tracks.iter_mut();
        if let Some(track) = tracks.find(|track| track.stream == packet.stream()) {
            track.take(&packet, plan);
        }
    }
    source.check()?;
    let end_us = plan.timeline.duration_us();
    Ok(tracks
        .into_iter()
        .map(|track| track.finish(end_us))
        .collect())
}

impl Track {
    fn new(input: &Input, track: &TextTrack) -> Self {
        let stream = input.stream(track.stream as usize);
        let decoder = stream.as_ref().and_then(|stream| {
            let context = codec::Context::from_parameters(stream.parameters()).ok()?;
            let mut decoder = context.decoder();
            decoder.set_packet_time_base(stream.time_base());
            decoder.subtitle().ok()
        });
        Self {
            stream: track.stream as usize,
            time_base: stream.map_or(Rational::ZERO, |s| rational(s.time_base())),
            decoder,
            cues: Vec::new(),
            bytes: 0,
        }
    }

    fn take(&mut self, packet: &Packet, plan: &Plan) {
        let (Some(decoder), Some(stamp)) = (&mut self.decoder, packet.pts()) else {
            return;
        };
        // What comes after is left out.
        if self.cues.len() >= MOST_CUES || self.bytes >= MOST_BYTES {
            return;
        }
        let mut decoded = Decoded(Subtitle::new());
        // Damaged packets are passed over.
        if !decoder.decode(packet, &mut decoded.0).unwrap_or(false) {
            return;
        }
        let us = |time: Rational| time.scale_round(1_000_000, 1);
        let start_us = us(seconds(stamp, self.time_base) - plan.timeline.origin);
        let lasts_us = us(seconds(packet.duration().max(0), self.time_base));
        // A container without lengths leaves them to what the text itself says.
        let lasts_us = match lasts_us {
            0 => i64::from(decoded.0.end()).min(i64::from(u32::MAX - 1)) * 1000,
            known => known,
        };
        for rect in decoded.0.rects() {
            let found = match rect {
                subtitle::Rect::Ass(line) => ass::dialogue(line.get()),
                subtitle::Rect::Text(text) => Some(ass::plain(text.get())),
                _ => None,
            };
            let Some((place, text)) = found.filter(|(_, text)| !text.is_empty()) else {
                continue;
            };
            self.bytes += text.len();
            self.cues.push(Cue {
                start_us,
                end_us: start_us.saturating_add(lasts_us),
                place,
                text,
            });
        }
    }

    /// Each with an end.
    fn finish(self, end_us: i64) -> CueList {
        let mut cues = self.cues;
        let mut starts: Vec<i64> = cues.iter().map(|cue| cue.start_us).collect();
        starts.sort_unstable();
        for cue in &mut cues {
            if cue.end_us <= cue.start_us {
                let after = starts.partition_point(|start| *start <= cue.start_us);
                let longest = cue.start_us.saturating_add(UNENDING_US);
                cue.end_us = starts.get(after).map_or(longest, |next| longest.min(*next));
            }
        }
        CueList::of(cues, end_us)
    }
}

/// What a decoder has allocated.
struct Decoded(Subtitle);

impl Drop for Decoded {
    fn drop(&mut self) {
        ffi::free_subtitle(&mut self.0);
    }
}
