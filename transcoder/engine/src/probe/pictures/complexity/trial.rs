//! A quick trial encode of a few pictures, which measures their size.

use anyhow::{Context as _, Result, bail};
use ffmpeg_next::codec::{self, encoder};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling::{self, Flags};
use ffmpeg_next::util::picture;
use ffmpeg_next::{Dictionary, Packet, Rational as FfRational, frame};
use plan::media_info::VideoTrack;

use crate::ffi;

/// Fewest pictures of a trial: fewer do not tell how many bits a picture takes that follows another.
pub(super) const LEAST_PICTURES: u64 = 3;
/// Most width and height of the middle part that is encoded at full size, where noise and edges are unchanged. The
/// part is half of each side, but not more than this.
const MIDDLE: (u32, u32) = (960, 540);
/// Width and height of the box, in either orientation, that whole pictures are scaled down to: the box of the larger
/// rung that players start in.
const SMALL: (u32, u32) = (854, 480);
/// Settings of x264 besides its preset: quick, and the same on every machine. It looks ahead as the rungs' encoder
/// does, since a picture that later ones repeat takes more bits than one that they do not.
const SETTINGS: &str = "crf=24:threads=1:keyint=infinite:min-keyint=1000000:scenecut=0:bframes=0:\
                        rc-lookahead=10:sync-lookahead=0:mbtree=1:cpu-independent=1";

/// Sizes of encoded pictures in bits: of a key picture, and of one that follows another.
#[derive(Clone, Copy)]
pub struct Bits {
    pub key: u64,
    pub following: u64,
}

/// Width and height of the part of a track's pictures that is encoded at full size.
pub fn middle(video: &VideoTrack) -> (u32, u32) {
    let half = |side: u32, most: u32| (side / 2).min(most) & !1;
    (
        half(video.coded_width, MIDDLE.0),
        half(video.coded_height, MIDDLE.1),
    )
}

/// Width and height that a track's pictures are scaled down to.
fn small(video: &VideoTrack) -> (u32, u32) {
    let (width, height) = (u64::from(video.coded_width), u64::from(video.coded_height));
    let (long, short) = (width.max(height), width.min(height));
    let (most_long, most_short) = (u64::from(SMALL.0), u64::from(SMALL.1));
    // The smallest of 1, most_long/long and most_short/short, as a fraction.
    let (num, den) = match most_long * short <= most_short * long {
        true => (most_long.min(long), long),
        false => (most_short.min(short), short),
    };
    let side = |length: u64| (length * num / den.max(1)).max(2) as u32 & !1;
    (side(width), side(height))
}

/// Pixels of a track's pictures after scaling down.
pub fn small_pixels(video: &VideoTrack) -> u32 {
    let (width, height) = small(video);
    width * height
}

/// Encoder of a few pictures.
pub struct Trial {
    encoder: encoder::video::Encoder,
    /// Size of the encoded pictures.
    size: (u32, u32),
    /// Left top corner of the part that is cut out of each picture; none where the whole picture is scaled.
    cut: Option<(u32, u32)>,
    converter: Option<scaling::Context>,
    pushed: i64,
    /// Bytes of each encoded picture.
    bytes: Vec<u64>,
}

impl Trial {
    /// Makes a trial of the middle of pictures, at full size.
    pub fn middle(video: &VideoTrack) -> Result<Self> {
        let size = middle(video);
        // The corner is on a whole chroma sample in every format.
        let left = ((video.coded_width - size.0) / 2) & !3;
        let top = ((video.coded_height - size.1) / 2) & !3;
        Self::new(size, Some((left, top)))
    }

    /// Makes a trial of whole pictures, scaled down.
    pub fn small(video: &VideoTrack) -> Result<Self> {
        Self::new(small(video), None)
    }

    fn new(size: (u32, u32), cut: Option<(u32, u32)>) -> Result<Self> {
        let x264 = codec::encoder::find_by_name("libx264").context("no x264")?;
        let mut context = codec::Context::new_with_codec(x264).encoder().video()?;
        context.set_width(size.0);
        context.set_height(size.1);
        context.set_format(Pixel::YUV420P);
        context.set_time_base(FfRational(1, 30));
        let mut options = Dictionary::new();
        options.set("preset", "superfast");
        options.set("x264-params", SETTINGS);
        Ok(Self {
            encoder: context.open_with(options)?,
            size,
            cut,
            converter: None,
            pushed: 0,
            bytes: Vec::new(),
        })
    }

    /// Encodes a decoded picture; where a part is cut out, the picture is cropped to it.
    pub fn push(&mut self, picture: &mut frame::Video) -> Result<()> {
        if let Some(corner) = self.cut {
            ffi::crop(picture, corner, self.size)?;
        }
        let mut input = frame::Video::empty();
        let given = (picture.width(), picture.height());
        if picture.format() == Pixel::YUV420P && given == self.size {
            ffi::share(&mut input, picture)?;
        } else {
            let converter = match &mut self.converter {
                Some(converter) => converter,
                none => none.insert(scaling::Context::get(
                    picture.format(),
                    given.0,
                    given.1,
                    Pixel::YUV420P,
                    self.size.0,
                    self.size.1,
                    Flags::BILINEAR | Flags::ACCURATE_RND | Flags::BITEXACT,
                )?),
            };
            converter.run(picture, &mut input)?;
        }
        input.set_pts(Some(self.pushed));
        input.set_kind(picture::Type::None);
        self.encoder.send_frame(&input)?;
        self.pushed += 1;
        self.receive();
        Ok(())
    }

    fn receive(&mut self) {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            self.bytes.push(packet.size() as u64);
        }
    }

    /// Ends the trial and returns the sizes of its pictures.
    pub fn finish(mut self) -> Result<Bits> {
        self.encoder.send_eof()?;
        self.receive();
        match self.bytes.split_first() {
            Some((key, following)) if following.len() + 1 >= LEAST_PICTURES as usize => Ok(Bits {
                key: key * 8,
                following: following.iter().sum::<u64>() * 8 / following.len() as u64,
            }),
            _ => bail!("too few pictures"),
        }
    }
}
