//! HEVC by x265: settings, levels and codec strings.

use crate::ladder::Size;
use crate::presentation::video::VideoRendition;
use crate::units::Rational;

/// x265 preset. Measured, as `CRF` and `CAP_PERCENT`, in docs/decisions/022-lazy-codecs.md.
pub(super) const PRESET: &str = "superfast";
/// Constant rate factor, in x265's scale, with the same visual quality as policy `fast` in H.264.
pub(super) const CRF: u32 = 26;
/// Bit-rate cap in per cent of H.264's cap: HEVC needs less for the same quality.
pub(super) const CAP_PERCENT: u64 = 75;
/// Coarsest rate factor that x265 accepts.
pub(super) const COARSEST: u32 = 51;

/// x265's settings in addition to its preset, without those that depend on the segment. The encoder uses one thread,
/// since the decisions of several threads differ from run to run.
pub(super) fn settings(of: &VideoRendition) -> String {
    let color = &of.color;
    format!(
        "keyint=-1:open-gop=0:frame-threads=1:pools=none:wpp=0:info=0:repeat-headers=0:\
         log-level=none:range=limited:colormatrix={}:colorprim={}:transfer={}",
        color.matrix, color.primaries, color.transfer
    )
}

/// One row of ITU-T H.265 tables A.8 and A.9, main tier.
struct Level {
    /// Thirty times the level's number.
    idc: u32,
    luma_per_picture: u64,
    luma_per_second: u64,
    kbit_per_second: u64,
}

const fn level(idc: u32, picture: u64, second: u64, kbit: u64) -> Level {
    Level {
        idc,
        luma_per_picture: picture,
        luma_per_second: second,
        kbit_per_second: kbit,
    }
}

/// Levels in rising order (ITU-T H.265 tables A.8 and A.9).
const LEVELS: [Level; 13] = [
    level(30, 36_864, 552_960, 128),
    level(60, 122_880, 3_686_400, 1_500),
    level(63, 245_760, 7_372_800, 3_000),
    level(90, 552_960, 16_588_800, 6_000),
    level(93, 983_040, 33_177_600, 10_000),
    level(120, 2_228_224, 66_846_720, 12_000),
    level(123, 2_228_224, 133_693_440, 20_000),
    level(150, 8_912_896, 267_386_880, 25_000),
    level(153, 8_912_896, 534_773_760, 40_000),
    level(156, 8_912_896, 1_069_547_520, 60_000),
    level(180, 35_651_584, 1_069_547_520, 60_000),
    level(183, 35_651_584, 2_139_095_040, 120_000),
    level(186, 35_651_584, 4_278_190_080, 240_000),
];

/// Lowest level (as thirty times its number) whose limits a stream of this size, frame rate and bit-rate cap meets.
pub(super) fn level_idc(size: Size, rate: Rational, cap_kbit: u64) -> u32 {
    // HEVC codes frames in units of eight pixels.
    let side = |length: u32| u64::from(length.div_ceil(8)) * 8;
    let (width, height) = (side(size.width), side(size.height));
    let picture = width * height;
    let second = Rational::new(picture as i64, 1).scale_ceil(rate.num(), rate.den()) as u64;
    let fits = |level: &&Level| {
        picture <= level.luma_per_picture
            && width.max(height).pow(2) <= 8 * level.luma_per_picture
            && second <= level.luma_per_second
            && cap_kbit <= level.kbit_per_second
    };
    LEVELS.iter().find(fits).map_or(186, |level| level.idc)
}

/// Codec string of Main profile and tier, compatible with Main 10, with progressive frames (ISO/IEC 14496-15 annex
/// E).
pub(super) fn codec_string(level_idc: u32) -> String {
    format!("hvc1.1.6.L{level_idc}.90")
}
