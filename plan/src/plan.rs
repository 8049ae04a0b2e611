//! The plan: the whole presentation, fixed before a frame is encoded.

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::ladder::{self, Size};
use crate::media_info::{AudioTrack, Index, MediaInfo, VideoTrack};
use crate::policy::Policy;
use crate::timeline::TimeLine;
use crate::{Code, Frames, Rational, Rejection, RenditionId, RenditionName, Samples, h264};

/// Raised by hand when our own processing changes the bytes of any rendition.
pub const MEDIA_GENERATION: u32 = 1;

/// Constant rate factor of every rung, in x264's scale.
const CRF: u32 = 23;
/// Stereo and 5.1 sound, in bits per second.
const STEREO_BITRATE: u32 = 128_000;
const SURROUND_BITRATE: u32 = 384_000;
/// What no sound segment exceeds, boxes included (measured on noise, music and speech by
/// the engine's test `no_sound_segment_exceeds_its_bound`), in bits per second.
const STEREO_BOUND: u32 = 170_000;
const SURROUND_BOUND: u32 = 480_000;

/// The whole presentation of one source under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What the probe found; the engine needs it to find its way in the source.
    pub info: MediaInfo,
    /// Time: ticks, length, boundaries.
    pub timeline: TimeLine,
    /// How a place in the source is reached.
    pub access: Access,
    /// Estimated time of the worst seek to any segment, in microseconds of one core.
    pub worst_seek_us: u64,
    /// Picture, highest rung first; empty for sound alone.
    pub video: Vec<VideoRendition>,
    /// Sound, in track order.
    pub audio: Vec<AudioRendition>,
    /// Preview tiles, where there is a picture.
    pub storyboard: Option<Storyboard>,
    /// Where each track's own content lies, relative to the earliest.
    pub content: Content,
}

/// How a segment's first frame is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Seek to the key frame before, decode, discard.
    Exact,
    /// As `exact`, from that many key frames earlier.
    Preroll(u32),
    /// Seeks are not exact: decode in order from the start of the chunk.
    Linear,
}

/// Picture in one rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoRendition {
    /// Name and hash.
    pub id: RenditionId,
    /// The box's N.
    pub rung: u32,
    /// Sizes from the source down to this rung's own, which is the last.
    pub scale_path: Vec<Size>,
    /// Bits per second that no segment's bytes exceed.
    pub cap_bits_per_second: u64,
    /// RFC 6381 codec string.
    pub codec: String,
    /// H.264 level times ten.
    pub level_idc: u32,
    /// Colour of what comes out; always explicit, always limited range.
    pub color: OutputColor,
    /// x264's preset.
    pub preset: String,
    /// x264's further settings, `key=value` joined by `:`, without what depends on the
    /// segment ([`VideoRendition::rate_control`]).
    pub x264: String,
    /// Units per second of decode and presentation times.
    pub time_scale: u32,
    /// Length of a frame in those units.
    pub frame_duration: u32,
}

impl VideoRendition {
    /// The rung's size.
    pub fn size(&self) -> Size {
        self.scale_path.last().copied().unwrap_or(Size {
            width: 16,
            height: 16,
        })
    }

    /// x264's rate control for a segment of `frames` at `rate`, so that no more than
    /// cap * d bits come out of d seconds: `maxrate = cap * d / (d + 0.5)`, a buffer of one
    /// second, half full at the start (a fresh encoder brings its own fill).
    pub fn rate_control(&self, frames: Frames, rate: Rational) -> String {
        let (length, half) = (2 * frames.0 * rate.den(), rate.num());
        let maxrate = self.cap_bits_per_second as i64 * length / (length + half) / 1000;
        format!("vbv-maxrate={maxrate}:vbv-bufsize={maxrate}:vbv-init=0.5")
    }
}

/// Colour of a picture rendition, in FFmpeg's and x264's spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColor {
    /// Matrix coefficients.
    pub matrix: String,
    /// Colour primaries.
    pub primaries: String,
    /// Transfer characteristics.
    pub transfer: String,
}

impl OutputColor {
    /// Standard-definition and BT.709 sources keep what they declare; what is not declared is
    /// what a player would guess: BT.601 up to 576 lines, BT.709 above. All else becomes BT.709.
    fn of(track: &VideoTrack) -> Self {
        const KEPT: [&str; 3] = ["bt709", "smpte170m", "bt470bg"];
        let lines = track.coded_height.min(track.coded_width);
        let guess = if lines <= 576 { "smpte170m" } else { "bt709" };
        let pick = |declared: &Option<String>| match declared.as_deref() {
            None => guess.to_owned(),
            Some(name) if KEPT.contains(&name) => name.to_owned(),
            Some(_) => "bt709".to_owned(),
        };
        let color = &track.color;
        Self {
            matrix: pick(&color.matrix),
            primaries: pick(&color.primaries),
            transfer: pick(&color.transfer),
        }
    }
}

/// Sound of one track in one channel layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioRendition {
    /// Name and hash.
    pub id: RenditionId,
    /// Which of `info.audio` it is made of.
    pub track: u32,
    /// 2 or 6.
    pub channels: u32,
    /// What the encoder aims at.
    pub bits_per_second: u32,
    /// What no segment exceeds, boxes included.
    pub bound_bits_per_second: u32,
    /// RFC 6381 codec string.
    pub codec: String,
    /// Language tag, where the source declares one.
    pub language: Option<String>,
    /// What a menu shows.
    pub label: String,
    /// Whether players start with it.
    pub default: bool,
}

/// Preview tiles: one picture every `interval`, on sheets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    /// Name and hash.
    pub id: RenditionId,
    /// Size of one tile.
    pub tile: Size,
    /// Tiles side by side on a sheet.
    pub columns: u32,
    /// Rows of tiles on a sheet.
    pub rows: u32,
    /// Seconds from one tile to the next.
    pub interval_seconds: u32,
    /// Number of tiles in all.
    pub tiles: u32,
}

impl Storyboard {
    /// Number of sheets.
    pub fn sheets(&self) -> u32 {
        self.tiles.div_ceil(self.columns * self.rows)
    }
}

/// Where content lies on the presentation's own time line, in microseconds from the earlier
/// start of picture and sound: (start, length).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The picture.
    pub video: Option<(i64, i64)>,
    /// Each sound track.
    pub audio: Vec<(i64, i64)>,
}

/// Which of the work on a video: the fastest way to a start, or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// The start rungs and the sound.
    Start,
    /// Whatever is not made yet.
    All,
}

impl Plan {
    /// Number of segments of every picture and sound rendition.
    pub fn segments(&self) -> u32 {
        self.timeline.segments()
    }

    /// The rendition of this id among picture renditions.
    pub fn video_rendition(&self, id: RenditionId) -> Option<&VideoRendition> {
        self.video.iter().find(|v| v.id == id)
    }

    /// The rendition of this id among sound renditions.
    pub fn audio_rendition(&self, id: RenditionId) -> Option<&AudioRendition> {
        self.audio.iter().find(|a| a.id == id)
    }

    /// Picture and sound renditions: those that have init segments and `m4s` segments.
    pub fn media_ids(&self) -> impl Iterator<Item = RenditionId> + '_ {
        self.video
            .iter()
            .map(|v| v.id)
            .chain(self.audio.iter().map(|a| a.id))
    }

    /// How many segments (or sheets) a rendition has; nothing where it is not in the plan.
    pub fn segment_count(&self, id: RenditionId) -> Option<u32> {
        match &self.storyboard {
            Some(storyboard) if storyboard.id == id => Some(storyboard.sheets()),
            _ => self
                .media_ids()
                .any(|known| known == id)
                .then(|| self.segments()),
        }
    }

    /// Positions in `video` of the rungs that players start with: the highest in box <= 480,
    /// which is listed first, and the highest in box <= 360; the lowest where there is none.
    pub fn start_rungs(&self) -> Vec<usize> {
        let highest = |limit| {
            let position = self.video.iter().position(|v| v.rung <= limit);
            position.or(self.video.len().checked_sub(1))
        };
        let mut rungs: Vec<usize> = [highest(480), highest(360)].into_iter().flatten().collect();
        rungs.dedup();
        rungs
    }

    /// The renditions of a kind of work.
    pub fn renditions_of(&self, kind: WorkKind) -> Vec<RenditionId> {
        match kind {
            WorkKind::All => self.media_ids().collect(),
            WorkKind::Start => {
                let rungs = self
                    .start_rungs()
                    .into_iter()
                    .map(|rung| self.video[rung].id);
                rungs.chain(self.audio.iter().map(|a| a.id)).collect()
            }
        }
    }

    /// Number of chunks.
    pub fn chunks(&self) -> u32 {
        self.chunk_starts().len() as u32
    }

    /// First segment of a chunk, and of the one after it. Chunk 0 is the segments that start
    /// before 4 s, chunk 1 those before 12 s, then eight segments each.
    pub fn chunk_segments(&self, chunk: u32) -> (u32, u32) {
        let starts = self.chunk_starts();
        let at = |i: usize| starts.get(i).copied().unwrap_or_else(|| self.segments());
        (at(chunk as usize), at(chunk as usize + 1))
    }

    /// The chunk a segment belongs to.
    pub fn chunk_of(&self, segment: u32) -> u32 {
        (self
            .chunk_starts()
            .partition_point(|&start| start <= segment) as u32)
            .saturating_sub(1)
    }

    fn chunk_starts(&self) -> Vec<u32> {
        let before = |seconds: i64| {
            let limit = seconds * 1_000_000;
            let starts = &self.timeline.boundaries[..self.segments() as usize];
            starts.partition_point(|&tick| self.timeline.frame_us(tick) < limit) as u32
        };
        let (first, second) = (before(4), before(12));
        let later = (second..self.segments()).step_by(8);
        let mut starts: Vec<u32> = [0, first].into_iter().chain(later).collect();
        starts.retain(|&start| start < self.segments());
        starts.dedup();
        starts
    }
}

/// The plan of a source under a policy; the same arguments give the same plan.
///
/// # Errors
/// A [`Rejection`] where the source exceeds a limit or holds neither picture nor sound.
pub fn plan(info: &MediaInfo, policy: &Policy) -> Result<Plan, Rejection> {
    check_limits(info, policy)?;
    let nothing = || Rejection::new(Code::NoVideo, "The file holds neither picture nor sound.");
    let timeline = TimeLine::of(info, policy.segment_seconds).ok_or_else(nothing)?;
    let duration_us = timeline.duration_us();
    if duration_us as u64 / 1_000_000 > policy.limits.duration_seconds {
        return Err(Rejection::new(
            Code::LimitDuration,
            format!(
                "The video lasts longer than {} s.",
                policy.limits.duration_seconds
            ),
        ));
    }
    let access = access(info);
    let video = match &info.video {
        Some(track) => video_renditions(track, &timeline, access, policy),
        None => Vec::new(),
    };
    let audio = audio_renditions(info, &timeline, policy);
    let storyboard = info
        .video
        .as_ref()
        .map(|track| storyboard(track, &timeline, duration_us, policy));
    Ok(Plan {
        access,
        worst_seek_us: info.video.as_ref().map_or(0, worst_seek_us),
        video,
        audio,
        storyboard,
        content: content(info),
        timeline,
        info: info.clone(),
    })
}

fn check_limits(info: &MediaInfo, policy: &Policy) -> Result<(), Rejection> {
    let limits = &policy.limits;
    if info.streams > limits.streams {
        let message = format!(
            "{} streams; at most {} are read.",
            info.streams, limits.streams
        );
        return Err(Rejection::new(Code::LimitStreams, message));
    }
    if info.size > limits.size_bytes {
        let message = format!(
            "{} bytes; at most {} are taken.",
            info.size, limits.size_bytes
        );
        return Err(Rejection::new(Code::LimitSize, message));
    }
    let Some(video) = &info.video else {
        return Ok(());
    };
    let (width, height) = (video.coded_width, video.coded_height);
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.side_px || pixels > limits.frame_px {
        let message = format!("Pictures of {width}x{height} are larger than can be decoded here.");
        return Err(Rejection::new(Code::LimitDimensions, message));
    }
    if video.frame_rate > Rational::new(i64::from(limits.frame_rate), 1) {
        let message = format!("More than {} pictures per second.", limits.frame_rate);
        return Err(Rejection::new(Code::LimitFrameRate, message));
    }
    Ok(())
}

fn access(info: &MediaInfo) -> Access {
    match info.index {
        Index::Container | Index::Scanned(_) => Access::Exact,
        Index::None => Access::Linear,
    }
}

/// Pixels that one core decodes per second, roughly: 1080p H.264 at 240 frames.
const DECODE_PIXELS_PER_SECOND: u64 = 500_000_000;

fn worst_seek_us(video: &VideoTrack) -> u64 {
    let frame = u64::from(video.coded_width) * u64::from(video.coded_height);
    video.longest_gop.unwrap_or(0).saturating_mul(frame) * 1_000_000 / DECODE_PIXELS_PER_SECOND
}

fn video_renditions(
    track: &VideoTrack,
    timeline: &TimeLine,
    access: Access,
    policy: &Policy,
) -> Vec<VideoRendition> {
    let rate = timeline.rate;
    let factor = (10_000 + rate.num() - 1) / rate.num();
    let (time_scale, frame_duration) = ((rate.num() * factor) as u32, (rate.den() * factor) as u32);
    let (preset, references) = policy.effort.x264();
    let color = OutputColor::of(track);
    let x264 = format!(
        "crf={CRF}:ref={references}:keyint=infinite:min-keyint=1000000:open-gop=0:threads=1:\
         sync-lookahead=0:cpu-independent=1:stitchable=1:force-cfr=1:b-pyramid=normal:\
         range=tv:colormatrix={}:colorprim={}:transfer={}",
        color.matrix, color.primaries, color.transfer
    );
    let rendition = |rung: ladder::Rung| {
        let cap_kbit = rung.container.cap_kbit;
        let level_idc = h264::level_idc(rung.size(), rate, cap_kbit);
        let mut hash = Canonical::new("video/h264");
        hash_source(&mut hash, track.stream, timeline, policy)
            .ints(
                rung.path
                    .iter()
                    .flat_map(|s| [i64::from(s.width), i64::from(s.height)])
                    .collect::<Vec<_>>()
                    .into_iter(),
            )
            .text(preset)
            .text(&x264)
            .int(level_idc)
            .int(cap_kbit);
        hash_picture(&mut hash, track, access);
        let name = RenditionName::Video(rung.container.short);
        VideoRendition {
            id: hash.rendition(name),
            rung: rung.container.short,
            cap_bits_per_second: u64::from(cap_kbit) * 1000,
            codec: h264::codec_string(level_idc),
            level_idc,
            color: color.clone(),
            preset: preset.to_owned(),
            x264: x264.clone(),
            time_scale,
            frame_duration,
            scale_path: rung.path,
        }
    };
    ladder::rungs(track).into_iter().map(rendition).collect()
}

/// What shapes the bytes of every rendition alike.
fn hash_source<'a>(
    hash: &'a mut Canonical,
    stream: u32,
    timeline: &TimeLine,
    policy: &Policy,
) -> &'a mut Canonical {
    hash.int(MEDIA_GENERATION)
        .int(policy.encoder_epoch)
        .int(stream)
        .rational(timeline.rate)
        .rational(timeline.origin)
        .int(timeline.samples.0)
        .ints(timeline.boundaries.iter().map(|b| b.0))
}

fn hash_picture(hash: &mut Canonical, track: &VideoTrack, access: Access) {
    let color = &track.color;
    hash.int(track.coded_width)
        .int(track.coded_height)
        .rational(track.sample_aspect)
        .int(track.rotation)
        .int(track.mirrored)
        .int(track.interlaced)
        .text(&track.pixel_format)
        .optional(color.range.as_deref())
        .optional(color.matrix.as_deref())
        .optional(color.primaries.as_deref())
        .optional(color.transfer.as_deref())
        .int(match access {
            Access::Exact => 0,
            Access::Preroll(n) => i64::from(n),
            Access::Linear => -1,
        });
}

fn audio_renditions(info: &MediaInfo, timeline: &TimeLine, policy: &Policy) -> Vec<AudioRendition> {
    let default = info.audio.iter().position(|a| a.default).unwrap_or(0);
    let make = |(track, source): (usize, &AudioTrack), surround: bool| {
        let track_number = track as u32;
        let (name, channels, bitrate, bound) = if surround {
            (
                RenditionName::Surround(track_number),
                6,
                SURROUND_BITRATE,
                SURROUND_BOUND,
            )
        } else {
            (
                RenditionName::Stereo(track_number),
                2,
                STEREO_BITRATE,
                STEREO_BOUND,
            )
        };
        let mut hash = Canonical::new("audio/aac-lc");
        hash_source(&mut hash, source.stream, timeline, policy)
            .int(channels)
            .int(bitrate)
            .int(source.sample_rate)
            .text(&source.layout)
            .rational(source.start)
            .rational(source.end)
            .optional(source.language.as_deref());
        AudioRendition {
            id: hash.rendition(name),
            track: track_number,
            channels,
            bits_per_second: bitrate,
            bound_bits_per_second: bound,
            codec: "mp4a.40.2".to_owned(),
            language: source.language.clone(),
            label: label(source, track_number),
            default: track == default,
        }
    };
    let stereo = info
        .audio
        .iter()
        .enumerate()
        .map(|source| make(source, false));
    let has_surround = |source: &(usize, &AudioTrack)| source.1.channels >= 6;
    let surround = info
        .audio
        .iter()
        .enumerate()
        .filter(has_surround)
        .map(|source| make(source, true));
    stereo.chain(surround).collect()
}

fn label(source: &AudioTrack, track: u32) -> String {
    let declared = source.title.clone().or_else(|| source.language.clone());
    declared.unwrap_or_else(|| format!("Audio {}", track + 1))
}

/// Tiles on a sheet: few enough that the first sheet is small, many enough that an hour
/// takes a handful of requests.
const STORYBOARD_GRID: (u32, u32) = (5, 5);
/// Long side of a tile in pixels.
const STORYBOARD_TILE: u64 = 160;
/// More tiles than this do not help anybody find a scene.
const STORYBOARD_TILES: i64 = 300;

fn storyboard(
    track: &VideoTrack,
    timeline: &TimeLine,
    duration_us: i64,
    policy: &Policy,
) -> Storyboard {
    let (width, height) = ladder::display_size(track);
    let long = width.max(height).max(1);
    let side = |length: u64| ((length * STORYBOARD_TILE / long) / 2 * 2).clamp(16, STORYBOARD_TILE);
    let tile = Size {
        width: side(width) as u32,
        height: side(height) as u32,
    };
    let count = |interval: u32| {
        (duration_us + i64::from(interval) * 1_000_000 - 1) / (i64::from(interval) * 1_000_000)
    };
    let steps = [1, 2, 5, 10, 20, 30, 60, 120, 300];
    let interval_seconds = steps
        .into_iter()
        .find(|&s| count(s) <= STORYBOARD_TILES)
        .unwrap_or(600);
    let tiles = count(interval_seconds).max(1) as u32;
    let (columns, rows) = STORYBOARD_GRID;
    let mut hash = Canonical::new("storyboard/jpeg");
    hash_source(&mut hash, track.stream, timeline, policy)
        .int(tile.width)
        .int(tile.height)
        .int(columns)
        .int(rows)
        .int(interval_seconds)
        .int(tiles);
    let id = hash.rendition(RenditionName::Storyboard);
    Storyboard {
        id,
        tile,
        columns,
        rows,
        interval_seconds,
        tiles,
    }
}

fn content(info: &MediaInfo) -> Content {
    let starts = info
        .video
        .iter()
        .map(|v| v.start)
        .chain(info.audio.iter().map(|a| a.start));
    let Some(earliest) = starts.min() else {
        return Content::default();
    };
    let span = |start: Rational, end: Rational| {
        let us = |time: Rational| time.scale_round(1_000_000, 1);
        (us(start - earliest), us(end - start))
    };
    Content {
        video: info.video.as_ref().map(|v| span(v.start, v.end)),
        audio: info.audio.iter().map(|a| span(a.start, a.end)).collect(),
    }
}

/// The fixed place at which the decoder and resampler of a sound segment start: so many
/// output samples before its first one, at least eight AAC frames, and a whole multiple of
/// the resampling ratio, so that every segment meets the resampler in the same phase.
pub fn audio_preroll(source_rate: u32) -> Samples {
    let ratio = Rational::new(48_000, i64::from(source_rate.max(1)));
    let least = 8 * crate::timeline::AAC_FRAME;
    Samples((least + ratio.num() - 1) / ratio.num() * ratio.num())
}
