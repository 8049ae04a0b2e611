//! The clean aperture of MP4, the part of a picture that is shown (ISO/IEC 14496-12 §12.1.4), which FFmpeg does not
//! report.

use plan::media_info::VideoTrack;
use plan::{Aperture, Rational};

use crate::input::boxes;
use crate::input::source::Source;

/// Fills in the part of a track's pictures that is shown. `number` is the track's number in its container.
pub fn describe(source: &Source, number: i32, track: &mut VideoTrack) {
    let shapes = boxes::shapes(source.reader(), source.size());
    let own = shapes
        .iter()
        .find(|shape| i32::try_from(shape.track) == Ok(number));
    let Some((shape, clean)) = own.and_then(|shape| Some((shape, shape.clean?))) else {
        return;
    };
    let stored = (track.coded_width, track.coded_height);
    let Some(part) = part(clean, stored) else {
        return;
    };
    // Where no pixel shape is declared, FFmpeg takes the track's size for the size of the whole picture.
    if shape.pixel.is_none() {
        track.sample_aspect = Rational::new(1, 1);
    }
    track.aperture = Some(part).filter(|part| (part.width, part.height) != stored);
}

/// Part of a picture that a clean aperture leaves; none where the aperture does not lie in the picture.
fn part(clean: [u32; 8], (width, height): (u32, u32)) -> Option<Aperture> {
    let [wide, wide_by, high, high_by, right, right_by, down, down_by] = clean;
    let (left, width) = span(width, (wide, wide_by), (right as i32, right_by))?;
    let (top, height) = span(height, (high, high_by), (down as i32, down_by))?;
    Some(Aperture {
        left,
        top,
        width,
        height,
    })
}

/// Start and length of a part of one side. `off` is the distance of its middle from the side's middle; the start is
/// on a whole chroma sample.
fn span(side: u32, length: (u32, u32), off: (i32, u32)) -> Option<(u32, u32)> {
    if length.1 == 0 || off.1 == 0 {
        return None;
    }
    let rounded = |num: i64, den: u32| Rational::new(num, i64::from(den)).scale_round(1, 1);
    let whole = rounded(i64::from(length.0), length.1);
    let before =
        Rational::new(i64::from(side) - whole, 2) + Rational::new(off.0.into(), off.1.into());
    let start = before.scale_floor(1, 1) & !1;
    let (start, whole) = (u32::try_from(start).ok()?, u32::try_from(whole).ok()?);
    let is_part = whole > 0 && start.checked_add(whole)? <= side;
    is_part.then_some((start, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(clean: [u32; 8], size: (u32, u32)) -> Option<[u32; 4]> {
        part(clean, size).map(|part| [part.left, part.top, part.width, part.height])
    }

    #[test]
    fn its_middle_is_the_pictures_unless_it_is_off() {
        let camera = [1440, 1, 1080, 1, 0, 1, -4i32 as u32, 1];
        assert_eq!(left(camera, (1440, 1088)), Some([0, 0, 1440, 1080]));
        let tape = [704, 1, 576, 1, 0, 1, 0, 1];
        assert_eq!(left(tape, (720, 576)), Some([8, 0, 704, 576]));
        let halves = [1405, 2, 576, 1, 0, 1, 0, 1];
        assert_eq!(left(halves, (720, 576)), Some([8, 0, 703, 576]));
    }

    #[test]
    fn what_is_none_of_the_picture_says_nothing() {
        let whole = [720, 1, 576, 1, 0, 1, 0, 1];
        for (at, number) in [
            (0, 0),
            (0, 721),
            (1, 0),
            (4, 1),
            (5, 0),
            (6, u32::MAX),
            (7, 0),
        ] {
            let mut clean = whole;
            clean[at] = number;
            if (at, number) == (4, 1) || (at, number) == (6, u32::MAX) {
                clean[at] = if at == 4 { 10 } else { -10i32 as u32 };
            }
            assert_eq!(left(clean, (720, 576)), None, "{clean:?}");
        }
    }
}
