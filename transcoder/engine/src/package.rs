//! CMAF packaging (ISO/IEC 23000-19, brand `cmf2`): init segments, and segments of one
//! `moof` and one `mdat`. Boxes are written by `mp4-atom`; times are exact by construction:
//! decode times lie on the frame grid from the segment's start, and composition offsets are
//! signed, so presentation starts at the boundary without an edit list.

use anyhow::{Context, Result, ensure};
use mp4_atom::{
    Audio, Avc1, Avcc, AvccExt, Codec, Colr, Dinf, Dref, DrefEntry, Encode, Ftyp, Hdlr, Mdhd, Mdia,
    Mfhd, Minf, Moof, Moov, Mp4a, Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Styp, Tfdt, Tfhd, Tkhd, Traf,
    Trak, Trex, Trun, TrunEntry, Url, Visual, Vmhd, esds,
};
use plan::{AudioRendition, Frames, Size, VideoRendition, timeline};

/// The one track of every file of ours.
const TRACK: u32 = 1;
/// `sample_depends_on = 2`: a sample that decoding can start at (ISO/IEC 14496-12 §8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// `sample_depends_on = 1`, `sample_is_non_sync_sample`.
const NON_SYNC: u32 = 0x0101_0000;

/// One coded frame of picture.
pub struct VideoSample {
    /// Length-prefixed NAL units.
    pub data: Vec<u8>,
    /// Its place in presentation order, from the segment's start.
    pub position: u32,
}

/// The parameter sets of an H.264 encoder, from its Annex B extradata.
pub struct ParameterSets {
    sps: Vec<u8>,
    pps: Vec<u8>,
}

impl ParameterSets {
    /// Finds SPS and PPS.
    pub fn from_annex_b(extradata: &[u8]) -> Result<Self> {
        let find = |kind: u8| {
            let mut units = nal_units(extradata);
            units
                .find(|unit| unit.first().is_some_and(|b| b & 31 == kind))
                .map(<[u8]>::to_vec)
        };
        let (sps, pps) = (find(7).context("no SPS")?, find(8).context("no PPS")?);
        Ok(Self { sps, pps })
    }
}

/// Colour as numbers of ISO/IEC 23091-2.
#[derive(Clone, Copy)]
pub struct ColourCodes {
    pub primaries: u16,
    pub transfer: u16,
    pub matrix: u16,
}

/// The init segment of a picture rendition.
pub fn video_init(
    rendition: &VideoRendition,
    sets: &ParameterSets,
    colour: ColourCodes,
) -> Result<Vec<u8>> {
    let Size { width, height } = rendition.size();
    let mut avcc = Avcc::new(&sets.sps, &sets.pps)?;
    let declared = format!("avc1.{}", hex(&sets.sps[1..4]));
    ensure!(
        declared == rendition.codec,
        "the encoder's {declared} is not the plan's {}",
        rendition.codec
    );
    avcc.ext = Some(AvccExt::default());
    let entry = Avc1 {
        visual: Visual {
            data_reference_index: 1,
            width: width as u16,
            height: height as u16,
            ..Visual::default()
        },
        avcc,
        // Its average is not known before everything is encoded.
        btrt: None,
        colr: Some(Colr::Nclx {
            colour_primaries: colour.primaries,
            transfer_characteristics: colour.transfer,
            matrix_coefficients: colour.matrix,
            full_range_flag: false,
        }),
        pasp: None,
        taic: None,
        fiel: None,
        spatial: None,
    };
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
        entry: Codec::Avc1(entry),
    };
    init(media, rendition.frame_duration)
}

/// The init segment of a sound rendition.
pub fn audio_init(rendition: &AudioRendition, config: &[u8]) -> Result<Vec<u8>> {
    let entry = Mp4a {
        audio: Audio {
            data_reference_index: 1,
            channel_count: rendition.channels as u16,
            sample_size: 16,
            sample_rate: (timeline::SAMPLE_RATE as u16).into(),
        },
        esds: mp4_atom::Esds {
            es_desc: esds::EsDescriptor {
                es_id: 0,
                depends_on_es_id: None,
                url: None,
                ocr_es_id: None,
                stream_priority: 0,
                dec_config: esds::DecoderConfig {
                    object_type_indication: 0x40, // MPEG-4 audio
                    stream_type: 5,
                    up_stream: 0,
                    buffer_size_db: Default::default(),
                    max_bitrate: rendition.bound_bits_per_second,
                    avg_bitrate: rendition.bits_per_second,
                    dec_specific: Some(esds::DecoderSpecific {
                        profile: 2,
                        freq_index: 3,
                        chan_conf: rendition.channels as u8,
                        raw: config.to_vec(),
                    }),
                },
                sl_config: esds::SLConfig::default(),
            },
        },
        btrt: None,
        taic: None,
    };
    let language = rendition.language.clone().filter(|l| l.len() == 3);
    let media = Media {
        tkhd: Tkhd {
            volume: 1.into(),
            ..tkhd()
        },
        handler: *b"soun",
        time_scale: timeline::SAMPLE_RATE as u32,
        language: language.unwrap_or_else(|| "und".to_owned()),
        entry: Codec::Mp4a(entry),
    };
    init(media, timeline::AAC_FRAME as u32)
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

fn init(media: Media, sample_duration: u32) -> Result<Vec<u8>> {
    let sound = media.handler == *b"soun";
    let ftyp = Ftyp {
        major_brand: b"cmf2".into(),
        minor_version: 0,
        compatible_brands: vec![b"cmf2".into(), b"iso6".into(), b"mp41".into()],
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
                        // Empty as all these tables are, but not to be left out
                        // (ISO/IEC 14496-12 §8.7.5).
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

/// A picture segment from one frame to another: `samples` in decode order, the first an IDR
/// picture, each shown as long as the others.
pub fn video_segment(
    rendition: &VideoRendition,
    segment: u32,
    (start, end): (Frames, Frames),
    samples: &[VideoSample],
) -> Result<Vec<u8>> {
    let frames_each = (end - start).0 / samples.len().max(1) as i64;
    let duration = rendition.frame_duration * frames_each as u32;
    let entry = |(order, sample): (usize, &VideoSample)| TrunEntry {
        duration: None,
        size: Some(sample.data.len() as u32),
        flags: (order == 0).then_some(SYNC),
        cts: Some((i64::from(sample.position) - order as i64) * i64::from(duration)),
    };
    let entries = samples.iter().enumerate().map(entry).collect();
    let fragment = Fragment {
        segment,
        decode_time: start.0 as u64 * u64::from(rendition.frame_duration),
        sample_duration: duration,
        default_flags: NON_SYNC,
        entries,
    };
    fragment.encode(samples.iter().map(|sample| sample.data.as_slice()))
}

/// A sound segment of AAC frames; `last_duration` is that of the last frame, in samples.
pub fn audio_segment(
    segment: u32,
    first_sample: i64,
    frames: &[Vec<u8>],
    last_duration: u32,
) -> Result<Vec<u8>> {
    let whole = timeline::AAC_FRAME as u32;
    let cut = last_duration != whole;
    let entry = |(order, frame): (usize, &Vec<u8>)| TrunEntry {
        duration: cut.then_some(if order + 1 == frames.len() {
            last_duration
        } else {
            whole
        }),
        size: Some(frame.len() as u32),
        flags: None,
        cts: None,
    };
    let fragment = Fragment {
        segment,
        decode_time: first_sample as u64,
        sample_duration: whole,
        default_flags: SYNC,
        entries: frames.iter().enumerate().map(entry).collect(),
    };
    fragment.encode(frames.iter().map(Vec::as_slice))
}

struct Fragment {
    segment: u32,
    decode_time: u64,
    sample_duration: u32,
    default_flags: u32,
    entries: Vec<TrunEntry>,
}

impl Fragment {
    fn encode<'a>(self, data: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
        ensure!(!self.entries.is_empty(), "a segment without samples");
        let moof = |data_offset: i32| Moof {
            mfhd: Mfhd {
                sequence_number: self.segment + 1,
            },
            traf: vec![Traf {
                tfhd: Tfhd {
                    track_id: TRACK,
                    default_sample_duration: Some(self.sample_duration),
                    default_sample_flags: Some(self.default_flags),
                    default_base_is_moof: true,
                    ..Tfhd::default()
                },
                tfdt: Some(Tfdt {
                    base_media_decode_time: self.decode_time,
                }),
                trun: vec![Trun {
                    data_offset: Some(data_offset),
                    samples: self.entries.clone().into(),
                }],
                ..Traf::default()
            }],
        };
        const BOX_HEADER: usize = 8;
        let mut measured = Vec::new();
        moof(0).encode(&mut measured)?;
        let mut out = Vec::new();
        let styp = Styp {
            major_brand: b"cmfs".into(),
            minor_version: 0,
            compatible_brands: vec![b"cmfs".into(), b"cmf2".into(), b"msdh".into()],
        };
        styp.encode(&mut out)?;
        moof((measured.len() + BOX_HEADER) as i32).encode(&mut out)?;
        let size: usize = self
            .entries
            .iter()
            .map(|e| e.size.unwrap_or(0) as usize)
            .sum();
        out.extend_from_slice(&((size + BOX_HEADER) as u32).to_be_bytes());
        out.extend_from_slice(b"mdat");
        data.for_each(|sample| out.extend_from_slice(sample));
        Ok(out)
    }
}

/// Annex B byte stream (start codes) to NAL units with four-byte lengths.
pub fn length_prefixed(annex_b: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(annex_b.len() + 16);
    for unit in nal_units(annex_b) {
        out.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        out.extend_from_slice(unit);
    }
    out
}

/// The NAL units between start codes (ITU-T H.264 annex B).
fn nal_units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(bytes).unwrap_or_default();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (unit, next) = match start_code(rest) {
            Some(at) => (&rest[..at], &rest[at + 3..]),
            None => (rest, &rest[..0]),
        };
        rest = next;
        // A four-byte start code leaves its first zero at the end of the unit before.
        let end = unit
            .iter()
            .rposition(|&b| b != 0)
            .map_or(0, |last| last + 1);
        Some(&unit[..end])
    })
    .filter(|unit| !unit.is_empty())
}

fn start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|w| w == [0, 0, 1])
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    start_code(bytes).map(|at| &bytes[at + 3..])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_codes_of_three_and_four_bytes_part_the_units() {
        let bytes = [
            0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 4,
        ];
        let units: Vec<&[u8]> = nal_units(&bytes).collect();
        assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 4]]);
        assert_eq!(length_prefixed(&bytes[..7]), [0, 0, 0, 3, 0x67, 1, 2]);
    }
}
