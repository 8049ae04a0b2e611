//! Encoding of one sound segment: a fresh decoder, resampler and encoder start from a fixed place before it, so that
//! a segment made alone equals the one made in a chunk.

mod encoder;

use anyhow::{Context as _, Result};
use plan::timeline::SAMPLE_RATE;
use plan::{AudioRendition, Plan, Rational, Samples};

use self::encoder::Encoder;
use crate::audio::resample;
use crate::audio::track::TrackSamples;
use crate::output::product::CodedSegment;

/// Frames that are encoded and dropped before the first frame of a segment, so that the encoder's state has settled.
const ENCODER_PREROLL: i64 = 8;
/// Frames past the end of a segment that the encoder is shown: AAC's transform overlaps the next frame, and its
/// psychoacoustic model looks one frame further.
const LOOKAHEAD: i64 = 3;
/// Output samples by which the resampler starts before the encoder: more than the length of its filter.
const RESAMPLER_PREROLL: i64 = 512;

/// Encodes one segment of a sound rendition.
pub fn segment(
    plan: &Plan,
    rendition: &AudioRendition,
    segment: u32,
    sounds: &mut TrackSamples,
) -> Result<CodedSegment> {
    let (start, end) = rendition.span(&plan.timeline, segment);
    let frame = rendition.encoding.frame();
    let frames = (end.0 - start.0 + frame - 1) / frame;
    let encoder = Encoder::open(rendition)?;
    let init = cmaf::audio_init(rendition, &encoder.extradata())?;
    let from = Samples(start.0 - ENCODER_PREROLL * frame + encoder.ahead);
    let count = (ENCODER_PREROLL + frames + LOOKAHEAD) * frame;
    let mut planes = output_span(plan, rendition, sounds, from, count as usize)?;
    amplify(&mut planes, rendition.gain_millibels);
    let skip = encoder.priming + ENCODER_PREROLL as usize;
    let packets = encoder.encode(&planes)?;
    let wanted = packets.get(skip..skip + frames as usize);
    let wanted = wanted.context("the encoder gave too few packets")?;
    let last_duration = end.0 - start.0 - (frames - 1) * frame;
    let bytes = cmaf::audio_segment(rendition, segment, start, wanted, last_duration as u32)?;
    let frames = frames as u32;
    Ok(CodedSegment {
        init,
        bytes,
        frames,
    })
}

/// Makes the init segment of a sound rendition.
pub fn init(rendition: &AudioRendition) -> Result<Vec<u8>> {
    let encoder = Encoder::open(rendition)?;
    cmaf::audio_init(rendition, &encoder.extradata())
}

/// Output samples `from .. from + count` of the presentation, mixed to the rendition's channels.
fn output_span(
    plan: &Plan,
    rendition: &AudioRendition,
    sounds: &mut TrackSamples,
    from: Samples,
    count: usize,
) -> Result<Vec<Vec<f32>>> {
    let track = plan
        .info
        .audio
        .get(rendition.track as usize)
        .context("no such track")?;
    let rate = i64::from(track.sample_rate);
    let first_sample = plan.timeline.sample_of(track.start);
    // The start of the span, in output samples after the track's first sample.
    let start = from.0 - first_sample.0;
    // The resampler starts at a whole multiple of the ratio of the two rates, so that every segment meets its filter
    // in the same phase.
    let ratio = Rational::new(SAMPLE_RATE, rate);
    let aligned = (start - RESAMPLER_PREROLL).div_euclid(ratio.num()) * ratio.num();
    let lead = (start - aligned) as usize;
    let source_from = aligned / ratio.num() * ratio.den();
    let wanted = lead + count;
    let source_count =
        Rational::new(wanted as i64 + RESAMPLER_PREROLL, 1).scale_ceil(ratio.den(), ratio.num());
    let channels = rendition.channels as usize;
    let planes = sounds.span(source_from, source_count as usize, channels)?;
    let mut out = resample::resample(track.sample_rate, SAMPLE_RATE as u32, &planes)?;
    for plane in &mut out {
        plane.resize(wanted, 0.0);
        plane.drain(..lead);
    }
    Ok(out)
}

/// Multiplies all samples by a gain in hundredths of a dB. Samples are not clipped: the plan's gain leaves room below
/// full scale.
fn amplify(planes: &mut [Vec<f32>], gain_millibels: i32) {
    if gain_millibels != 0 {
        let factor = 10_f64.powf(f64::from(gain_millibels) / 2000.0) as f32;
        planes
            .iter_mut()
            .flatten()
            .for_each(|sample| *sample *= factor);
    }
}

/// Encodes a segment of silence, which stands in for sound that cannot be decoded.
pub fn silence(plan: &Plan, rendition: &AudioRendition, segment: u32) -> Result<CodedSegment> {
    let (start, end) = rendition.span(&plan.timeline, segment);
    let frame = rendition.encoding.frame();
    let frames = (end.0 - start.0 + frame - 1) / frame;
    let planes = vec![vec![0f32; ((frames + 2) * frame) as usize]; rendition.channels as usize];
    let encoder = Encoder::open(rendition)?;
    let init = cmaf::audio_init(rendition, &encoder.extradata())?;
    let skip = encoder.priming;
    let packets = encoder.encode(&planes)?;
    let wanted = packets
        .get(skip..skip + frames as usize)
        .context("the encoder gave too few packets")?;
    let last_duration = end.0 - start.0 - (frames - 1) * frame;
    let bytes = cmaf::audio_segment(rendition, segment, start, wanted, last_duration as u32)?;
    let frames = frames as u32;
    Ok(CodedSegment {
        init,
        bytes,
        frames,
    })
}
