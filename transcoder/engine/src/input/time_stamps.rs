//! Correction of the time stamps of packets to one clock, where the meaning of FFmpeg's stamps changes inside a
//! source. The stamps of a chained Ogg count samples of each link at that link's own rate. Raw AAC has no stamps, and
//! FFmpeg makes some by the sample rate of the first packet.

use std::collections::HashMap;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Packet, Rational, Rescale};

/// Sample rates in Hz, by their index in an ADTS header (ISO/IEC 14496-3 table 1.18).
const RATES: [i64; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
const FRAME_SAMPLES: i64 = 1024;

/// Correction of the time stamps of one reader, from its source's start on.
pub struct StampCorrection {
    /// Units of the streams' time stamps at the start of the source.
    units: Vec<Rational>,
    correction: Correction,
}

/// Rule by which time stamps are corrected.
enum Correction {
    Kept,
    /// Time stamps are converted from the unit of the link that is being read to the unit at the start of the source.
    /// The map holds the unit of each stream's present link.
    Rescaled(HashMap<usize, Rational>),
    /// Time stamps are counted packet by packet; the number is where the next packet begins.
    Counted(i64),
}

impl StampCorrection {
    /// Makes the correction for a reader at its source's start.
    pub fn of(input: &Input) -> Self {
        Self {
            units: input.streams().map(|stream| stream.time_base()).collect(),
            correction: match input.format().name() {
                "ogg" => Correction::Rescaled(HashMap::new()),
                "aac" => Correction::Counted(0),
                _ => Correction::Kept,
            },
        }
    }

    /// Ends the corrections that need a reading from the start, since the reader has gone elsewhere.
    pub fn jump(&mut self) {
        match &mut self.correction {
            Correction::Counted(_) => self.correction = Correction::Kept,
            Correction::Rescaled(links) => links.clear(),
            Correction::Kept => {}
        }
    }

    /// Corrects the time stamps of the next packet.
    pub fn apply(&mut self, packet: &mut Packet) {
        let at = packet.stream();
        let Some(&unit) = self.units.get(at) else {
            return;
        };
        match &mut self.correction {
            Correction::Rescaled(links) => {
                if let Some(rate) = packet.data().and_then(vorbis_rate) {
                    links.insert(at, Rational(1, rate));
                }
                let Some(own) = links.get(&at).copied().filter(|own| *own != unit) else {
                    return;
                };
                let scaled = |stamp: i64| stamp.rescale(own, unit);
                packet.set_pts(packet.pts().map(scaled));
                packet.set_dts(packet.dts().map(scaled));
                packet.set_duration(scaled(packet.duration()));
            }
            Correction::Counted(next) => {
                let Some(rate) = packet.data().and_then(rate_of) else {
                    return;
                };
                let lasts = FRAME_SAMPLES.rescale((1, rate as i32), unit);
                packet.set_pts(Some(*next));
                packet.set_dts(Some(*next));
                packet.set_duration(lasts);
                *next = next.saturating_add(lasts);
            }
            Correction::Kept => {}
        }
    }
}

/// Sample rate in the identification header of a link of Vorbis, which comes as a packet (Vorbis I §4.2.2).
fn vorbis_rate(packet: &[u8]) -> Option<i32> {
    const BEFORE_RATE: usize = 12;
    let head = packet.starts_with(b"\x01vorbis").then_some(packet)?;
    let rate = head.get(BEFORE_RATE..)?.first_chunk()?;
    i32::try_from(u32::from_le_bytes(*rate))
        .ok()
        .filter(|&rate| rate > 0)
}

/// Sample rate that the ADTS header of a packet declares.
fn rate_of(packet: &[u8]) -> Option<i64> {
    let index = packet.get(2)? >> 2 & 0xf;
    RATES.get(usize::from(index)).copied()
}
