//! Init segments of sound.

use anyhow::{Context, Result};
use mp4_atom::{Audio, Codec, Dops, Mp4a, Opus, OpusChannelMapping, Tkhd, esds};
use plan::{AudioRendition, SoundCodec, timeline};

use super::{Media, init, tkhd};

/// Makes the init segment of a sound rendition, from its encoder's extradata.
///
/// # Errors
/// An error is returned where the extradata is none of the rendition's codec.
pub fn audio_init(rendition: &AudioRendition, config: &[u8]) -> Result<Vec<u8>> {
    let entry = match rendition.encoding {
        SoundCodec::Aac => Codec::Mp4a(aac(rendition, config)),
        SoundCodec::Opus => Codec::Opus(opus(rendition, config)?),
    };
    let language = plan::language::three_letters(rendition.language.as_deref());
    let media = Media {
        tkhd: Tkhd {
            volume: 1.into(),
            ..tkhd()
        },
        handler: *b"soun",
        time_scale: timeline::SAMPLE_RATE as u32,
        language,
        entry,
    };
    init(media, rendition.encoding.frame() as u32, 0)
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

/// Opus sample entry from the header that libopus would put before an Ogg stream (RFC 7845 section 5.1). The box has
/// the same channel mapping.
fn opus(rendition: &AudioRendition, header: &[u8]) -> Result<Opus> {
    let fields = header
        .strip_prefix(b"OpusHead")
        .context("the Opus header is missing")?;
    let (&family, table) = fields
        .get(10..)
        .and_then(<[u8]>::split_first)
        .context("the Opus header is too short")?;
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
            // The samples that the encoder looks ahead are in no segment.
            pre_skip: 0,
            input_sample_rate: timeline::SAMPLE_RATE as u32,
            output_gain: 0,
            channel_mapping,
        },
        btrt: None,
    })
}

/// Extradata of AAC for [`audio_init`]; none where it is not what our encoder makes: AAC-LC at 48 kHz, in as many
/// channels as the entry declares (ISO/IEC 14496-3 §1.6.2.1).
pub(super) fn aac_config(entry: &Mp4a) -> Option<Vec<u8>> {
    const AAC_LC: u16 = 2;
    const AT_48_KHZ: u16 = 3;
    let config = entry.esds.es_desc.dec_config.dec_specific.as_ref()?;
    let declared = AAC_LC << 11 | AT_48_KHZ << 7 | entry.audio.channel_count << 3;
    let first = config.raw.first_chunk()?;
    (u16::from_be_bytes(*first) == declared).then(|| config.raw.clone())
}

/// Extradata of Opus for [`audio_init`].
pub(super) fn opus_header(entry: &Opus) -> Vec<u8> {
    // The zeros stand for version, channels, pre-skip, rate and gain, which the box declares itself.
    let mut header = [b"OpusHead".as_slice(), &[0; 10]].concat();
    match &entry.dops.channel_mapping {
        None => header.push(0),
        Some(mapping) => {
            header.extend([mapping.family, mapping.stream_count, mapping.coupled_count]);
            header.extend_from_slice(&mapping.channel_mapping);
        }
    }
    header
}
