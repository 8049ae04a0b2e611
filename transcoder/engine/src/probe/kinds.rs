//! How packets are coded, by what they say themselves: a track may change its size, its channels or its codec's
//! settings on the way, and what most of it is like is learnt from packets of each kind.

use std::hash::{DefaultHasher, Hash, Hasher};

use ffmpeg_next::Packet;

use crate::audio::decoder::new_extradata;
use crate::ffi;
use crate::input::coded_units::Parted;

/// More kinds than that are counted as the last.
const MOST_KINDS: usize = 16;
/// Bytes kept of one kind, at least one packet.
const MOST_BYTES: usize = 1 << 20;

/// Packets that are coded alike.
pub struct Kind {
    key: u64,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Packet>,
    /// How many of those are shown or heard.
    heard: usize,
    bytes: usize,
}

impl Kind {
    /// A kind of which no packet has come yet.
    fn new(key: u64) -> Self {
        Self {
            key,
            count: 0,
            first: Vec::new(),
            heard: 0,
            bytes: 0,
        }
    }
}

/// All kinds of a track's packets.
#[derive(Default)]
pub struct Kinds {
    kinds: Vec<Kind>,
    current: usize,
}

impl Kinds {
    /// Counts a packet, of which so many at most are kept for each kind. One that says nothing is like the one before.
    pub fn take(&mut self, key: Option<u64>, packet: &Packet, kept: usize) {
        if let Some(key) = key.or_else(|| self.kinds.is_empty().then_some(0)) {
            let known = self.kinds.iter().position(|kind| kind.key == key);
            self.current = known.unwrap_or(self.kinds.len());
            if known.is_none() && self.kinds.len() == MOST_KINDS {
                self.current = MOST_KINDS - 1;
            } else if known.is_none() {
                self.kinds.push(Kind::new(key));
            }
        }
        let kind = &mut self.kinds[self.current];
        kind.count += 1;
        // What is decoded for others alone gives nothing by itself.
        let is_heard = !ffi::is_discarded(packet);
        if kind.heard < kept && (kind.first.is_empty() || kind.bytes < MOST_BYTES) {
            kind.heard += usize::from(is_heard);
            kind.bytes += packet.size();
            kind.first.push(packet.clone());
        }
    }

    /// Each packet so far counts so many times.
    pub fn weigh(&mut self, times: u64) {
        for kind in &mut self.kinds {
            kind.count = kind.count.saturating_mul(times);
        }
    }

    /// So many packets more are taken to be like the last one.
    pub fn repeat(&mut self, count: u64) {
        if let Some(kind) = self.kinds.get_mut(self.current) {
            kind.count = kind.count.saturating_add(count);
        }
    }

    /// What packets are like that do not say it, from here on: as the last of these.
    pub fn go_on_from(&mut self, before: Option<u64>) {
        if let Some(key) = before {
            self.current = self.kinds.len();
            self.kinds.push(Kind::new(key));
        }
    }

    /// The kind of the last packet.
    pub fn last_key(&self) -> Option<u64> {
        self.kinds.get(self.current).map(|kind| kind.key)
    }

    /// Adds what other packets of the track are like.
    pub fn add(&mut self, others: Self) {
        for other in others.kinds {
            match self.kinds.iter().position(|kind| kind.key == other.key) {
                Some(at) => self.kinds[at].count += other.count,
                None if self.kinds.len() < MOST_KINDS => self.kinds.push(other),
                None => {}
            }
        }
    }

    /// Whether so many packets of the first kind are kept, or as many bytes as may be.
    pub fn has_kept(&self, wanted: usize) -> bool {
        let first = self.kinds.first();
        first.is_some_and(|kind| kind.heard >= wanted || kind.bytes >= MOST_BYTES)
    }

    /// The first met first.
    pub fn in_order(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter()
    }

    /// The most frequent first.
    pub fn by_count(&self) -> Vec<&Kind> {
        let mut kinds: Vec<&Kind> = self.kinds.iter().collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        kinds
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }
}

/// What a sound packet says of its rate and channels; nothing where its codec leaves that to the container.
pub fn of_sound(codec: &str, packet: &Packet) -> Option<u64> {
    if let Some(extradata) = new_extradata(packet) {
        return Some(hash(&extradata));
    }
    let data = packet.data().unwrap_or_default();
    let byte = |at: usize| data.get(at).copied().map(u64::from);
    match codec {
        // ISO/IEC 14496-3 §1.A.3.2.1: sampling_frequency_index and channel_configuration.
        "aac" if is_adts(data) => Some((byte(2)? & 0x3d) << 8 | byte(3)? >> 6),
        // ATSC A/52 §5.3: fscod, then acmod and what follows it, which has as many bits as acmod asks for.
        "ac3" if data.starts_with(&[0x0b, 0x77]) => {
            let (rate, mode) = (byte(4)? >> 6, byte(6)? >> 5);
            let mixes = u64::from(mode & 1 == 1 && mode != 1)
                + u64::from(mode & 4 != 0)
                + u64::from(mode == 2);
            let bass = byte(6)? << 8 | byte(7)?;
            Some(rate << 8 | mode << 4 | bass >> (12 - 2 * mixes) & 1)
        }
        // Annex E §1.2.1: fscod, acmod, lfeon.
        "eac3" if data.starts_with(&[0x0b, 0x77]) => {
            // Substreams that add channels to the first are part of it.
            (byte(2)? >> 6 != 1).then_some(byte(4)?)
        }
        // ISO/IEC 11172-3 §2.4.1.3: version, sampling frequency, and whether there is one channel.
        "mp1" | "mp2" | "mp3" | "mp1float" | "mp2float" | "mp3float" if byte(0)? == 0xff => {
            let mode = byte(3)? >> 6;
            let channels = if mode >= MPEG_DUAL { mode } else { 0 };
            Some((byte(1)? & 0x18) << 8 | (byte(2)? & 0x0c) << 4 | channels)
        }
        // ETSI TS 102 114 §5.3.1: AMODE, SFREQ.
        "dts" if data.starts_with(&[0x7f, 0xfe, 0x80, 0x01]) => {
            Some((byte(7)? & 0x0f) << 16 | (byte(8)? & 0xfc) << 8)
        }
        // RFC 9639 §9.1: sample rate, channels (those of stereo are coded in several ways), sample size.
        "flac" if byte(0)? == 0xff && byte(1)? >> 2 == 0x3e => {
            let channels = match byte(3)? >> 4 {
                8..=10 => 1,
                channels => channels,
            };
            Some((byte(2)? & 0x0f) << 8 | channels << 4 | byte(3)? & 0x0e)
        }
        // A sync of TrueHD and MLP says how all up to the next are coded.
        "truehd" | "mlp" if data.get(4..7) == Some(&[0xf8, 0x72, 0x6f]) => {
            data.get(8..12).map(hash)
        }
        // ISO/IEC 14496-3 §1.7.3.1: object type, rate and channels of the first layer, where the packet says them.
        "aac_latm" if byte(0)? == 0x56 && byte(3)? >> 6 == 0 => Some(byte(5)? << 5 | byte(6)? >> 3),
        _ => None,
    }
}

/// Modes of MPEG audio from here on are dual channel, and one channel.
const MPEG_DUAL: u64 = 2;

impl Kind {
    /// Whether its two channels are two sounds of their own, such as two languages.
    pub fn is_dual_mono(&self, codec: &str) -> bool {
        match codec {
            "ac3" => self.key >> 4 & 7 == 0,
            "eac3" => self.key >> 1 & 7 == 0,
            "mp1" | "mp2" | "mp3" | "mp1float" | "mp2float" | "mp3float" => {
                self.key & 3 == MPEG_DUAL
            }
            _ => false,
        }
    }
}

fn is_adts(data: &[u8]) -> bool {
    data.len() > 7 && data[0] == 0xff && data[1] & 0xf6 == 0xf0
}

/// Whether a packet holds channels' places that those after it do not repeat: a program config element at the start of
/// AAC whose header has no channel configuration (ISO/IEC 14496-3 §4.5.1.2).
pub fn sets_up(codec: &str, packet: &Packet) -> bool {
    const PROGRAM_CONFIG: u8 = 5;
    let data = packet.data().unwrap_or_default();
    if codec != "aac" || !is_adts(data) || data[2] & 1 != 0 || data[3] >> 6 != 0 {
        return false;
    }
    let head = if data[1] & 1 == 1 { 7 } else { 9 };
    data.get(head)
        .is_some_and(|element| element >> 5 == PROGRAM_CONFIG)
}

/// What a key picture says of its sequence: size, shape, colours. Nothing where it says nothing.
pub fn of_picture(codec: &str, parted: Parted, packet: &Packet) -> Option<u64> {
    if let Some(extradata) = new_extradata(packet) {
        return Some(hash(&extradata));
    }
    if !packet.is_key() {
        return None;
    }
    let data = packet.data().unwrap_or_default();
    let units = |is_wanted: &dyn Fn(u8) -> bool, longest: usize| {
        let mut hasher = DefaultHasher::new();
        let mut is_any = false;
        for unit in parted
            .units(data)
            .filter(|unit| unit.first().is_some_and(|&head| is_wanted(head)))
        {
            let unit = &unit[..end_of_unit(unit).min(longest)];
            unit.hash(&mut hasher);
            is_any = true;
        }
        is_any.then(|| hasher.finish())
    };
    match codec {
        "h264" => units(&|head| head & 0x1f == 7, usize::MAX),
        "hevc" => units(&|head| head >> 1 & 0x3f == 33, usize::MAX),
        // The sequence's header without its matrices, and its extension (ISO/IEC 13818-2 §6.2.2).
        "mpeg1video" | "mpeg2video" => units(&|head| head == 0xb3, 5),
        // The object's layer (ISO/IEC 14496-2 §6.2.3).
        "mpeg4" => units(&|head| (0x20..0x30).contains(&head), usize::MAX),
        // RFC 6386 §9.1.
        "vp8" => data.get(6..10).map(hash),
        "vp9" => vp9_size(data),
        "mjpeg" => jpeg_size(data),
        "av1" => av1_sequence(data),
        // SMPTE 421M §G: the sequence's layer.
        "vc1" => units(&|head| head == 0x0f, usize::MAX),
        // SMPTE RDD 36 §5.1: width and height.
        "prores" if data.get(4..8) == Some(b"icpf") => data.get(16..20).map(hash),
        _ => None,
    }
}

/// Of units behind start codes, which are taken to reach to the packet's end.
fn end_of_unit(unit: &[u8]) -> usize {
    let next = unit.windows(3).position(|bytes| bytes == [0, 0, 1]);
    next.unwrap_or(unit.len())
}

/// Width and height of a key frame (VP9 bitstream specification §6.2).
fn vp9_size(data: &[u8]) -> Option<u64> {
    let mut at = 0;
    let mut bits = |count: usize| {
        let mut number = 0_u64;
        for _ in 0..count {
            let byte = data.get(at / 8)?;
            number = number << 1 | u64::from(byte >> (7 - at % 8) & 1);
            at += 1;
        }
        Some(number)
    };
    let marker = bits(2)?;
    let profile = bits(1)? | bits(1)? << 1;
    if profile == 3 {
        bits(1)?;
    }
    let (shows_known, is_inter) = (bits(1)?, bits(1)?);
    bits(2)?;
    if marker != 2 || shows_known == 1 || is_inter == 1 || bits(24)? != 0x49_8342 {
        return None;
    }
    if profile >= 2 {
        bits(1)?;
    }
    const SRGB: u64 = 7;
    let is_rgb = bits(3)? == SRGB;
    if !is_rgb {
        bits(1)?;
    }
    if profile & 1 == 1 {
        bits(if is_rgb { 1 } else { 3 })?;
    }
    Some(bits(16)? << 16 | bits(16)?)
}

/// The sequence's header (AV1 bitstream specification §5.3).
fn av1_sequence(data: &[u8]) -> Option<u64> {
    const SEQUENCE_HEADER: u8 = 1;
    let mut rest = data;
    loop {
        let head = *rest.first()?;
        let (kind, has_extension, has_size) = (head >> 3 & 0xf, head & 4 != 0, head & 2 != 0);
        rest = rest.get(1 + usize::from(has_extension)..)?;
        let mut size = rest.len();
        if has_size {
            let length = rest.iter().take(8).position(|byte| byte & 0x80 == 0)? + 1;
            let digits = rest[..length].iter().rev();
            let said = digits.fold(0_u64, |size, byte| size << 7 | u64::from(byte & 0x7f));
            rest = &rest[length..];
            size = usize::try_from(said).ok()?;
        }
        let payload = rest.get(..size)?;
        if kind == SEQUENCE_HEADER {
            return Some(hash(payload));
        }
        rest = &rest[size..];
    }
}

/// Height and width from the frame's header (ITU-T T.81 §B.2.2).
fn jpeg_size(data: &[u8]) -> Option<u64> {
    let mut at = 2;
    loop {
        let [marker, kind, high, low] = data.get(at..at + 4)?.try_into().ok()?;
        if marker != 0xff {
            return None;
        }
        if matches!(kind, 0xc0..=0xc3) {
            return data.get(at + 5..at + 9).map(hash);
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
