//! A sound encoder: it takes whole frames of samples and gives coded packets.

use anyhow::{Context as _, Result, ensure};
use ffmpeg_next::ChannelLayout;
use ffmpeg_next::codec::{self, encoder};
use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::{Dictionary, Error, Packet, Rational as FfRational, frame};
use plan::timeline::SAMPLE_RATE;
use plan::{AudioRendition, SoundCodec};

use crate::audio::resample::PLANAR;
use crate::audio::resample::output_layout;
use crate::ffi;

pub(super) struct Encoder {
    encoder: encoder::audio::Encoder,
    codec: SoundCodec,
    channels: u32,
    /// Number of leading packets that hold the encoder's priming and none of the samples that it was given.
    pub(super) priming: usize,
    /// Samples by which the encoder's input runs ahead of the content of its packets.
    pub(super) ahead: i64,
}

impl Encoder {
    pub(super) fn open(rendition: &AudioRendition) -> Result<Self> {
        let (name, format) = match rendition.encoding {
            SoundCodec::Aac => ("aac", PLANAR),
            SoundCodec::Opus => ("libopus", Sample::F32(Type::Packed)),
        };
        let found = codec::encoder::find_by_name(name);
        let found = found.with_context(|| format!("this FFmpeg has no {name}"))?;
        let mut audio = codec::Context::new_with_codec(found).encoder().audio()?;
        audio.set_rate(SAMPLE_RATE as i32);
        audio.set_format(format);
        audio.set_channel_layout(output_layout(rendition.channels));
        audio.set_channels(rendition.channels as i32);
        audio.set_bit_rate(rendition.bits_per_second as usize);
        audio.set_time_base(FfRational(1, SAMPLE_RATE as i32));
        audio.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
        let mut options = Dictionary::new();
        if rendition.encoding == SoundCodec::Opus {
            options.set("vbr", "off");
            options.set("frame_duration", "20");
        }
        let encoder = audio.open_with(options)?;
        ensure!(
            i64::from(encoder.frame_size()) == rendition.encoding.frame(),
            "the encoder has another frame length than the plan"
        );
        let (priming, ahead) = match rendition.encoding {
            SoundCodec::Aac => (1, 0),
            SoundCodec::Opus => (0, pre_skip(&ffi::extradata(&encoder))?),
        };
        Ok(Self {
            encoder,
            codec: rendition.encoding,
            channels: rendition.channels,
            priming,
            ahead,
        })
    }

    pub(super) fn extradata(&self) -> Vec<u8> {
        ffi::extradata(&self.encoder)
    }

    /// Encodes the whole frames of a span; samples after the last whole frame are not encoded.
    pub(super) fn encode(mut self, planes: &[Vec<f32>]) -> Result<Vec<Vec<u8>>> {
        let frame = self.codec.frame();
        let length = planes.first().map_or(0, Vec::len);
        let mut packets = Vec::new();
        for (index, start) in (0..length).step_by(frame as usize).enumerate() {
            let end = start + frame as usize;
            if end > length {
                break;
            }
            let pieces: Vec<Vec<f32>> = planes
                .iter()
                .map(|plane| plane[start..end].to_vec())
                .collect();
            let mut given = match self.codec {
                SoundCodec::Aac => {
                    audio_frame(output_layout(self.channels), SAMPLE_RATE as u32, &pieces)
                }
                SoundCodec::Opus => interleaved(self.channels, &pieces),
            };
            given.set_pts(Some(index as i64 * frame));
            self.encoder.send_frame(&given)?;
            self.collect(&mut packets)?;
        }
        self.encoder.send_eof()?;
        self.collect(&mut packets)?;
        Ok(packets)
    }

    fn collect(&mut self, packets: &mut Vec<Vec<u8>>) -> Result<()> {
        loop {
            let mut packet = Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => packets.push(packet.data().unwrap_or_default().to_vec()),
                Err(Error::Other {
                    errno: ffmpeg_next::error::EAGAIN,
                })
                | Err(Error::Eof) => {
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Samples that libopus looks ahead, from the pre-skip field of its header (RFC 7845 section 5.1).
fn pre_skip(header: &[u8]) -> Result<i64> {
    let bytes = header.get(10..12).context("the Opus header is too short")?;
    Ok(i64::from(u16::from_le_bytes([bytes[0], bytes[1]])))
}

/// A frame of interleaved samples, as libopus takes them.
fn interleaved(channels: u32, planes: &[Vec<f32>]) -> frame::Audio {
    let length = planes.first().map_or(0, Vec::len);
    let format = Sample::F32(Type::Packed);
    let mut frame = frame::Audio::new(format, length, output_layout(channels));
    frame.set_rate(SAMPLE_RATE as u32);
    let samples = (0..length).flat_map(|at| planes.iter().map(move |plane| plane[at]));
    let slots = frame.data_mut(0).chunks_exact_mut(size_of::<f32>());
    for (slot, sample) in slots.zip(samples) {
        slot.copy_from_slice(&sample.to_ne_bytes());
    }
    frame
}

/// A frame of planar samples, with one plane for each channel.
pub(super) fn audio_frame(layout: ChannelLayout, rate: u32, planes: &[Vec<f32>]) -> frame::Audio {
    let length = planes.first().map_or(0, Vec::len);
    let mut frame = frame::Audio::new(PLANAR, length, layout);
    frame.set_rate(rate);
    for (channel, plane) in planes.iter().enumerate() {
        frame.plane_mut::<f32>(channel).copy_from_slice(plane);
    }
    frame
}
