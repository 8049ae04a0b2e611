//! A text track on its way to a cue list.

use std::collections::BTreeMap;

use ffmpeg_next::codec::{self, Id, decoder, subtitle};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Packet, Subtitle};
use plan::cues::{Cue, CueList, MOST_BYTES, MOST_CUES};
use plan::media_info::TextTrack;
use plan::{Plan, Rational};

use super::ass;
use crate::captions::{self, Captions};
use crate::ffi;
use crate::times::{rational, seconds};

/// How long a cue without an end is shown, unless another follows.
const UNENDING_US: i64 = 5_000_000;
/// Pictures that may come before one that is shown earlier: more than any coding has.
const REORDERED: usize = 32;
/// FFmpeg's time base of cues that a decoder times.
const MICROSECOND: Rational = Rational::new(1, 1_000_000);

/// A track on its way to a cue list.
pub struct Track {
    stream: usize,
    time_base: Rational,
    decoder: Option<decoder::Subtitle>,
    kind: Kind,
    cues: Vec<Cue>,
    bytes: usize,
}

/// Where its words are.
enum Kind {
    /// In packets, each with its time.
    Packets,
    /// In pictures, which are stored in another order than shown: CEA-608. The pairs that wait for
    /// those before them, by time and arrival.
    Pictures {
        captions: Captions,
        waiting: BTreeMap<(i64, u64), Vec<u8>>,
        arrived: u64,
    },
    /// In a captions track of QuickTime.
    Samples,
}

impl Track {
    /// Of a track that the probe found.
    pub fn new(input: &Input, track: &TextTrack, plan: &Plan) -> Self {
        let stream = input.stream(track.stream as usize);
        let parameters = stream.as_ref().map(|stream| stream.parameters());
        let of_pictures = plan.info.video.as_ref();
        let of_pictures = of_pictures.filter(|video| video.stream == track.stream);
        let captions = of_pictures
            .zip(parameters.as_ref())
            .and_then(|(video, parameters)| {
                Captions::of(&video.codec, ffi::nal_length(parameters))
            });
        let kind = match captions {
            Some(captions) => Kind::Pictures {
                captions,
                waiting: BTreeMap::new(),
                arrived: 0,
            },
            None if track.codec == Id::EIA_608.name() => Kind::Samples,
            None => Kind::Packets,
        };
        let decoder = stream
            .as_ref()
            .zip(parameters)
            .and_then(|(stream, parameters)| {
                let context = match kind {
                    Kind::Packets => codec::Context::from_parameters(parameters).ok()?,
                    _ => codec::Context::new_with_codec(decoder::find(Id::EIA_608)?),
                };
                let mut decoder = context.decoder();
                decoder.set_packet_time_base(stream.time_base());
                decoder.subtitle().ok()
            });
        Self {
            stream: track.stream as usize,
            time_base: stream.map_or(Rational::ZERO, |s| rational(s.time_base())),
            decoder,
            kind,
            cues: Vec::new(),
            bytes: 0,
        }
    }

    /// The stream that it is in.
    pub fn stream(&self) -> usize {
        self.stream
    }

    /// Takes a packet of that stream.
    pub fn take(&mut self, packet: &Packet, plan: &Plan) {
        let (Some(stamp), Some(data)) = (packet.pts(), packet.data()) else {
            return;
        };
        match &mut self.kind {
            Kind::Packets => self.decode(packet, plan),
            Kind::Samples => self.decode_pairs(stamp, &captions::of_sample(data), plan),
            Kind::Pictures {
                captions,
                waiting,
                arrived,
            } => {
                *arrived += 1;
                waiting.insert((stamp, *arrived), captions.pairs(data));
                if waiting.len() > REORDERED
                    && let Some(((stamp, _), pairs)) = waiting.pop_first()
                {
                    self.decode_pairs(stamp, &pairs, plan);
                }
            }
        }
    }

    fn decode_pairs(&mut self, stamp: i64, pairs: &[u8], plan: &Plan) {
        if pairs.is_empty() {
            return;
        }
        let mut packet = Packet::copy(pairs);
        packet.set_pts(Some(stamp));
        self.decode(&packet, plan);
    }

    fn decode(&mut self, packet: &Packet, plan: &Plan) {
        let Some(decoder) = &mut self.decoder else {
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
        let is_timed = !matches!(self.kind, Kind::Packets);
        // Captions are decoded when they end, or others take their place.
        let start = match decoded.0.pts().filter(|_| is_timed) {
            Some(start) => seconds(start, MICROSECOND),
            None => seconds(packet.pts().unwrap_or_default(), self.time_base),
        };
        let start_us = us(start - plan.timeline.origin);
        let lasts_us = us(seconds(packet.duration().max(0), self.time_base));
        // A container without lengths leaves them to what the text itself says.
        let lasts_us = match lasts_us {
            0 => i64::from(decoded.0.end()).min(i64::from(u32::MAX - 1)) * 1000,
            known => known,
        };
        for rect in decoded.0.rects() {
            let found = match rect {
                subtitle::Rect::Ass(line) if is_timed => ass::caption(line.get()),
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
    pub fn finish(mut self, plan: &Plan) -> CueList {
        if let Kind::Pictures { waiting, .. } = &mut self.kind {
            for ((stamp, _), pairs) in std::mem::take(waiting) {
                self.decode_pairs(stamp, &pairs, plan);
            }
        }
        if !matches!(self.kind, Kind::Packets) {
            // The last one, which nothing takes the place of.
            self.decode(&Packet::empty(), plan);
        }
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
        CueList::of(cues, plan.timeline.duration_us())
    }
}

/// What a decoder has allocated.
struct Decoded(Subtitle);

impl Drop for Decoded {
    fn drop(&mut self) {
        ffi::free_subtitle(&mut self.0);
    }
}
