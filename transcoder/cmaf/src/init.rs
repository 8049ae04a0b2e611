//! Init segments, with which a rendition's segments are decoded.

pub(crate) mod av1;
mod avc;
mod hevc;
mod sound;

use anyhow::{Result, ensure};
use mp4_atom::{
    Codec, Colr, Dinf, Dref, DrefEntry, Edts, Elst, ElstEntry, Encode, Ftyp, Hdlr, Mdhd, Mdia,
    Minf, Moov, Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Tkhd, Trak, Trex, Url, Visual, Vmhd,
};
use plan::{Size, VideoCodec, VideoRendition};

pub use self::av1::sample as av1_sample;
pub use self::sound::audio_init;
use crate::{NON_SYNC, SYNC, TRACK};

/// Colour codes of ISO/IEC 23091-2.
#[derive(Clone, Copy)]
pub struct ColourCodes {
    /// Colour primaries (table 2).
    pub primaries: u16,
    /// Transfer characteristics (table 3).
    pub transfer: u16,
    /// Matrix coefficients (table 4).
    pub matrix: u16,
}

impl From<ColourCodes> for Colr {
    fn from(codes: ColourCodes) -> Self {
        Self::Nclx {
            colour_primaries: codes.primaries,
            transfer_characteristics: codes.transfer,
            matrix_coefficients: codes.matrix,
            full_range_flag: false,
        }
    }
}

/// Colour codes of a rendition's pictures (ISO/IEC 23091-2 tables 2 to 4).
pub fn colour_codes(rendition: &VideoRendition) -> ColourCodes {
    let code = |name: &str| match name {
        "bt709" => 1,
        "bt470bg" => 5,
        _ => 6,
    };
    let color = &rendition.color;
    // The transfer function of BT.470BG has a number of its own (5); that of SMPTE 170M has the shape of BT.709's.
    ColourCodes {
        primaries: code(&color.primaries),
        transfer: code(&color.transfer),
        matrix: code(&color.matrix),
    }
}

/// Coding of a picture rendition: its sample entry, and the codec string that its parameter sets declare.
struct Coding {
    entry: Codec,
    declared: String,
}

/// Makes the init segment of a picture rendition, from its encoder's extradata, or from the source's where the
/// rendition passes it through.
///
/// # Errors
/// An error is returned where the extradata has no parameter sets, or others than the plan's codec string declares.
pub fn video_init(rendition: &VideoRendition, extradata: &[u8]) -> Result<Vec<u8>> {
    let colour = colour_codes(rendition);
    let Size { width, height } = rendition.size();
    let visual = Visual {
        data_reference_index: 1,
        width: width as u16,
        height: height as u16,
        ..Visual::default()
    };
    let Coding { entry, declared } = match rendition.encoding {
        VideoCodec::H264 if rendition.passed_through.is_some() => {
            avc::passed_through(visual, extradata, colour)?
        }
        VideoCodec::H264 => avc::coding(visual, extradata, colour)?,
        VideoCodec::Hevc => hevc::coding(visual, extradata, colour)?,
        VideoCodec::Av1 => av1::coding(visual, extradata, colour)?,
    };
    ensure!(
        declared == rendition.codec,
        "the stream's {declared} is not the plan's {}",
        rendition.codec
    );
    let tkhd = Tkhd {
        width: (width as u16).into(),
        height: (height as u16).into(),
        ..tkhd()
    };
    let media = Media {
        tkhd,
        handler: *b"vide",
        time_scale: rendition.time_scale,
        language: "und".to_owned(),
        entry,
    };
    let delay = u64::from(rendition.reorder_frames) * u64::from(rendition.frame_duration);
    init(media, rendition.frame_duration, delay)
}

/// Extradata that an encoder had declared for a sample entry, as [`video_init`] and [`audio_init`] take it; none
/// where the entry is of a codec that we do not use.
pub(crate) fn parameter_sets(entry: &Codec) -> Option<Vec<u8>> {
    match entry {
        Codec::Avc1(entry) => Some(avc::extradata(&entry.avcc)),
        Codec::Hvc1(entry) => Some(hevc::extradata(&entry.hvcc)),
        Codec::Av01(entry) => Some(entry.av1c.config_obus.clone()),
        Codec::Mp4a(entry) => sound::aac_config(entry),
        Codec::Opus(entry) => Some(sound::opus_header(entry)),
        _ => None,
    }
}

fn tkhd() -> Tkhd {
    Tkhd {
        track_id: TRACK,
        enabled: true,
        in_movie: true,
        ..Tkhd::default()
    }
}

struct Media {
    tkhd: Tkhd,
    handler: [u8; 4],
    time_scale: u32,
    language: String,
    entry: Codec,
}

/// Makes an init segment. `delay` is the time from its first composition time to the start of the presentation, in
/// units of its time scale.
fn init(media: Media, sample_duration: u32, delay: u64) -> Result<Vec<u8>> {
    let sound = media.handler == *b"soun";
    let ftyp = Ftyp {
        major_brand: b"cmfc".into(),
        minor_version: 0,
        compatible_brands: vec![b"cmfc".into(), b"iso6".into(), b"mp41".into()],
    };
    let moov = Moov {
        mvhd: Mvhd {
            timescale: media.time_scale,
            next_track_id: TRACK + 1,
            rate: 1.into(),
            ..Mvhd::default()
        },
        meta: None,
        mvex: Some(Mvex {
            mehd: None,
            trex: vec![Trex {
                track_id: TRACK,
                default_sample_description_index: 1,
                default_sample_duration: sample_duration,
                default_sample_size: 0,
                default_sample_flags: if sound { SYNC } else { NON_SYNC },
            }],
        }),
        trak: vec![Trak {
            tkhd: media.tkhd,
            // A duration of zero makes the edit reach to the end of all fragments (ISO/IEC 14496-12 §8.6.6.1).
            edts: (delay > 0).then(|| Edts {
                elst: Some(Elst {
                    entries: vec![ElstEntry {
                        segment_duration: 0,
                        media_time: Some(delay),
                        media_rate: 1.into(),
                    }],
                }),
            }),
            mdia: Mdia {
                mdhd: Mdhd {
                    timescale: media.time_scale,
                    language: media.language,
                    ..Mdhd::default()
                },
                hdlr: Hdlr {
                    handler: (&media.handler).into(),
                    name: "reelmill".to_owned(),
                },
                minf: Minf {
                    vmhd: (!sound).then(Vmhd::default),
                    smhd: sound.then(Smhd::default),
                    dinf: Dinf {
                        dref: Dref {
                            entries: vec![DrefEntry::Url(Url::default())],
                        },
                    },
                    stbl: Stbl {
                        stsd: Stsd {
                            codecs: vec![media.entry],
                        },
                        // Table that is empty like the others, but required (ISO/IEC 14496-12 §8.7.5).
                        stco: Some(Stco::default()),
                        ..Stbl::default()
                    },
                    ..Minf::default()
                },
            },
            ..Trak::default()
        }],
        udta: None,
        ainf: None,
    };
    let mut out = Vec::new();
    ftyp.encode(&mut out)?;
    moov.encode(&mut out)?;
    Ok(out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
