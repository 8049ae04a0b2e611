//! The packets of a picture track: seeks to the place from which a moment can be decoded, and reading from there.

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

/// Reader of the packets of one picture track.
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

    /// Unit of the track's time stamps, in seconds.
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// Opens a decoder of the track.
    pub fn decoder(&self, threads: u32) -> Result<decoder::Video> {
        video_decoder(self.demux.input(), self.stream, threads)
    }

    /// Seeks to the key frame at or before a time and `preroll` key frames further back, or to the start where all
    /// pictures are later. Returns whether the reader is then at the source's start.
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
            // Some demuxers refuse a time before their first time stamp, others any time before the first picture of
            // their index.
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

    /// Goes from a key frame to the one before; false where there is none.
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

    /// Reads the next packet of the track; none at the end.
    pub fn next(&mut self) -> Result<Option<Packet>> {
        self.demux.next()
    }
}

/// Opens a picture decoder with frame threads; the number of threads does not change the pictures.
pub fn video_decoder(input: &Input, stream: usize, threads: u32) -> Result<decoder::Video> {
    let Some(stream) = input.stream(stream) else {
        bail!("no such stream")
    };
    let parameters = stream.parameters();
    // Transparency in VP8 and VP9 is coded beside the pictures, and only their own library (libvpx) reads it.
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
