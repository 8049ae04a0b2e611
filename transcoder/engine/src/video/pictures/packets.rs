//! The packets of a picture track: where reading begins for a moment, and what comes then.

use anyhow::{Result, bail};
use ffmpeg_next::codec::{self, decoder, threading};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet};
use plan::media_info::VideoTrack;
use plan::{Plan, Rational};

use crate::ffi;
use crate::input::demux::Demux;
use crate::input::source::Source;
use crate::input::times::timestamp;

/// Reads one track of the source.
pub struct Packets {
    demux: Demux,
    stream: usize,
    time_base: Rational,
}

impl Packets {
    /// Opens the picture track of a plan's source.
    pub fn open(source: &Source, plan: &Plan, track: &VideoTrack) -> Result<Self> {
        let stream = track.stream as usize;
        let demux = Demux::open(source, &plan.info, &[stream])?;
        let time_base = demux.time_base(stream).unwrap_or(Rational::ZERO);
        Ok(Self {
            demux,
            stream,
            time_base,
        })
    }

    /// Unit of the track's time stamps.
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// A decoder of the track.
    pub fn decoder(&self, threads: u32) -> Result<decoder::Video> {
        video_decoder(self.demux.input(), self.stream, threads)
    }

    /// Seeks to the key frame at or before a time, and `preroll` further back, or to the start where all pictures are later;
    /// says whether it is at the source's start then.
    pub fn seek(&mut self, time: Rational, preroll: u32, is_before_all: bool) -> Result<bool> {
        if self.demux.has_no_index() {
            self.demux.rewind()?;
            return Ok(true);
        }
        let stamp = timestamp(time, self.time_base);
        if let Some(keys) = self.demux.keys() {
            let at = keys.partition_point(|key| key.pts <= stamp);
            let at = at.saturating_sub(preroll as usize);
            let position = at.checked_sub(1).map_or(0, |at| keys[at].position);
            self.demux.seek_byte(position)?;
            return Ok(at <= 1);
        }
        if is_before_all || self.seek_back(stamp).is_err() {
            // Some demuxers refuse what lies before their first time stamp, others whatever lies before the
            // first picture of their index.
            if self.seek_back(i64::MIN / 2).is_err() {
                self.demux.rewind()?;
            }
            return Ok(true);
        }
        for _ in 0..preroll {
            if !self.seek_one_back()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn seek_back(&mut self, stamp: i64) -> Result<(), Error> {
        self.demux.seek_back(self.stream, stamp)
    }

    /// From a key frame to the one before; false where there is none.
    fn seek_one_back(&mut self) -> Result<bool> {
        let Some(packet) = self.demux.next()? else {
            return Ok(false);
        };
        let Some(stamp) = packet.dts().or(packet.pts()) else {
            return Ok(false);
        };
        let found = self.seek_back(stamp - 1).is_ok();
        if !found && self.seek_back(stamp).is_err() {
            self.demux.rewind()?;
        }
        Ok(found)
    }

    /// The next packet of the track; nothing at the end.
    pub fn next(&mut self) -> Result<Option<Packet>> {
        self.demux.next()
    }
}

/// A picture decoder with frame threads; their number does not change what comes out.
pub fn video_decoder(input: &Input, stream: usize, threads: u32) -> Result<decoder::Video> {
    let Some(stream) = input.stream(stream) else {
        bail!("no such stream")
    };
    let parameters = stream.parameters();
    // What is transparent in VP8 and VP9 is coded beside them, and read by their own library alone.
    let is_transparent =
        ffi::tag(&stream.metadata(), c"alpha_mode").is_some_and(|mode| mode == "1");
    let library = match parameters.id() {
        codec::Id::VP8 if is_transparent => decoder::find_by_name("libvpx"),
        codec::Id::VP9 if is_transparent => decoder::find_by_name("libvpx-vp9"),
        _ => None,
    };
    let mut context = codec::Context::from_parameters(parameters)?;
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: threads.max(1) as usize,
        ..threading::Config::default()
    });
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    match library {
        Some(library) => Ok(decoder.open_as(library)?.video()?),
        None => Ok(decoder.video()?),
    }
}
