//! AV1 by SVT-AV1: settings, levels and codec strings.

use crate::ladder::Size;
use crate::units::Rational;

/// SVT-AV1 preset. Measured, as `CRF` and `CAP_PERCENT`, in docs/decisions/022-lazy-codecs.md.
pub(super) const PRESET: &str = "8";
/// Constant rate factor, in SVT-AV1's scale, with the same visual quality as policy `fast` in H.264.
pub(super) const CRF: u32 = 42;
/// Bit-rate cap in per cent of H.264's cap: AV1 needs less for the same quality.
pub(super) const CAP_PERCENT: u64 = 60;
/// Coarsest rate factor that SVT-AV1 accepts.
pub(super) const COARSEST: u32 = 63;

/// SVT-AV1's settings in addition to its preset, without those that depend on the segment.
pub(super) fn settings(level_idx: u32) -> String {
    let (major, minor) = (2 + level_idx / 4, level_idx % 4);
    format!(
        "keyint=-1:irefresh-type=2:lp=1:pin=0:tune=0:enable-overlays=0:scd=0:level={major}{minor}"
    )
}

/// One row of AV1's table of levels (AV1 bitstream specification, annex A.3), main tier.
struct Level {
    /// Number of the level in the bitstream (`seq_level_idx`).
    idx: u32,
    luma_per_picture: u64,
    width: u32,
    height: u32,
    luma_per_second: u64,
    kbit_per_second: u64,
}

const fn level(idx: u32, picture: u64, size: (u32, u32), second: u64, kbit: u64) -> Level {
    Level {
        idx,
        luma_per_picture: picture,
        width: size.0,
        height: size.1,
        luma_per_second: second,
        kbit_per_second: kbit,
    }
}

/// Levels in rising order (AV1 bitstream specification, annex A.3).
const LEVELS: [Level; 9] = [
    level(0, 147_456, (2048, 1152), 4_423_680, 1_500),
    level(1, 278_784, (2816, 1584), 8_363_520, 3_000),
    level(4, 665_856, (4352, 2448), 19_975_680, 6_000),
    level(5, 1_065_024, (5504, 3096), 31_950_720, 10_000),
    level(8, 2_359_296, (6144, 3456), 70_778_880, 12_000),
    level(9, 2_359_296, (6144, 3456), 141_557_760, 20_000),
    level(12, 8_912_896, (8192, 4352), 267_386_880, 30_000),
    level(13, 8_912_896, (8192, 4352), 534_773_760, 40_000),
    level(14, 8_912_896, (8192, 4352), 1_069_547_520, 60_000),
];
/// Level 6.2 as `seq_level_idx`, for streams that fit no level of the table.
const HIGHEST: u32 = 18;

/// Lowest level, as `seq_level_idx`, whose limits a stream of this size, frame rate and bit-rate cap meets.
pub(super) fn level_idx(size: Size, rate: Rational, cap_kbit: u64) -> u32 {
    let picture = size.pixels();
    let second = Rational::new(picture as i64, 1).scale_ceil(rate.num(), rate.den()) as u64;
    let fits = |level: &&Level| {
        picture <= level.luma_per_picture
            && size.width <= level.width
            && size.height <= level.height
            && second <= level.luma_per_second
            && cap_kbit <= level.kbit_per_second
    };
    LEVELS.iter().find(fits).map_or(HIGHEST, |level| level.idx)
}

/// Codec string of Main profile and tier with eight bits (AV1 codec ISO media file format binding, section 5).
pub(super) fn codec_string(level_idx: u32) -> String {
    format!("av01.0.{level_idx:02}M.08")
}
