//! Text files of a finished presentation: playlists, manifests, WebVTT and the report. They are written when all media
//! that they list exists, and the master playlist last, so that an unfinished folder never lists missing files.

use std::path::Path;

use anyhow::Result;
use plan::{CueList, Plan, RenditionId};
use serde_json::Value;
use store::local::files::Folder;
use store::metadata::VideoRow;

/// Writes playlists, manifests, WebVTT files and the report into the presentation's folder.
pub fn publish(
    output: &Path,
    row: &VideoRow,
    plan: &Plan,
    texts: &[(RenditionId, CueList)],
    summary: &Value,
) -> Result<()> {
    let folder = Folder::open(output, &output.join(".reelmill/text"))?;
    for id in plan.media_ids() {
        if let Some(text) = manifests::hls::media_playlist(plan, id) {
            folder.put(&format!("{id}/playlist.m3u8"), text.as_bytes())?;
        }
    }
    for (id, cues) in texts {
        let put = |name: &str, text: String| folder.put(&format!("{id}/{name}"), text.as_bytes());
        for index in 0..manifests::text::segments(plan) {
            put(
                &format!("{index}.vtt"),
                manifests::text::segment(cues, index),
            )?;
        }
        put("all.vtt", manifests::text::whole(cues))?;
        put("playlist.m3u8", manifests::text::playlist(plan))?;
    }
    if let Some(text) = manifests::storyboard::vtt(plan) {
        folder.put("storyboard.vtt", text.as_bytes())?;
    }
    if let Some(text) = manifests::chapters::vtt(plan) {
        folder.put("chapters.vtt", text.as_bytes())?;
    }
    folder.put(
        "report.json",
        serde_json::to_string_pretty(summary)?.as_bytes(),
    )?;
    let averages = &row.average_bandwidth;
    folder.put(
        "manifest.mpd",
        manifests::dash::mpd(plan, averages).as_bytes(),
    )?;
    folder.put(
        "master.m3u8",
        manifests::hls::master(plan, averages).as_bytes(),
    )?;
    Ok(())
}
