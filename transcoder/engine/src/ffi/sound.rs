//! FFmpeg calls for sound: the places of its channels, and its samples as numbers.
#![allow(unsafe_code)]

use ffmpeg_next::codec::Parameters;
use ffmpeg_next::ffi::{self, AVChannelLayout, AVChannelOrder, AVSampleFormat};
use ffmpeg_next::frame;

/// Most channels of sound that are read.
pub const MOST_CHANNELS: usize = 64;

/// Number of channels of a decoded frame, and the place of each as the stream declares it; no places where it
/// declares none.
pub fn channel_places(frame: &frame::Audio) -> (usize, Option<Vec<i32>>) {
    // SAFETY: a frame's pointer is valid while it lives.
    let layout = unsafe { &(*frame.as_ptr()).ch_layout };
    let count = usize::try_from(layout.nb_channels).unwrap_or(0);
    (count, places(layout).filter(|places| places.len() == count))
}

/// Default places of libavutil for a number of channels; it has none for some numbers.
pub fn default_places(channels: usize) -> Option<Vec<i32>> {
    // SAFETY: a zeroed layout is an empty one (libavutil/channel_layout.h); a default one owns no memory.
    let layout = unsafe {
        let mut layout: AVChannelLayout = std::mem::zeroed();
        ffi::av_channel_layout_default(&raw mut layout, i32::try_from(channels).ok()?);
        layout
    };
    places(&layout)
}

/// Usual name of a frame's layout, such as `5.1(side)`, or the names of its channels.
pub fn layout_name(frame: &frame::Audio) -> String {
    let mut name = [0_u8; 256];
    // SAFETY: the layout is the frame's own, and no more than `name` holds is written, with a zero byte at the end.
    let written = unsafe {
        let layout = &raw const (*frame.as_ptr()).ch_layout;
        ffi::av_channel_layout_describe(layout, name.as_mut_ptr().cast(), name.len())
    };
    let length = name.iter().position(|&byte| byte == 0);
    match (written, length) {
        (0.., Some(length)) => String::from_utf8_lossy(&name[..length]).into_owned(),
        _ => String::new(),
    }
}

/// Places of the channels in a layout's order; none where the layout declares none.
fn places(layout: &AVChannelLayout) -> Option<Vec<i32>> {
    let count = usize::try_from(layout.nb_channels).ok()?;
    match layout.order {
        AVChannelOrder::AV_CHANNEL_ORDER_NATIVE => {
            // SAFETY: a layout in the native order has a mask.
            let mask = unsafe { layout.u.mask };
            Some((0..64).filter(|place| mask >> place & 1 == 1).collect())
        }
        AVChannelOrder::AV_CHANNEL_ORDER_CUSTOM if count <= MOST_CHANNELS => {
            // SAFETY: a layout in an order of its own has an entry for each channel, which begins with a number.
            let map = unsafe { layout.u.map };
            if map.is_null() {
                return None;
            }
            Some(
                (0..count)
                    .map(|at| unsafe { map.add(at).cast::<i32>().read() })
                    .collect(),
            )
        }
        _ => None,
    }
}

/// Samples of a frame as numbers from -1 to 1, with one plane for each channel.
pub fn samples(frame: &frame::Audio) -> Vec<Vec<f32>> {
    // SAFETY: a frame's pointer is valid while it lives; planes are read below only within their length.
    let raw = unsafe { &*frame.as_ptr() };
    let channels = usize::try_from(raw.ch_layout.nb_channels).unwrap_or(0);
    let count = usize::try_from(raw.nb_samples).unwrap_or(0);
    let planes = raw.extended_data;
    let Some(read) = Format::of(raw.format) else {
        return vec![vec![0.0; count]; channels];
    };
    let size = read.bytes;
    let plane_bytes = if read.is_planar {
        count * size
    } else {
        count * size * channels
    };
    // libavcodec allocates planes of equal length, which it stores for the first plane only.
    let is_there = !planes.is_null() && i64::from(raw.linesize[0]) >= plane_bytes as i64;
    let channel = |channel: usize| -> Vec<f32> {
        let (plane, first, step) = match read.is_planar {
            true => (channel, 0, size),
            false => (0, channel * size, size * channels),
        };
        // SAFETY: `extended_data` has a pointer for each plane, and each plane has as many bytes as `linesize[0]`
        // says.
        let bytes = unsafe {
            let start = *planes.add(plane);
            if start.is_null() {
                return vec![0.0; count];
            }
            std::slice::from_raw_parts(start, plane_bytes)
        };
        let places = (0..count).map(|at| first + at * step);
        places
            .map(|at| (read.number)(&bytes[at..at + size]))
            .collect()
    };
    match is_there && count > 0 {
        true => (0..channels).map(channel).collect(),
        false => vec![vec![0.0; count]; channels],
    }
}

/// Storage of samples: bytes of each, layout in planes, and conversion to a number.
struct Format {
    bytes: usize,
    is_planar: bool,
    number: fn(&[u8]) -> f32,
}

impl Format {
    fn of(format: i32) -> Option<Self> {
        let is = |wanted: AVSampleFormat| format == wanted as i32;
        use AVSampleFormat::*;
        let either = |packed, planar| is(packed) || is(planar);
        let (bytes, number): (usize, fn(&[u8]) -> f32) =
            if either(AV_SAMPLE_FMT_U8, AV_SAMPLE_FMT_U8P) {
                (1, |bytes| (f32::from(bytes[0]) - 128.0) / 128.0)
            } else if either(AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S16P) {
                (2, |bytes| {
                    f32::from(i16::from_ne_bytes([bytes[0], bytes[1]])) / 32_768.0
                })
            } else if either(AV_SAMPLE_FMT_S32, AV_SAMPLE_FMT_S32P) {
                (4, |bytes| {
                    i32::from_ne_bytes(four(bytes)) as f32 / 2_147_483_648.0
                })
            } else if either(AV_SAMPLE_FMT_S64, AV_SAMPLE_FMT_S64P) {
                (8, |bytes| {
                    (i64::from_ne_bytes(eight(bytes)) as f64 / 9_223_372_036_854_775_808.0) as f32
                })
            } else if either(AV_SAMPLE_FMT_FLT, AV_SAMPLE_FMT_FLTP) {
                (4, |bytes| finite(f32::from_ne_bytes(four(bytes))))
            } else if either(AV_SAMPLE_FMT_DBL, AV_SAMPLE_FMT_DBLP) {
                (8, |bytes| finite(f64::from_ne_bytes(eight(bytes)) as f32))
            } else {
                return None;
            };
        let planar = [
            AV_SAMPLE_FMT_U8P,
            AV_SAMPLE_FMT_S16P,
            AV_SAMPLE_FMT_S32P,
            AV_SAMPLE_FMT_S64P,
            AV_SAMPLE_FMT_FLTP,
            AV_SAMPLE_FMT_DBLP,
        ];
        Some(Self {
            bytes,
            is_planar: planar.into_iter().any(is),
            number,
        })
    }
}

/// Replaces infinity and not-a-number, which damaged and hostile files have, by zero: they would spread through
/// filters.
fn finite(number: f32) -> f32 {
    if number.is_finite() { number } else { 0.0 }
}

fn four(bytes: &[u8]) -> [u8; 4] {
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    eight
}

/// Copies codec parameters and replaces the bytes that stand before the packets.
pub fn with_extradata(parameters: &Parameters, extradata: &[u8]) -> Parameters {
    const PADDING: usize = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
    let mut own = Parameters::new();
    // SAFETY: both are valid; the copy owns its extradata, which is replaced by memory of libavutil's own that is as
    // long as the bytes and their padding.
    unsafe {
        let target = own.as_mut_ptr();
        if ffi::avcodec_parameters_copy(target, parameters.as_ptr()) < 0 {
            return own;
        }
        let bytes = ffi::av_mallocz(extradata.len() + PADDING).cast::<u8>();
        if bytes.is_null() {
            return own;
        }
        std::ptr::copy_nonoverlapping(extradata.as_ptr(), bytes, extradata.len());
        ffi::av_free((*target).extradata.cast());
        (*target).extradata = bytes;
        (*target).extradata_size = i32::try_from(extradata.len()).unwrap_or(0);
    }
    own
}
