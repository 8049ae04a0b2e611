//! How hard pictures are to encode: a few of them, from a few places, are.

use anyhow::{Context as _, Result, bail};
use ffmpeg_next::codec::{self, decoder, encoder};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::software::scaling::{self, Flags};
use ffmpeg_next::util::picture;
use ffmpeg_next::{Dictionary, Error, Packet, Rational as FfRational, frame};
use plan::media_info::{DynamicRange, VideoTrack};
use plan::{Complexity, Rational};

use crate::ffi;
use crate::pictures::video_decoder;
use crate::times::timestamp;

/// Pixels that may be decoded for it: 18 pictures of 1080p, 0.2 s of a core in H.264.
const PIXELS: u64 = 40_000_000;
/// Places that are looked at, and pictures of each, where there are pixels enough.
const PLACES: u64 = 3;
const PICTURES: u64 = 6;
/// Fewer do not tell how one picture follows from another.
const LEAST_PICTURES: u64 = 3;
/// Packets of a place beyond one for each picture: decoders hold some back, and cannot decode some
/// right after a seek.
const FURTHER_PACKETS: usize = 8;
/// The part of a picture that is encoded, at full size, where noise and edges are what they are:
/// half of each side, and no more than this.
const WINDOW: (u32, u32) = (960, 540);
/// Smaller pictures are encoded in no time whatever they hold.
const LEAST_SIDE: u32 = 64;
/// x264's, beside preset and rate factor: quick, and the same on every machine.
const SETTINGS: &str = "crf=24:threads=1:keyint=infinite:min-keyint=1000000:scenecut=0:bframes=0:\
                        rc-lookahead=0:sync-lookahead=0:mbtree=0:cpu-independent=1";

/// What was found; nothing where it cannot be told in so little time, or what is decoded is not
/// what is encoded: fields, high dynamic range.
pub fn measure(input: &mut Input, video: &VideoTrack) -> Option<Complexity> {
    let (width, height) = (video.coded_width, video.coded_height);
    let is_plain = !video.interlaced && video.dynamic_range() == DynamicRange::Sdr;
    if !is_plain || width.min(height) < LEAST_SIDE {
        return None;
    }
    let pictures = PIXELS / (u64::from(width) * u64::from(height)).max(1);
    let places = (pictures / PICTURES).clamp(1, PLACES);
    let pictures = (pictures / places).min(PICTURES);
    if pictures < LEAST_PICTURES {
        return None;
    }
    let places = (0..places).filter_map(|place| {
        let (part, parts) = (2 * place as i64 + 1, 2 * places as i64);
        let into = (video.end - video.start).scale_round(1_000_000 * part, parts);
        let time = video.start + Rational::new(into, 1_000_000);
        Place::read(input, video, time, pictures as usize).ok()
    });
    let places: Vec<Place> = places.collect();
    // Somebody waits for it: all at once.
    let looks: Vec<Look> = std::thread::scope(|scope| {
        let looks = places
            .into_iter()
            .map(|place| scope.spawn(|| place.look(video)));
        let looks: Vec<_> = looks.collect();
        let looks = looks.into_iter().filter_map(|look| look.join().ok()?.ok());
        looks.collect()
    });
    let count = looks.len() as u64;
    let mean = |bits: fn(&Look) -> u64| {
        let sum: u64 = looks.iter().map(bits).sum();
        sum.checked_div(count).map(clamped)
    };
    Some(Complexity {
        key_bits: mean(|look| look.key_bits)?,
        following_bits: mean(|look| look.following_bits)?,
        hardest_following_bits: clamped(looks.iter().map(|look| look.following_bits).max()?),
    })
}

fn clamped(bits: u64) -> u32 {
    u32::try_from(bits).unwrap_or(u32::MAX)
}

/// What pictures of one place took, in bits for each million pixels.
struct Look {
    key_bits: u64,
    following_bits: u64,
}

/// The start of what is stored from a key frame on.
struct Place {
    decoder: decoder::Video,
    packets: Vec<Packet>,
    pictures: usize,
}

impl Place {
    /// From the key frame before a time on.
    fn read(
        input: &mut Input,
        video: &VideoTrack,
        time: Rational,
        pictures: usize,
    ) -> Result<Self> {
        let stream = video.stream as usize;
        ffi::seek_back(input, stream, timestamp(time, video.time_base))?;
        let decoder = video_decoder(input, stream, 1)?;
        let mut packets = Vec::new();
        while packets.len() < pictures + FURTHER_PACKETS {
            let mut packet = Packet::empty();
            match packet.read(input) {
                Ok(()) if packet.stream() != stream => {}
                Ok(()) => packets.push(packet),
                Err(Error::Eof) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            decoder,
            packets,
            pictures,
        })
    }

    /// Decodes and encodes its pictures.
    fn look(mut self, video: &VideoTrack) -> Result<Look> {
        let mut trial = Trial::new(video)?;
        let mut decoded = frame::Video::empty();
        let mut packets = self.packets.iter();
        loop {
            let packet = packets.next();
            match packet {
                Some(packet) => drop(self.decoder.send_packet(packet)),
                None => drop(self.decoder.send_eof()),
            }
            while self.decoder.receive_frame(&mut decoded).is_ok() {
                trial.push(&mut decoded)?;
                if trial.pushed == self.pictures as i64 {
                    return trial.finish();
                }
            }
            if packet.is_none() {
                return trial.finish();
            }
        }
    }
}

/// An encoder of the middle of pictures.
struct Trial {
    encoder: encoder::video::Encoder,
    /// The pictures' size, and the part of them that is encoded.
    size: (u32, u32),
    window: (u32, u32),
    converter: Option<scaling::Context>,
    pushed: i64,
    /// Of each picture that is encoded.
    bytes: Vec<u64>,
}

impl Trial {
    fn new(video: &VideoTrack) -> Result<Self> {
        let half = |side: u32, most: u32| (side / 2).min(most) & !1;
        let size = (video.coded_width, video.coded_height);
        let window = (half(size.0, WINDOW.0), half(size.1, WINDOW.1));
        let x264 = codec::encoder::find_by_name("libx264").context("no x264")?;
        let mut context = codec::Context::new_with_codec(x264).encoder().video()?;
        context.set_width(window.0);
        context.set_height(window.1);
        context.set_format(Pixel::YUV420P);
        context.set_time_base(FfRational(1, 30));
        let mut options = Dictionary::new();
        options.set("preset", "superfast");
        options.set("x264-params", SETTINGS);
        Ok(Self {
            encoder: context.open_with(options)?,
            size,
            window,
            converter: None,
            pushed: 0,
            bytes: Vec::new(),
        })
    }

    fn push(&mut self, picture: &mut frame::Video) -> Result<()> {
        if (picture.width(), picture.height()) != self.size {
            bail!("pictures change their size");
        }
        let (width, height) = self.window;
        // On whole chroma samples of every format.
        let left = ((self.size.0 - width) / 2) & !3;
        let top = ((self.size.1 - height) / 2) & !3;
        ffi::crop(picture, (left, top), self.window)?;
        let mut window = frame::Video::empty();
        if picture.format() == Pixel::YUV420P {
            std::mem::swap(&mut window, picture);
        } else {
            let converter = match &mut self.converter {
                Some(converter) => converter,
                none => none.insert(scaling::Context::get(
                    picture.format(),
                    width,
                    height,
                    Pixel::YUV420P,
                    width,
                    height,
                    Flags::BILINEAR | Flags::ACCURATE_RND | Flags::BITEXACT,
                )?),
            };
            converter.run(picture, &mut window)?;
        }
        window.set_pts(Some(self.pushed));
        window.set_kind(picture::Type::None);
        self.encoder.send_frame(&window)?;
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

    fn finish(mut self) -> Result<Look> {
        self.encoder.send_eof()?;
        self.receive();
        let pixels = u64::from(self.window.0) * u64::from(self.window.1);
        let bits = |bytes: u64| bytes * 8 * 1_000_000 / pixels.max(1);
        match self.bytes.split_first() {
            Some((key, following)) if following.len() + 1 >= LEAST_PICTURES as usize => Ok(Look {
                key_bits: bits(*key),
                following_bits: bits(following.iter().sum::<u64>()) / following.len() as u64,
            }),
            _ => bail!("too few pictures"),
        }
    }
}
