//! Checks of the siblings' outcomes, besides their notes.

use anyhow::{Result, ensure};
use plan::Rational;

use crate::field::{beeps_at, hears, lasts};
use crate::support::watched::{Watched, name};

pub fn centre_in_the_second_half(watched: &Watched) -> Result<()> {
    let first = watched.tone(0, 1.5, 440.0);
    let second = watched.tone(0, 5.0, 1320.0);
    ensure!(
        first[0] > 0.04 && second[0] > 0.04 && second[1] > 0.04,
        "{first:?} {second:?}"
    );
    Ok(())
}

pub fn mono_then_stereo(watched: &Watched) -> Result<()> {
    hears(watched, 1.5, 660.0, 660.0)?;
    hears(watched, 5.0, 440.0, 880.0)
}

pub fn one_pitch(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    [1.5, 2.7, 3.4, 4.5]
        .into_iter()
        .try_for_each(|at| hears(watched, at, 440.0, 440.0))
}

pub fn one_pitch_alone(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    hears(watched, 3.0, 440.0, 440.0)
}

pub fn four_by_three_framed(watched: &Watched) -> Result<()> {
    let (width, height) = watched.size();
    ensure!(
        (f64::from(width) / f64::from(height) - 16.0 / 9.0).abs() < 0.02,
        "{width}x{height}"
    );
    let row = [0.04, 0.5, 0.96].map(|x| name(watched.color(7.5, (x, 0.5))));
    ensure!(row == ["black", "blue", "black"], "{row:?}");
    let before = [0.02, 0.98].map(|x| name(watched.color(3.0, (x, 0.5))));
    ensure!(before == ["red"; 2], "{before:?}");
    Ok(())
}

pub fn mostly_small(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    ensure!(watched.size() == (640, 360), "{:?}", watched.size());
    let colors = [1.0, 5.0].map(|at| watched.named(at));
    ensure!(colors == ["red", "blue"], "{colors:?}");
    Ok(())
}

pub fn grows_to_hd(watched: &Watched) -> Result<()> {
    ensure!(watched.size() == (1280, 720), "{:?}", watched.size());
    lasts(watched, 5.0)
}

pub fn one_red(watched: &Watched) -> Result<()> {
    let (first, second) = (
        watched.color(2.0, (0.5, 0.5)),
        watched.color(5.0, (0.5, 0.5)),
    );
    let is_one = first
        .iter()
        .zip(second)
        .all(|(first, second)| first.abs_diff(second) < 6);
    ensure!(is_one, "{first:?} {second:?}");
    Ok(())
}

pub fn behind_is_heard(watched: &Watched) -> Result<()> {
    let (front, behind) = (watched.tone(0, 1.5, 440.0), watched.tone(0, 1.5, 880.0));
    ensure!(
        front[0] > 0.1 && behind[0] > 0.07 && front[1] < 0.01 && behind[1] < 0.01,
        "{front:?} {behind:?}"
    );
    Ok(())
}

pub fn centre_in_both(watched: &Watched) -> Result<()> {
    let centre = watched.tone(0, 1.5, 1320.0);
    ensure!(
        centre[0] > 0.1 && (centre[0] - centre[1]).abs() < 0.01,
        "{centre:?}"
    );
    Ok(())
}

pub fn seven_one(watched: &Watched) -> Result<()> {
    ensure!(
        watched.plan.audio.len() == 2,
        "{} renditions",
        watched.plan.audio.len()
    );
    let (left, right) = (watched.tone(0, 1.5, 440.0), watched.tone(0, 1.5, 880.0));
    ensure!(
        left[0] > 0.03 && left[1] < 0.01 && right[1] > 0.03 && right[0] < 0.01,
        "{left:?} {right:?}"
    );
    Ok(())
}

pub fn all_sixteen(watched: &Watched) -> Result<()> {
    ensure!(
        watched.plan.audio.len() == 1,
        "{} renditions",
        watched.plan.audio.len()
    );
    for at in 0..16 {
        let heard = watched.tone(0, 1.5, f64::from(400 + 100 * at));
        let is_bass = at == 3;
        ensure!(
            is_bass || heard[0].max(heard[1]) > 0.005,
            "channel {at}: {heard:?}"
        );
    }
    Ok(())
}

pub fn surround_offered(watched: &Watched) -> Result<()> {
    ensure!(
        watched.plan.audio.len() == 2 && watched.plan.audio[1].channels == 6,
        "no 5.1"
    );
    let (left, right) = (watched.tone(0, 1.5, 440.0), watched.tone(0, 1.5, 880.0));
    ensure!(
        left[0] > 0.05 && right[1] > 0.03 && right[0] < 0.01,
        "{left:?} {right:?}"
    );
    Ok(())
}

pub fn mono(watched: &Watched) -> Result<()> {
    hears(watched, 1.5, 440.0, 440.0)
}

pub fn three_parts(watched: &Watched) -> Result<()> {
    lasts(watched, 9.0)?;
    hears(watched, 1.5, 440.0, 440.0)?;
    hears(watched, 4.5, 880.0, 880.0)?;
    hears(watched, 7.5, 660.0, 660.0)?;
    let colors = [1.5, 4.5, 7.5].map(|at| watched.named(at));
    ensure!(colors == ["red", "blue", "white"], "{colors:?}");
    Ok(())
}

pub fn chained(watched: &Watched) -> Result<()> {
    lasts(watched, 10.0)?;
    hears(watched, 2.5, 440.0, 440.0)?;
    hears(watched, 7.5, 880.0, 880.0)
}

pub fn since_1970(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    beeps_at(watched, &[1.0, 3.0, 5.0])
}

pub fn ends_with_sound(watched: &Watched) -> Result<()> {
    lasts(watched, 4.0)
}

pub fn live(watched: &Watched) -> Result<()> {
    lasts(watched, 12.0)?;
    beeps_at(watched, &[1.0, 3.0, 5.0, 7.0, 9.0, 11.0])
}

/// FFmpeg also shows a picture of AVI as late as its last B picture asks for.
pub fn in_sync_as_decoded(watched: &Watched) -> Result<()> {
    let (flashes, beeps) = watched.marks();
    ensure!(
        flashes.len() == 3 && beeps.len() == 3,
        "{flashes:?} {beeps:?}"
    );
    let late = flashes.iter().zip(&beeps).map(|(flash, beep)| flash - beep);
    ensure!(
        late.clone().all(|late| (-0.025..0.105).contains(&late)),
        "{:?}",
        late.collect::<Vec<_>>()
    );
    Ok(())
}

pub fn another_header(watched: &Watched) -> Result<()> {
    lasts(watched, 10.0)?;
    [1.0, 4.0]
        .into_iter()
        .try_for_each(|at| hears(watched, at, 440.0, 440.0))?;
    [6.0, 9.0]
        .into_iter()
        .try_for_each(|at| hears(watched, at, 880.0, 880.0))
}

pub fn heard_to_its_end(watched: &Watched) -> Result<()> {
    lasts(watched, 12.0)?;
    hears(watched, 9.0, 440.0, 440.0)
}

pub fn both_texts(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    let cues = watched.cues[0].cues.iter();
    let cues: Vec<(i64, &str)> = cues
        .map(|cue| (cue.start_us / 100_000, &*cue.text))
        .collect();
    ensure!(cues == [(10, "first"), (50, "second")], "{cues:?}");
    Ok(())
}

/// Reception failed for five seconds, and the gap stays.
pub fn gap_stays(watched: &Watched) -> Result<()> {
    lasts(watched, 13.0)?;
    hears(watched, 11.0, 440.0, 440.0)
}

pub fn fields_rate(watched: &Watched) -> Result<()> {
    let rate = watched.plan.timeline.rate;
    ensure!(
        rate >= Rational::new(24_000, 1001) && rate <= Rational::new(60_000, 1001),
        "{rate}"
    );
    lasts(watched, 4.0)
}

pub fn blue(watched: &Watched) -> Result<()> {
    ensure!(
        watched.named(2.0) == "blue" && watched.size() == (640, 360),
        "{}",
        watched.named(2.0)
    );
    Ok(())
}

pub fn first_radio(watched: &Watched) -> Result<()> {
    ensure!(
        watched.plan.audio.len() == 1,
        "{} sounds",
        watched.plan.audio.len()
    );
    hears(watched, 2.0, 440.0, 440.0)
}

pub fn moves(watched: &Watched) -> Result<()> {
    ensure!(
        watched.size() == (640, 360) && watched.pictures() >= 100,
        "{:?}",
        watched.size()
    );
    lasts(watched, 4.0)
}

pub fn late_sound(watched: &Watched) -> Result<()> {
    lasts(watched, 30.0)?;
    beeps_at(watched, &[25.0, 27.0, 29.0])
}

pub fn wide(watched: &Watched) -> Result<()> {
    let (width, height) = watched.size();
    ensure!(
        height == 480 && (852..=856).contains(&width),
        "{width}x{height}"
    );
    Ok(())
}

pub fn styled(watched: &Watched) -> Result<()> {
    let cues: Vec<(u8, &str)> = watched.cues[0]
        .cues
        .iter()
        .map(|cue| (cue.place, &*cue.text))
        .collect();
    ensure!(
        cues == [(2, "Below"), (2, "<i>Inside</i>"), (8, "Above")],
        "{cues:?}"
    );
    Ok(())
}

pub fn cyrillic(watched: &Watched) -> Result<()> {
    let encoding = watched.cues[0].guessed_encoding.as_deref();
    ensure!(encoding == Some("windows-1251"), "{encoding:?}");
    let text = &watched.cues[0].cues[0].text;
    ensure!(
        text == "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}, \u{43a}\u{430}\u{43a} \u{434}\u{435}\u{43b}\u{430}?",
        "{text}"
    );
    Ok(())
}

pub fn one_sign(watched: &Watched) -> Result<()> {
    let cues = &watched.cues[0].cues;
    let spans: Vec<_> = cues
        .iter()
        .map(|cue| (cue.start_us, cue.end_us, &*cue.text))
        .collect();
    ensure!(
        spans.len() == 1 && spans[0] == (1_000_000, 3_000_000, "BAR"),
        "{spans:?}"
    );
    Ok(())
}

pub fn cut(watched: &Watched) -> Result<()> {
    ensure!(
        (3.5..5.0).contains(&watched.seconds()),
        "{} s",
        watched.seconds()
    );
    hears(watched, 2.0, 440.0, 440.0)
}
