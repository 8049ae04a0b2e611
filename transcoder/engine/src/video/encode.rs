//! Encoding of one segment of one rung: a fresh encoder, one thread, one closed GOP.

pub(crate) mod control;
mod svt_av1;
mod x264;
mod x265;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use cmaf::VideoSample;
use ffmpeg_next::codec::{self, encoder};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Error, Packet, Rational as FfRational, frame};
use plan::{Frames, Rational, VideoCodec, VideoRendition};

use self::control::Control;
use crate::ffi;
use crate::video::pictures::Picture;
use crate::video::transform::cascade::black;

/// Coded frames of a segment.
pub struct Encoded {
    /// Coded frames, in decode order.
    pub samples: Vec<VideoSample>,
    /// Time that the encoder took, in microseconds.
    pub spent_us: u64,
    /// Bytes in which the encoder declares its parameter sets.
    declared: Vec<u8>,
}

impl Encoded {
    /// Bytes of each coded frame, in decode order.
    pub fn sizes(&self) -> Vec<usize> {
        let samples = self.samples.iter();
        samples.map(|sample| sample.data.len()).collect()
    }

    /// Init segment with which these frames are decoded.
    pub fn init(&self, rendition: &VideoRendition) -> Result<Vec<u8>> {
        cmaf::video_init(rendition, &self.declared)
    }
}

/// Encoder of one segment.
pub struct SegmentEncoder {
    encoder: encoder::video::Encoder,
    codec: VideoCodec,
    /// Whether the encoder was told that no more pictures come.
    ended: bool,
    samples: Vec<VideoSample>,
    pushed: i64,
    spent_us: u64,
}

impl SegmentEncoder {
    /// Opens a fresh encoder for a segment of `frames` frames at `rate` frames per second.
    pub fn new(
        rendition: &VideoRendition,
        frames: Frames,
        rate: Rational,
        control: Control,
    ) -> Result<Self> {
        let encoder = open(rendition, frames, rate, control)?;
        Ok(Self {
            encoder,
            codec: rendition.encoding,
            ended: false,
            samples: Vec::with_capacity(frames.0 as usize),
            pushed: 0,
            spent_us: 0,
        })
    }

    /// Encodes the next picture, which is already in the rung's size.
    pub fn push(&mut self, picture: &Picture) -> Result<()> {
        let began = Instant::now();
        // Only the pointer to the pixels is copied; the time stamp is counted from the segment's start.
        let mut own = frame::Video::empty();
        ffi::share(&mut own, picture)?;
        own.set_pts(Some(self.pushed));
        self.pushed += 1;
        self.encoder.send_frame(&own)?;
        while self.receive()? {}
        self.spent_us += began.elapsed().as_micros() as u64;
        Ok(())
    }

    /// Ends the segment. `go_on` is called before each remaining frame; its error ends the work.
    pub fn finish(mut self, go_on: impl Fn() -> Result<()>) -> Result<Encoded> {
        self.encoder.send_eof()?;
        self.ended = true;
        while (self.samples.len() as i64) < self.pushed {
            go_on()?;
            let began = Instant::now();
            let found = self.receive()?;
            ensure!(found, "the encoder lost frames");
            self.spent_us += began.elapsed().as_micros() as u64;
        }
        Ok(Encoded {
            declared: self.declared(),
            samples: std::mem::take(&mut self.samples),
            spent_us: self.spent_us,
        })
    }

    /// Parameter sets of the encoder. AV1's are taken from the first coded frame, since SVT-AV1 declares other ones
    /// before it has coded anything.
    fn declared(&self) -> Vec<u8> {
        match (self.codec, self.samples.first()) {
            (VideoCodec::Av1, Some(first)) => first.data.clone(),
            _ => ffi::extradata(&self.encoder),
        }
    }

    /// Receives the next coded frame; false if none is ready.
    fn receive(&mut self) -> Result<bool> {
        let mut packet = Packet::empty();
        match self.encoder.receive_packet(&mut packet) {
            Ok(()) => {
                let coded = packet.data().unwrap_or_default();
                let data = match self.codec {
                    VideoCodec::H264 | VideoCodec::Hevc => cmaf::length_prefixed(coded),
                    VideoCodec::Av1 => cmaf::av1_sample(coded),
                };
                let position = packet.pts().unwrap_or_default().max(0) as u32;
                self.samples.push(VideoSample { data, position });
                Ok(true)
            }
            Err(Error::Other {
                errno: ffmpeg_next::error::EAGAIN,
            })
            | Err(Error::Eof) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for SegmentEncoder {
    fn drop(&mut self) {
        if self.codec == VideoCodec::Av1 {
            svt_av1::drain(&mut self.encoder, self.pushed > 0, self.ended);
        }
    }
}

/// Makes the init segment of a picture rendition, from the parameter sets of its own encoder, or of the source where
/// the rendition passes the source through.
pub fn init(rendition: &VideoRendition, rate: Rational) -> Result<Vec<u8>> {
    if let Some(record) = &rendition.passed_through {
        return cmaf::video_init(rendition, record);
    }
    let second = Frames(
        Rational::new(1, 1)
            .scale_round(rate.num(), rate.den())
            .max(1),
    );
    let mut encoder = SegmentEncoder::new(rendition, second, rate, Control::Expected)?;
    if rendition.encoding == VideoCodec::Av1 {
        encoder.push(&Arc::new(black(rendition.size()).into()))?;
        return encoder.finish(|| Ok(()))?.init(rendition);
    }
    cmaf::video_init(rendition, &encoder.declared())
}

fn open(
    rendition: &VideoRendition,
    frames: Frames,
    rate: Rational,
    control: Control,
) -> Result<encoder::video::Encoder> {
    let name = match rendition.encoding {
        VideoCodec::H264 => "libx264",
        VideoCodec::Hevc => "libx265",
        VideoCodec::Av1 => "libsvtav1",
    };
    let Some(encoder) = codec::encoder::find_by_name(name) else {
        anyhow::bail!("this FFmpeg has no {name}");
    };
    let mut video = codec::Context::new_with_codec(encoder).encoder().video()?;
    let size = rendition.size();
    video.set_width(size.width);
    video.set_height(size.height);
    video.set_format(Pixel::YUV420P);
    let per_second = FfRational(rate.num() as i32, rate.den() as i32);
    video.set_time_base(per_second.invert());
    video.set_frame_rate(Some(per_second));
    video.set_aspect_ratio(FfRational(1, 1));
    video.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
    let options = match rendition.encoding {
        VideoCodec::H264 => x264::options(rendition, frames, rate, control),
        VideoCodec::Hevc => x265::options(rendition, frames, rate, control),
        VideoCodec::Av1 => svt_av1::options(rendition, cmaf::colour_codes(rendition), control),
    };
    Ok(video.open_with(options)?)
}
