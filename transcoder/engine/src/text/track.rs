//! Collection of a text track's cues: packets go in, a cue list comes out.

use std::collections::BTreeMap;

use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::codec::{self, Id, decoder, subtitle};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Packet, Subtitle};
use plan::cues::{Cue, CueList, MOST_BYTES, MOST_CUES, decode_pieces, webvtt_cue};
use plan::media_info::{TextTrack, WEBVTT_BOXES, WEBVTT_CUES};
use plan::{Plan, Rational};

use super::styles::Styles;
use super::{ass, boxes};
use crate::ffi;
use crate::input::times::{rational, seconds};
use crate::text::captions::{self, Captions};

/// Duration in microseconds of a cue without an end, unless another cue follows earlier.
const UNENDING_US: i64 = 5_000_000;
/// Most pictures that may be stored before one that is shown earlier: more than any coding has.
const REORDERED: usize = 32;
/// Time base in which FFmpeg gives the times of captions.
const MICROSECOND: Rational = Rational::new(1, 1_000_000);

/// Collector of the cues of one text track.
pub struct Track {
    stream: usize,
    time_base: Rational,
    decoder: Option<decoder::Subtitle>,
    kind: Storage,
    styles: Styles,
    /// Encoding that was guessed for the track's text, where it is not UTF-8.
    guessed: Option<&'static str>,
    cues: Vec<Cue>,
    bytes: usize,
}

/// Storage of the track's text.
enum Storage {
    /// Packets, each with its time, probably in UTF-8. They wait until all have come, so that their encoding can be
    /// found.
    Packets {
        format: Format,
        waiting: Vec<TimedText>,
    },
    /// CEA-608 captions in pictures, which are stored in another order than they are shown. Byte pairs wait for
    /// earlier ones, sorted by time and arrival.
    Pictures {
        captions: Captions,
        waiting: BTreeMap<(i64, u64), Vec<u8>>,
        arrived: u64,
    },
    /// Samples of a captions track of QuickTime.
    Samples,
}

/// Format of the text in packets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Text that FFmpeg decodes.
    Decoded,
    /// Text that FFmpeg decodes too, behind a length and before boxes (3GPP TS 26.245 §5.17).
    Timed,
    /// Text of a WebVTT cue, with its settings beside it.
    WebVtt,
    /// Boxes with WebVTT cues.
    WebVttBoxes,
}

/// Text with its time, in the stream's time base.
struct TimedText {
    stamp: i64,
    duration: i64,
    words: StoredText,
}

/// Text as it is stored.
#[derive(Default)]
struct StoredText {
    text: Vec<u8>,
    /// Settings of the cue, where they are stored apart from the text.
    settings: Vec<u8>,
    /// Bytes after the text in its packet.
    after: Vec<u8>,
}

impl Track {
    /// Makes the collector of a text track that the probe found.
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
            Some(captions) => Storage::Pictures {
                captions,
                waiting: BTreeMap::new(),
                arrived: 0,
            },
            None if track.codec == Id::EIA_608.name() => Storage::Samples,
            None => Storage::Packets {
                format: match track.codec.as_str() {
                    WEBVTT_CUES => Format::WebVtt,
                    WEBVTT_BOXES => Format::WebVttBoxes,
                    codec if codec == Id::WEBVTT.name() => Format::WebVtt,
                    codec if codec == Id::MOV_TEXT.name() => Format::Timed,
                    _ => Format::Decoded,
                },
                waiting: Vec::new(),
            },
        };
        let header = parameters
            .as_ref()
            .map(ffi::stored_extradata)
            .unwrap_or_default();
        let (header, _) = decode_pieces(&[&header]);
        let styles = header
            .first()
            .map(|header| Styles::read(header))
            .unwrap_or_default();
        let decoder = stream
            .as_ref()
            .zip(parameters)
            .and_then(|(stream, parameters)| {
                let context = match kind {
                    Storage::Packets { .. } => codec::Context::from_parameters(parameters).ok()?,
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
            styles,
            guessed: None,
            cues: Vec::new(),
            bytes: 0,
        }
    }

    /// Index of the track's stream.
    pub fn stream(&self) -> usize {
        self.stream
    }

    /// Takes a packet of the track's stream.
    pub fn take(&mut self, packet: &Packet, plan: &Plan) {
        let (Some(stamp), Some(data)) = (packet.pts(), packet.data()) else {
            return;
        };
        match &mut self.kind {
            Storage::Packets { format, waiting } => {
                // Text beyond the limits is left out.
                if waiting.len() >= MOST_CUES || self.bytes >= MOST_BYTES {
                    return;
                }
                for words in words(*format, packet, data) {
                    self.bytes += words.text.len();
                    waiting.push(TimedText {
                        stamp,
                        duration: packet.duration().max(0),
                        words,
                    });
                }
            }
            Storage::Samples => self.decode_pairs(stamp, &captions::of_sample(data), plan),
            Storage::Pictures {
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
        if self.cues.len() >= MOST_CUES || self.bytes >= MOST_BYTES {
            return;
        }
        let mut decoded = Decoded(Subtitle::new());
        // Damaged packets are passed over.
        if !decoder.decode(packet, &mut decoded.0).unwrap_or(false) {
            return;
        }
        let us = |time: Rational| time.scale_round(1_000_000, 1);
        let is_timed = !matches!(self.kind, Storage::Packets { .. });
        // A caption is decoded when it ends or another takes its place, so its own time counts, not the packet's.
        let start = match decoded.0.pts().filter(|_| is_timed) {
            Some(start) => seconds(start, MICROSECOND),
            None => seconds(packet.pts().unwrap_or_default(), self.time_base),
        };
        let start_us = us(start - plan.timeline.origin);
        let lasts_us = us(seconds(packet.duration().max(0), self.time_base));
        // Without a duration from the container, the duration that the text itself declares counts.
        let lasts_us = match lasts_us {
            0 => i64::from(decoded.0.end()).min(i64::from(u32::MAX - 1)) * 1000,
            known => known,
        };
        for rect in decoded.0.rects() {
            let found = match rect {
                subtitle::Rect::Ass(line) if is_timed => ass::caption(line.get()),
                subtitle::Rect::Ass(line) => ass::dialogue(line.get(), &self.styles),
                subtitle::Rect::Text(text) => Some(ass::plain(text.get())),
                _ => None,
            };
            let Some((place, text)) = found.filter(|(_, text)| !text.is_empty()) else {
                continue;
            };
            self.bytes += if is_timed { text.len() } else { 0 };
            self.cues.push(Cue {
                start_us,
                end_us: start_us.saturating_add(lasts_us),
                place,
                text,
            });
        }
    }

    /// Decodes the waiting packets. All have come, so their encoding can be found now.
    fn decode_waiting(&mut self, plan: &Plan) {
        let Storage::Packets { format, waiting } = &mut self.kind else {
            return;
        };
        let (format, waiting) = (*format, std::mem::take(waiting));
        let raw: Vec<&[u8]> = waiting.iter().map(|piece| &piece.words.text[..]).collect();
        let (texts, guessed) = decode_pieces(&raw);
        self.guessed = guessed;
        self.bytes = 0;
        for (piece, text) in waiting.iter().zip(texts) {
            if matches!(format, Format::WebVtt | Format::WebVttBoxes) {
                self.cue(piece, &text, plan);
                continue;
            }
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
            let before = match format {
                Format::Timed => &length[..],
                _ => &[],
            };
            let mut packet = Packet::copy(&[before, text.as_bytes(), &piece.words.after].concat());
            packet.set_pts(Some(piece.stamp));
            packet.set_duration(piece.duration);
            self.decode(&packet, plan);
        }
    }

    fn cue(&mut self, piece: &TimedText, text: &str, plan: &Plan) {
        let settings = String::from_utf8_lossy(&piece.words.settings);
        let Some((place, text)) = webvtt_cue(text, &settings) else {
            return;
        };
        let us = |time: Rational| time.scale_round(1_000_000, 1);
        let start_us = us(seconds(piece.stamp, self.time_base) - plan.timeline.origin);
        let lasts_us = us(seconds(piece.duration, self.time_base));
        self.bytes += text.len();
        self.cues.push(Cue {
            start_us,
            end_us: start_us.saturating_add(lasts_us),
            place,
            text,
        });
    }

    /// Ends the track and returns its cues, each with an end.
    pub fn finish(mut self, plan: &Plan) -> CueList {
        self.decode_waiting(plan);
        if let Storage::Pictures { waiting, .. } = &mut self.kind {
            for ((stamp, _), pairs) in std::mem::take(waiting) {
                self.decode_pairs(stamp, &pairs, plan);
            }
        }
        if !matches!(self.kind, Storage::Packets { .. }) {
            // An empty packet ends the last caption, which no other replaces.
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
        CueList {
            guessed_encoding: self.guessed.map(str::to_owned),
            ..CueList::of(cues, plan.timeline.duration_us())
        }
    }
}

/// Texts of a packet.
fn words(format: Format, packet: &Packet, data: &[u8]) -> Vec<StoredText> {
    let text = |text: &[u8]| StoredText {
        text: text.to_vec(),
        ..StoredText::default()
    };
    match format {
        Format::Decoded => vec![text(data)],
        Format::Timed => {
            let Some((length, rest)) = data.split_at_checked(2) else {
                return Vec::new();
            };
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let (words, after) = rest.split_at(length.min(rest.len()));
            vec![StoredText {
                after: after.to_vec(),
                ..text(words)
            }]
        }
        Format::WebVtt => vec![StoredText {
            settings: settings(packet),
            ..text(data)
        }],
        Format::WebVttBoxes => {
            let cues = boxes::cues(data).into_iter();
            let words = |cue: boxes::BoxedCue| StoredText {
                text: cue.payload,
                settings: cue.settings,
                after: Vec::new(),
            };
            cues.map(words).collect()
        }
    }
}

/// WebVTT settings of a packet. FFmpeg stores them as side data; Matroska stores them as the first of three lines
/// beside the block, behind eight bytes that the demuxer adds (Matroska's "Subtitles", WebVTT).
fn settings(packet: &Packet) -> Vec<u8> {
    const BEFORE: usize = 8;
    let kind = |wanted| packet.side_data().find(|data| data.kind() == wanted);
    if let Some(settings) = kind(side_data::Type::WebVTTSettings) {
        return settings.data().to_vec();
    }
    let beside = kind(side_data::Type::MatroskaBlockAdditional);
    let lines = beside.and_then(|beside| beside.data().get(BEFORE..).map(<[u8]>::to_vec));
    let first = lines.unwrap_or_default();
    first
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default()
        .to_vec()
}

/// Subtitle that a decoder has allocated; it is freed on drop.
struct Decoded(Subtitle);

impl Drop for Decoded {
    fn drop(&mut self) {
        ffi::free_subtitle(&mut self.0);
    }
}
