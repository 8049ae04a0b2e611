//! Inputs of the same kinds as the field cases (`field.rs`), made here: each mechanism is tested with other inputs
//! that it must be right for, too.

mod checks;
mod making;

use anyhow::Result;

use self::checks::*;
use crate::field::{check_all, green_on_black, red_then_blue};
use crate::support::watched::Watched;

type Check = fn(&Watched) -> Result<()>;

/// Name of each sibling, the codes of its notes, and the check of its outcome; `making.rs` says under the name how it
/// is made.
const SIBLINGS: [(&str, &[&str], Check); 39] = [
    // Changes inside a track.
    (
        "changes-ac3-stereo-5.1",
        &["format_changes"],
        centre_in_the_second_half,
    ),
    (
        "changes-eac3-mono-stereo",
        &["format_changes"],
        mono_then_stereo,
    ),
    ("changes-mp3-rate", &["format_changes"], one_pitch),
    ("changes-flac-rate-mkv", &[], one_pitch_alone),
    (
        "changes-shape-576",
        &["format_changes"],
        four_by_three_framed,
    ),
    (
        "changes-size-mostly-small",
        &["format_changes"],
        mostly_small,
    ),
    ("changes-vp9-size", &["format_changes"], grows_to_hd),
    ("changes-matrix", &["format_changes"], one_red),
    ("changes-flv-header", &["format_changes"], another_header),
    // Channel layouts.
    ("layout-quad", &[], behind_is_heard),
    ("layout-3.0-flac", &[], centre_in_both),
    ("layout-7.1-wav", &[], seven_one),
    ("layout-16-unnamed", &["guessed"], all_sixteen),
    ("layout-5.1-side", &[], surround_offered),
    ("layout-mono", &[], mono),
    // Times.
    ("time-three-restarts", &["time_joined"], three_parts),
    ("time-jump-forward", &["time_joined"], red_then_blue),
    (
        "time-programme-stream-joined",
        &["time_joined"],
        red_then_blue,
    ),
    ("time-opus-chained", &["time_joined"], chained),
    ("time-since-1970", &[], since_1970),
    (
        "time-last-picture-30s",
        &["length_corrected"],
        ends_with_sound,
    ),
    ("time-live-mkv", &[], live),
    ("time-h264-b-avi", &[], in_sync_as_decoded),
    ("time-pal-gap", &[], gap_stays),
    ("time-sound-ends-early-mkv", &[], heard_to_its_end),
    ("time-joined-text", &["time_joined"], both_texts),
    ("time-telecine-and-video", &[], fields_rate),
    // Choice of tracks.
    ("track-default-second", &["track_skipped"], blue),
    (
        "track-two-radio-programmes",
        &["track_skipped"],
        first_radio,
    ),
    ("track-png-first", &["track_skipped"], moves),
    ("track-sound-25s-late-mkv", &[], late_sound),
    // Shapes.
    ("shape-pasp-against-sps", &[], wide),
    ("shape-vp9-alpha", &[], green_on_black),
    ("shape-prores-alpha", &[], green_on_black),
    ("shape-png-alpha", &[], green_on_black),
    // Texts.
    ("text-ass-styles", &[], styled),
    ("text-cyrillic", &[], cyrillic),
    ("text-repeated-signs", &[], one_sign),
    // Notes.
    ("said-cut-flv", &["corrupt", "truncated"], cut),
];

#[test]
fn every_sibling_comes_out_right() {
    let folder = tempfile::tempdir().unwrap();
    let make = |id: &str| making::make(folder.path(), id);
    check_all(&SIBLINGS, make);
}
