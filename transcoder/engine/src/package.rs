//! CMAF packaging (ISO/IEC 23000-19, brand `cmf2`): init segments, and segments of one
//! `moof` and one `mdat`. Boxes are written by `mp4-atom`; times are exact by construction:
//! decode times lie on the frame grid from the segment's start, and composition offsets are
//! signed, so presentation starts at the boundary without an edit list.

pub mod av1;
mod avc;
mod hevc;
mod nal;
mod sound;

use anyhow::{Result, ensure};
use mp4_atom::{
    Codec, Colr, Dinf, Dref, DrefEntry, Encode, Ftyp, Hdlr, Mdhd, Mdia, Mfhd, Minf, Moof, Moov,
    Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Styp, Tfdt, Tfhd, Tkhd, Traf, Trak, Trex, Trun, TrunEntry,
    Url, Visual, Vmhd,
};
use plan::{Frames, Size, VideoCodec, VideoRendition};

pub use self::nal::length_prefixed;
pub use self::sound::{audio_init, audio_segment};

/// The one track of every file of ours.
const TRACK: u32 = 1;
/// `sample_depends_on = 2`: a sample that decoding can start at (ISO/IEC 14496-12 §8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// `sample_depends_on = 1`, `sample_is_non_sync_sample`.
const NON_SYNC: u32 = 0x0101_0000;

/// One coded frame of picture.
pub struct VideoSample {
    /// As it stands in a file: length-prefixed NAL units, or OBUs.
    pub data: Vec<u8>,
    /// Its place in presentation order, from the segment's start.
    pub position: u32,
}

/// Colour as numbers of ISO/IEC 23091-2.
#[derive(Clone, Copy)]
pub struct ColourCodes {
    pub primaries: u16,
    pub transfer: u16,
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

/// How a picture rendition is coded: its sample entry, and the codec string that is in it.
struct Coding {
    entry: Codec,
    declared: String,
}

/// The init segment of a picture rendition, from its encoder's extradata, or the source's where its
/// pictures are passed through.
pub fn video_init(
    rendition: &VideoRendition,
    extradata: &[u8],
    colour: ColourCodes,
) -> Result<Vec<u8>> {
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
    init(media, rendition.frame_duration)
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
/// picture, each shown until the next one is, and the last one to the end.
pub fn video_segment(
    rendition: &VideoRendition,
    segment: u32,
    (start, end): (Frames, Frames),
    samples: &[VideoSample],
) -> Result<Vec<u8>> {
    let frame = rendition.frame_duration;
    let mut places: Vec<u32> = samples.iter().map(|sample| sample.position).collect();
    places.sort_unstable();
    let duration = |sample: &VideoSample| {
        let after = places.partition_point(|place| *place <= sample.position);
        let next = places
            .get(after)
            .map_or((end - start).0, |&next| i64::from(next));
        frame * (next - i64::from(sample.position)).max(1) as u32
    };
    let usual = match samples {
        [only] => duration(only),
        _ => frame,
    };
    let differ = samples.iter().any(|sample| duration(sample) != usual);
    let mut decode_time = 0;
    let entry = |(order, sample): (usize, &VideoSample)| {
        let shown = i64::from(sample.position) * i64::from(frame);
        let cts = shown - decode_time;
        decode_time += i64::from(duration(sample));
        TrunEntry {
            duration: differ.then(|| duration(sample)),
            size: Some(sample.data.len() as u32),
            flags: (order == 0).then_some(SYNC),
            cts: Some(cts),
        }
    };
    let entries = samples.iter().enumerate().map(entry).collect();
    let fragment = Fragment {
        segment,
        decode_time: start.0 as u64 * u64::from(rendition.frame_duration),
        sample_duration: usual,
        default_flags: NON_SYNC,
        entries,
    };
    fragment.encode(samples.iter().map(|sample| sample.data.as_slice()))
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
