//! The samples of one source track: any span of them, always decoded afresh.

mod places;

use anyhow::{Context as _, Result};
use ffmpeg_next::{Error, Packet, frame};
use plan::media_info::{AudioTrack, Setup};
use plan::{Index, MediaInfo, Rational};

use self::places::Places;
use crate::audio::decoder::{SoundDecoder, is_header, new_extradata};
use crate::audio::mix::{Layout, Mix};
use crate::audio::resample;
use crate::ffi;
use crate::input::demux::Demux;
use crate::input::open;
use crate::input::source::Source;
use crate::input::times::timestamp;
use crate::output::remarks::Remarks;

/// Packets that a decoder reads before its output counts: MP3's bit reservoir reaches nine frames back, and Opus
/// converges within 80 ms.
const DECODER_PREROLL: u32 = 10;
/// Least number of samples in a packet that the decoder's pre-roll counts with.
const TYPICAL_FRAME: u32 = 1024;

/// Reader of spans of one sound track.
pub struct TrackSamples {
    demux: Demux,
    stream: usize,
    time_base: Rational,
    track: AudioTrack,
    places: Places,
    /// Whether the container can be read from any packet's byte on.
    starts_anywhere: bool,
    has_no_index: bool,
    /// Packets that end before this time stamp are passed over.
    skips_to: Option<i64>,
    /// Packet that a seek has read already and that is to be decoded next.
    next: Option<Packet>,
    /// Codec settings of the packets from here on, where an earlier packet announced them.
    extradata: Option<Vec<u8>>,
    /// Whether the packet that announced these codec settings was passed over.
    is_passed_over: bool,
    /// Packet that holds the set-up of the packets after it, with its index in the track's list of set-ups.
    setup: Option<(usize, Packet)>,
    /// Packets from this time stamp on are heard; earlier ones only prepare the decoder.
    heard_from: i64,
    /// Remarks on the packets that were heard since the last call of [`Self::take_remarks`].
    remarks: Remarks,
}

impl TrackSamples {
    /// Opens a sound track of the source.
    pub fn open(source: &Source, track: &AudioTrack, info: &MediaInfo) -> Result<Self> {
        let stream = track.stream as usize;
        let demux = Demux::open(source, info, &[stream])?;
        let time_base = demux.time_base(stream).context("no such stream")?;
        Ok(Self {
            demux,
            stream,
            time_base,
            track: track.clone(),
            places: Places::of(track, info, time_base),
            starts_anywhere: open::starts_anywhere(&info.container),
            has_no_index: info.index == Index::None,
            skips_to: None,
            next: None,
            extradata: None,
            is_passed_over: false,
            setup: None,
            heard_from: 0,
            remarks: Remarks::default(),
        })
    }

    /// Takes the remarks on the sound that was read since the last call.
    pub fn take_remarks(&mut self) -> Remarks {
        std::mem::take(&mut self.remarks)
    }

    /// Reads the samples `from .. from + count`, mixed down to `channels` channels, with one plane for each. Samples
    /// are at the track's rate and counted from the track's first; places where the track has none are silent. The
    /// span is always decoded afresh from the same place, since decoders carry state across frames (FFmpeg's AAC its
    /// noise generator).
    pub fn span(&mut self, from: i64, count: usize, channels: usize) -> Result<Vec<Vec<f32>>> {
        let planes = vec![vec![0f32; count]; channels];
        let length = (self.track.end - self.track.start).scale_round(self.rate(), 1);
        let (first, last) = (from.max(0), (from + count as i64).min(length));
        let mut span = Span {
            planes,
            from,
            first,
            last,
            rate: self.rate(),
            mixes: Vec::new(),
            other: None,
        };
        if first >= last {
            return Ok(span.planes);
        }
        let frame_samples = self.track.frame_samples.unwrap_or(0).max(TYPICAL_FRAME);
        let preroll = i64::from(DECODER_PREROLL * frame_samples);
        self.seek(first - preroll)?;
        let heard = self.track.start + Rational::new(first, self.rate().max(1));
        self.heard_from = timestamp(heard, self.time_base);
        let mut decoder = self.decoder()?;
        self.places.restart(first);
        let mut draining = false;
        loop {
            let mut decoded = frame::Audio::empty();
            match decoder.receive(&mut decoded) {
                Ok(()) => {
                    let lasts = lasts(&decoded, self.rate());
                    let at = self.places.next(&decoded, lasts);
                    // A frame that begins more than half a second after the track's end is damage.
                    self.remarks.damaged |= at > length + self.rate() / 2;
                    if at >= last {
                        return span.finish();
                    }
                    self.remarks.converted |= at + lasts > first && self.is_other(&decoded);
                    span.take(&decoded, at)?;
                }
                Err(Error::Eof) => return span.finish(),
                Err(_) if draining => return span.finish(),
                Err(_) => draining = !self.feed(&mut decoder)?,
            }
        }
    }

    /// Whether a frame has another rate or number of channels than most of its track.
    fn is_other(&self, decoded: &frame::Audio) -> bool {
        (decoded.rate(), decoded.channels()) != (self.track.sample_rate, self.track.channels as u16)
    }

    fn rate(&self) -> i64 {
        i64::from(self.track.sample_rate)
    }

    fn seek(&mut self, sample: i64) -> Result<()> {
        let time = self.track.start + Rational::new(sample, self.rate().max(1));
        let stamp = timestamp(time, self.time_base);
        let setup = match sample > 0 {
            true => self.setup_before(stamp)?,
            false => None,
        };
        self.setup = setup;
        self.skips_to = (sample > 0).then_some(stamp);
        self.next = None;
        if sample > 0 && !self.has_no_index {
            self.next = self.demux.seek_sound(self.stream, stamp)?;
        }
        if self.next.is_none() {
            self.extradata = None;
            self.demux.rewind()?;
        }
        Ok(())
    }

    /// Reads the packet that holds the set-up of the packets at a time stamp, where these do not repeat it
    /// themselves.
    fn setup_before(&mut self, stamp: i64) -> Result<Option<(usize, Packet)>> {
        let after = self
            .track
            .setups
            .partition_point(|setup| setup.pts <= stamp);
        let Some(at) = after.checked_sub(1) else {
            return Ok(None);
        };
        if let Some((known, packet)) = &self.setup
            && *known == at
        {
            return Ok(Some((at, packet.clone())));
        }
        let Setup { pts, position } = self.track.setups[at];
        let found = match self.starts_anywhere {
            true => self.demux.seek_byte(position),
            false => self.demux.seek_back(self.stream, pts),
        };
        if found.is_err() {
            return Ok(None);
        }
        loop {
            let Some(packet) = self.demux.next()? else {
                return Ok(None);
            };
            match packet.pts() {
                Some(stamp) if stamp < pts => {}
                _ => return Ok(Some((at, packet))),
            }
        }
    }

    /// Opens the decoder again if a packet that was passed over announced other codec settings.
    fn reopen(&self, decoder: &mut SoundDecoder) -> Result<()> {
        if self.extradata.as_deref() != Some(decoder.extradata()) {
            let stream = self.demux.input().stream(self.stream);
            let stream = stream.context("no such stream")?;
            *decoder = SoundDecoder::open(&stream, self.extradata.as_deref())?;
        }
        Ok(())
    }

    fn decoder(&mut self) -> Result<SoundDecoder> {
        let stream = self.demux.input().stream(self.stream);
        let stream = stream.context("no such stream")?;
        let mut decoder = SoundDecoder::open(&stream, self.extradata.as_deref())?;
        if let Some((_, packet)) = &self.setup {
            let mut unheard = frame::Audio::empty();
            // The set-up packet is read for its settings; its sound is not wanted.
            let _ = decoder.send(packet);
            while decoder.receive(&mut unheard).is_ok() {}
        }
        Ok(decoder)
    }

    fn feed(&mut self, decoder: &mut SoundDecoder) -> Result<bool> {
        loop {
            let packet = match self.next.take() {
                Some(packet) => Some(packet),
                None => self.demux.next()?,
            };
            let Some(packet) = packet else {
                decoder.end();
                return Ok(true);
            };
            // A demuxer that returns to the place where the coding changed announces the settings again there, and
            // nowhere before.
            if let Some(extradata) = new_extradata(&packet) {
                self.extradata = Some(extradata);
            }
            if is_header(&packet) {
                // The sound of the packets that are passed over before this header is not wanted.
                let _ = decoder.send(&packet);
                continue;
            }
            let ends = |stamp: i64| stamp.saturating_add(packet.duration().max(0));
            let is_early = |to| {
                packet
                    .pts()
                    .is_some_and(|stamp| stamp < to && ends(stamp) <= to)
            };
            if self.skips_to.is_some_and(is_early) {
                self.is_passed_over |= new_extradata(&packet).is_some();
                continue;
            }
            self.skips_to = None;
            if std::mem::take(&mut self.is_passed_over) {
                self.reopen(decoder)?;
            }
            // Damaged packets leave a gap of silence.
            let is_heard = packet.pts().is_some_and(|stamp| stamp >= self.heard_from);
            let sent = decoder.send(&packet);
            self.remarks.damaged |= is_heard && sent == Err(Error::InvalidData);
            return Ok(true);
        }
    }
}

/// Length of a decoded frame, in samples at the track's rate.
fn lasts(decoded: &frame::Audio, rate: i64) -> i64 {
    match i64::from(decoded.rate()) {
        own if own == rate || own == 0 => decoded.samples() as i64,
        own => Rational::new(decoded.samples() as i64, 1).scale_round(rate, own),
    }
}

/// Span of samples that is being filled.
struct Span {
    planes: Vec<Vec<f32>>,
    /// First sample of the planes; samples `first .. last` of the track are filled.
    from: i64,
    first: i64,
    last: i64,
    rate: i64,
    mixes: Vec<(Layout, Mix)>,
    other: Option<OtherRate>,
}

/// Stretch of sound that has another sample rate than the rest of its track.
struct OtherRate {
    rate: u32,
    /// Start and end of the stretch, in samples on the track's axis.
    at: i64,
    end: i64,
    planes: Vec<Vec<f32>>,
}

impl Span {
    /// Takes a decoded frame whose first sample lies at `at` on the track's axis.
    fn take(&mut self, decoded: &frame::Audio, at: i64) -> Result<()> {
        let mixed = self.mixed(decoded);
        if i64::from(decoded.rate()) == self.rate || decoded.rate() == 0 {
            self.end_other()?;
            self.copy(&mixed, at);
            return Ok(());
        }
        let end = at + lasts(decoded, self.rate);
        match &mut self.other {
            // Time stamps are rounded, so a frame within 10 ms of the end goes on with the stretch.
            Some(other)
                if other.rate == decoded.rate() && (other.end - at).abs() <= self.rate / 100 =>
            {
                for (plane, more) in other.planes.iter_mut().zip(mixed) {
                    plane.extend(more);
                }
                let taken = other.planes.first().map_or(0, Vec::len) as i64;
                other.end = other.at
                    + Rational::new(taken, 1).scale_round(self.rate, i64::from(other.rate));
            }
            _ => {
                self.end_other()?;
                self.other = Some(OtherRate {
                    rate: decoded.rate(),
                    at,
                    end,
                    planes: mixed,
                });
            }
        }
        Ok(())
    }

    fn mixed(&mut self, decoded: &frame::Audio) -> Vec<Vec<f32>> {
        let layout = Layout::of(decoded);
        let known = self.mixes.iter().position(|(known, _)| *known == layout);
        let at = known.unwrap_or_else(|| {
            let mix = Mix::new(&layout, self.planes.len());
            self.mixes.push((layout, mix));
            self.mixes.len() - 1
        });
        self.mixes[at].1.run(&ffi::samples(decoded))
    }

    fn end_other(&mut self) -> Result<()> {
        if let Some(OtherRate {
            rate, at, planes, ..
        }) = self.other.take()
        {
            let planes = resample::resample(rate, self.rate as u32, &planes)?;
            self.copy(&planes, at);
        }
        Ok(())
    }

    /// Copies the part of some samples, of which the first lies at `at`, that falls into `first .. last`.
    fn copy(&mut self, samples: &[Vec<f32>], at: i64) {
        let length = samples.first().map_or(0, Vec::len) as i64;
        let start = at.max(self.first);
        let end = (at + length).min(self.last);
        if start >= end {
            return;
        }
        for (plane, samples) in self.planes.iter_mut().zip(samples) {
            let taken = &samples[(start - at) as usize..(end - at) as usize];
            plane[(start - self.from) as usize..(end - self.from) as usize].copy_from_slice(taken);
        }
    }

    fn finish(mut self) -> Result<Vec<Vec<f32>>> {
        self.end_other()?;
        Ok(self.planes)
    }
}
