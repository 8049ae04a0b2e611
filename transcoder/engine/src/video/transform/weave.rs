//! Weaving of fields to pairs, where a stream stores each field as a picture of half the height, as HEVC does (ITU-T
//! H.265 §D.3.3).

use anyhow::Result;
use ffmpeg_next::frame;

use crate::ffi;

/// Joiner of fields, which come in the order in which they are shown.
#[derive(Default)]
pub struct Weaver {
    /// First field of a pair, with its time stamp.
    first: Option<(frame::Video, i64)>,
}

impl Weaver {
    /// Takes a field. Returns the pair that the field completes, with the time stamp of its first field.
    pub fn push(&mut self, field: frame::Video, stamp: i64) -> Result<Option<(frame::Video, i64)>> {
        let Some((first, before)) = self.first.take() else {
            self.first = Some((field, stamp));
            return Ok(None);
        };
        let is_pair = first.is_top_first() != field.is_top_first() && ffi::alike(&first, &field);
        if is_pair {
            return Ok(Some((weave(&first, &field)?, before)));
        }
        // The other field of the pair is lost.
        self.first = Some((field, stamp));
        Ok(Some((weave(&first, &first)?, before)))
    }

    /// Ends the stretch; a field that is left makes a pair by itself.
    pub fn end(&mut self) -> Result<Option<(frame::Video, i64)>> {
        let left = self.first.take();
        left.map(|(field, stamp)| Ok((weave(&field, &field)?, stamp)))
            .transpose()
    }
}

/// Makes one picture of the lines of two fields.
fn weave(first: &frame::Video, second: &frame::Video) -> Result<frame::Video> {
    let mut pair = frame::Video::new(first.format(), first.width(), first.height() * 2);
    ffi::copy_properties(&mut pair, first)?;
    let is_top_first = first.is_top_first();
    ffi::make_interlaced(&mut pair, is_top_first);
    let (top, bottom) = if is_top_first {
        (first, second)
    } else {
        (second, first)
    };
    for plane in 0..pair.planes() {
        let to = pair.stride(plane);
        for (offset, field) in [(0, top), (1, bottom)] {
            let from = field.stride(plane);
            let lines = field
                .data(plane)
                .chunks_exact(from)
                .take(field.plane_height(plane) as usize);
            let length = from.min(to);
            for (line, bytes) in lines.enumerate() {
                let at = (2 * line + offset) * to;
                if let Some(target) = pair.data_mut(plane).get_mut(at..at + length) {
                    target.copy_from_slice(&bytes[..length]);
                }
            }
        }
    }
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use ffmpeg_next::format::Pixel;

    use super::*;

    fn field(level: u8, is_top: bool) -> frame::Video {
        let mut field = frame::Video::new(Pixel::YUV420P, 64, 32);
        for plane in 0..3 {
            field.data_mut(plane).fill(level);
        }
        ffi::make_interlaced(&mut field, is_top);
        field
    }

    fn lines(picture: &frame::Video) -> Vec<u8> {
        picture
            .data(0)
            .chunks_exact(picture.stride(0))
            .map(|line| line[0])
            .take(4)
            .collect()
    }

    #[test]
    fn lines_of_both_fields_lie_where_they_belong_whichever_comes_first() {
        for is_top_first in [true, false] {
            let mut weaver = Weaver::default();
            assert!(weaver.push(field(1, is_top_first), 10).unwrap().is_none());
            let (pair, stamp) = weaver.push(field(2, !is_top_first), 11).unwrap().unwrap();
            assert_eq!((pair.height(), stamp), (64, 10));
            assert_eq!(
                (pair.is_interlaced(), pair.is_top_first()),
                (true, is_top_first)
            );
            let expected = if is_top_first {
                [1, 2, 1, 2]
            } else {
                [2, 1, 2, 1]
            };
            assert_eq!(lines(&pair), expected);
        }
    }

    #[test]
    fn a_field_without_its_other_makes_a_pair_alone() {
        let mut weaver = Weaver::default();
        weaver.push(field(1, true), 0).unwrap();
        let (pair, _) = weaver.push(field(3, true), 2).unwrap().unwrap();
        assert_eq!(lines(&pair), [1; 4]);
        assert_eq!(lines(&weaver.end().unwrap().unwrap().0), [3; 4]);
        assert!(weaver.end().unwrap().is_none());
    }
}
