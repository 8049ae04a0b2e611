//! Mixing of a source's channels, known by their places in a room, to the channels that are sent: stereo or 5.1. The
//! coefficients are those of ITU-R BS.775: a channel in the middle or behind is 3 dB softer on each side, and stereo
//! leaves out the bass channel. A mix that could exceed full scale is turned down as a whole, never sample by sample,
//! so that all segments are equally loud.

use ffmpeg_next::frame;

use crate::ffi;

/// Factor of a channel that is 3 dB softer.
const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// Factor of a channel that is 6 dB softer.
const HALF: f32 = 0.5;

/// Places in the room of the channels of decoded sound, in the order of the channels. Places are numbers of
/// libavutil's `AVChannel`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// One place for each channel.
    pub places: Vec<i32>,
    /// Whether the source declares its places. Otherwise they are the places that most sources with as many channels
    /// have.
    pub is_declared: bool,
}

/// Numbers of libavutil's `AVChannel`.
mod place {
    pub const FRONT_LEFT: i32 = 0;
    pub const FRONT_RIGHT: i32 = 1;
    pub const FRONT_CENTER: i32 = 2;
    pub const LOW_FREQUENCY: i32 = 3;
    pub const BACK_LEFT: i32 = 4;
    pub const BACK_RIGHT: i32 = 5;
    pub const FRONT_LEFT_OF_CENTER: i32 = 6;
    pub const FRONT_RIGHT_OF_CENTER: i32 = 7;
    pub const BACK_CENTER: i32 = 8;
    pub const SIDE_LEFT: i32 = 9;
    pub const SIDE_RIGHT: i32 = 10;
    pub const TOP_CENTER: i32 = 11;
    pub const TOP_FRONT_LEFT: i32 = 12;
    pub const TOP_FRONT_CENTER: i32 = 13;
    pub const TOP_FRONT_RIGHT: i32 = 14;
    pub const TOP_BACK_LEFT: i32 = 15;
    pub const TOP_BACK_CENTER: i32 = 16;
    pub const TOP_BACK_RIGHT: i32 = 17;
    /// Left channel of a finished stereo downmix that a source carries beside its other channels.
    pub const STEREO_LEFT: i32 = 29;
    pub const STEREO_RIGHT: i32 = 30;
    pub const WIDE_LEFT: i32 = 31;
    pub const WIDE_RIGHT: i32 = 32;
    pub const SURROUND_DIRECT_LEFT: i32 = 33;
    pub const SURROUND_DIRECT_RIGHT: i32 = 34;
    pub const LOW_FREQUENCY_2: i32 = 35;
    pub const TOP_SIDE_LEFT: i32 = 36;
    pub const TOP_SIDE_RIGHT: i32 = 37;
    pub const BOTTOM_FRONT_CENTER: i32 = 38;
    pub const BOTTOM_FRONT_LEFT: i32 = 39;
    pub const BOTTOM_FRONT_RIGHT: i32 = 40;
}
use place::*;

impl Layout {
    /// Layout of a decoded frame: the declared one, or the usual one for its number of channels.
    pub fn of(frame: &frame::Audio) -> Self {
        let (count, places) = ffi::channel_places(frame);
        places.map_or_else(
            || Self::usual(count.min(ffi::MOST_CHANNELS)),
            |places| Self {
                places,
                is_declared: true,
            },
        )
    }

    /// Usual layout of sound with `channels` channels: libavutil's default, or left and right in turns where
    /// libavutil has none.
    pub fn usual(channels: usize) -> Self {
        let places = ffi::default_places(channels);
        Self {
            places: places.unwrap_or_else(|| (0..channels as i32).map(|at| at % 2).collect()),
            is_declared: false,
        }
    }

    /// Whether a 5.1 mix keeps more of this sound than a stereo mix does.
    pub fn is_surround(&self) -> bool {
        let has = |wanted: &[i32]| self.places.iter().any(|place| wanted.contains(place));
        let behind = [BACK_LEFT, BACK_RIGHT, SIDE_LEFT, SIDE_RIGHT, BACK_CENTER];
        self.places.len() >= 6 && has(&behind) && has(&[FRONT_LEFT, FRONT_RIGHT])
    }

    fn has(&self, place: i32) -> bool {
        self.places.contains(&place)
    }
}

/// Weights with which each channel of a source is added to each channel that is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// One row of weights for each channel sent; a row has one weight for each channel of the source.
    rows: Vec<Vec<f32>>,
}

impl Mix {
    /// Mix of a layout to `sent` channels: 6 are 5.1, in the order left, right, centre, bass, rear left, rear right;
    /// 2 are stereo.
    pub fn new(layout: &Layout, sent: usize) -> Self {
        let weights: Vec<Vec<(usize, f32)>> = layout
            .places
            .iter()
            .map(|&place| match sent {
                6 => surround_weights(layout, place),
                _ => stereo_weights(layout, place),
            })
            .collect();
        let mut rows = vec![vec![0.0; layout.places.len()]; sent];
        for (channel, weights) in weights.iter().enumerate() {
            for &(row, weight) in weights {
                rows[row][channel] += weight;
            }
        }
        let loudest = rows.iter().map(|row| row.iter().sum::<f32>());
        let loudest = loudest.fold(1.0_f32, f32::max);
        rows.iter_mut()
            .flatten()
            .for_each(|weight| *weight /= loudest);
        Self { rows }
    }

    /// Mixes planes of the source's channels to planes of the channels sent.
    pub fn run(&self, planes: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let length = planes.first().map_or(0, Vec::len);
        let row = |weights: &Vec<f32>| {
            let heard = || {
                weights
                    .iter()
                    .zip(planes)
                    .filter(|(weight, _)| **weight != 0.0)
            };
            if let (Some((1.0, plane)), 1) = (heard().next(), heard().count()) {
                return plane.clone();
            }
            let mut sum = vec![0.0; length];
            for (weight, plane) in heard() {
                for (sum, sample) in sum.iter_mut().zip(plane) {
                    *sum += weight * sample;
                }
            }
            sum
        };
        self.rows.iter().map(row).collect()
    }
}

fn stereo_weights(layout: &Layout, place: i32) -> Vec<(usize, f32)> {
    const LEFT: usize = 0;
    const RIGHT: usize = 1;
    let both = |weight| vec![(LEFT, weight), (RIGHT, weight)];
    match place {
        FRONT_LEFT | FRONT_LEFT_OF_CENTER => vec![(LEFT, 1.0)],
        FRONT_RIGHT | FRONT_RIGHT_OF_CENTER => vec![(RIGHT, 1.0)],
        STEREO_LEFT if !layout.has(FRONT_LEFT) => vec![(LEFT, 1.0)],
        STEREO_RIGHT if !layout.has(FRONT_RIGHT) => vec![(RIGHT, 1.0)],
        // The channel is in the place of the bass only by our guess, so it may carry speech: it is not left out.
        LOW_FREQUENCY | LOW_FREQUENCY_2 if !layout.is_declared => both(HALF),
        STEREO_LEFT | STEREO_RIGHT | LOW_FREQUENCY | LOW_FREQUENCY_2 => Vec::new(),
        FRONT_CENTER => both(HALF_POWER),
        BACK_CENTER | TOP_CENTER | TOP_FRONT_CENTER | TOP_BACK_CENTER | BOTTOM_FRONT_CENTER => {
            both(HALF)
        }
        _ if is_left(place) => vec![(LEFT, HALF_POWER)],
        _ if is_right(place) => vec![(RIGHT, HALF_POWER)],
        // The place is unknown, so both sides get the channel.
        _ => both(HALF),
    }
}

fn surround_weights(layout: &Layout, place: i32) -> Vec<(usize, f32)> {
    const LEFT: usize = 0;
    const RIGHT: usize = 1;
    const CENTER: usize = 2;
    const BASS: usize = 3;
    const BEHIND_LEFT: usize = 4;
    const BEHIND_RIGHT: usize = 5;
    // Where a source has both side and rear channels, both are equally loud.
    let behind = |beside: i32| if layout.has(beside) { HALF_POWER } else { 1.0 };
    match place {
        FRONT_LEFT => vec![(LEFT, 1.0)],
        FRONT_RIGHT => vec![(RIGHT, 1.0)],
        FRONT_CENTER => vec![(CENTER, 1.0)],
        LOW_FREQUENCY => vec![(BASS, 1.0)],
        LOW_FREQUENCY_2 => vec![(BASS, HALF_POWER)],
        SIDE_LEFT => vec![(BEHIND_LEFT, behind(BACK_LEFT))],
        SIDE_RIGHT => vec![(BEHIND_RIGHT, behind(BACK_RIGHT))],
        BACK_LEFT => vec![(BEHIND_LEFT, behind(SIDE_LEFT))],
        BACK_RIGHT => vec![(BEHIND_RIGHT, behind(SIDE_RIGHT))],
        SURROUND_DIRECT_LEFT | TOP_BACK_LEFT | TOP_SIDE_LEFT => vec![(BEHIND_LEFT, HALF_POWER)],
        SURROUND_DIRECT_RIGHT | TOP_BACK_RIGHT | TOP_SIDE_RIGHT => vec![(BEHIND_RIGHT, HALF_POWER)],
        BACK_CENTER | TOP_BACK_CENTER => {
            vec![(BEHIND_LEFT, HALF_POWER), (BEHIND_RIGHT, HALF_POWER)]
        }
        FRONT_LEFT_OF_CENTER => vec![(LEFT, HALF_POWER), (CENTER, HALF_POWER)],
        FRONT_RIGHT_OF_CENTER => vec![(RIGHT, HALF_POWER), (CENTER, HALF_POWER)],
        TOP_FRONT_CENTER | TOP_CENTER | BOTTOM_FRONT_CENTER => vec![(CENTER, HALF_POWER)],
        STEREO_LEFT if !layout.has(FRONT_LEFT) => vec![(LEFT, 1.0)],
        STEREO_RIGHT if !layout.has(FRONT_RIGHT) => vec![(RIGHT, 1.0)],
        STEREO_LEFT | STEREO_RIGHT => Vec::new(),
        _ if is_left(place) => vec![(LEFT, HALF_POWER)],
        _ if is_right(place) => vec![(RIGHT, HALF_POWER)],
        _ => vec![(LEFT, HALF), (RIGHT, HALF)],
    }
}

const fn is_left(place: i32) -> bool {
    matches!(
        place,
        BACK_LEFT
            | SIDE_LEFT
            | TOP_FRONT_LEFT
            | TOP_BACK_LEFT
            | WIDE_LEFT
            | SURROUND_DIRECT_LEFT
            | TOP_SIDE_LEFT
            | BOTTOM_FRONT_LEFT
    )
}

const fn is_right(place: i32) -> bool {
    matches!(
        place,
        BACK_RIGHT
            | SIDE_RIGHT
            | TOP_FRONT_RIGHT
            | TOP_BACK_RIGHT
            | WIDE_RIGHT
            | SURROUND_DIRECT_RIGHT
            | TOP_SIDE_RIGHT
            | BOTTOM_FRONT_RIGHT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(places: &[i32], sent: usize) -> Vec<Vec<f32>> {
        let layout = Layout {
            places: places.to_vec(),
            is_declared: true,
        };
        Mix::new(&layout, sent).rows
    }

    #[test]
    fn stereo_stays_as_it_is_and_one_channel_comes_from_both_sides() {
        assert_eq!(mix(&[0, 1], 2), [[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(mix(&[2], 2), [[HALF_POWER], [HALF_POWER]]);
    }

    #[test]
    fn the_centre_of_three_channels_is_in_both() {
        let rows = mix(&[0, 1, 2], 2);
        assert!((rows[0][2] / rows[0][0] - HALF_POWER).abs() < 1e-6);
        assert_eq!(rows[0][2], rows[1][2]);
        assert_eq!((rows[0][1], rows[1][0]), (0.0, 0.0));
        let loudest: f32 = rows[0].iter().sum();
        assert!((loudest - 1.0).abs() < 1e-6, "nothing exceeds full scale");
    }

    #[test]
    fn five_one_is_itself_whether_its_surrounds_stand_beside_or_behind() {
        for behind in [[4, 5], [9, 10]] {
            let rows = mix(&[0, 1, 2, 3, behind[0], behind[1]], 6);
            for (row, weights) in rows.iter().enumerate() {
                for (channel, weight) in weights.iter().enumerate() {
                    assert_eq!(*weight, f32::from(u8::from(row == channel)));
                }
            }
        }
    }

    #[test]
    fn no_channel_of_any_layout_is_lost_but_the_bass_in_stereo() {
        for (count, is_declared) in
            (1..=ffi::MOST_CHANNELS).flat_map(|count| [(count, true), (count, false)])
        {
            let layout = Layout {
                is_declared,
                ..Layout::usual(count)
            };
            assert_eq!(layout.places.len(), count);
            for sent in [2, 6] {
                let mix = Mix::new(&layout, sent);
                for (channel, &place) in layout.places.iter().enumerate() {
                    let heard: f32 = mix.rows.iter().map(|row| row[channel]).sum();
                    let is_bass = is_declared && matches!(place, LOW_FREQUENCY | LOW_FREQUENCY_2);
                    assert_eq!(heard > 0.0, !(is_bass && sent == 2), "{count}: {place}");
                }
                let loudest = mix.rows.iter().map(|row| row.iter().sum::<f32>());
                assert!(loudest.fold(0.0, f32::max) < 1.001);
            }
        }
    }
}
