//! Facts from decoded sample pictures: the first pictures of a track, and one of each kind. Declared sizes and
//! formats are not believed.

use std::collections::HashMap;

use anyhow::Result;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::frame::side_data;
use ffmpeg_next::{Error, frame};
use plan::media_info::VideoTrack;
use plan::{Aperture, Code, Limits, Note, Rational};

use crate::ffi;
use crate::input::demux::next_packet;
use crate::input::times;
use crate::probe::kinds::CodingKind;
use crate::probe::observed_track::ObservedTrack;
use crate::probe::tracks::{self, DeclaredTracks};
use crate::refusal::{check_size, reject};
use crate::text::captions::Captions;
use crate::video::pictures::video_decoder;
use crate::video::transform::fields;

/// Most packets of a track in which a picture must decode; otherwise the track is damaged beyond use.
const TRIAL_PACKETS: usize = 400;
/// Most pictures that are decoded to find one of fields, where the track may be interlaced: film in a telecined
/// broadcast has three whole frames in a row.
const TRIAL_PICTURES: usize = 5;
/// Most kinds of which a picture is decoded.
const KINDS: usize = 8;

/// Further findings from the first pictures.
pub struct FirstPictures {
    /// Seconds from one picture to the next, where several were decoded.
    pub step: Option<Rational>,
    /// Whether the pictures hold CEA-608 captions.
    pub has_captions: bool,
    /// Whether the pictures say that they hold the views of both eyes.
    pub holds_two_views: bool,
}

/// Decodes the first picture, and some more where they may be of fields. None where the track has no picture at all.
pub fn first(
    input: &mut Input,
    video: &mut VideoTrack,
    container_aspect: Option<Rational>,
    limits: &Limits,
) -> Result<Option<FirstPictures>> {
    let stream = video.stream as usize;
    let nal_length = input
        .stream(stream)
        .map_or(0, |stream| ffi::nal_length(&stream.parameters()));
    let captions = Captions::of(&video.codec, nal_length);
    let (mut has_captions, mut holds_two_views) = (false, false);
    let corrupt = || reject(Code::Corrupt, "No picture of the file can be decoded.");
    let mut decoder = video_decoder(input, stream, 1).map_err(|_| corrupt())?;
    tracks::describe_colors(video, &decoder);
    let wanted = match tracks::may_be_interlaced(input, video) {
        true => TRIAL_PICTURES,
        false => 1,
    };
    let mut picture = frame::Video::empty();
    let mut stamps = Vec::new();
    let (mut packets, mut pictures) = (0, 0);
    let mut draining = false;
    loop {
        match decoder.receive_frame(&mut picture) {
            Ok(()) => {
                if pictures == 0 {
                    check_size(picture.width(), picture.height(), limits)?;
                    tracks::describe_picture(video, &picture, container_aspect);
                    holds_two_views = has_two_views(&picture);
                }
                pictures += 1;
                stamps.extend(ffi::best_timestamp(&picture));
                video.interlaced |= fields::are_in(&picture);
            }
            Err(_) if draining && packets == 0 => return Ok(None),
            Err(_) if draining && pictures == 0 => return Err(corrupt().into()),
            Err(_) => {}
        }
        if pictures == wanted || draining && pictures > 0 {
            let steps = stamps
                .windows(2)
                .map(|pair| pair[1].saturating_sub(pair[0]));
            let least = steps.filter(|&step| step > 0).min();
            let step = least.map(|step| times::seconds(step, video.time_base));
            return Ok(Some(FirstPictures {
                step,
                has_captions,
                holds_two_views,
            }));
        }
        match next_packet(input) {
            Ok(packet) if packet.stream() != stream => {}
            Ok(packet) => {
                packets += 1;
                let data = packet.data().unwrap_or_default();
                has_captions |= captions.is_some_and(|kind| !kind.pairs(data).is_empty());
                let _ = decoder.send_packet(&packet);
            }
            Err(Error::InvalidData) => {}
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => draining = true,
        }
        if packets > TRIAL_PACKETS {
            draining = true;
        }
        if draining {
            let _ = decoder.send_eof();
        }
    }
}

/// Describes the picture track by its most frequent kind of picture, and adds a note where the kind changes.
pub fn describe_most(
    input: &Input,
    found: &mut DeclaredTracks,
    seen: &HashMap<u32, ObservedTrack>,
    limits: &Limits,
) -> Result<()> {
    let DeclaredTracks {
        video: Some(video),
        container_aspect,
        notes,
        ..
    } = found
    else {
        return Ok(());
    };
    let kinds = seen.get(&video.stream).map(|seen| seen.kinds.by_count());
    let kinds = kinds.filter(|kinds| kinds.len() > 1).unwrap_or_default();
    // Descriptions of the decoded kinds, which become sorted with the most frequent first.
    let mut described: Vec<(VideoTrack, u64)> = Vec::new();
    for kind in kinds.iter().take(KINDS) {
        let Some(picture) = decode(input, video, kind) else {
            continue;
        };
        if check_size(picture.width(), picture.height(), limits).is_err() {
            continue;
        }
        let mut own = video.clone();
        own.color = plan::media_info::Color::default();
        tracks::describe_picture(&mut own, &picture, *container_aspect);
        // Interlacing is a fact about the track, not about one picture.
        own.interlaced = video.interlaced;
        match described
            .iter_mut()
            .find(|(known, _)| looks_like(known, &own))
        {
            Some((_, count)) => *count += kind.count,
            None => described.push((own, kind.count)),
        }
    }
    described.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let changes = described.len() > 1;
    let mut sizes: Vec<(u32, u32)> = Vec::new();
    for (own, _) in &described {
        let size = (own.coded_width, own.coded_height);
        if !sizes.contains(&size) {
            sizes.push(size);
        }
    }
    let Some((mut most, _)) = described.into_iter().next() else {
        return Ok(());
    };
    // The container declared the aperture for pictures of its own size only.
    if (most.coded_width, most.coded_height) != (video.coded_width, video.coded_height) {
        most.aperture = None;
    }
    // Without changes, the container's colours stay, since they come before the picture's.
    most.color.range = video
        .color
        .range
        .take()
        .filter(|_| !changes)
        .or(most.color.range);
    if !changes {
        most.color = std::mem::take(&mut video.color);
    }
    *video = most;
    if changes {
        let sizes: Vec<String> = sizes
            .iter()
            .map(|(width, height)| format!("{width}x{height}"))
            .collect();
        let message = match sizes.len() {
            1 => "The picture changes its shape or its colours inside the file; all of it is converted to the most frequent ones.".to_owned(),
            _ => format!(
                "The picture changes its size inside the file ({}); all of it is converted to the most frequent size, {}.",
                sizes.join(", "),
                sizes[0]
            ),
        };
        notes.push(Note::new(Code::FormatChanges, message).of_track(video.stream));
    }
    Ok(())
}

/// Whether pictures of two kinds need no conversion to one another.
fn looks_like(one: &VideoTrack, other: &VideoTrack) -> bool {
    (one.coded_width, one.coded_height) == (other.coded_width, other.coded_height)
        && one.own_aspect == other.own_aspect
        && one.pixel_format == other.pixel_format
        && one.color == other.color
}

/// Decodes a picture of a kind, from the kind's first packet alone.
fn decode(input: &Input, video: &VideoTrack, kind: &CodingKind) -> Option<frame::Video> {
    let mut decoder = video_decoder(input, video.stream as usize, 1).ok()?;
    decoder.send_packet(kind.first.first()?).ok()?;
    decoder.send_eof().ok()?;
    let mut picture = frame::Video::empty();
    decoder.receive_frame(&mut picture).ok()?;
    Some(picture)
}

/// Whether a picture says of itself that it holds the views of both eyes (H.264 D.2.26).
fn has_two_views(picture: &frame::Video) -> bool {
    // `AVStereo3D` begins with its kind; 0 is a picture for both eyes alike.
    let side_data = picture.side_data(side_data::Type::Stereo3D);
    let kind = side_data.and_then(|stereo| stereo.data().first_chunk().copied());
    kind.is_some_and(|kind| i32::from_ne_bytes(kind) != 0)
}

/// Part of a picture that is shown, as Matroska declares it; none where the stored size differs from the declared
/// one.
pub fn crop(input: &Input, found: &DeclaredTracks, video: &VideoTrack) -> Option<Aperture> {
    let stream = input.stream(video.stream as usize)?;
    let own = found.of_matroska(&stream)?.picture;
    let [left, top, right, bottom] = own.crop.map(|side| u32::try_from(side).ok());
    let (left, top, right, bottom) = (left?, top?, right?, bottom?);
    let is_stored = own.stored == (u64::from(video.coded_width), u64::from(video.coded_height));
    if !is_stored || [left, top, right, bottom] == [0; 4] {
        return None;
    }
    let width = video.coded_width.checked_sub(left.checked_add(right)?)?;
    let height = video.coded_height.checked_sub(top.checked_add(bottom)?)?;
    // The corner is on a whole chroma sample.
    Some(Aperture {
        left: left & !1,
        top: top & !1,
        width,
        height,
    })
    .filter(|part| part.width > 0 && part.height > 0)
}
