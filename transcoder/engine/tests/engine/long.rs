//! The longest film that is accepted: nothing has drifted at the end of twelve hours.

use std::path::{Path, PathBuf};

use mp4_atom::{Decode, Moof, Styp};

use crate::support::marks::{RATE, brightness, loudness, starts};
use crate::support::planned;
use crate::support::sources::made;

/// Most difference of the time of a flash or a beep, in seconds.
const TOLERANCE_S: f64 = 0.010;
/// Seconds of a minute that has whole pictures of 24000/1001 and whole samples.
const MINUTE_S: f64 = 60.06;
/// Number of dark and silent minutes before the last one, which starts at 11:58:43.
const DARK_MINUTES: u32 = 718;
/// Seconds between flashes, and between beeps, in the last minute; the first comes after half of them.
const EVERY_S: f64 = 5.005;

/// Makes the source. Only two minutes are coded; the rest is copies of the dark one.
fn source(folder: &Path) -> PathBuf {
    let minute = |name, light: &str, sound: &str| {
        let picture = format!("color=black:s=64x36:r=24000/1001:d={MINUTE_S}{light},format=gray");
        let coded = "-pix_fmt yuv420p -c:v libx264 -preset veryfast -bf 2 -g 120 \
                     -c:a flac -frame_size 4608 -strict experimental";
        let inputs = format!("-f lavfi -i {picture} -f lavfi -i {sound}:s=8000:d={MINUTE_S}");
        made(folder, name, &format!("{inputs} {coded}"))
    };
    let dark = minute("dark.mp4", "", "aevalsrc=0");
    let beeps = format!(
        "aevalsrc='0.5*sin(2*PI*1000*t)*between(mod(t\\,{EVERY_S})\\,{}\\,{})'",
        EVERY_S / 2.0,
        EVERY_S / 2.0 + 0.25
    );
    let light = ",drawbox=c=white:t=fill:enable='between(mod(n\\,120)\\,60\\,65)'";
    minute("flashes.mp4", light, &beeps);
    let copied = "-c copy -strict experimental";
    let (again, dark) = (DARK_MINUTES - 1, dark.display());
    let night = format!("-stream_loop {again} -i {dark} {copied}");
    made(folder, "night.mp4", &night);
    let list = folder.join("list.txt");
    std::fs::write(&list, "file night.mp4\nfile flashes.mp4\n").unwrap();
    let both = format!("-f concat -i {} {copied}", list.display());
    made(folder, "long.mp4", &both)
}

/// Decode time of a segment's first sample, in the rendition's time scale.
fn decode_time(mut segment: &[u8]) -> i64 {
    Styp::decode(&mut segment).unwrap();
    let track = Moof::decode(&mut segment).unwrap().traf.remove(0);
    track.tfdt.unwrap().base_media_decode_time as i64
}

#[test]
fn flash_and_beep_are_together_after_eleven_hours_and_59_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, plan) = planned(&source(folder.path()), 2);
    let (picture, sound) = (plan.video.last().unwrap(), &plan.audio[0]);
    let ids = [picture.id, sound.id];
    let began = f64::from(DARK_MINUTES) * MINUTE_S;
    let (first, end) = (
        plan.timeline.segment_at_us((began * 1e6) as i64),
        plan.segments(),
    );

    let inits = engine.inits(plan.media_ids()).unwrap().inits;
    let made = engine.segments(&ids, first, end - first).segments;
    let last = ids.map(|id| decode_time(&made[&(id, end - 1)]));
    let (frame, _) = plan.timeline.segment_frames(end - 1);
    let (sample, _) = plan.audio[0].span(&plan.timeline, end - 1);
    assert_eq!(
        last,
        [frame.0 * i64::from(picture.frame_duration), sample.0]
    );

    let [pictures, sounds] = ids.map(|id| {
        let segments = (first..end).map(|n| made[&(id, n)].clone());
        let parts: Vec<_> = std::iter::once(inits[&id].clone())
            .chain(segments)
            .collect();
        let path = folder.path().join(format!("{id}.mp4"));
        std::fs::write(&path, parts.concat()).unwrap();
        path
    });
    let timeline = &plan.timeline;
    let picture_start = timeline.frame_us(timeline.segment_frames(first).0) as f64 / 1e6;
    let sound_start = timeline.sample_us(plan.audio[0].span(timeline, first).0) as f64 / 1e6;
    let flashes = starts(&brightness(&pictures), timeline.rate.as_f64());
    let beeps = starts(&loudness(&sounds), RATE as f64);
    assert_eq!((flashes.len(), beeps.len()), (12, 12));
    for (nth, (flash, beep)) in flashes.into_iter().zip(beeps).enumerate() {
        let expected = began + EVERY_S * (nth as f64 + 0.5);
        let off = [picture_start + flash, sound_start + beep].map(|time| time - expected);
        println!("{expected:.3} s: flash and beep off by {off:.4?} s");
        assert!(off.iter().all(|off| off.abs() <= TOLERANCE_S), "{off:?}");
    }
}
