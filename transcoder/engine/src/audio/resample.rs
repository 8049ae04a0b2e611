//! Conversion of mixed sound from a track's sample rate to the rate that is sent.

use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::software::resampling;
use ffmpeg_next::{ChannelLayout, Error, frame};

/// Sample format of all sound inside the engine: 32-bit floats, one plane for each channel.
pub const PLANAR: Sample = Sample::F32(Type::Planar);
/// Most samples that a resampler may hold back and give with a later frame.
const HELD_BACK: usize = 4096;

/// FFmpeg's layout of sound that is sent in `channels` channels.
pub fn output_layout(channels: u32) -> ChannelLayout {
    match channels {
        6 => ChannelLayout::_5POINT1_BACK,
        _ => ChannelLayout::STEREO,
    }
}

/// Converter of planar sound from one sample rate to another.
pub struct Resampler {
    context: resampling::Context,
    layout: ChannelLayout,
    from: u32,
    to: u32,
}

impl Resampler {
    /// Opens a converter. Rates are samples per second.
    pub fn new(channels: u32, from: u32, to: u32) -> Result<Self, Error> {
        let layout = output_layout(channels);
        Ok(Self {
            context: resampling::Context::get(PLANAR, layout, from, PLANAR, layout, to)?,
            layout,
            from,
            to,
        })
    }

    /// Converts some samples; the result has one plane for each channel.
    pub fn run(&mut self, planes: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, Error> {
        let length = planes.first().map_or(0, Vec::len);
        let mut out = vec![Vec::new(); planes.len()];
        if length == 0 {
            return Ok(out);
        }
        let mut input = frame::Audio::new(PLANAR, length, self.layout);
        input.set_rate(self.from);
        for (channel, plane) in planes.iter().enumerate() {
            input.plane_mut::<f32>(channel).copy_from_slice(plane);
        }
        let capacity = length * self.to as usize / self.from.max(1) as usize + HELD_BACK;
        let mut converted = frame::Audio::new(PLANAR, capacity, self.layout);
        self.context.run(&input, &mut converted)?;
        append(&mut out, &converted);
        Ok(out)
    }

    /// Ends the conversion and returns the samples that were held back.
    pub fn finish(mut self, channels: usize) -> Vec<Vec<f32>> {
        let mut out = vec![Vec::new(); channels];
        let mut rest = frame::Audio::new(PLANAR, HELD_BACK, self.layout);
        if self.context.flush(&mut rest).is_ok() {
            append(&mut out, &rest);
        }
        out
    }
}

/// Converts all of these samples to another sample rate.
pub fn resample(from: u32, to: u32, planes: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, Error> {
    if from == to {
        return Ok(planes.to_vec());
    }
    let mut resampler = Resampler::new(planes.len() as u32, from, to)?;
    let mut out = resampler.run(planes)?;
    for (plane, rest) in out.iter_mut().zip(resampler.finish(planes.len())) {
        plane.extend(rest);
    }
    Ok(out)
}

fn append(planes: &mut [Vec<f32>], frame: &frame::Audio) {
    for (channel, plane) in planes.iter_mut().enumerate() {
        let samples: &[f32] = frame.plane(channel);
        plane.extend_from_slice(&samples[..frame.samples()]);
    }
}
