//! The sound of one source track, sample by sample: any span of it, decoded afresh.

use anyhow::{Context as _, Result, bail};
use ffmpeg_next::codec::{self, decoder};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::sample::{Sample, Type};
use ffmpeg_next::software::resampling;
use ffmpeg_next::{ChannelLayout, Error, Packet, frame};
use plan::media_info::AudioTrack;
use plan::{Index, Rational};

use crate::source::Source;
use crate::times::{rational, seconds, timestamp};
use crate::{ffi, open};

/// 32-bit floats, a plane for each channel.
pub const PLANAR: Sample = Sample::F32(Type::Planar);

/// Packets that a decoder sees before its output counts: MP3's bit reservoir reaches nine
/// frames back, Opus converges within 80 ms.
const DECODER_PREROLL: u32 = 10;
/// Samples in a packet, at least as the pre-roll counts them.
const TYPICAL_FRAME: u32 = 1024;

/// Reads spans of one sound track.
pub struct Sounds {
    source: Source,
    input: Input,
    stream: usize,
    time_base: Rational,
    track: AudioTrack,
    has_no_index: bool,
    /// Packets before this time stamp are passed over.
    skips_to: Option<i64>,
    /// Packets from this time stamp on are heard.
    heard_from: i64,
    /// Some of those could not be decoded since that was asked last.
    has_damage: bool,
}

impl Sounds {
    /// Opens a track of the source.
    pub fn open(source: &Source, track: &AudioTrack, index: &Index) -> Result<Self> {
        let mut input = open::open(source)?;
        let stream = track.stream as usize;
        ffi::discard_all_but(&mut input, stream);
        let time_base = input.stream(stream).map(|s| rational(s.time_base()));
        let time_base = time_base.context("no such stream")?;
        Ok(Self {
            source: source.clone(),
            input,
            stream,
            time_base,
            track: track.clone(),
            has_no_index: *index == Index::None,
            skips_to: None,
            heard_from: 0,
            has_damage: false,
        })
    }

    /// Whether something could not be decoded since this was asked last.
    pub fn take_damage(&mut self) -> bool {
        std::mem::take(&mut self.has_damage)
    }

    /// The track's channel layout.
    pub fn layout(&self) -> ChannelLayout {
        layout(self.track.channels)
    }

    /// Samples `from .. from + count`, counted from the track's first, a plane for each
    /// channel; silence where the track has none. Always decoded afresh from the same place,
    /// since decoders carry state (FFmpeg's AAC its noise generator) across frames.
    pub fn span(&mut self, from: i64, count: usize) -> Result<Vec<Vec<f32>>> {
        let mut planes = vec![vec![0f32; count]; self.layout().channels() as usize];
        let length = (self.track.end - self.track.start).scale_round(self.rate(), 1);
        let (first, last) = (from.max(0), (from + count as i64).min(length));
        if first >= last {
            return Ok(planes);
        }
        let frame_samples = self.track.frame_samples.unwrap_or(0).max(TYPICAL_FRAME);
        let preroll = i64::from(DECODER_PREROLL * frame_samples);
        self.seek(first - preroll)?;
        let heard = self.track.start + Rational::new(first, self.rate().max(1));
        self.heard_from = timestamp(heard, self.time_base);
        let mut decoder = self.decoder()?;
        let mut converter = None;
        let mut running = None;
        let mut draining = false;
        loop {
            let mut decoded = frame::Audio::empty();
            match decoder.receive_frame(&mut decoded) {
                Ok(()) => {
                    let at = self.place(&decoded, running);
                    running = Some(at + decoded.samples() as i64);
                    if at >= last {
                        return Ok(planes);
                    }
                    let samples = self.planar(decoded, &mut converter)?;
                    copy(&samples, at, &mut planes, from, first, last);
                }
                Err(Error::Eof) => return Ok(planes),
                Err(_) if draining => return Ok(planes),
                Err(_) => draining = !self.feed(&mut decoder)?,
            }
        }
    }

    fn rate(&self) -> i64 {
        i64::from(self.track.sample_rate)
    }

    fn seek(&mut self, sample: i64) -> Result<()> {
        let time = self.track.start + Rational::new(sample, self.rate().max(1));
        let stamp = timestamp(time, self.time_base);
        self.skips_to = self.has_no_index.then_some(stamp);
        if sample > 0
            && !self.has_no_index
            && ffi::seek_back(&mut self.input, self.stream, stamp).is_ok()
        {
            return Ok(());
        }
        open::rewind(&self.source, &mut self.input)?;
        ffi::discard_all_but(&mut self.input, self.stream);
        Ok(())
    }

    fn decoder(&self) -> Result<decoder::Audio> {
        let Some(stream) = self.input.stream(self.stream) else {
            bail!("no such stream")
        };
        let mut decoder = codec::Context::from_parameters(stream.parameters())?.decoder();
        decoder.set_packet_time_base(stream.time_base());
        Ok(decoder.audio()?)
    }

    /// Where a decoded frame's first sample lies, counted from the track's first.
    fn place(&self, decoded: &frame::Audio, running: Option<i64>) -> i64 {
        let Some(stamp) = ffi::best_timestamp(decoded) else {
            return running.unwrap_or(0);
        };
        let time = seconds(stamp, self.time_base) - self.track.start;
        let at = time.scale_round(self.rate(), 1);
        // Containers round time stamps (to 1 ms in Matroska).
        let rounding = self.time_base.scale_ceil(self.rate(), 1) + 1;
        let near = |exact: &i64| (exact - at).abs() <= rounding;
        let exact = match self.track.frame_samples.map(i64::from).filter(|&n| n > 0) {
            Some(frame) => {
                let priming = i64::from(self.track.priming);
                let on_grid =
                    |place: i64| (place + priming + frame / 2).div_euclid(frame) * frame - priming;
                let samples = decoded.samples() as i64;
                // The first frame, whose priming is cut off, only ends on the grid.
                let starts = Some(on_grid(at)).filter(near);
                starts.or_else(|| Some(on_grid(at + samples) - samples).filter(near))
            }
            None => running.filter(near),
        };
        exact.unwrap_or(at)
    }

    fn planar(
        &self,
        mut decoded: frame::Audio,
        converter: &mut Option<resampling::Context>,
    ) -> Result<frame::Audio> {
        let layout = self.layout();
        decoded.set_channel_layout(layout);
        if decoded.format() == PLANAR {
            return Ok(decoded);
        }
        let rate = decoded.rate();
        if converter.is_none() {
            let format = decoded.format();
            *converter = Some(resampling::Context::get(
                format, layout, rate, PLANAR, layout, rate,
            )?);
        }
        let mut planar = frame::Audio::empty();
        if let Some(converter) = converter {
            converter.run(&decoded, &mut planar)?;
        }
        Ok(planar)
    }

    fn feed(&mut self, decoder: &mut decoder::Audio) -> Result<bool> {
        let mut packet = Packet::empty();
        loop {
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => {
                    let is_early = |to| packet.pts().is_some_and(|stamp| stamp < to);
                    if self.skips_to.is_some_and(is_early) {
                        continue;
                    }
                    // Damaged packets leave a gap of silence.
                    let is_heard = packet.pts().is_some_and(|stamp| stamp >= self.heard_from);
                    let sent = decoder.send_packet(&packet);
                    self.has_damage |= is_heard && sent == Err(Error::InvalidData);
                    return Ok(true);
                }
                Ok(()) | Err(Error::InvalidData) => {}
                Err(Error::Exit) => bail!("the parent is gone"),
                Err(_) => {
                    let _ = decoder.send_eof();
                    return Ok(true);
                }
            }
        }
    }
}

/// Copies what lies in `first .. last` of a frame at `at` into planes that start at `from`.
fn copy(frame: &frame::Audio, at: i64, planes: &mut [Vec<f32>], from: i64, first: i64, last: i64) {
    let start = at.max(first);
    let end = (at + frame.samples() as i64).min(last);
    if start >= end {
        return;
    }
    for (channel, plane) in planes.iter_mut().enumerate().take(frame.planes()) {
        let samples: &[f32] = frame.plane(channel);
        let taken = &samples[(start - at) as usize..(end - at) as usize];
        plane[(start - from) as usize..(end - from) as usize].copy_from_slice(taken);
    }
}

/// The layout that so many channels have, whatever order the container names.
pub fn layout(channels: u32) -> ChannelLayout {
    ChannelLayout::default(channels.clamp(1, 8) as i32)
}
