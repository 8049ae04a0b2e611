//! Opening of a source by FFmpeg: the I/O callbacks are ours, the demuxers are allow-listed, and there are no paths
//! and no addresses.

use std::sync::Arc;

use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::{Dictionary, Error, format};
use plan::{Index, MediaInfo};

use crate::ffi;
use crate::input::edit_lists;
use crate::input::source::Source;
use crate::input::times::{rational, seconds, timestamp};
use crate::link::Link;

/// Demuxers that may read a source. None of them follows a reference to another file: playlists, `concat`, SDP and
/// image sequences are not among them. Raw streams of pictures are not either, since they have no times.
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,ogg,mxf,asf,wav,\
w64,aiff,flac,mp3,aac,ac3,eac3,caf,ivf,dv,gif,amr,au,rm,nut,wtv,mpegtsraw";

/// Opens the source for one reader of the session.
pub fn open(source: &Source) -> Result<Input, Error> {
    let mut input = open_with(source, &[])?;
    if input.format().name().contains("mp4") {
        let whole = || open_with(source, &[("ignore_editlist", "1")]);
        edit_lists::follow(&mut input, source.edit_lists(), whole)?;
    }
    Ok(input)
}

fn open_with(source: &Source, further: &[(&str, &str)]) -> Result<Input, Error> {
    let mut options = Dictionary::new();
    options.set("format_whitelist", FORMATS);
    options.set("protocol_whitelist", "");
    // Data references to other files stay unread (ISO/IEC 14496-12 §8.7.2).
    options.set("use_absolute_path", "0");
    options.set("enable_drefs", "0");
    // Bytes and microseconds that FFmpeg may read before it knows the streams. A probe has 10 s and 512 MiB in all; a
    // well-formed file needs a fraction of this.
    options.set("probesize", "33554432");
    options.set("analyzeduration", "10000000");
    // A broadcast may send a track under another number after its tables change.
    options.set("merge_pmt_versions", "1");
    for (option, value) in further {
        options.set(option, value);
    }
    let io = StreamIo::from_read_seek_with_capacity(source.reader(), 64 << 10)?;
    let link: Arc<Link> = source.link().clone();
    format::input_from_stream_with_interrupt(io, None, Some(options), move || link.is_gone())
}

/// Gives the index of the picture to all streams of a Matroska file that lack one. Its index holds places in the
/// file, mostly for the picture; without it, a seek in another stream would read on from the end of the last seek.
/// Where the file has no index, the one that the probe's scan has found is used.
pub fn share_index(input: &mut Input, info: &MediaInfo) {
    let picture = info.video.as_ref().map(|video| video.stream as usize);
    let of_picture = |input: &Input| {
        let stream = picture.and_then(|picture| input.stream(picture))?;
        let base = rational(stream.time_base());
        let entries = ffi::index_entries(&stream).into_iter();
        Some(
            entries
                .map(|entry| (seconds(entry.timestamp, base), entry.position()))
                .collect(),
        )
    };
    let places: Vec<_> = match &info.index {
        Index::Scanned(keys) => {
            let base = info.video.as_ref().map(|video| video.time_base);
            let key = |key: &plan::media_info::KeyFrame| {
                let position = i64::try_from(key.position).ok()?;
                Some((seconds(key.pts, base?), position))
            };
            keys.iter().filter_map(key).collect()
        }
        _ => {
            // The demuxer reads its index at the first seek.
            if let Some(picture) = picture {
                let _ = ffi::seek_back(input, picture, 0);
            }
            of_picture(input).unwrap_or_default()
        }
    };
    let lacking = input
        .streams()
        .filter(|stream| ffi::index_count(stream) < places.len());
    for stream in lacking {
        let base = rational(stream.time_base());
        for &(time, position) in &places {
            ffi::add_to_index(&stream, position, timestamp(time, base));
        }
    }
}

/// Goes back to the first packet of a source of several parts; streams that were discarded are read again.
pub fn rewind_all_parts(source: &Source, input: &mut Input) -> Result<(), Error> {
    // Where the times of MP4 fragments begin anew, a demuxer that has read some takes the first fragment for them.
    if input.format().name().contains("mp4") {
        *input = open(source)?;
        return Ok(());
    }
    rewind(source, input)
}

/// Goes back to the first packet; streams that were discarded are read again.
pub fn rewind(source: &Source, input: &mut Input) -> Result<(), Error> {
    let format = input.format().name().to_owned();
    ffi::keep_all(input);
    // A seek in MP4 takes every track to the start of the track that it is made in. In the track that begins first,
    // that is the start of all.
    if format.contains("mp4")
        && let Some((stream, first)) = begins_first(input)
        && ffi::seek_back(input, stream, first).is_ok()
    {
        return Ok(());
    }
    if starts_anywhere(&format) && ffi::seek_byte(input, 0).is_ok() {
        return Ok(());
    }
    // Seeks pass over packets whose time lies before the first one in an index (in Matroska those with an encoder's
    // priming), or do not know their place (in raw streams).
    *input = open(source)?;
    Ok(())
}

/// Whether a format's demuxer may start at any packet's byte: formats made for broadcast. Others count from the start
/// (AVI, MXF), or have an index of their own.
pub fn starts_anywhere(format: &str) -> bool {
    matches!(
        format,
        "mpegts" | "mpeg" | "mpegvideo" | "h264" | "hevc" | "m4v"
    )
}

/// Track whose index begins earliest, with the time stamp of its first entry.
fn begins_first(input: &Input) -> Option<(usize, i64)> {
    let begins = input.streams().filter_map(|stream| {
        let first = ffi::index_entries(&stream).first()?.timestamp;
        let time_base = rational(stream.time_base());
        Some((seconds(first, time_base), stream.index(), first))
    });
    begins.min().map(|(_, stream, first)| (stream, first))
}
