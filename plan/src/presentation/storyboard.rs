//! Storyboard: preview tiles that players show above the seek bar.

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::ladder::{self, Size};
use crate::media_info::VideoTrack;
use crate::presentation::hashes::hash_source;
use crate::presentation::model::Access;
use crate::presentation::video::hash_picture;
use crate::rendition::{RenditionId, RenditionName};
use crate::timeline::TimeLine;

/// Storyboard rendition: preview tiles at a fixed interval, arranged on sheets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    /// Id of the rendition: its name and the hash of its settings.
    pub id: RenditionId,
    /// Size of a tile in pixels.
    pub tile: Size,
    /// Number of tiles in a row of a sheet.
    pub columns: u32,
    /// Number of rows of tiles on a sheet.
    pub rows: u32,
    /// Time from one tile to the next in seconds.
    pub interval_seconds: u32,
    /// Number of tiles on all sheets together.
    pub tiles: u32,
}

impl Storyboard {
    /// Number of sheets of the storyboard.
    pub fn sheets(&self) -> u32 {
        self.tiles.div_ceil(self.columns * self.rows)
    }

    /// Start and end of the time that a sheet shows, in microseconds of the presentation.
    pub fn sheet_span_us(&self, sheet: u32) -> (i64, i64) {
        let tiles = self.columns * self.rows;
        let at = |tile: u32| i64::from(tile) * i64::from(self.interval_seconds) * 1_000_000;
        let (first, end) = (sheet * tiles, sheet.saturating_add(1) * tiles);
        (at(first), at(end.min(self.tiles)))
    }
}

/// Columns and rows of tiles on a sheet: few enough that the first sheet is small, many enough that an hour takes a
/// handful of requests.
const STORYBOARD_GRID: (u32, u32) = (5, 5);
/// Length of a tile's long side in pixels.
const STORYBOARD_TILE: u64 = 160;
/// Largest number of tiles. More tiles do not help anybody to find a scene.
const STORYBOARD_TILES: i64 = 300;

/// Makes the storyboard of a video track.
pub(super) fn storyboard(track: &VideoTrack, timeline: &TimeLine, access: Access) -> Storyboard {
    let duration_us = timeline.duration_us();
    let (width, height) = ladder::display_size(track);
    let long = width.max(height).max(1);
    let side = |length: u64| ((length * STORYBOARD_TILE / long) / 2 * 2).clamp(16, STORYBOARD_TILE);
    let tile = Size {
        width: side(width) as u32,
        height: side(height) as u32,
    };
    let count = |interval: u32| {
        (duration_us + i64::from(interval) * 1_000_000 - 1) / (i64::from(interval) * 1_000_000)
    };
    let steps = [1, 2, 5, 10, 20, 30, 60, 120, 300];
    let interval_seconds = steps
        .into_iter()
        .find(|&s| count(s) <= STORYBOARD_TILES)
        .unwrap_or(600);
    let tiles = count(interval_seconds).max(1) as u32;
    let (columns, rows) = STORYBOARD_GRID;
    let mut hash = Canonical::new("storyboard/jpeg");
    hash_source(&mut hash, track.stream, timeline)
        .int(tile.width)
        .int(tile.height)
        .int(columns)
        .int(rows)
        .int(interval_seconds)
        .int(tiles);
    hash_picture(&mut hash, track, access);
    let id = hash.rendition(RenditionName::Storyboard);
    Storyboard {
        id,
        tile,
        columns,
        rows,
        interval_seconds,
        tiles,
    }
}
