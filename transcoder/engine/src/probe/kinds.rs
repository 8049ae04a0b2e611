//! Kinds of packets of a track, by the coding that the packets themselves declare. A track may change its size, its
//! channels or its codec's settings inside; some packets of each kind are kept, and the most frequent kind tells what
//! most of the track is like.

use std::hash::{DefaultHasher, Hash, Hasher};

use ffmpeg_next::Packet;

use crate::audio::decoder::new_extradata;
use crate::ffi;
use crate::input::coded_units::Parted;

/// Most kinds that are told apart; packets of further kinds count as the last.
const MOST_KINDS: usize = 16;
/// Most bytes of packets that are kept of one kind; one packet is kept in any case.
const MOST_BYTES: usize = 1 << 20;

/// Packets of a track that are coded alike.
pub struct CodingKind {
    key: u64,
    /// Number of packets of this kind.
    pub count: u64,
    /// First packets of this kind.
    pub first: Vec<Packet>,
    /// Number of the kept packets that are shown or heard.
    heard: usize,
    bytes: usize,
}

impl CodingKind {
    /// Makes a kind of which no packet has come yet.
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
pub struct CodingKinds {
    kinds: Vec<CodingKind>,
    current: usize,
}

impl CodingKinds {
    /// Counts a packet, and keeps it unless `kept` packets of its kind are kept. A packet that declares nothing is of
    /// the same kind as the packet before.
    pub fn take(&mut self, key: Option<u64>, packet: &Packet, kept: usize) {
        if let Some(key) = key.or_else(|| self.kinds.is_empty().then_some(0)) {
            let known = self.kinds.iter().position(|kind| kind.key == key);
            self.current = known.unwrap_or(self.kinds.len());
            if known.is_none() && self.kinds.len() == MOST_KINDS {
                self.current = MOST_KINDS - 1;
            } else if known.is_none() {
                self.kinds.push(CodingKind::new(key));
            }
        }
        let kind = &mut self.kinds[self.current];
        kind.count += 1;
        // A packet that is decoded only for others gives no picture or sound by itself.
        let is_heard = !ffi::is_discarded(packet);
        if kind.heard < kept && (kind.first.is_empty() || kind.bytes < MOST_BYTES) {
            kind.heard += usize::from(is_heard);
            kind.bytes += packet.size();
            kind.first.push(packet.clone());
        }
    }

    /// Multiplies the counts of all packets so far.
    pub fn weigh(&mut self, times: u64) {
        for kind in &mut self.kinds {
            kind.count = kind.count.saturating_mul(times);
        }
    }

    /// Counts `count` further packets as being of the last packet's kind.
    pub fn repeat(&mut self, count: u64) {
        if let Some(kind) = self.kinds.get_mut(self.current) {
            kind.count = kind.count.saturating_add(count);
        }
    }

    /// Sets the kind of the next packets that declare nothing themselves.
    pub fn go_on_from(&mut self, before: Option<u64>) {
        if let Some(key) = before {
            self.current = self.kinds.len();
            self.kinds.push(CodingKind::new(key));
        }
    }

    /// Key of the last packet's kind.
    pub fn last_key(&self) -> Option<u64> {
        self.kinds.get(self.current).map(|kind| kind.key)
    }

    /// Adds the kinds of other packets of the same track.
    pub fn add(&mut self, others: Self) {
        for other in others.kinds {
            match self.kinds.iter().position(|kind| kind.key == other.key) {
                Some(at) => self.kinds[at].count += other.count,
                None if self.kinds.len() < MOST_KINDS => self.kinds.push(other),
                None => {}
            }
        }
    }

    /// Whether `wanted` packets of the first kind are kept, or as many bytes as may be.
    pub fn has_kept(&self, wanted: usize) -> bool {
        let first = self.kinds.first();
        first.is_some_and(|kind| kind.heard >= wanted || kind.bytes >= MOST_BYTES)
    }

    /// Kinds in the order in which they came.
    pub fn in_order(&self) -> impl Iterator<Item = &CodingKind> {
        self.kinds.iter()
    }

    /// Kinds with the most frequent first.
    pub fn by_count(&self) -> Vec<&CodingKind> {
        let mut kinds: Vec<&CodingKind> = self.kinds.iter().collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        kinds
    }

    /// Number of kinds.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }
}

/// Key of the rate and channels that a sound packet declares; none where its codec leaves them to the container.
pub fn sound_key(codec: &str, packet: &Packet) -> Option<u64> {
    if let Some(extradata) = new_extradata(packet) {
        return Some(hash(&extradata));
    }
    let data = packet.data().unwrap_or_default();
    let byte = |at: usize| data.get(at).copied().map(u64::from);
    match codec {
        // ISO/IEC 14496-3 §1.A.3.2.1: sampling_frequency_index and channel_configuration.
        "aac" if is_adts(data) => Some((byte(2)? & 0x3d) << 8 | byte(3)? >> 6),
        // ATSC A/52 §5.3: fscod, then acmod and the fields behind it, whose number of bits depends on acmod, then
        // lfeon.
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
            // Dependent substreams add channels to the first one and are part of it.
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
        // RFC 9639 §9.1: sample rate, channels (stereo is coded in several ways), sample size.
        "flac" if byte(0)? == 0xff && byte(1)? >> 2 == 0x3e => {
            let channels = match byte(3)? >> 4 {
                8..=10 => 1,
                channels => channels,
            };
            Some((byte(2)? & 0x0f) << 8 | channels << 4 | byte(3)? & 0x0e)
        }
        // A sync of TrueHD or MLP declares the coding of all packets up to the next sync.
        "truehd" | "mlp" if data.get(4..7) == Some(&[0xf8, 0x72, 0x6f]) => {
            data.get(8..12).map(hash)
        }
        // ISO/IEC 14496-3 §1.7.3.1: object type, rate and channels of the first layer, where the packet declares
        // them.
        "aac_latm" if byte(0)? == 0x56 && byte(3)? >> 6 == 0 => Some(byte(5)? << 5 | byte(6)? >> 3),
        _ => None,
    }
}

/// First of the modes of MPEG audio that are kept in the key: dual channel and single channel.
const MPEG_DUAL: u64 = 2;

impl CodingKind {
    /// Whether the two channels are two independent sounds, such as two languages.
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

/// Whether a packet holds the places of channels that the packets after it do not repeat: a program config element at
/// the start of AAC whose header has no channel configuration (ISO/IEC 14496-3 §4.5.1.2).
pub fn is_set_up(codec: &str, packet: &Packet) -> bool {
    const PROGRAM_CONFIG: u8 = 5;
    let data = packet.data().unwrap_or_default();
    if codec != "aac" || !is_adts(data) || data[2] & 1 != 0 || data[3] >> 6 != 0 {
        return false;
    }
    let head = if data[1] & 1 == 1 { 7 } else { 9 };
    data.get(head)
        .is_some_and(|element| element >> 5 == PROGRAM_CONFIG)
}

/// Key of the sequence that a key picture declares: size, shape, colours; none where it declares nothing.
pub fn picture_key(codec: &str, parted: Parted, packet: &Packet) -> Option<u64> {
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
        // Sequence header without its matrices, and its extension (ISO/IEC 13818-2 §6.2.2).
        "mpeg1video" | "mpeg2video" => units(&|head| head == 0xb3, 5),
        // Header of the video object layer (ISO/IEC 14496-2 §6.2.3).
        "mpeg4" => units(&|head| (0x20..0x30).contains(&head), usize::MAX),
        // RFC 6386 §9.1: width and height.
        "vp8" => data.get(6..10).map(hash),
        "vp9" => vp9_size(data),
        "mjpeg" => jpeg_size(data),
        "av1" => av1_sequence(data),
        // SMPTE 421M §G: header of the sequence layer.
        "vc1" => units(&|head| head == 0x0f, usize::MAX),
        // SMPTE RDD 36 §5.1: width and height.
        "prores" if data.get(4..8) == Some(b"icpf") => data.get(16..20).map(hash),
        _ => None,
    }
}

/// Bytes of a unit up to the next start code; units behind start codes are otherwise taken to reach to the packet's
/// end.
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

/// Hash of the sequence header (AV1 bitstream specification §5.3).
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

/// Hash of the height and width in the frame's header (ITU-T T.81 §B.2.2).
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
