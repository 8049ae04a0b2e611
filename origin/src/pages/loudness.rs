//! How loud a video is, in words, for who may change it.

use catalog::Principal;
use manifests::language;
use plan::{AudioRendition, Loudness, Plan};
use store::metadata::VideoRow;

/// A line for each sound that is measured.
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
            format!("{name}: {}{}", said(loudness), sent(rendition))
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

fn said(loudness: &Loudness) -> String {
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

fn sent(rendition: &AudioRendition) -> String {
    let gain = rendition.gain_millibels;
    match gain {
        0 => String::new(),
        1.. => format!("; sent {} dB louder", tenths(gain)),
        _ => format!("; sent {} dB softer", tenths(gain.saturating_neg())),
    }
}

/// Hundredths in tenths, with a minus as people write it.
fn tenths(hundredths: i32) -> String {
    format!("{:.1}", f64::from(hundredths) / 100.0).replace('-', "\u{2212}")
}
