//! Inputs that people reported as going wrong in other products, each under its report. They are made here after the
//! reports; the first outcome of each stands in `docs/decisions/031-what-the-world-sends.md`.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use plan::Rational;

use crate::field::{beeps_at, check_all, green_on_black, hears, lasts};
use crate::support::sources::made;
use crate::support::watched::Watched;

type Check = fn(&Watched) -> Result<()>;

const REPORTS: [(&str, &[&str], Check); 11] = [
    // A still picture at a hundredth of a picture a second, with sound.
    ("PeerTube 6403", &["length_corrected"], one_still),
    // A video without sound that lasts less than a second.
    ("PeerTube 4691", &[], short_and_silent),
    // A broadcast whose streams change their numbers.
    ("mpv 4305", &["time_joined"], goes_on),
    // A recorder that writes a length in the wrong unit.
    ("CozyClay 13", &[], not_a_thirtieth),
    // Sound that begins 0.7 s after the picture.
    ("nginx-vod 142", &[], late_sound),
    // A browser's recording, without length or index.
    ("AVideo 2777", &[], all_of_it),
    // Windows Media of a variable rate that was played too fast.
    ("plumi 1082", &[], not_too_fast),
    // One channel, which must be heard on both sides.
    ("PlexCleaner 83", &[], both_sides),
    // A transparent GIF.
    ("go-gallery 1372", &[], green_on_black),
    // Time code and telemetry before picture and sound.
    ("untrunc 41", &[], picture_and_sound),
    // A phone's 58 pictures a second.
    ("PeerTube 7628", &[], smooth),
];

#[test]
fn every_reported_input_comes_out_right() {
    let folder = tempfile::tempdir().unwrap();
    let make = |id: &str| make(folder.path(), id);
    check_all(&REPORTS, make);
}

const H264: &str = "-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p";
const MARKED: &str = "-f lavfi -i color=black:s=320x180:r=25:d=6,drawbox=c=white:t=fill:enable=between(mod(t\\,2)\\,1\\,1.2) \
     -f lavfi -i aevalsrc=0.5*sin(2*PI*1000*t)*between(mod(t\\,2)\\,1\\,1.2):s=48000:d=6";

fn make(folder: &Path, id: &str) -> PathBuf {
    let id = id.replace(' ', "-");
    let made = |name: &str, arguments: &str| made(folder, &format!("{id}-{name}"), arguments);
    match id.as_str() {
        "PeerTube-6403" => made(
            "x.mp4",
            &format!(
                "-f lavfi -i color=red:s=320x180:r=1/100:d=100 -f lavfi -i sine=440:r=48000:d=8 {H264} -c:a aac -t 8"
            ),
        ),
        "PeerTube-4691" => made(
            "x.mp4",
            &format!("-f lavfi -i testsrc=s=1280x720:r=30:d=0.7 {H264}"),
        ),
        "mpv-4305" => {
            let part = |color: &str, hertz: u32, further: &str| {
                format!(
                    "-f lavfi -i color={color}:s=320x180:r=25:d=5 -f lavfi -i sine={hertz}:r=48000:d=5 {H264} -c:a aac {further}"
                )
            };
            let parts = [
                made("a.ts", &part("red", 440, "")),
                made(
                    "b.ts",
                    &part("blue", 880, "-mpegts_start_pid 0x200 -tables_version 1"),
                ),
            ];
            let bytes: Vec<u8> = parts
                .iter()
                .flat_map(|part| std::fs::read(part).unwrap())
                .collect();
            let path = folder.join("mpv-4305.ts");
            std::fs::write(&path, bytes).unwrap();
            path
        }
        "CozyClay-13" => {
            let path = made(
                "x.mp4",
                &format!("{MARKED} {H264} -bf 0 -c:a aac -video_track_timescale 30000"),
            );
            let mut bytes = std::fs::read(&path).unwrap();
            let at = bytes.windows(4).position(|kind| kind == b"mdhd").unwrap();
            bytes[at + 20..at + 24].copy_from_slice(&6000_u32.to_be_bytes());
            std::fs::write(&path, bytes).unwrap();
            path
        }
        "nginx-vod-142" => {
            let sound = made("a.m4a", "-f lavfi -i sine=440:r=48000:d=5 -c:a aac");
            made(
                "x.mp4",
                &format!(
                    "-f lavfi -i color=red:s=320x180:r=25:d=6 -itsoffset 0.7 -i {} {H264} -c:a copy",
                    sound.display()
                ),
            )
        }
        "AVideo-2777" => made(
            "x.webm",
            &format!(
                "{MARKED} -c:v libvpx -deadline realtime -b:v 1M -c:a libopus -live 1 -f webm"
            ),
        ),
        "plumi-1082" => made(
            "x.wmv",
            &format!(
                "{} -fps_mode vfr -c:v wmv2 -b:v 1M -c:a wmav2",
                MARKED.replace("drawbox", "select=not(eq(mod(n\\,7)\\,3)),drawbox")
            ),
        ),
        "PlexCleaner-83" => made(
            "x.mkv",
            "-f lavfi -i sine=440:r=22050:d=4 -ac 1 -c:a pcm_u8",
        ),
        "go-gallery-1372" => made(
            "x.gif",
            "-f lavfi -i color=white:s=320x180:r=10:d=2,format=rgba,geq=r='0':g='200':b='0':a='255*between(X,100,220)*between(Y,50,130)' \
             -vf split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse",
        ),
        "untrunc-41" => made(
            "x.mov",
            &format!("{MARKED} {H264} -c:a aac -timecode 02:23:18:05"),
        ),
        "PeerTube-7628" => made(
            "x.mp4",
            &format!("-f lavfi -i testsrc2=s=320x180:r=5800/100:d=4 {H264} -bf 0"),
        ),
        other => panic!("nobody makes {other}"),
    }
}

fn one_still(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    ensure!(watched.named(7.0) == "red", "{}", watched.named(7.0));
    hears(watched, 7.0, 440.0, 440.0)
}

fn short_and_silent(watched: &Watched) -> Result<()> {
    ensure!(
        (watched.seconds() - 0.7).abs() < 0.01,
        "{} s",
        watched.seconds()
    );
    ensure!(
        watched.plan.audio.is_empty() && watched.pictures() == 21,
        "{}",
        watched.pictures()
    );
    Ok(())
}

fn goes_on(watched: &Watched) -> Result<()> {
    lasts(watched, 10.0)?;
    hears(watched, 2.5, 440.0, 440.0)?;
    hears(watched, 7.5, 880.0, 880.0)?;
    let colors = [2.5, 7.5].map(|at| watched.named(at));
    ensure!(colors == ["red", "blue"], "{colors:?}");
    Ok(())
}

fn not_a_thirtieth(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    beeps_at(watched, &[1.0, 3.0, 5.0])
}

fn late_sound(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    let before = watched.tone(0, 0.3, 440.0);
    ensure!(before[0] < 0.01, "{before:?}");
    hears(watched, 1.0, 440.0, 440.0)
}

fn all_of_it(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    beeps_at(watched, &[1.0, 3.0, 5.0])
}

fn not_too_fast(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    beeps_at(watched, &[1.0, 3.0, 5.0])
}

fn both_sides(watched: &Watched) -> Result<()> {
    hears(watched, 2.0, 440.0, 440.0)
}

fn picture_and_sound(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    beeps_at(watched, &[1.0, 3.0, 5.0])
}

fn smooth(watched: &Watched) -> Result<()> {
    ensure!(
        watched.plan.timeline.rate == Rational::new(58, 1),
        "{}",
        watched.plan.timeline.rate
    );
    ensure!(watched.pictures() == 232, "{} pictures", watched.pictures());
    Ok(())
}
