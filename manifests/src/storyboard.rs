//! The storyboard as a WebVTT track of tiles, for seek bars.

use plan::Plan;

use crate::webvtt;

/// One cue for each tile, with its place on its sheet as a media fragment (`#xywh`);
/// relative to `/v/{video}/`. Nothing where there is no picture.
pub fn vtt(plan: &Plan) -> Option<String> {
    let storyboard = plan.storyboard.as_ref()?;
    let per_sheet = storyboard.columns * storyboard.rows;
    let (width, height) = (storyboard.tile.width, storyboard.tile.height);
    let end = plan.timeline.duration_us();
    let step = i64::from(storyboard.interval_seconds) * 1_000_000;
    let mut text = String::from("WEBVTT\n");
    for tile in 0..storyboard.tiles {
        let from = i64::from(tile) * step;
        // Rounded up: a last tile of less than a millisecond still has a cue that lasts.
        let to = (from + step).min(end.saturating_add(999));
        let (sheet, place) = (tile / per_sheet, tile % per_sheet);
        let (x, y) = (
            place % storyboard.columns * width,
            place / storyboard.columns * height,
        );
        text += &format!(
            "\n{} --> {}\n{}/{sheet}.jpg#xywh={x},{y},{width},{height}\n",
            webvtt::time(from),
            webvtt::time(to),
            storyboard.id
        );
    }
    Some(text)
}
