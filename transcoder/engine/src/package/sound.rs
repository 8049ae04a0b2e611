//! Init segments and segments of sound.

use anyhow::{Context, Result};
use mp4_atom::{Audio, Codec, Dops, Mp4a, Opus, OpusChannelMapping, Tkhd, TrunEntry, esds};
use plan::{AudioRendition, SoundCodec, timeline};

use super::{Fragment, Media, SYNC, init, tkhd};

/// The init segment of a sound rendition, from its encoder's extradata.
pub fn audio_init(rendition: &AudioRendition, config: &[u8]) -> Result<Vec<u8>> {
    let entry = match rendition.encoding {
        SoundCodec::Aac => Codec::Mp4a(aac(rendition, config)),
        SoundCodec::Opus => Codec::Opus(opus(rendition, config)?),
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
        entry,
    };
    init(media, rendition.encoding.frame() as u32)
}

fn described(rendition: &AudioRendition) -> Audio {
    Audio {
        data_reference_index: 1,
        channel_count: rendition.channels as u16,
        sample_size: 16,
        sample_rate: (timeline::SAMPLE_RATE as u16).into(),
    }
}

fn aac(rendition: &AudioRendition, config: &[u8]) -> Mp4a {
    Mp4a {
        audio: described(rendition),
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
    }
}

/// From the header that libopus would put before an Ogg stream (RFC 7845 section 5.1), whose mapping of
/// channels stands in the box likewise.
fn opus(rendition: &AudioRendition, header: &[u8]) -> Result<Opus> {
    let fields = header.strip_prefix(b"OpusHead").context("no Opus header")?;
    let (&family, table) = fields
        .get(10..)
        .and_then(<[u8]>::split_first)
        .context("a short Opus header")?;
    let channel_mapping = match table {
        [streams, coupled, mapping @ ..] if family != 0 => Some(OpusChannelMapping {
            family,
            stream_count: *streams,
            coupled_count: *coupled,
            channel_mapping: mapping.to_vec(),
        }),
        _ => None,
    };
    Ok(Opus {
        audio: described(rendition),
        dops: Dops {
            output_channel_count: rendition.channels as u8,
            // What the encoder looks ahead at is not in any segment.
            pre_skip: 0,
            input_sample_rate: timeline::SAMPLE_RATE as u32,
            output_gain: 0,
            channel_mapping,
        },
        btrt: None,
    })
}

/// A sound segment; `last_duration` is that of the last frame, in samples.
pub fn audio_segment(
    rendition: &AudioRendition,
    segment: u32,
    first_sample: i64,
    frames: &[Vec<u8>],
    last_duration: u32,
) -> Result<Vec<u8>> {
    let whole = rendition.encoding.frame() as u32;
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
