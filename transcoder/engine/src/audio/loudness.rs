//! Measurement of loudness by EBU R 128, in one reading of the source for all of its sound tracks. The sound is
//! measured as it is sent: stereo and 5.1 each after their mix, before the encoder and the gain.

use anyhow::Result;
use ebur128::{Channel, EbuR128, Mode};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet, frame};
use plan::media_info::AudioTrack;
use plan::timeline::SAMPLE_RATE;
use plan::{AudioRendition, Loudness, Plan};

use crate::audio::decoder::SoundDecoder;
use crate::audio::mix::{Layout, Mix};
use crate::audio::resample::Resampler;
use crate::ffi;
use crate::input::open;
use crate::input::single_pass::read_through;
use crate::input::source::Source;

/// Measures the loudness of each sound rendition of a plan; the results are in the order of the renditions.
pub fn measure(source: &Source, plan: &Plan) -> Result<Vec<Loudness>> {
    let input = open::open(source)?;
    let mut tracks = Vec::new();
    for (number, track) in (0..).zip(&plan.info.audio) {
        let renditions = plan.audio.iter().enumerate();
        let of_it = renditions.filter(|(_, rendition)| rendition.track == number);
        tracks.push(Track::new(&input, track, of_it)?);
    }
    let streams: Vec<usize> = tracks.iter().map(|track| track.stream).collect();
    drop(input);
    read_through(source, &plan.info, &streams, |packet| {
        let track = tracks.iter_mut().find(|t| t.stream == packet.stream());
        track.map_or(Ok(()), |track| track.take(packet))
    })?;
    let mut measured = Vec::new();
    for track in tracks {
        measured.extend(track.finish()?);
    }
    measured.sort_by_key(|(position, _)| *position);
    Ok(measured.into_iter().map(|(_, loudness)| loudness).collect())
}

/// One sound track, with its decoder and the meters of all renditions that are made of it.
struct Track {
    stream: usize,
    decoder: SoundDecoder,
    meters: Vec<Meter>,
}

impl Track {
    fn new<'a>(
        input: &Input,
        track: &AudioTrack,
        renditions: impl Iterator<Item = (usize, &'a AudioRendition)>,
    ) -> Result<Self> {
        let stream = track.stream as usize;
        let found = input.stream(stream).ok_or(Error::StreamNotFound)?;
        let meters = renditions.map(|(position, rendition)| Meter::new(position, rendition));
        Ok(Self {
            stream,
            decoder: SoundDecoder::open(&found, None)?,
            meters: meters.collect::<Result<_>>()?,
        })
    }

    fn take(&mut self, packet: &Packet) -> Result<()> {
        // A packet that cannot be decoded becomes silence in the segments, and silence does not count for loudness.
        let _ = self.decoder.send(packet);
        self.receive()
    }

    fn receive(&mut self) -> Result<()> {
        let mut decoded = frame::Audio::empty();
        while self.decoder.receive(&mut decoded).is_ok() {
            for meter in &mut self.meters {
                meter.hear(&decoded)?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<(usize, Loudness)>> {
        self.decoder.end();
        self.receive()?;
        let meters = self.meters.into_iter();
        meters
            .map(|meter| Ok((meter.position, meter.finish()?)))
            .collect()
    }
}

/// Loudness meter of one sound rendition.
struct Meter {
    /// Index of the rendition in the plan's list of sound renditions.
    position: usize,
    channels: u32,
    mix: Option<(Layout, Mix)>,
    resampler: Option<(u32, Resampler)>,
    meter: EbuR128,
}

impl Meter {
    fn new(position: usize, rendition: &AudioRendition) -> Result<Self> {
        let channels = rendition.channels;
        let modes = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
        let mut meter = EbuR128::new(channels, SAMPLE_RATE as u32, modes)?;
        // The channels are in the order of FFmpeg's 5.1. A mono source is sent in both channels of a stereo
        // rendition, 3 dB softer in each, and is then as loud as its one channel alone.
        let places = [
            Channel::Left,
            Channel::Right,
            Channel::Center,
            Channel::Unused,
            Channel::LeftSurround,
            Channel::RightSurround,
        ];
        meter.set_channel_map(&places[..channels as usize])?;
        Ok(Self {
            position,
            channels,
            mix: None,
            resampler: None,
            meter,
        })
    }

    fn hear(&mut self, decoded: &frame::Audio) -> Result<()> {
        let layout = Layout::of(decoded);
        if self.mix.as_ref().is_none_or(|(of, _)| *of != layout) {
            let mix = Mix::new(&layout, self.channels as usize);
            self.mix = Some((layout, mix));
        }
        let Some((_, mix)) = &self.mix else {
            return Ok(());
        };
        let mixed = mix.run(&ffi::samples(decoded));
        let (rate, sent) = (decoded.rate(), SAMPLE_RATE as u32);
        if self.resampler.as_ref().is_none_or(|(of, _)| *of != rate) {
            self.end_resampler()?;
            let resampler =
                (rate != sent && rate > 0).then(|| Resampler::new(self.channels, rate, sent));
            self.resampler = resampler.transpose()?.map(|resampler| (rate, resampler));
        }
        match &mut self.resampler {
            Some((_, resampler)) => {
                let sent = resampler.run(&mixed)?;
                self.add(&sent)
            }
            None => self.add(&mixed),
        }
    }

    /// Passes the samples that the resampler still holds to the meter: a few samples may complete the last block of
    /// the measurement.
    fn end_resampler(&mut self) -> Result<()> {
        if let Some((_, resampler)) = self.resampler.take() {
            let rest = resampler.finish(self.channels as usize);
            self.add(&rest)?;
        }
        Ok(())
    }

    fn add(&mut self, sent: &[Vec<f32>]) -> Result<()> {
        let planes: Vec<&[f32]> = sent.iter().map(Vec::as_slice).collect();
        Ok(self.meter.add_frames_planar_f32(&planes)?)
    }

    fn finish(mut self) -> Result<Loudness> {
        self.end_resampler()?;
        let mut peak = 0.0_f64;
        for channel in 0..self.channels {
            peak = peak.max(self.meter.true_peak(channel)?);
        }
        Ok(Loudness {
            integrated_millibels: millibels(self.meter.loudness_global()?),
            range_millibels: millibels(self.meter.loudness_range()?).unwrap_or(0),
            true_peak_millibels: millibels(20.0 * peak.log10()),
        })
    }
}

/// Converts decibels to hundredths of a dB; none for infinity and for what is not a number.
fn millibels(decibels: f64) -> Option<i32> {
    decibels
        .is_finite()
        .then(|| (decibels * 100.0).round() as i32)
}
