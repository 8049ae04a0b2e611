//! The packets of a picture track: where reading begins for a moment, and what comes then.

use anyhow::{Result, bail};
use ffmpeg_next::codec::{self, decoder, threading};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet};
use plan::media_info::{KeyFrame, VideoTrack};
use plan::{Index, Plan, Rational};

use crate::source::Source;
use crate::times::{rational, timestamp};
use crate::{ffi, open};

/// Reads one track of the source.
pub struct Packets {
    source: Source,
    input: Input,
    stream: usize,
    time_base: Rational,
    scanned: Option<Vec<KeyFrame>>,
    /// Where no seek finds its place, so that all reading begins at the source's start.
    has_no_index: bool,
}

impl Packets {
    /// Opens the picture track of a plan's source.
    pub fn open(source: &Source, plan: &Plan, track: &VideoTrack) -> Result<Self> {
        let mut input = open::open(source)?;
        let stream = track.stream as usize;
        ffi::discard_all_but(&mut input, stream);
        let time_base = input.stream(stream).map(|s| rational(s.time_base()));
        Ok(Self {
            source: source.clone(),
            input,
            stream,
            time_base: time_base.unwrap_or(Rational::ZERO),
            scanned: match &plan.info.index {
                Index::Scanned(keys) => Some(keys.clone()),
                Index::Container | Index::None => None,
            },
            has_no_index: plan.info.index == Index::None,
        })
    }

    /// Unit of the track's time stamps.
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// A decoder of the track.
    pub fn decoder(&self, threads: u32) -> Result<decoder::Video> {
        video_decoder(&self.input, self.stream, threads)
    }

    /// Seeks to the key frame at or before a time, and `preroll` further back, or to the start where all pictures are later;
    /// says whether it is at the source's start then.
    pub fn seek(&mut self, time: Rational, preroll: u32, is_before_all: bool) -> Result<bool> {
        if self.has_no_index {
            self.rewind()?;
            return Ok(true);
        }
        let stamp = timestamp(time, self.time_base);
        if let Some(keys) = &self.scanned {
            let at = keys.partition_point(|key| key.pts <= stamp);
            let at = at.saturating_sub(preroll as usize);
            let position = at.checked_sub(1).map_or(0, |at| keys[at].position);
            ffi::seek_byte(&mut self.input, position as i64)?;
            return Ok(at <= 1);
        }
        if is_before_all || ffi::seek_back(&mut self.input, self.stream, stamp).is_err() {
            // Some demuxers refuse what lies before their first time stamp.
            let start = i64::MIN / 2;
            if ffi::seek_back(&mut self.input, self.stream, start).is_err()
                && self.input.seek(0, ..).is_err()
            {
                // Others whatever lies before the first picture of their index.
                self.rewind()?;
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

    /// From a key frame to the one before; false where there is none.
    fn seek_one_back(&mut self) -> Result<bool> {
        let mut packet = Packet::empty();
        loop {
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => break,
                Ok(()) | Err(Error::InvalidData) => {}
                Err(_) => return Ok(false),
            }
        }
        let Some(stamp) = packet.dts().or(packet.pts()) else {
            return Ok(false);
        };
        let found = ffi::seek_back(&mut self.input, self.stream, stamp - 1).is_ok();
        if !found && ffi::seek_back(&mut self.input, self.stream, stamp).is_err() {
            self.rewind()?;
        }
        Ok(found)
    }

    /// To the source's start.
    fn rewind(&mut self) -> Result<()> {
        open::rewind(&self.source, &mut self.input)?;
        ffi::discard_all_but(&mut self.input, self.stream);
        Ok(())
    }

    /// The next packet of the track; nothing at the end.
    pub fn next(&mut self) -> Result<Option<Packet>> {
        let mut packet = Packet::empty();
        loop {
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => return Ok(Some(packet)),
                Ok(()) | Err(Error::InvalidData) => {}
                Err(Error::Exit) => bail!("the parent is gone"),
                Err(_) => return Ok(None),
            }
        }
    }
}

/// A picture decoder with frame threads; their number does not change what comes out.
pub fn video_decoder(input: &Input, stream: usize, threads: u32) -> Result<decoder::Video> {
    let Some(stream) = input.stream(stream) else {
        bail!("no such stream")
    };
    let mut context = codec::Context::from_parameters(stream.parameters())?;
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: threads.max(1) as usize,
        ..threading::Config::default()
    });
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    Ok(decoder.video()?)
}
