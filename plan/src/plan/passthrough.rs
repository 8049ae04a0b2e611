//! The source's own pictures as the top rung, where players take them as they are: no encode, and
//! no loss. Every rendition is cut at the source's key frames then.

use super::video::{hash_picture, in_codec, renditions};
use super::{Access, Conversion, OutputColor, Plan, VideoRendition, hash_source};
use crate::canonical::Canonical;
use crate::ladder::{self, Size};
use crate::media_info::{CodedPictures, MediaInfo, VideoTrack};
use crate::policy::Policy;
use crate::timeline::{SEGMENT_SECONDS, TimeLine};
use crate::{Code, Frames, Note, Rational, RenditionName};

/// The longest segment: players buffer whole ones, and the first is waited for.
const LONGEST: Rational = Rational::new(10, 1);
/// The shortest segment of pictures that are passed through, in seconds: each is a request. Probes
/// need not tell of key frames closer to one another.
pub const SHORTEST_PASSED: Rational = Rational::new(1, 2);
/// So many times its box's cap a source may have at most: more is a gap above the rung below that
/// few players get over, and costs more to deliver than an encode.
const MOST_CAPS: u64 = 2;
/// Bytes that a picture may grow by: its entry in `trun`, and longer lengths of its units.
const PICTURE_BYTES: u64 = 64;
/// Bytes of boxes around a segment's pictures.
const SEGMENT_BYTES: u64 = 1024;
/// What H.264 allows (ITU-T H.264 §E.2.1), in frames.
const MOST_REORDERED: u32 = 16;
/// Level 5.2, which 2160p60 has, in the record's unit: players do not decode beyond it.
const HIGHEST_LEVEL: u8 = 52;

/// A presentation cut at its source's key frames, with those pictures in it.
pub(super) struct Cut<'a> {
    pub(super) timeline: TimeLine,
    coded: &'a CodedPictures,
    /// Kilobits per second that no segment of them exceeds.
    cap_kbit: u32,
}

impl<'a> Cut<'a> {
    /// Nothing where the source is to be encoded in all rungs: where nobody wants otherwise, where
    /// players would not take it, or where it cannot be cut into segments as short as they should
    /// be.
    pub(super) fn of(
        info: &'a MediaInfo,
        usual: &TimeLine,
        access: Access,
        policy: &Policy,
    ) -> Option<Self> {
        let track = info.video.as_ref()?;
        let coded = track.coded.as_ref()?;
        // What is said of other tracks does not matter.
        let is_harmless = |note: &Note| {
            matches!(
                note.code,
                Code::TrackSkipped | Code::Guessed | Code::UnsupportedCodec
            )
        };
        let is_whole = info.notes.iter().all(is_harmless) && access == Access::Exact;
        let is_reordered_as_may_be = coded.reorder_frames <= MOST_REORDERED;
        if !policy.passthrough
            || !is_whole
            || !is_reordered_as_may_be
            || !is_for_players(track, &coded.record)
        {
            return None;
        }
        let cuts = Cuts::of(track, coded, usual)?;
        let timeline = TimeLine {
            boundaries: cuts.boundaries(usual, policy.segment_seconds)?,
            ..usual.clone()
        };
        let cap_kbit = cuts.cap_kbit(&timeline)?;
        let rungs = ladder::rungs(track, timeline.rate);
        let (top, lower) = rungs.split_first()?;
        let stored = Size {
            width: track.coded_width,
            height: track.coded_height,
        };
        let is_small_enough = u64::from(cap_kbit) <= MOST_CAPS * u64::from(top.container.cap_kbit);
        // Players go by rate: what costs more than the source would be taken for better.
        let has_lower = lower.iter().any(|rung| rung.container.cap_kbit < cap_kbit);
        let is_top = top.path == [stored] && is_small_enough && has_lower;
        is_top.then_some(Self {
            timeline,
            coded,
            cap_kbit,
        })
    }

    /// The source as it is, and the rungs that cost less.
    pub(super) fn renditions(
        &self,
        track: &VideoTrack,
        access: Access,
        policy: &Policy,
    ) -> Vec<VideoRendition> {
        let mut rungs = renditions(track, &self.timeline, access, policy);
        let cap_bits_per_second = u64::from(self.cap_kbit) * 1000;
        rungs.retain_mut(|rung| {
            let is_top = rung.scale_path.len() == 1;
            if is_top {
                self.pass_through(rung, track, access);
            }
            is_top || rung.cap_bits_per_second < cap_bits_per_second
        });
        rungs
    }

    fn pass_through(&self, rung: &mut VideoRendition, track: &VideoTrack, access: Access) {
        let record = &self.coded.record;
        let mut hash = Canonical::new("video/h264/passthrough");
        hash_source(&mut hash, track.stream, &self.timeline)
            .int(self.coded.reorder_frames)
            .ints(record.iter().map(|&byte| i64::from(byte)));
        hash_picture(&mut hash, track, access);
        rung.id = hash.rendition(RenditionName::Video(rung.rung));
        rung.cap_bits_per_second = u64::from(self.cap_kbit) * 1000;
        let declared: String = record[1..4].iter().map(|b| format!("{b:02x}")).collect();
        rung.codec = format!("avc1.{declared}");
        rung.level_idc = u32::from(record[3]);
        rung.reorder_frames = self.coded.reorder_frames;
        rung.preset.clear();
        rung.settings.clear();
        rung.passed_through = Some(record.clone());
    }
}

/// Whether players show these pictures as an encoder of ours would have made them: progressive
/// 4:2:0 in eight bits, upright, of square pixels, in colours that need no conversion.
fn is_for_players(track: &VideoTrack, record: &[u8]) -> bool {
    let color = OutputColor::of(track);
    let declared = &track.color;
    let keeps = |declared: &Option<String>, sent: &String| {
        declared.as_ref().is_none_or(|declared| declared == sent)
    };
    let is_plain = track.codec == "h264"
        && track.pixel_format == "yuv420p"
        && track.sample_aspect == Rational::new(1, 1)
        && track.rotation == 0
        && !track.mirrored
        && !track.interlaced
        && !track.open_gops
        && track.constant_rate;
    let keeps_colors = color.conversion == Conversion::Kept
        && track.dolby_vision.is_none()
        && declared.range.as_deref() != Some("full")
        && keeps(&declared.matrix, &color.matrix)
        && keeps(&declared.primaries, &color.primaries)
        && keeps(&declared.transfer, &color.transfer);
    is_plain && keeps_colors && is_profile_of_players(record)
}

/// Constrained Baseline, Main or High (ITU-T H.264 §A.2).
fn is_profile_of_players(record: &[u8]) -> bool {
    const CONSTRAINT_SET1: u8 = 0x40;
    match *record {
        [1, 66, constraints, level, ..] => {
            constraints & CONSTRAINT_SET1 != 0 && level <= HIGHEST_LEVEL
        }
        [1, 77 | 100, _, level, ..] => level <= HIGHEST_LEVEL,
        _ => false,
    }
}

/// Where a presentation may be cut: the tick of each key frame, and the source's bytes of picture
/// before it; the end comes last.
struct Cuts(Vec<(i64, u64)>);

impl Cuts {
    /// Nothing where some tick between the first picture and the last has none of its own.
    fn of(track: &VideoTrack, coded: &CodedPictures, timeline: &TimeLine) -> Option<Self> {
        let pictures = i64::try_from(coded.count()).ok()?;
        // The last picture's own length may be anything.
        let first = timeline.tick_of(track.start).0;
        let end = first.checked_add(pictures)?;
        let is_full = (timeline.tick_of(track.end).0 - end).abs() <= 1;
        if !is_full || end > timeline.frames().0 || track.frame_rate != timeline.rate {
            return None;
        }
        let mut places = Vec::with_capacity(coded.groups.len() + 1);
        let (mut tick, mut bytes) = (first, 0u64);
        for group in coded.groups.iter().filter(|group| group.pictures > 0) {
            // The first is held backwards.
            let shown = if places.is_empty() { 0 } else { tick };
            places.push((shown, bytes));
            tick += i64::from(group.pictures);
            bytes = bytes.saturating_add(group.bytes);
        }
        places.push((timeline.frames().0, bytes));
        Some(Self(places))
    }

    /// Each at the key frame nearest to where it would be after the one before; nothing where a
    /// segment would be too long.
    fn boundaries(&self, timeline: &TimeLine, segment_seconds: u32) -> Option<Vec<Frames>> {
        let segment_seconds =
            segment_seconds.clamp(*SEGMENT_SECONDS.start(), *SEGMENT_SECONDS.end());
        let ticks = |span: Rational| span.scale_round(timeline.rate.num(), timeline.rate.den());
        let (shortest, longest) = (ticks(SHORTEST_PASSED), ticks(LONGEST));
        let end = timeline.frames().0;
        let keys = &self.0[..self.0.len() - 1];
        let mut boundaries = vec![Frames(0)];
        let mut at = 0;
        for seconds in [1, 1, 2]
            .into_iter()
            .chain(std::iter::repeat(segment_seconds))
        {
            let wanted = at + ticks(Rational::new(i64::from(seconds), 1));
            if end - wanted < ticks(Rational::new(1, 1)) && end - at <= longest {
                break;
            }
            let first = keys.partition_point(|key| key.0 < at + shortest);
            let last = keys.partition_point(|key| key.0 <= (at + longest).min(end - shortest));
            let near = keys.get(first..last).unwrap_or_default();
            let nearest = near.iter().min_by_key(|key| (key.0 - wanted).abs());
            match nearest {
                Some(key) => at = key.0,
                None if end - at <= longest => break,
                None => return None,
            }
            boundaries.push(Frames(at));
        }
        boundaries.push(Frames(end));
        Some(boundaries)
    }

    /// The rate of the largest segment, rounded up.
    fn cap_kbit(&self, timeline: &TimeLine) -> Option<u32> {
        let bytes_before = |tick: Frames| {
            let place = self.0.binary_search_by_key(&tick.0, |place| place.0).ok()?;
            Some(self.0[place].1)
        };
        let mut cap = 0;
        for pair in timeline.boundaries.windows(2) {
            let frames = (pair[1] - pair[0]).0;
            let bytes = bytes_before(pair[1])?.checked_sub(bytes_before(pair[0])?)?;
            let bytes = bytes.checked_add(frames as u64 * PICTURE_BYTES + SEGMENT_BYTES)?;
            let bits = i128::from(bytes) * 8 * i128::from(timeline.rate.num());
            let second = 1000 * i128::from(frames) * i128::from(timeline.rate.den());
            cap = cap.max((bits + second - 1) / second);
        }
        u32::try_from(cap).ok()
    }
}

impl Plan {
    /// The rendition that is the source's own pictures.
    pub fn passed_through(&self) -> Option<&VideoRendition> {
        self.video.iter().find(|rung| rung.passed_through.is_some())
    }

    /// The same presentation with all of its rungs encoded, cut as it was; nothing where they are
    /// already.
    pub fn with_all_encoded(&self, policy: &Policy) -> Option<Self> {
        self.passed_through()?;
        let track = self.info.video.as_ref()?;
        let rungs = renditions(track, &self.timeline, self.access, policy);
        let of_before = |fresh: VideoRendition| {
            let mut before = self.video.iter();
            let same = |known: &&VideoRendition| {
                known.rung == fresh.rung && known.passed_through.is_none()
            };
            before.find(same).cloned().unwrap_or(fresh)
        };
        let mut plan = self.clone();
        plan.video = rungs.into_iter().map(of_before).collect();
        let rate = plan.timeline.rate;
        for lazy in &mut plan.lazy {
            let of = |rung: &VideoRendition| in_codec(lazy.codec, rung, rate);
            lazy.video = plan.video.iter().map(of).collect();
        }
        Some(plan)
    }
}
