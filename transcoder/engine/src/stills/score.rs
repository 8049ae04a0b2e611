//! A score of how suitable a picture is as a poster.

use crate::video::pictures::Picture;

/// Score of a picture: the entropy of its luma times its sharpness. Higher is better; black, white and flat pictures
/// score zero.
pub fn of(picture: &Picture) -> u64 {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let stride = picture.stride(0);
    let luma = picture.data(0);
    let mut histogram = [0u64; 64];
    let mut edges = 0u64;
    // Every second row and column is enough for a score.
    for y in (1..height.saturating_sub(1)).step_by(2) {
        let row = &luma[y * stride..][..width];
        let (above, below) = (
            &luma[(y - 1) * stride..][..width],
            &luma[(y + 1) * stride..][..width],
        );
        for x in (1..width.saturating_sub(1)).step_by(2) {
            histogram[usize::from(row[x] >> 2)] += 1;
            let around = i32::from(row[x - 1])
                + i32::from(row[x + 1])
                + i32::from(above[x])
                + i32::from(below[x]);
            edges += u64::from((4 * i32::from(row[x]) - around).unsigned_abs().min(255));
        }
    }
    let total: u64 = histogram.iter().sum();
    if total == 0 {
        return 0;
    }
    let bits: f64 = histogram
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = count as f64 / total as f64;
            -share * share.log2()
        })
        .sum();
    // Below 1.5 bits of a possible six, almost all of the picture has one shade.
    if bits < 1.5 {
        return 0;
    }
    let sharpness = edges as f64 / total as f64;
    (bits * 1000.0 * (1.0 + sharpness).ln()) as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg_next::{format::Pixel, frame};
    use std::sync::Arc;

    fn picture(luma: impl Fn(usize, usize) -> u8) -> Picture {
        let mut picture = frame::Video::new(Pixel::YUV420P, 64, 64);
        let stride = picture.stride(0);
        for y in 0..64 {
            for x in 0..64 {
                picture.data_mut(0)[y * stride + x] = luma(x, y);
            }
        }
        Arc::new(picture.into())
    }

    #[test]
    fn black_and_blank_lose_against_anything() {
        let detailed = of(&picture(|x, y| ((x * 37 + y * 91) % 251) as u8));
        let blurred = of(&picture(|x, y| (x + y) as u8 * 2));
        assert_eq!(of(&picture(|_, _| 16)), 0);
        assert_eq!(of(&picture(|_, _| 235)), 0);
        assert!(detailed > blurred && blurred > 0);
    }
}
