//! The few calls into FFmpeg and GStreamer for which their crates have no safe form. All of the engine's `unsafe` code
//! is here, in the cage's trial, and at the start of `main`.

#![allow(unsafe_code)]

mod index;
mod sound;

use std::ffi::CStr;

use ffmpeg_next::codec::Parameters;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::software::scaling;
use ffmpeg_next::{DictionaryRef, Error, Rational, Stream};

pub use self::index::{IndexEntry, add_to_index, change_index, index_count, index_entries};
pub use self::sound::{
    MOST_CHANNELS, channel_places, default_places, layout_name, samples, with_extradata,
};

/// Text of a source's tag. The bytes of a tag may be invalid UTF-8, for which `ffmpeg-next` does not check.
pub fn tag(tags: &DictionaryRef, key: &CStr) -> Option<String> {
    // SAFETY: the dictionary outlives the call, and its values end in a zero byte.
    unsafe {
        let entry = ffi::av_dict_get(tags.as_ptr(), key.as_ptr(), std::ptr::null(), 0);
        let value = CStr::from_ptr(entry.as_ref()?.value);
        Some(value.to_string_lossy().into_owned())
    }
}

/// Seeks one stream to the key frame at or before `timestamp` (in the stream's time base).
pub fn seek_back(input: &mut Input, stream: usize, timestamp: i64) -> Result<(), Error> {
    seek(input, stream, timestamp, ffi::AVSEEK_FLAG_BACKWARD)
}

/// Seeks one stream to the frame at or before `timestamp` (in the stream's time base), whether it is a key frame or
/// not.
pub fn seek_back_to_any_frame(
    input: &mut Input,
    stream: usize,
    timestamp: i64,
) -> Result<(), Error> {
    let flags = ffi::AVSEEK_FLAG_BACKWARD | ffi::AVSEEK_FLAG_ANY;
    seek(input, stream, timestamp, flags)
}

fn seek(input: &mut Input, stream: usize, timestamp: i64, flags: i32) -> Result<(), Error> {
    // SAFETY: the context is open and owned by `input`; an index out of range is refused by libavformat itself.
    let code = unsafe { ffi::av_seek_frame(input.as_mut_ptr(), stream as i32, timestamp, flags) };
    if code < 0 {
        Err(Error::from(code))
    } else {
        Ok(())
    }
}

/// Seeks to a byte of the source, for formats whose time stamps cannot be searched exactly.
pub fn seek_byte(input: &mut Input, position: i64) -> Result<(), Error> {
    // SAFETY: the context is open and owned by `input`; a byte position needs no stream.
    let code =
        unsafe { ffi::av_seek_frame(input.as_mut_ptr(), -1, position, ffi::AVSEEK_FLAG_BYTE) };
    if code < 0 {
        Err(Error::from(code))
    } else {
        Ok(())
    }
}

/// Makes the demuxer pass over every stream except one, where its format supports that.
pub fn discard_all_but(input: &mut Input, keep: usize) {
    keep_only(input, &[keep]);
}

/// Makes the demuxer pass over every stream except these, where its format supports that.
pub fn keep_only(input: &mut Input, keep: &[usize]) {
    // SAFETY: `streams` holds `nb_streams` valid pointers while the context lives; `discard` may be set by the caller
    // at any time.
    unsafe {
        let context = input.as_mut_ptr();
        for index in 0..(*context).nb_streams as usize {
            let stream = *(*context).streams.add(index);
            (*stream).discard = if keep.contains(&index) {
                ffi::AVDiscard::AVDISCARD_DEFAULT
            } else {
                ffi::AVDiscard::AVDISCARD_ALL
            };
        }
    }
}

/// Frees the memory that a decoder has put into a subtitle.
pub fn free_subtitle(subtitle: &mut ffmpeg_next::Subtitle) {
    // SAFETY: the subtitle is zeroed or filled by a decoder, and this call zeroes it.
    unsafe { ffi::avsubtitle_free(subtitle.as_mut_ptr()) }
}

/// Whether a packet is decoded but not shown, since it lies outside the edit list.
pub fn is_discarded(packet: &ffmpeg_next::Packet) -> bool {
    use ffmpeg_next::packet::Ref;
    // SAFETY: a packet's pointer is valid while it lives.
    unsafe { (*packet.as_ptr()).flags & ffi::AV_PKT_FLAG_DISCARD != 0 }
}

/// Marks a packet as shown that was to be decoded only.
pub fn keep(packet: &mut ffmpeg_next::Packet) {
    use ffmpeg_next::packet::Mut;
    // SAFETY: a packet's pointer is valid while it lives, and no other is taken from it here.
    unsafe { (*packet.as_mut_ptr()).flags &= !ffi::AV_PKT_FLAG_DISCARD }
}

/// Whether the decoder reports that a part of a picture was missing or wrong.
pub fn is_damaged(picture: &ffmpeg_next::frame::Video) -> bool {
    // SAFETY: a frame's pointer is valid while it lives.
    unsafe { (*picture.as_ptr()).decode_error_flags != 0 }
}

/// Makes the demuxer give packets of every stream again.
pub fn keep_all(input: &mut Input) {
    // SAFETY: `streams` holds `nb_streams` valid pointers while the context lives; `discard` may be set by the caller
    // at any time.
    unsafe {
        let context = input.as_mut_ptr();
        for index in 0..(*context).nb_streams as usize {
            (**(*context).streams.add(index)).discard = ffi::AVDiscard::AVDISCARD_DEFAULT;
        }
    }
}

/// Ratio of a pixel's width to its height, as the container declares it; zero where it declares none.
pub fn container_aspect(stream: &Stream) -> Rational {
    // SAFETY: a stream's pointer is valid while it lives.
    unsafe { (*stream.as_ptr()).sample_aspect_ratio.into() }
}

/// Indexes of the streams of each programme of a broadcast.
pub fn programmes(input: &Input) -> Vec<Vec<u32>> {
    // SAFETY: `programs` holds `nb_programs` valid pointers while the context lives, each of which has
    // `nb_stream_indexes` numbers.
    unsafe {
        let context = &*input.as_ptr();
        (0..context.nb_programs as usize)
            .map(|at| {
                let programme = &**context.programs.add(at);
                let count = programme.nb_stream_indexes as usize;
                (0..count)
                    .map(|at| *programme.stream_index.add(at))
                    .collect()
            })
            .collect()
    }
}

/// Parameters that libavformat reports for a picture or sound track before anything is decoded.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    pub width: i32,
    pub height: i32,
    pub profile: i32,
    pub frame_samples: i32,
    /// Samples that an encoder put before the first, as the container declares them (Matroska's CodecDelay).
    pub initial_padding: i32,
    pub sample_rate: i32,
    pub channels: i32,
    /// Most pictures that are decoded before a picture but shown after it.
    pub video_delay: i32,
    pub codec_tag: u32,
    /// Whether the container or the codec declares that pictures are whole frames.
    pub is_progressive: bool,
}

/// Reads a track's declared parameters.
pub fn declared(parameters: &Parameters) -> Declared {
    // SAFETY: `Parameters` owns a valid AVCodecParameters.
    unsafe {
        let p = &*parameters.as_ptr();
        Declared {
            width: p.width,
            height: p.height,
            profile: p.profile,
            frame_samples: p.frame_size,
            initial_padding: p.initial_padding,
            sample_rate: p.sample_rate,
            channels: p.ch_layout.nb_channels,
            codec_tag: p.codec_tag,
            video_delay: p.video_delay,
            is_progressive: p.field_order == ffi::AVFieldOrder::AV_FIELD_PROGRESSIVE,
        }
    }
}

/// Bytes that an encoder declares before its packets (SPS and PPS, AudioSpecificConfig).
pub fn extradata(context: &ffmpeg_next::codec::Context) -> Vec<u8> {
    // SAFETY: an open context's extradata holds `extradata_size` bytes, or is null.
    unsafe {
        let context = &*context.as_ptr();
        if context.extradata.is_null() || context.extradata_size <= 0 {
            return Vec::new();
        }
        std::slice::from_raw_parts(context.extradata, context.extradata_size as usize).to_vec()
    }
}

/// Bytes of the length before each NAL unit of an H.264 stream (ISO/IEC 14496-15 §5.3.3.1); zero where the stream has
/// start codes instead.
pub fn nal_length(parameters: &Parameters) -> usize {
    // SAFETY: `Parameters` owns a valid AVCodecParameters, whose extradata holds `extradata_size` bytes or is null.
    unsafe {
        let p = &*parameters.as_ptr();
        if p.extradata.is_null() || p.extradata_size < 5 || *p.extradata != 1 {
            return 0;
        }
        usize::from(*p.extradata.add(4) & 3) + 1
    }
}

/// Bytes that a container stores before a track's packets.
pub fn stored_extradata(parameters: &Parameters) -> Vec<u8> {
    // SAFETY: `Parameters` owns a valid AVCodecParameters, whose extradata holds `extradata_size` bytes or is null.
    unsafe {
        let p = &*parameters.as_ptr();
        if p.extradata.is_null() || p.extradata_size <= 0 {
            return Vec::new();
        }
        std::slice::from_raw_parts(p.extradata, p.extradata_size as usize).to_vec()
    }
}

/// YUV encoding of pictures: constant of the matrix, and range.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct YuvEncoding {
    pub matrix: i32,
    pub full_range: bool,
}

/// Tells a scaler the YUV encodings of its input and output.
pub fn set_colour(scaler: &mut scaling::Context, from: YuvEncoding, to: YuvEncoding) {
    const UNITY: i32 = 1 << 16;
    // SAFETY: the context is initialised; the coefficient tables are static.
    unsafe {
        ffi::sws_setColorspaceDetails(
            scaler.as_mut_ptr(),
            ffi::sws_getCoefficients(from.matrix),
            i32::from(from.full_range),
            ffi::sws_getCoefficients(to.matrix),
            i32::from(to.full_range),
            0,
            UNITY,
            UNITY,
        );
    }
}

/// Constant of a matrix for `sws_getCoefficients`; BT.601's where swscale does not know the matrix.
pub fn matrix_constant(matrix: &str) -> i32 {
    match matrix {
        "bt709" => ffi::SWS_CS_ITU709,
        "bt2020nc" | "bt2020c" => ffi::SWS_CS_BT2020,
        "fcc" => ffi::SWS_CS_FCC,
        "smpte240m" => ffi::SWS_CS_SMPTE240M,
        _ => ffi::SWS_CS_ITU601,
    }
}

/// Makes a filter graph work in the thread that feeds it.
pub fn one_thread(graph: &mut ffmpeg_next::filter::Graph) {
    // SAFETY: the graph is valid and not configured yet; the field is the caller's to set.
    unsafe { (*graph.as_mut_ptr()).nb_threads = 1 }
}

/// Keeps FFmpeg's own messages out of stderr; its failures come back as codes.
pub fn silence() {
    // SAFETY: the call sets one integer.
    unsafe { ffi::av_log_set_level(ffi::AV_LOG_QUIET) }
}

/// Name of a codec's profile, where libavcodec knows one.
pub fn profile_name(codec: ffmpeg_next::codec::Id, profile: i32) -> Option<String> {
    // SAFETY: the call returns null or a static string.
    unsafe {
        let name = ffi::avcodec_profile_name(codec.into(), profile);
        if name.is_null() {
            return None;
        }
        Some(
            std::ffi::CStr::from_ptr(name)
                .to_string_lossy()
                .into_owned(),
        )
    }
}

/// Time stamp of a decoded frame, as libavcodec estimates it best.
pub fn best_timestamp(frame: &ffmpeg_next::Frame) -> Option<i64> {
    frame.timestamp().or_else(|| frame.pts())
}

/// Makes `own` refer to the pixels of `picture`, without copying them.
pub fn share(
    own: &mut ffmpeg_next::frame::Video,
    picture: &ffmpeg_next::frame::Video,
) -> Result<(), Error> {
    // SAFETY: both are valid frames; av_frame_ref takes its own references to the buffers.
    let code = unsafe { ffi::av_frame_ref(own.as_mut_ptr(), picture.as_ptr()) };
    if code < 0 {
        Err(Error::from(code))
    } else {
        Ok(())
    }
}

/// Whether two pictures have the same size and format.
pub fn alike(one: &ffmpeg_next::frame::Video, other: &ffmpeg_next::frame::Video) -> bool {
    (one.format(), one.width(), one.height()) == (other.format(), other.width(), other.height())
}

/// Copies the properties of a picture other than its pixels: time, colours, shape.
pub fn copy_properties(
    to: &mut ffmpeg_next::frame::Video,
    from: &ffmpeg_next::frame::Video,
) -> Result<(), Error> {
    // SAFETY: both are valid frames.
    let code = unsafe { ffi::av_frame_copy_props(to.as_mut_ptr(), from.as_ptr()) };
    if code < 0 {
        Err(Error::from(code))
    } else {
        Ok(())
    }
}

/// Marks a picture as made of two fields, and which of them is shown first.
pub fn make_interlaced(picture: &mut ffmpeg_next::frame::Video, is_top_first: bool) {
    // SAFETY: the frame is valid and the caller's own; the fields are plain numbers.
    unsafe {
        let frame = &mut *picture.as_mut_ptr();
        frame.interlaced_frame = 1;
        frame.top_field_first = i32::from(is_top_first);
    }
}

/// Marks a picture as not made of fields.
pub fn make_progressive(picture: &mut ffmpeg_next::frame::Video) {
    // SAFETY: the frame is valid and the caller's own; the field is a plain number.
    unsafe { (*picture.as_mut_ptr()).interlaced_frame = 0 };
}

/// Crops a picture to a part from `(left, top)` on, without copying it.
pub fn crop(
    picture: &mut ffmpeg_next::frame::Video,
    (left, top): (u32, u32),
    (width, height): (u32, u32),
) -> Result<(), Error> {
    let right = picture.width().saturating_sub(left + width);
    let bottom = picture.height().saturating_sub(top + height);
    // SAFETY: the frame is valid, and a part outside of it is refused by libavutil.
    let code = unsafe {
        let frame = picture.as_mut_ptr();
        (*frame).crop_left = left as usize;
        (*frame).crop_top = top as usize;
        (*frame).crop_right = right as usize;
        (*frame).crop_bottom = bottom as usize;
        ffi::av_frame_apply_cropping(frame, ffi::AV_FRAME_CROP_UNALIGNED as i32)
    };
    if code < 0 {
        Err(Error::from(code))
    } else {
        Ok(())
    }
}

/// Picture that is never changed again, so that several encoders may read it at once.
pub struct Still(ffmpeg_next::frame::Video);

// SAFETY: only `&frame::Video` is handed out, and none of its `&self` methods writes to the AVFrame or its buffers.
unsafe impl Sync for Still {}

impl From<ffmpeg_next::frame::Video> for Still {
    fn from(frame: ffmpeg_next::frame::Video) -> Self {
        Self(frame)
    }
}

impl std::ops::Deref for Still {
    type Target = ffmpeg_next::frame::Video;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Most bytes that FFmpeg may allocate at once: the largest plane that the limits allow has 67 MB in 16 bits, an
/// index of twelve hours at 120 pictures a second 124 MB. A file that declares more is refused before memory is spent
/// on it.
const LARGEST_ALLOCATION: usize = 256 << 20;

/// Limits the bytes that FFmpeg may allocate at once.
pub fn bound_allocations() {
    // SAFETY: the call sets a global number.
    unsafe { ffi::av_max_alloc(LARGEST_ALLOCATION) }
}

/// Closes the descriptors that were inherited besides standard input, output and error.
pub fn close_inherited() {
    // SAFETY: the function is called before the process has opened anything of its own.
    unsafe { nix::libc::syscall(nix::libc::SYS_close_range, 3, u32::MAX, 0) };
}

/// Keeps GStreamer from scanning for plugins, forking a helper and writing a registry file: the engine loads the few
/// plugins that it needs by name. ORC, with which GStreamer calculates, is kept from generating code, since memory in
/// the cage is never code.
///
/// # Safety
/// This must run before the process has a second thread.
pub unsafe fn quiet_gstreamer() {
    for (name, value) in [
        ("GST_PLUGIN_SYSTEM_PATH_1_0", ""),
        ("GST_PLUGIN_PATH_1_0", ""),
        ("GST_REGISTRY_DISABLE", "yes"),
        ("GST_REGISTRY_FORK", "no"),
        ("ORC_CODE", "backup"),
        // SVT-AV1 would otherwise print its settings on stderr.
        ("SVT_LOG", "0"),
    ] {
        // SAFETY: the caller promises that no other thread reads the environment meanwhile.
        unsafe { std::env::set_var(name, value) }
    }
}
