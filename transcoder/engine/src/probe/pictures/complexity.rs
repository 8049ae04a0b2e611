//! Measurement of how hard pictures are to encode, by trial encodes of a few pictures from a few places.

mod trial;

use anyhow::{Result, bail};
use ffmpeg_next::codec::decoder;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Discard, Error, Packet, frame};
use plan::media_info::{DynamicRange, SmallTrial, SmallTrials, VideoTrack};
use plan::{Complexity, Rational};

use self::trial::{Bits, Trial};
use crate::ffi;
use crate::input::times::{seconds, timestamp};
use crate::video::pictures::video_decoder;

/// Most pixels that are decoded at places of the whole film, and again at its start: 15 pictures of 1080p each, 0.1 s
/// of a core in H.264.
const PIXELS: u64 = 33_000_000;
/// Number of places, and of pictures at each, where the limit of pixels allows it.
const PLACES: u64 = 3;
const PICTURES: u64 = 5;
/// Times of the trials in the segments that a viewer waits for first, in microseconds: the first picture, and the
/// middles of the second and the third segment.
const STARTS_US: [i64; PLACES as usize] = [0, 1_500_000, 3_000_000];
/// Packets of a place beyond one for each picture: decoders hold some back, and cannot decode some right after a
/// seek.
const FURTHER_PACKETS: usize = 8;
/// Least side of a picture in pixels; smaller ones encode quickly whatever they show.
const LEAST_SIDE: u32 = 64;

/// Measures the complexity of a track. None where it cannot be told in so little time, or where the decoded pictures
/// differ from those that are encoded: fields, high dynamic range.
pub fn measure(input: &mut Input, video: &VideoTrack) -> Option<Complexity> {
    let (width, height) = (video.coded_width, video.coded_height);
    let is_plain = !video.interlaced && video.dynamic_range() == DynamicRange::Sdr;
    if !is_plain || width.min(height) < LEAST_SIDE {
        return None;
    }
    let pictures = PIXELS / (u64::from(width) * u64::from(height)).max(1);
    let places = (pictures / PICTURES).clamp(1, PLACES);
    let pictures = (pictures / places).min(PICTURES);
    if pictures < trial::LEAST_PICTURES {
        return None;
    }
    // The upload waits for this result, so all places are encoded at once.
    let places = Place::read_all(input, video, places as usize, pictures as usize);
    let sizes: Vec<PlaceSizes> = std::thread::scope(|scope| {
        let sizes = places
            .into_iter()
            .map(|place| scope.spawn(|| place.encode_trials(video)));
        let sizes: Vec<_> = sizes.collect();
        let sizes = sizes
            .into_iter()
            .filter_map(|place| place.join().ok()?.ok());
        sizes.collect()
    });
    let full: Vec<Bits> = sizes.iter().filter_map(|place| place.full).collect();
    let mean = |bits: fn(&Bits) -> u64| {
        let sum: u64 = full.iter().map(bits).sum();
        sum.checked_div(full.len() as u64).map(clamped)
    };
    Some(Complexity {
        key_bits: mean(|bits| bits.key)?,
        following_bits: mean(|bits| bits.following)?,
        hardest_following_bits: clamped(full.iter().map(|bits| bits.following).max()?),
        small: Some(SmallTrials {
            pixels: trial::small_pixels(video),
            places: sizes.iter().map(PlaceSizes::small).collect(),
        }),
    })
}

fn clamped(bits: u64) -> u32 {
    u32::try_from(bits).unwrap_or(u32::MAX)
}

/// Sizes of the pictures of one place after their trial encodes.
struct PlaceSizes {
    at_us: i64,
    /// Sizes of the middle of the pictures at full size, in bits for each million pixels; none where only small
    /// pictures are tried.
    full: Option<Bits>,
    /// Sizes of the whole pictures scaled down, in bits for each picture.
    small: Bits,
}

impl PlaceSizes {
    fn small(&self) -> SmallTrial {
        SmallTrial {
            at_us: self.at_us,
            key_bits: clamped(self.small.key),
            following_bits: clamped(self.small.following),
        }
    }
}

/// Packets of a place, from a key frame on.
struct Place {
    /// Time of the key frame, in microseconds after the first picture.
    at_us: i64,
    decoder: decoder::Video,
    packets: Vec<Packet>,
    pictures: usize,
    is_tried_at_full_size: bool,
}

impl Place {
    /// Reads `places` places of the whole film and as many of its start, each of `pictures` pictures, in the order of
    /// time. A place that begins with the same key frame as another is left out.
    fn read_all(
        input: &mut Input,
        video: &VideoTrack,
        places: usize,
        pictures: usize,
    ) -> Vec<Self> {
        let duration = video.end - video.start;
        let parts = 2 * places as i64;
        let middles = (0..places as i64).map(|place| {
            (
                duration.scale_round(1_000_000 * (2 * place + 1), parts),
                true,
            )
        });
        let starts = STARTS_US.iter().take(places).map(|&at_us| (at_us, false));
        let mut read: Vec<Self> = Vec::new();
        for (at_us, is_tried_at_full_size) in middles.chain(starts) {
            let Ok(mut place) = Self::read(input, video, at_us, pictures) else {
                continue;
            };
            place.is_tried_at_full_size = is_tried_at_full_size;
            if read.iter().all(|other| other.at_us != place.at_us) {
                read.push(place);
            }
        }
        read.sort_by_key(|place| place.at_us);
        read
    }

    /// Reads a place from the key frame before a time on; the time is in microseconds after the first picture.
    fn read(input: &mut Input, video: &VideoTrack, at_us: i64, pictures: usize) -> Result<Self> {
        let time = video.start + Rational::from_us(at_us);
        let stream = video.stream as usize;
        ffi::seek_back(input, stream, timestamp(time, video.time_base))?;
        let mut decoder = video_decoder(input, stream, 1)?;
        // The loop filter takes a seventh of the time; the few pictures after a key frame hardly differ without it.
        decoder.skip_loop_filter(Discard::All);
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
        let first = packets
            .first()
            .and_then(|packet| packet.pts().or(packet.dts()));
        let after_start = |stamp| seconds(stamp, video.time_base) - video.start;
        Ok(Self {
            at_us: first.map_or(at_us, |stamp| after_start(stamp).scale_round(1_000_000, 1)),
            decoder,
            packets,
            pictures,
            is_tried_at_full_size: false,
        })
    }

    /// Decodes the pictures of the place and encodes them.
    fn encode_trials(mut self, video: &VideoTrack) -> Result<PlaceSizes> {
        let mut small = Trial::small(video)?;
        let mut full = match self.is_tried_at_full_size {
            true => Some(Trial::middle(video)?),
            false => None,
        };
        let mut decoded = frame::Video::empty();
        let mut left = self.pictures;
        let mut packets = self.packets.iter();
        while left > 0 {
            let packet = packets.next();
            match packet {
                Some(packet) => drop(self.decoder.send_packet(packet)),
                None => drop(self.decoder.send_eof()),
            }
            while left > 0 && self.decoder.receive_frame(&mut decoded).is_ok() {
                if (decoded.width(), decoded.height()) != (video.coded_width, video.coded_height) {
                    bail!("pictures change their size");
                }
                small.push(&mut decoded)?;
                if let Some(full) = &mut full {
                    full.push(&mut decoded)?;
                }
                left -= 1;
            }
            if packet.is_none() {
                break;
            }
        }
        let full = full.map(Trial::finish).transpose()?;
        let (width, height) = trial::middle(video);
        let pixels = u64::from(width) * u64::from(height);
        let of_a_million = |bits: u64| bits * 1_000_000 / pixels.max(1);
        Ok(PlaceSizes {
            at_us: self.at_us,
            full: full.map(|bits| Bits {
                key: of_a_million(bits.key),
                following: of_a_million(bits.following),
            }),
            small: small.finish()?,
        })
    }
}
