//! Loudness is measured by EBU R 128, and brought to the operator's target.

use std::path::{Path, PathBuf};

use plan::{Loudness, Plan};
use protocol::{Made, Order};

use crate::support::Engine;
use crate::support::planned;
use crate::support::sources::{ffmpeg, made};

/// Target loudness, in LUFS.
const TARGET: i32 = -16;

/// Expression of a tone of 1 kHz at this level in dBFS.
fn tone(level: f64) -> String {
    format!("{:.6}*sin(2000*PI*t)", 10_f64.powf(level / 20.0))
}

/// Makes sound from an expression for each channel, as 24-bit samples in the order of FFmpeg's layout.
fn sound(folder: &Path, layout: &str, rate: u32, parts: &[(Vec<String>, u32)]) -> PathBuf {
    let mut inputs = String::new();
    for (channels, seconds) in parts {
        let channels = channels.join("|");
        inputs += &format!(" -f lavfi -i aevalsrc={channels}:s={rate}:d={seconds}:c={layout}");
    }
    let join = format!("-filter_complex concat=n={}:v=0:a=1", parts.len());
    made(
        folder,
        "sound.wav",
        &format!("{inputs} {join} -c:a pcm_s24le"),
    )
}

fn measured(source: &Path) -> (Engine, Plan, Vec<Loudness>) {
    let (mut engine, plan) = planned(source, 1);
    let mut made = engine.order(Order::Loudness).unwrap().stills;
    let Some((Made::Loudness(loudness), _)) = made.pop() else {
        panic!("nothing measured: {made:?}");
    };
    assert_eq!(loudness.len(), plan.audio.len());
    (engine, plan, loudness)
}

fn loudness(layout: &str, rate: u32, parts: &[(Vec<String>, u32)]) -> Vec<Loudness> {
    let folder = tempfile::tempdir().unwrap();
    measured(&sound(folder.path(), layout, rate, parts)).2
}

fn both(level: f64) -> Vec<String> {
    vec![tone(level); 2]
}

fn is_near(measured: Option<i32>, expected_millibels: i32, tolerance: i32) {
    let measured = measured.expect("a level");
    let off = measured - expected_millibels;
    assert!(
        off.abs() <= tolerance,
        "{measured} for {expected_millibels}"
    );
}

/// EBU Tech 3341, table 1: cases 1 to 3 and 5, within 0.1 LU.
#[test]
fn tones_measure_what_the_ebu_says() {
    let cases = [
        (vec![(both(-23.0), 20)], -2300),
        (vec![(both(-33.0), 20)], -3300),
        (
            vec![(both(-36.0), 10), (both(-23.0), 60), (both(-36.0), 10)],
            -2300,
        ),
        (
            vec![(both(-26.0), 20), (both(-20.0), 20), (both(-26.0), 20)],
            -2300,
        ),
    ];
    for (parts, expected) in cases {
        for rate in [48_000, 44_100] {
            let measured = loudness("stereo", rate, &parts);
            is_near(measured[0].integrated_millibels, expected, 10);
        }
    }
    let peak = loudness("stereo", 48_000, &[(both(-23.0), 2)])[0].true_peak_millibels;
    is_near(peak, -2300, 20);
}

/// EBU Tech 3341, case 6, with an equally loud tone in the low-frequency channel, which does not count (ITU-R
/// BS.1770-4).
#[test]
fn surround_channels_have_their_weights() {
    let levels = [-28.0, -28.0, -24.0, -10.0, -30.0, -30.0];
    let channels = levels.into_iter().map(tone).collect();
    let measured = loudness("5.1", 48_000, &[(channels, 20)]);
    // The renditions are stereo, which is a mix of all channels, and 5.1.
    assert_eq!(measured.len(), 2);
    is_near(measured[1].integrated_millibels, -2300, 10);
    is_near(measured[1].true_peak_millibels, -1000, 20);
}

/// Mono is sent as two channels, each 3 dB softer.
#[test]
fn mono_is_as_loud_as_it_is_sent() {
    let measured = loudness("mono", 48_000, &[(vec![tone(-20.0)], 20)]);
    is_near(measured[0].integrated_millibels, -2300, 10);
    is_near(measured[0].true_peak_millibels, -2300, 20);
}

/// EBU Tech 3342, cases 1 and 3: within 1 LU.
#[test]
fn the_range_is_that_of_the_ebu() {
    for (levels, expected) in [([-20.0, -30.0], 1000), ([-40.0, -20.0], 2000)] {
        let parts = levels.map(|level| (both(level), 20));
        let measured = loudness("stereo", 48_000, &parts);
        is_near(Some(measured[0].range_millibels), expected, 100);
    }
}

/// EBU Tech 3341, case 16: all samples lie 3 dB below the peaks between them.
#[test]
fn peaks_between_samples_are_seen() {
    let between = "0.5*sin(2*PI*12000*t+PI/4)".to_owned();
    let measured = loudness("stereo", 48_000, &[(vec![between; 2], 2)]);
    is_near(measured[0].true_peak_millibels, -600, 30);
}

#[test]
fn silence_has_no_loudness_and_gets_no_gain() {
    let silence = vec!["0".to_owned(); 2];
    let measured = loudness("stereo", 48_000, &[(silence, 5)])[0];
    let expected = Loudness {
        integrated_millibels: None,
        range_millibels: 0,
        true_peak_millibels: None,
    };
    assert_eq!((measured, measured.gain_millibels(TARGET)), (expected, 0));
}

/// Loudness in LUFS and true peak in dBTP of what a player hears, by FFmpeg's own meter.
fn heard(folder: &Path, engine: &mut Engine, plan: &Plan) -> (f64, f64) {
    let rendition = plan.audio[0].id;
    engine.plan(plan);
    let mut bytes = engine.inits([rendition]).unwrap().inits[&rendition].to_vec();
    for (_, segment) in engine.segments(&[rendition], 0, plan.segments()).segments {
        bytes.extend(segment);
    }
    let path = folder.join("heard.mp4");
    std::fs::write(&path, bytes).unwrap();
    let meter = "ebur128=metadata=1:peak=true,ametadata=print:file=-";
    let out = ffmpeg(&[
        "-i",
        path.to_str().unwrap(),
        "-af",
        meter,
        "-f",
        "null",
        "-",
    ]);
    let out = String::from_utf8(out).unwrap();
    let all = |key: &str| {
        let found = out.lines().filter_map(|line| line.strip_prefix(key));
        found.map(|v| v.parse::<f64>().unwrap()).collect::<Vec<_>>()
    };
    let integrated = all("lavfi.r128.I=");
    let channels = ["lavfi.r128.true_peaks_ch0=", "lavfi.r128.true_peaks_ch1="];
    let peaks = channels.into_iter().flat_map(all);
    let peak = peaks.fold(0.0, f64::max);
    (*integrated.last().unwrap(), 20.0 * peak.log10())
}

#[test]
fn what_is_sent_is_as_loud_as_wanted_or_as_its_peaks_allow() {
    let folder = tempfile::tempdir().unwrap();
    // The voices rise and fall; a clap every two seconds makes the peaks.
    let voices = "0.08*sin(2000*PI*t)*(0.5+0.5*sin(3*t))";
    let claps = "0.8*sin(6000*PI*t)*lt(mod(t,2),0.002)";
    let stereo = |channel: &str| format!("aevalsrc='{channel}|{channel}':s=48000:d=12");
    let noise = "anoisesrc=c=brown:r=48000:a=0.9:d=12:seed=1,pan=stereo|c0=c0|c1=c0";
    let cases = [
        (stereo(voices), true),
        (noise.to_owned(), true),
        (stereo(&format!("{voices}+{claps}")), false),
    ];
    for (sound_of_it, is_reached) in cases {
        let input = format!("-f lavfi -i {sound_of_it} -c:a pcm_s24le");
        let source = made(folder.path(), "mix.wav", &input);
        let (mut engine, plan, measured) = measured(&source);
        let levelled = plan.with_loudness(&measured, Some(TARGET));
        assert_ne!(levelled.audio[0].id, plan.audio[0].id);
        let (before, _) = heard(folder.path(), &mut engine, &plan);
        let (after, peak) = heard(folder.path(), &mut engine, &levelled);
        let gain = f64::from(levelled.audio[0].gain_millibels) / 100.0;
        println!("{before} LUFS, by {gain} dB: {after} LUFS, {peak:.1} dBTP");
        assert!((after - before - gain).abs() < 0.2);
        match is_reached {
            true => assert!((after - f64::from(TARGET)).abs() <= 0.5),
            false => assert!(after < f64::from(TARGET) - 0.5),
        }
        // AAC adds quantization noise, and still stays below full scale.
        assert!(peak < 0.0, "{peak} dBTP");
    }
}

#[test]
fn a_segment_with_a_gain_is_the_same_whenever_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let source = sound(folder.path(), "stereo", 44_100, &[(both(-30.0), 12)]);
    let (mut engine, plan, measured) = measured(&source);
    let levelled = plan.with_loudness(&measured, Some(TARGET));
    engine.plan(&levelled);
    let rendition = levelled.audio[0].id;
    let all = engine.segments(&[rendition], 0, levelled.segments());
    let (mut other, _) = planned(&source, 1);
    other.plan(&levelled);
    let alone = other.segments(&[rendition], 2, 1);
    let key = (rendition, 2);
    assert_eq!(alone.segments[&key], all.segments[&key]);
}

/// A resampler holds some samples back, and with them the last block of 100 ms.
#[test]
fn the_last_tenth_of_a_second_counts_at_every_rate() {
    let parts = [(both(-43.0), 1), (both(-20.0), 1)];
    let expected = loudness("stereo", 48_000, &parts)[0]
        .integrated_millibels
        .unwrap();
    for rate in [8_000, 22_050, 44_100, 96_000] {
        let measured = loudness("stereo", rate, &parts);
        is_near(measured[0].integrated_millibels, expected, 5);
    }
}
