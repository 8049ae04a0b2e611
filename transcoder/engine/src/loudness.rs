//! How loud sound is, by EBU R 128: one reading of the source for all of its tracks. What is
//! measured is what is sent, stereo and 5.1 each after their mix, before encoder and gain.

use anyhow::Result;
use ebur128::{Channel, EbuR128, Mode};
use ffmpeg_next::codec::{self, decoder};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::sample::Sample;
use ffmpeg_next::software::resampling;
use ffmpeg_next::{Error, Packet, frame};
use plan::media_info::AudioTrack;
use plan::timeline::SAMPLE_RATE;
use plan::{AudioRendition, Loudness, Plan};

use crate::open;
use crate::passes::read_through;
use crate::remix::{converter, output_layout};
use crate::sounds::{self, PLANAR};
use crate::source::Source;

/// Samples that a resampler may hold back and give with a later frame.
const HELD_BACK: usize = 4096;

/// The loudness of each sound rendition of a plan, in their order.
pub fn measure(source: &Source, plan: &Plan) -> Result<Vec<Loudness>> {
    let input = open::open(source)?;
    let mut tracks = Vec::new();
    for (number, track) in (0..).zip(&plan.info.audio) {
        let renditions = plan.audio.iter().enumerate();
        let of_it = renditions.filter(|(_, rendition)| rendition.track == number);
        tracks.push(Track::new(&input, track, of_it)?);
    }
    let streams: Vec<usize> = tracks.iter().map(|track| track.stream).collect();
    read_through(source, input, &streams, |packet| {
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

/// A track on its way through the meters of its renditions.
struct Track {
    stream: usize,
    channels: u32,
    decoder: decoder::Audio,
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
        let mut decoder = codec::Context::from_parameters(found.parameters())?.decoder();
        decoder.set_packet_time_base(found.time_base());
        let meters = renditions.map(|(position, rendition)| Meter::new(position, rendition));
        Ok(Self {
            stream,
            channels: track.channels,
            decoder: decoder.audio()?,
            meters: meters.collect::<Result<_>>()?,
        })
    }

    fn take(&mut self, packet: &Packet) -> Result<()> {
        // What cannot be decoded is silence in what is sent, which counts for nothing.
        let _ = self.decoder.send_packet(packet);
        self.receive()
    }

    fn receive(&mut self) -> Result<()> {
        let mut decoded = frame::Audio::empty();
        while self.decoder.receive_frame(&mut decoded).is_ok() {
            if u32::from(decoded.channels()) != self.channels {
                continue;
            }
            decoded.set_channel_layout(sounds::layout(self.channels));
            for meter in &mut self.meters {
                meter.hear(&decoded)?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<(usize, Loudness)>> {
        let _ = self.decoder.send_eof();
        self.receive()?;
        let meters = self.meters.into_iter();
        meters
            .map(|meter| Ok((meter.position, meter.finish()?)))
            .collect()
    }
}

/// A meter of one rendition.
struct Meter {
    /// Which of the plan's.
    position: usize,
    channels: u32,
    converter: Option<((Sample, u32), resampling::Context)>,
    meter: EbuR128,
}

impl Meter {
    fn new(position: usize, rendition: &AudioRendition) -> Result<Self> {
        let channels = rendition.channels;
        let modes = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
        let mut meter = EbuR128::new(channels, SAMPLE_RATE as u32, modes)?;
        // In the order of FFmpeg's 5.1; a mono source is sent in both channels of a stereo one,
        // 3 dB softer in each, and is as loud as its one channel alone.
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
            converter: None,
            meter,
        })
    }

    fn hear(&mut self, decoded: &frame::Audio) -> Result<()> {
        let key = (decoded.format(), decoded.rate());
        if self.converter.as_ref().is_none_or(|(of, _)| *of != key) {
            let layout = sounds::layout(u32::from(decoded.channels()));
            self.converter = Some((key, converter(key.0, layout, key.1, self.channels)?));
        }
        let Some((_, converter)) = &mut self.converter else {
            return Ok(());
        };
        let rate = decoded.rate().max(1) as usize;
        let capacity = decoded.samples() * SAMPLE_RATE as usize / rate + HELD_BACK;
        let mut sent = frame::Audio::new(PLANAR, capacity, output_layout(self.channels));
        converter.run(decoded, &mut sent)?;
        self.add(&sent)
    }

    fn add(&mut self, sent: &frame::Audio) -> Result<()> {
        let planes: Vec<&[f32]> = (0..self.channels as usize)
            .map(|channel| &sent.plane::<f32>(channel)[..sent.samples()])
            .collect();
        Ok(self.meter.add_frames_planar_f32(&planes)?)
    }

    fn finish(mut self) -> Result<Loudness> {
        // A few samples may be what completes the last block.
        let mut rest = frame::Audio::new(PLANAR, HELD_BACK, output_layout(self.channels));
        if let Some((_, mut converter)) = self.converter.take()
            && converter.flush(&mut rest).is_ok()
        {
            self.add(&rest)?;
        }
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

/// Hundredths of a dB; nothing of what has no end, or is no number.
fn millibels(decibels: f64) -> Option<i32> {
    decibels
        .is_finite()
        .then(|| (decibels * 100.0).round() as i32)
}
