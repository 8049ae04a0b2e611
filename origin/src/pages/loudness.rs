//! Loudness of a video in words, which the watch page shows to the video's owner.

use accounts::Principal;
use manifests::language;
use plan::{AudioRendition, Loudness, Plan};
use store::metadata::VideoRow;

/// One line for each sound track whose loudness is measured.
pub fn lines(row: &VideoRow, plan: Option<&Plan>, principal: Option<&Principal>) -> Vec<String> {
    let may = principal.is_some_and(|principal| principal.may_touch(row.owner));
    let Some(plan) = plan.filter(|_| may) else {
        return Vec::new();
    };
    let measured = plan.audio.iter().zip(plan.loudness.iter().flatten());
    let is_alone = plan.audio.len() == 1;
    measured
        .map(|(rendition, loudness)| {
            let name = match is_alone {
                true => "Loudness".to_owned(),
                false => format!("Loudness of {}", name(rendition)),
            };
            format!(
                "{name}: {}{}",
                describe_loudness(loudness),
                describe_gain(rendition)
            )
        })
        .collect()
}

fn name(rendition: &AudioRendition) -> String {
    let label = language::label(&rendition.label, rendition.language.as_deref());
    match rendition.channels {
        6 => label + " (5.1)",
        _ => label,
    }
}

/// Measured loudness of a sound track.
fn describe_loudness(loudness: &Loudness) -> String {
    let levels = (loudness.integrated_millibels, loudness.true_peak_millibels);
    let (Some(integrated), Some(peak)) = levels else {
        return "silence".to_owned();
    };
    format!(
        "{} LUFS, range {} LU, peak {} dBTP",
        tenths(integrated),
        tenths(loudness.range_millibels),
        tenths(peak)
    )
}

/// Gain by which a sound track is sent louder or softer; empty if there is none.
fn describe_gain(rendition: &AudioRendition) -> String {
    let gain = rendition.gain_millibels;
    match gain {
        0 => String::new(),
        1.. => format!("; sent {} dB louder", tenths(gain)),
        _ => format!("; sent {} dB softer", tenths(gain.saturating_neg())),
    }
}

/// Formats hundredths with one decimal, and with a typographic minus sign.
fn tenths(hundredths: i32) -> String {
    format!("{:.1}", f64::from(hundredths) / 100.0).replace('-', "\u{2212}")
}
