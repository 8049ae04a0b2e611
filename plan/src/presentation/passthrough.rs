//! Pass-through: the source's own coded video as the top rung, if players can play it as it is. This saves an encode
//! and loses no quality. All renditions are then cut at the source's key frames.
//!
//! A track's coded frames go in; boundaries and the passed-through rendition come out.

use crate::canonical::Canonical;
use crate::codes::{Code, Note};
use crate::ladder::{self, Size};
use crate::media_info::coded::CodedPictures;
use crate::media_info::{MediaInfo, VideoTrack};
use crate::policy::Policy;
use crate::presentation::color::{Conversion, OutputColor};
use crate::presentation::hashes::hash_source;
use crate::presentation::model::{Access, Plan};
use crate::presentation::video::{VideoRendition, hash_picture, in_codec, renditions};
use crate::rendition::RenditionName;
use crate::timeline::{SEGMENT_SECONDS, TimeLine};
use crate::units::{Frames, Rational};

/// Longest segment in seconds: players buffer whole segments, and wait for the first one.
const LONGEST_SEGMENT: Rational = Rational::new(10, 1);
/// Shortest segment of passed-through video in seconds, since each segment costs a request. Probes may omit key
/// frames that are closer together.
pub const SHORTEST_PASSED: Rational = Rational::new(1, 2);
/// Largest bit rate of a passed-through source, as a multiple of its box's cap. A larger one leaves a gap above the
/// next rung that few players can cross, and costs more to deliver than an encode.
const MOST_TIMES_CAP: u64 = 2;
/// Number of bytes by which a frame may grow in a segment: its entry in `trun`, and longer length fields of its NAL
/// units.
const PICTURE_BYTES: u64 = 64;
/// Number of bytes of the boxes around a segment's frames.
const SEGMENT_BYTES: u64 = 1024;
/// Largest reorder delay in frames that H.264 allows (ITU-T H.264 §E.2.1).
const MOST_REORDERED: u32 = 16;
/// Highest level that players decode, as ten times its number: 5.2, the level of 2160p60.
const HIGHEST_LEVEL: u8 = 52;

/// Presentation that is cut at its source's key frames, with the source's coded frames as the top rung.
pub(super) struct Cut<'a> {
    pub(super) timeline: TimeLine,
    coded: &'a CodedPictures,
    /// Bit rate in kilobits per second that no passed-through segment exceeds.
    cap_kbit: u32,
}

impl<'a> Cut<'a> {
    /// Decides whether the source is passed through. Returns `None` if all rungs are to be encoded: the policy does
    /// not ask for pass-through, players could not play the source as it is, or it cannot be cut into short enough
    /// segments.
    pub(super) fn of(
        info: &'a MediaInfo,
        usual: &TimeLine,
        access: Access,
        policy: &Policy,
    ) -> Option<Self> {
        let track = info.video.as_ref()?;
        let coded = track.coded.as_ref()?;
        // Notes with these codes do not concern the video track.
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
        let cuts = CutPositions::of(track, coded, usual)?;
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
        let is_small_enough =
            u64::from(cap_kbit) <= MOST_TIMES_CAP * u64::from(top.container.cap_kbit);
        // Players compare bit rates: a lower rung that cost more than the source would be taken for the better one.
        let has_lower = lower.iter().any(|rung| rung.container.cap_kbit < cap_kbit);
        let is_top = top.path == [stored] && is_small_enough && has_lower;
        is_top.then_some(Self {
            timeline,
            coded,
            cap_kbit,
        })
    }

    /// Video renditions: the source as it is, and the rungs that have a lower cap.
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

/// Whether players show the source's coded video like a video of our encoder: progressive, 4:2:0, eight bits,
/// upright, with square pixels, and with colors that need no conversion.
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

/// Whether the profile is one that all players decode: Constrained Baseline, Main or High (ITU-T H.264 §A.2).
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

/// Positions where a presentation can be cut: the tick of each key frame and the number of video bytes before it. The
/// end of the presentation is the last entry.
struct CutPositions(Vec<(i64, u64)>);

impl CutPositions {
    /// Finds the positions. Returns `None` if a tick between the first and the last frame has no frame of its own.
    fn of(track: &VideoTrack, coded: &CodedPictures, timeline: &TimeLine) -> Option<Self> {
        let pictures = i64::try_from(coded.count()).ok()?;
        // The last frame may have any duration, so one tick of difference is allowed.
        let first = timeline.tick_of(track.start).0;
        let end = first.checked_add(pictures)?;
        let is_full = (timeline.tick_of(track.end).0 - end).abs() <= 1;
        if !is_full || end > timeline.frames().0 || track.frame_rate != timeline.rate {
            return None;
        }
        let mut places = Vec::with_capacity(coded.groups.len() + 1);
        let (mut tick, mut bytes) = (first, 0u64);
        for group in coded.groups.iter().filter(|group| group.pictures > 0) {
            // The first frame is also shown for the time before it.
            let shown = if places.is_empty() { 0 } else { tick };
            places.push((shown, bytes));
            tick += i64::from(group.pictures);
            bytes = bytes.saturating_add(group.bytes);
        }
        places.push((timeline.frames().0, bytes));
        Some(Self(places))
    }

    /// Chooses the segment boundaries: each at the key frame nearest to its usual distance from the boundary before
    /// it. `None` if a segment would be too long.
    fn boundaries(&self, timeline: &TimeLine, segment_seconds: u32) -> Option<Vec<Frames>> {
        let segment_seconds =
            segment_seconds.clamp(*SEGMENT_SECONDS.start(), *SEGMENT_SECONDS.end());
        let ticks = |span: Rational| span.scale_round(timeline.rate.num(), timeline.rate.den());
        let (shortest, longest) = (ticks(SHORTEST_PASSED), ticks(LONGEST_SEGMENT));
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

    /// Bit rate of the largest segment in kilobits per second, rounded up.
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
    /// The passed-through rendition, if the plan has one.
    pub fn passed_through(&self) -> Option<&VideoRendition> {
        self.video.iter().find(|rung| rung.passed_through.is_some())
    }

    /// Returns the plan with all rungs encoded and the same segment boundaries. `None` if no rung is passed through.
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
