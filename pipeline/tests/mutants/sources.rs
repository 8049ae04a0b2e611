//! Small sources of many kinds. `FILES=a.mxf,b.ts` takes other files of the corpus.

use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Source {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Files of the corpus: short, with small pictures, each of another kind.
const CORPUS: [&str; 20] = [
    "codec-h264-10bit.mp4",
    "codec-hevc-8bit-hev1.mp4",
    "codec-prores-proxy.mov",
    "codec-theora-vorbis.ogv",
    "codec-vp9-odd-size.webm",
    "colour-dovi-p8-hlg-rot90.mov",
    "container-608-aac22k.ts",
    "container-flv1-mp3.flv",
    "container-fragmented.mp4",
    "container-mpeg1-ps.mpg",
    "container-mpeg4-mp3.avi",
    "geometry-1x1-444.mp4",
    "geometry-anamorphic-rot90.mp4",
    "timing-audio-shorter.mp4",
    "tracks-ass-subs.mkv",
    "tracks-audio-only.mp4",
    "tracks-chapters-444.mkv",
    "tracks-cover-art.mp4",
    "tracks-dvb-subs.ts",
    "tracks-multi-audio-subs.mp4",
];

/// Names of sources where there is no corpus, and the arguments with which `ffmpeg` makes them.
const MADE: [(&str, &str); 8] = [
    ("made.mp4", "-c:v libx264 -preset ultrafast -g 10 -c:a aac"),
    ("made.mov", "-c:v mjpeg -c:a pcm_s16le"),
    ("made.mkv", "-c:v mpeg4 -c:a ac3"),
    ("made.webm", "-c:v libvpx -deadline realtime -c:a libopus"),
    ("made.ts", "-c:v mpeg2video -c:a mp2"),
    ("made.avi", "-c:v mpeg4 -c:a mp2"),
    ("made.flv", "-c:v flv -c:a aac"),
    (
        "fragmented.mp4",
        "-c:v libx264 -preset ultrafast -g 10 -c:a aac -movflags frag_keyframe+empty_moov",
    ),
];

fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("REELMILL_CORPUS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    named
        .or(Some(beside))
        .filter(|folder| folder.join("corpus.json").is_file())
}

/// The field cases beside the corpus, by name.
fn field(folder: &Path) -> Vec<Source> {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| !matches!(extension, "md" | "json" | "py"))
    });
    paths.sort();
    let read = |path: PathBuf| Source {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        bytes: std::fs::read(path).unwrap(),
    };
    paths.into_iter().map(read).collect()
}

pub fn load(folder: &Path) -> Vec<Source> {
    let read = |folder: &Path, name: &str| Source {
        name: name.to_owned(),
        bytes: std::fs::read(folder.join(name)).unwrap(),
    };
    if let Some(corpus) = corpus() {
        let asked = std::env::var("FILES").unwrap_or_else(|_| CORPUS.join(","));
        let mut sources: Vec<Source> = asked.split(',').map(|name| read(&corpus, name)).collect();
        if std::env::var_os("FILES").is_none() {
            sources.extend(field(&corpus.join("../field")));
        }
        return sources;
    }
    let make = |&(name, how): &(&str, &str)| {
        let made = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=s=160x90:r=25:d=2",
            ])
            .args(["-f", "lavfi", "-i", "sine=440:d=2:r=44100"])
            .args(["-pix_fmt", "yuv420p"])
            .args(how.split_whitespace())
            .arg(folder.join(name))
            .status();
        let is_made = made.expect("ffmpeg is installed").success();
        // A build of `ffmpeg` may lack an encoder.
        if !is_made {
            println!("{name} is left out: ffmpeg cannot make it");
        }
        is_made.then(|| read(folder, name))
    };
    println!("there is no corpus here: the mutants are of sources that ffmpeg makes");
    let made: Vec<Source> = MADE.iter().filter_map(make).collect();
    assert!(made.len() > 4, "ffmpeg makes hardly anything");
    made
}
