//! A reader of a plan's source: packets in file order, with time stamps on the one time line that the probe has
//! found, and seeks that end at or before their target.

use anyhow::{Result, bail};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet};
use plan::media_info::{Join, KeyFrame};
use plan::{Index, MediaInfo, Rational};

use crate::ffi;
use crate::input::open;
use crate::input::source::Source;
use crate::input::time_stamps::StampCorrection;
use crate::input::times::{rational, seconds, timestamp};

/// Reader of some streams of a source.
pub struct Demux {
    source: Source,
    input: Input,
    info: MediaInfo,
    /// Indexes of the streams that are read.
    kept: Vec<usize>,
    stamps: StampCorrection,
    joins: StampShifts,
    /// Whether all streams share one index, by which seeks work for each of them.
    shares_index: bool,
}

/// Shifts of time stamps by which the parts of a source lie on one time line.
pub struct StampShifts {
    joins: Vec<Join>,
    /// Last known byte position of the packets of each stream since a seek: where FFmpeg splits a stored packet into
    /// several, only the first has a position.
    positions: Vec<u64>,
}

impl StampShifts {
    /// Makes the shifts of these joins.
    pub fn by(joins: &[Join]) -> Self {
        Self {
            joins: joins.to_vec(),
            positions: Vec::new(),
        }
    }

    /// Forgets the positions of packets after a seek.
    pub fn restart(&mut self) {
        self.positions.clear();
    }

    /// Shift of all time stamps of a stream, where one number holds for all.
    fn constant(&self, stream: usize) -> Option<i64> {
        let mut own = self
            .joins
            .iter()
            .filter(|join| join.stream as usize == stream);
        match (own.next(), own.next()) {
            (None, _) => Some(0),
            (Some(join), None) if join.position == 0 => Some(join.shift),
            _ => None,
        }
    }

    /// Shifts a packet's time stamps to the common time line.
    pub fn apply(&mut self, packet: &mut Packet) {
        if self.joins.is_empty() {
            return;
        }
        let stream = packet.stream();
        if self.positions.len() <= stream {
            self.positions.resize(stream + 1, 0);
        }
        if let Ok(position) = u64::try_from(packet.position()) {
            self.positions[stream] = position;
        }
        let position = self.positions[stream];
        let is_about = |join: &&Join| join.stream as usize == stream && join.position <= position;
        if let Some(join) = self.joins.iter().rfind(is_about) {
            let shifted = |stamp: Option<i64>| stamp.map(|stamp| stamp.saturating_add(join.shift));
            packet.set_pts(shifted(packet.pts()));
            packet.set_dts(shifted(packet.dts()));
            if join.position > 0 {
                ffi::keep(packet);
            }
        }
    }
}

/// Reads the next packet of a demuxer. The packet is a new one each time, since libavformat does not free the content
/// of a used one.
pub fn next_packet(input: &mut Input) -> Result<Packet, Error> {
    let mut packet = Packet::empty();
    packet.read(input)?;
    Ok(packet)
}

impl Demux {
    /// Opens a reader of these streams of the source, at its start.
    pub fn open(source: &Source, info: &MediaInfo, kept: &[usize]) -> Result<Self> {
        let input = open::open(source)?;
        let mut demux = Self {
            stamps: StampCorrection::of(&input),
            input,
            source: source.clone(),
            info: info.clone(),
            kept: kept.to_vec(),
            joins: StampShifts::by(&info.joins),
            shares_index: false,
        };
        ffi::keep_only(&mut demux.input, kept);
        Ok(demux)
    }

    /// Unit of a stream's time stamps, in seconds.
    pub fn time_base(&self, stream: usize) -> Option<Rational> {
        self.input.stream(stream).map(|s| rational(s.time_base()))
    }

    /// Demuxer that the packets come from.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Whether no seek finds its place in this source, so that all reading begins at its start.
    pub fn has_no_index(&self) -> bool {
        self.info.index == Index::None
    }

    /// Key frames with their byte positions, in formats that may be read from there.
    pub fn keys(&self) -> Option<&[KeyFrame]> {
        match &self.info.index {
            Index::Scanned(keys) if open::starts_anywhere(&self.info.container) => Some(keys),
            _ => None,
        }
    }

    /// Reads the next packet of the wanted streams; none at the end. Bytes that cannot be parsed are passed over.
    pub fn next(&mut self) -> Result<Option<Packet>> {
        loop {
            match next_packet(&mut self.input) {
                Ok(mut packet) if self.kept.contains(&packet.stream()) => {
                    self.stamps.apply(&mut packet);
                    self.joins.apply(&mut packet);
                    return Ok(Some(packet));
                }
                Ok(_) | Err(Error::InvalidData) => {}
                Err(Error::Exit) => bail!("the parent is gone"),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Goes back to the source's start.
    pub fn rewind(&mut self) -> Result<()> {
        self.joins.restart();
        self.shares_index = false;
        match self.info.joins.is_empty() {
            true => open::rewind(&self.source, &mut self.input)?,
            false => open::rewind_all_parts(&self.source, &mut self.input)?,
        }
        self.stamps = StampCorrection::of(&self.input);
        ffi::keep_only(&mut self.input, &self.kept);
        Ok(())
    }

    /// Goes to a byte at which a packet lies, in formats that may be read from there.
    pub fn seek_byte(&mut self, position: u64) -> Result<(), Error> {
        self.joins.restart();
        self.stamps.jump();
        ffi::seek_byte(&mut self.input, i64::try_from(position).unwrap_or(i64::MAX))
    }

    /// Goes to a stream's key frame at or before a time stamp; an error where the demuxer finds none.
    pub fn seek_back(&mut self, stream: usize, stamp: i64) -> Result<(), Error> {
        self.joins.restart();
        if self.info.container.contains("matroska") && !self.shares_index {
            self.shares_index = true;
            open::share_index(&mut self.input, &self.info);
        }
        self.stamps.jump();
        let shift = self.joins.constant(stream).unwrap_or(0);
        ffi::seek_back(&mut self.input, stream, stamp.saturating_sub(shift))
    }

    /// Goes to a byte before which no packet of any stream has this time or a later one, by the key frames that a
    /// scan has found. Returns false where there are none.
    pub fn seek_before(&mut self, time: Rational) -> bool {
        let Some(keys) = self.keys() else {
            return false;
        };
        let Some(time_base) = self.info.video.as_ref().map(|video| video.time_base) else {
            return false;
        };
        let stamp = timestamp(time, time_base);
        let after = keys.partition_point(|key| key.pts <= stamp);
        let position = after.checked_sub(1).map(|at| keys[at].position);
        position.is_some_and(|position| self.seek_byte(position).is_ok())
    }

    /// Seeks for sound: finds a packet of a stream at or before a time stamp and returns it. Returns none where the
    /// sound has to be read from the source's start.
    pub fn seek_sound(&mut self, stream: usize, stamp: i64) -> Result<Option<Packet>> {
        let Some(time_base) = self.time_base(stream) else {
            return Ok(None);
        };
        let is_joined = self.joins.constant(stream).is_none();
        let mut back = Rational::ZERO;
        loop {
            let time = seconds(stamp, time_base) - back;
            let found = match is_joined {
                true => self.seek_before(time),
                false => self.seek_back(stream, timestamp(time, time_base)).is_ok(),
            };
            if !found || back > Rational::new(600, 1) {
                return Ok(None);
            }
            let first = loop {
                match self.next()? {
                    Some(packet) if packet.stream() != stream => {}
                    packet => break packet,
                }
            };
            let is_before = |packet: &Packet| {
                let begins = packet.pts().or(packet.dts());
                begins.is_none_or(|begins| begins <= stamp)
            };
            if first.as_ref().is_some_and(is_before) {
                return Ok(first);
            }
            // Packets that are stored side by side may have different times, so the search goes back further.
            back = match back {
                Rational::ZERO => Rational::new(1, 1),
                back => back + back,
            };
        }
    }
}
