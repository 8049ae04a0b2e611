//! Stills: posters, storyboard sheets and thumbnails. Their pictures come from the same decoder as the renditions;
//! GStreamer compresses them.
//!
//! `score` chooses the poster, `cover` decodes the cover of a source without pictures, `stored` decodes a picture of
//! a stored segment, and `compress` makes JPEG and WebP files.

mod compress;
mod cover;
mod score;
mod stored;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ffmpeg_next::frame;
use plan::{Code, Frames, Plan, RenditionId, Size};
use protocol::{Made, Still, ToParent};

use self::compress::Format;
use crate::output::segments::SegmentMaker;
use crate::refusal::reject;
use crate::video::pictures::Picture;
use crate::video::transform::cascade::{STILL_MATRIX, black, to_still_encoding, to_yuv420p};
use crate::video::transform::tone_map::DisplayConverter;

pub use self::compress::load_plugins;

/// Moments of the presentation that are tried for a poster, in per cent of its length.
const POSTER_MOMENTS: [i64; 8] = [10, 20, 30, 40, 55, 70, 85, 3];
/// Length of a poster's longer side, in pixels.
const POSTER_SIDE: u32 = 1280;

/// Makes a still and sends it to the parent.
pub fn make(maker: &mut SegmentMaker, order: u32, still: Still) -> Result<()> {
    match still {
        Still::Poster => poster(maker, order),
        Still::Sheet(sheet) => {
            let bytes = storyboard_sheet(maker, sheet)?;
            send_made(maker, order, Made::Sheet(sheet), &bytes)
        }
        Still::Thumbnail { second, width } => {
            let bytes = thumbnail(maker, second, width)?;
            send_made(maker, order, Made::Thumbnail { second, width }, &bytes)
        }
        Still::StoredThumbnail {
            rendition,
            segment,
            second,
            width,
        } => {
            let bytes = stored_thumbnail(maker, (rendition, segment), second, width)?;
            send_made(maker, order, Made::Thumbnail { second, width }, &bytes)
        }
    }
}

fn send_made(maker: &SegmentMaker, order: u32, what: Made, bytes: &[u8]) -> Result<()> {
    Ok(maker
        .source()
        .link()
        .send(&ToParent::Made { order, what }, bytes)?)
}

fn poster(maker: &mut SegmentMaker, order: u32) -> Result<()> {
    let plan = maker.plan().clone();
    if plan.video.is_empty() {
        let cover = cover::decode(maker)?;
        let size = fit_within(even(&cover), POSTER_SIDE);
        let picture = to_yuv420p(&cover, size)?;
        return send_poster(maker, order, &picture, STILL_MATRIX);
    }
    let size = fit_within(upright(&plan)?, POSTER_SIDE);
    let mut shown = shown(&plan, size)?;
    let mut best: Option<(u64, Picture)> = None;
    for percent in POSTER_MOMENTS {
        maker.source().link().go_on()?;
        let tick = Frames(plan.timeline.frames().0 * percent / 100);
        let Some(decoded) = picture_near(maker, tick)? else {
            continue;
        };
        let picture = shown.run(&decoded)?;
        let score = score::of(&picture);
        if best.as_ref().is_none_or(|(known, _)| score > *known) {
            best = Some((score, picture));
        }
    }
    let (_, picture) =
        best.ok_or_else(|| reject(Code::Corrupt, "No picture can be decoded for a poster."))?;
    send_poster(maker, order, &picture, matrix(&plan))
}

/// Compresses a poster in both of its formats and sends them.
fn send_poster(maker: &SegmentMaker, order: u32, picture: &Picture, matrix: &str) -> Result<()> {
    let size = even(picture);
    let jpeg = compress::compress(&to_still_encoding(picture, matrix, true)?, Format::Jpeg)?;
    send_made(maker, order, Made::PosterJpeg(size), &jpeg)?;
    let webp = compress::compress(&to_still_encoding(picture, matrix, false)?, Format::Webp)?;
    send_made(maker, order, Made::PosterWebp(size), &webp)
}

fn even(picture: &Picture) -> Size {
    Size {
        width: (picture.width() / 2 * 2).max(2),
        height: (picture.height() / 2 * 2).max(2),
    }
}

/// Decodes a picture at a tick or a little before it; none where no picture can be decoded.
fn picture_near(maker: &mut SegmentMaker, tick: Frames) -> Result<Option<Picture>> {
    Ok(maker.pictures()?.key_before(tick).ok())
}

fn storyboard_sheet(maker: &mut SegmentMaker, sheet: u32) -> Result<Vec<u8>> {
    let plan = maker.plan().clone();
    let board = plan
        .storyboard
        .as_ref()
        .context("the plan has no storyboard")?;
    let per_sheet = board.columns * board.rows;
    let size = Size {
        width: board.tile.width * board.columns,
        height: board.tile.height * board.rows,
    };
    let mut canvas = black(size);
    let mut shown = shown(&plan, board.tile)?;
    let first = sheet * per_sheet;
    for tile in first..(first + per_sheet).min(board.tiles) {
        maker.source().link().go_on()?;
        let us = i64::from(tile) * i64::from(board.interval_seconds) * 1_000_000;
        let rate = plan.timeline.rate;
        let tick = Frames(plan::Rational::from_us(us).scale_round(rate.num(), rate.den()));
        let Some(decoded) = picture_near(maker, tick)? else {
            continue;
        };
        let picture = shown.run(&decoded)?;
        let place = tile - first;
        let (x, y) = (
            place % board.columns * board.tile.width,
            place / board.columns * board.tile.height,
        );
        paste(&mut canvas, &picture, x as usize, y as usize);
    }
    let canvas = Arc::new(canvas.into());
    compress::compress(
        &to_still_encoding(&canvas, matrix(&plan), true)?,
        Format::Jpeg,
    )
}

fn thumbnail(maker: &mut SegmentMaker, second: u32, width: u32) -> Result<Vec<u8>> {
    let plan = maker.plan().clone();
    let size = thumbnail_size(&plan, width)?;
    let tick = plan.timeline.tick_at_second(second);
    let pictures = maker.pictures()?;
    pictures.go_to(tick)?;
    let decoded = pictures.next()?;
    let picture = shown(&plan, size)?.run(&decoded)?;
    compress::compress(
        &to_still_encoding(&picture, matrix(&plan), true)?,
        Format::Jpeg,
    )
}

fn stored_thumbnail(
    maker: &SegmentMaker,
    (rendition, segment): (RenditionId, u32),
    second: u32,
    width: u32,
) -> Result<Vec<u8>> {
    let plan = maker.plan();
    let rendition = plan.video_rendition(rendition);
    let rendition = rendition.context("the plan has no such rendition")?;
    let size = thumbnail_size(plan, width)?;
    let (start, _) = plan.timeline.segment_frames(segment);
    let place = Frames((plan.timeline.tick_at_second(second) - start).0.max(0));
    let picture = stored::picture(maker, rendition, place, size)?;
    let picture = to_still_encoding(&picture, &rendition.color.matrix, true)?;
    compress::compress(&picture, Format::Jpeg)
}

/// Size of a thumbnail of this width.
fn thumbnail_size(plan: &Plan, width: u32) -> Result<Size> {
    let full = upright(plan)?;
    let height = u64::from(width) * u64::from(full.height) / u64::from(full.width.max(1));
    Ok(Size {
        width: (width / 2 * 2).max(16),
        height: ((height / 2 * 2) as u32).max(16),
    })
}

fn matrix(plan: &Plan) -> &str {
    plan.video
        .first()
        .map_or("bt709", |top| top.color.matrix.as_str())
}

/// Size of the presentation's pictures as they are shown.
fn upright(plan: &Plan) -> Result<Size> {
    Ok(plan
        .video
        .first()
        .context("the plan has no picture")?
        .size())
}

fn fit_within(size: Size, side: u32) -> Size {
    let long = size.width.max(size.height);
    if long <= side {
        return size;
    }
    let scaled =
        |length: u32| (u64::from(length) * u64::from(side) / u64::from(long) / 2 * 2) as u32;
    Size {
        width: scaled(size.width).max(16),
        height: scaled(size.height).max(16),
    }
}

fn shown(plan: &Plan, size: Size) -> Result<DisplayConverter> {
    let top = plan.video.first().context("the plan has no picture")?;
    let track = plan.info.video.as_ref();
    let track = track.context("the source has no picture")?;
    Ok(DisplayConverter::new(&[size], track, &top.color))
}

/// Copies a picture into a canvas, with its corner at even coordinates.
fn paste(canvas: &mut frame::Video, picture: &Picture, x: usize, y: usize) {
    for plane in 0..3 {
        let half = usize::from(plane > 0);
        let (x, y) = (x >> half, y >> half);
        let (width, height) = (picture.plane_width(plane), picture.plane_height(plane));
        let (from_stride, to_stride) = (picture.stride(plane), canvas.stride(plane));
        let from = picture.data(plane);
        let to = canvas.data_mut(plane);
        for row in 0..height as usize {
            let source = &from[row * from_stride..][..width as usize];
            to[(y + row) * to_stride + x..][..width as usize].copy_from_slice(source);
        }
    }
}
