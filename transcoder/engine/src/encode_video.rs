//! One segment of one rung: a fresh x264, one thread, one closed GOP.

use std::time::Instant;

use anyhow::{Result, ensure};
use ffmpeg_next::codec::{self, encoder};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Dictionary, Error, Packet, Rational as FfRational, frame};
use plan::{Frames, RateControl, Rational, VideoRendition};

use crate::ffi;
use crate::package::{self, ColourCodes, ParameterSets, VideoSample};
use crate::pictures::Picture;

/// How much higher the quantizer of each further try is, where a segment exceeds its cap even
/// with bounded rate control.
const RETRY_STEP: u32 = 4;
/// Tries before the segment is given up: the last is at a quantizer that nothing exceeds.
pub const MAX_TRIES: u32 = 7;

/// An encoder at work on one segment.
pub struct SegmentEncoder {
    encoder: encoder::video::Encoder,
    samples: Vec<VideoSample>,
    pushed: i64,
    spent_us: u64,
}

impl SegmentEncoder {
    /// A fresh encoder for a segment of `frames` at `rate`; `attempt` counts from 0.
    pub fn new(
        rendition: &VideoRendition,
        frames: Frames,
        rate: Rational,
        attempt: u32,
    ) -> Result<Self> {
        let encoder = open(rendition, frames, rate, attempt)?;
        Ok(Self {
            encoder,
            samples: Vec::with_capacity(frames.0 as usize),
            pushed: 0,
            spent_us: 0,
        })
    }

    /// Takes the next picture, already in the rung's size.
    pub fn push(&mut self, picture: &Picture) -> Result<()> {
        let began = Instant::now();
        // Only the pointer to the pixels is copied; the time stamp is the segment's own.
        let mut own = frame::Video::empty();
        ffi::share(&mut own, picture)?;
        own.set_pts(Some(self.pushed));
        self.pushed += 1;
        self.encoder.send_frame(&own)?;
        while self.receive()? {}
        self.spent_us += began.elapsed().as_micros() as u64;
        Ok(())
    }

    /// Ends the segment: its coded frames in decode order. Asks `go_on` between two of them.
    pub fn finish(mut self, go_on: impl Fn() -> Result<()>) -> Result<(Vec<VideoSample>, u64)> {
        self.encoder.send_eof()?;
        while (self.samples.len() as i64) < self.pushed {
            go_on()?;
            let began = Instant::now();
            let found = self.receive()?;
            ensure!(found, "frames are lost in the encoder");
            self.spent_us += began.elapsed().as_micros() as u64;
        }
        Ok((self.samples, self.spent_us))
    }

    /// The next coded frame, if there is one already.
    fn receive(&mut self) -> Result<bool> {
        let mut packet = Packet::empty();
        match self.encoder.receive_packet(&mut packet) {
            Ok(()) => {
                let data = package::length_prefixed(packet.data().unwrap_or_default());
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

/// The init segment of a picture rendition, from the parameter sets of its own encoder.
pub fn init(rendition: &VideoRendition, rate: Rational) -> Result<Vec<u8>> {
    let second = Frames(
        Rational::new(1, 1)
            .scale_round(rate.num(), rate.den())
            .max(1),
    );
    let encoder = open(rendition, second, rate, 0)?;
    let sets = ParameterSets::from_annex_b(&ffi::extradata(&encoder))?;
    package::video_init(rendition, &sets, colour_codes(rendition))
}

fn colour_codes(rendition: &VideoRendition) -> ColourCodes {
    // ISO/IEC 23091-2 tables 2 to 4.
    let code = |name: &str| match name {
        "bt709" => 1,
        "bt470bg" => 5,
        _ => 6,
    };
    let color = &rendition.color;
    // BT.470BG's transfer is its own number (5); that of SMPTE 170M equals BT.709's in shape.
    ColourCodes {
        primaries: code(&color.primaries),
        transfer: code(&color.transfer),
        matrix: code(&color.matrix),
    }
}

fn open(
    rendition: &VideoRendition,
    frames: Frames,
    rate: Rational,
    attempt: u32,
) -> Result<encoder::video::Encoder> {
    let Some(x264) = codec::encoder::find_by_name("libx264") else {
        anyhow::bail!("this FFmpeg has no libx264");
    };
    let mut video = codec::Context::new_with_codec(x264).encoder().video()?;
    let size = rendition.size();
    video.set_width(size.width);
    video.set_height(size.height);
    video.set_format(Pixel::YUV420P);
    let rate = FfRational(rate.num() as i32, rate.den() as i32);
    video.set_time_base(rate.invert());
    video.set_frame_rate(Some(rate));
    video.set_aspect_ratio(FfRational(1, 1));
    video.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
    let mut options = Dictionary::new();
    options.set("preset", &rendition.preset);
    options.set("profile", "high");
    let level = format!("{}.{}", rendition.level_idc / 10, rendition.level_idc % 10);
    let control = match attempt {
        0 => RateControl::Expected,
        _ => RateControl::Bounded,
    };
    let rate_control = rendition.rate_control(
        frames,
        Rational::new(i64::from(rate.0), i64::from(rate.1)),
        control,
    );
    let harder = match attempt {
        0 | 1 => String::new(),
        // A quantizer offset on top of the constant rate factor.
        n => {
            let offset = (n - 1) * RETRY_STEP;
            format!(":crf={}:qpmin={}", 23 + offset, 12 + offset)
        }
    };
    options.set(
        "x264-params",
        &format!("{}:{rate_control}:level={level}{harder}", rendition.x264),
    );
    Ok(video.open_with(options)?)
}
