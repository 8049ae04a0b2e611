//! The storyboard as a WebVTT track of preview tiles for seek bars. A plan goes in; the text of `storyboard.vtt`
//! comes out.

use plan::Plan;

use crate::webvtt;

/// The storyboard track: one cue for each tile, with the tile's area on its sheet as a media fragment (`#xywh`). URLs
/// are relative to `/v/{video}/`. `None` if the presentation has no video.
pub fn vtt(plan: &Plan) -> Option<String> {
    let storyboard = plan.storyboard.as_ref()?;
    let per_sheet = storyboard.columns * storyboard.rows;
    let (width, height) = (storyboard.tile.width, storyboard.tile.height);
    let end = plan.timeline.duration_us();
    let step = i64::from(storyboard.interval_seconds) * 1_000_000;
    let mut text = String::from("WEBVTT\n");
    for tile in 0..storyboard.tiles {
        let from = i64::from(tile) * step;
        // The end is rounded up, so that a last tile of less than a millisecond has a cue with a duration.
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
