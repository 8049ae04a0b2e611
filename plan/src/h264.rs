//! H.264 level and codec string of a rendition, from its size, frame rate and bit-rate cap.

use crate::ladder::Size;
use crate::units::Rational;

/// Number of frames that x264 keeps for references with B-pyramid, even if it searches fewer.
const DPB_FRAMES: u64 = 4;

/// One row of ITU-T H.264 table A-1 (levels and their limits).
struct Level {
    idc: u32,
    macroblocks_per_second: u64,
    macroblocks_per_frame: u64,
    dpb_macroblocks: u64,
    kbit_per_second: u64,
}

const fn level(idc: u32, mbps: u64, fs: u64, dpb: u64, br: u64) -> Level {
    Level {
        idc,
        macroblocks_per_second: mbps,
        macroblocks_per_frame: fs,
        dpb_macroblocks: dpb,
        kbit_per_second: br,
    }
}

/// Levels in rising order (ITU-T H.264 table A-1).
const LEVELS: [Level; 19] = [
    level(10, 1_485, 99, 396, 64),
    level(11, 3_000, 396, 900, 192),
    level(12, 6_000, 396, 2_376, 384),
    level(13, 11_880, 396, 2_376, 768),
    level(20, 11_880, 396, 2_376, 2_000),
    level(21, 19_800, 792, 4_752, 4_000),
    level(22, 20_250, 1_620, 8_100, 4_000),
    level(30, 40_500, 1_620, 8_100, 10_000),
    level(31, 108_000, 3_600, 18_000, 14_000),
    level(32, 216_000, 5_120, 20_480, 20_000),
    level(40, 245_760, 8_192, 32_768, 20_000),
    level(41, 245_760, 8_192, 32_768, 50_000),
    level(42, 522_240, 8_704, 34_816, 50_000),
    level(50, 589_824, 22_080, 110_400, 135_000),
    level(51, 983_040, 36_864, 184_320, 240_000),
    level(52, 2_073_600, 36_864, 184_320, 240_000),
    level(60, 4_177_920, 139_264, 696_320, 240_000),
    level(61, 8_355_840, 139_264, 696_320, 480_000),
    level(62, 16_711_680, 139_264, 696_320, 800_000),
];

/// Lowest level (as ten times its number) whose limits a High-profile stream of this size, frame rate and bit-rate
/// cap meets.
pub(crate) fn level_idc(size: Size, rate: Rational, cap_kbit: u32) -> u32 {
    let (columns, rows) = (
        u64::from(size.width.div_ceil(16)),
        u64::from(size.height.div_ceil(16)),
    );
    let frame = columns * rows;
    let per_second = Rational::new(frame as i64, 1).scale_ceil(rate.num(), rate.den()) as u64;
    let fits = |level: &&Level| {
        frame <= level.macroblocks_per_frame
            && columns.max(rows).pow(2) <= 8 * level.macroblocks_per_frame
            && per_second <= level.macroblocks_per_second
            && frame * DPB_FRAMES <= level.dpb_macroblocks
            // High profile allows 1.25 times the bit rate of the table.
            && u64::from(cap_kbit) * 4 <= level.kbit_per_second * 5
    };
    LEVELS.iter().find(fits).map_or(62, |level| level.idc)
}

/// Codec string `avc1.6400LL`: High profile, no constraint flags (RFC 6381 §3.3, ISO/IEC 14496-15).
pub(crate) fn codec_string(level_idc: u32) -> String {
    format!("avc1.6400{level_idc:02x}")
}
