//! Colours come out as they went in, whatever encoding they were stored in.

use std::path::Path;
use std::process::Command;

use plan::Size;

use crate::support::planned;
use crate::support::sources::made;

const BARS: [[u8; 3]; 8] = [
    [16, 16, 16],
    [128, 128, 128],
    [235, 235, 235],
    [180, 60, 60],
    [60, 160, 70],
    [60, 70, 180],
    [190, 180, 60],
    [90, 170, 180],
];
const BAR: usize = 80;
/// Most difference in each of red, green and blue, of 255.
const TOLERANCE: i32 = 2;
/// Most distance of a colour from its place, in luma samples.
const MISPLACED: f64 = 0.1;
/// Number of waves across a picture.
const WAVES: f64 = 48.0;

/// Makes one picture of bars, as raw RGB.
fn bars(folder: &Path, height: usize) -> String {
    let bar = |color: &[u8; 3]| color.repeat(BAR);
    let row: Vec<u8> = BARS.iter().flat_map(bar).collect();
    let path = folder.join(format!("bars-{height}.rgb"));
    std::fs::write(&path, row.repeat(height)).unwrap();
    let size = format!("{}x{height}", BARS.len() * BAR);
    format!(
        "-f rawvideo -pix_fmt rgb24 -s {size} -r 25 -stream_loop 9 -i {}",
        path.display()
    )
}

/// First picture of a rung, decoded to a pixel format.
fn first_picture(source: &Path, rung: usize, format: &str) -> (Size, Vec<u8>) {
    let (mut engine, plan) = planned(source, 1);
    let rung = &plan.video[rung.min(plan.video.len() - 1)];
    let init = engine.inits([rung.id]).unwrap().inits[&rung.id].clone();
    let segment = engine.segments(&[rung.id], 0, 1).segments[&(rung.id, 0)].clone();
    let ours = source.with_extension("ours.mp4");
    std::fs::write(&ours, [init, segment].concat()).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&ours)
        .args([
            "-vf",
            "scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp",
        ])
        .args(["-frames:v", "1", "-pix_fmt", format, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    (rung.size(), output.stdout)
}

/// Colour in the middle of each bar of the top rung's first picture.
fn shown(source: &Path) -> Vec<[u8; 3]> {
    let (size, picture) = first_picture(source, 0, "rgb24");
    let row = size.width as usize * 3;
    let middle = &picture[row * (size.height as usize / 2)..][..row];
    let bar = row / BARS.len();
    let pixel = |index| {
        let at = (bar * index + bar / 2) / 3 * 3;
        [middle[at], middle[at + 1], middle[at + 2]]
    };
    (0..BARS.len()).map(pixel).collect()
}

#[test]
fn bars_come_out_as_they_went_in() {
    let scaled = |matrix: &str, range: &str, format: &str| {
        format!(
            "-vf scale=out_color_matrix={matrix}:out_range={range}:flags=accurate_rnd+full_chroma_int,format={format}"
        )
    };
    let tags = |matrix: &str, range: &str| {
        format!(
            "-colorspace {matrix} -color_primaries {matrix} -color_trc {matrix} -color_range {range}"
        )
    };
    let wide = "-vf scale=out_color_matrix=bt709:out_range=limited:flags=accurate_rnd+full_chroma_int,\
        format=yuv444p10le,zscale=min=709:pin=709:tin=709:rin=limited:m=2020_ncl:p=2020:t=2020_10:r=limited,\
        format=yuv420p10le -colorspace bt2020nc -color_primaries bt2020 -color_trc bt2020-10 -color_range tv";
    let smpte240m = "-colorspace smpte240m -color_primaries bt709 -color_trc bt709 -color_range tv";
    let sources = [
        (
            "601.mp4",
            360,
            format!(
                "{} {}",
                scaled("bt601", "limited", "yuv420p"),
                tags("smpte170m", "tv")
            ),
        ),
        (
            "601-full.mp4",
            360,
            format!(
                "{} {}",
                scaled("bt601", "full", "yuvj420p"),
                tags("smpte170m", "pc")
            ),
        ),
        (
            "709.mp4",
            720,
            format!(
                "{} {}",
                scaled("bt709", "limited", "yuv420p"),
                tags("bt709", "tv")
            ),
        ),
        (
            "709-full.mp4",
            720,
            format!(
                "{} {}",
                scaled("bt709", "full", "yuvj420p"),
                tags("bt709", "pc")
            ),
        ),
        (
            "709-sd.mp4",
            360,
            format!(
                "{} {}",
                scaled("bt709", "limited", "yuv420p"),
                tags("bt709", "tv")
            ),
        ),
        // Sources without declared colours are shown as players guess them.
        (
            "untagged-sd.mp4",
            360,
            scaled("bt601", "limited", "yuv420p"),
        ),
        (
            "untagged-hd.mp4",
            720,
            scaled("bt709", "limited", "yuv420p"),
        ),
        (
            "ten-bits.mp4",
            720,
            format!(
                "{} {}",
                scaled("bt709", "limited", "yuv420p10le"),
                tags("bt709", "tv")
            ),
        ),
        (
            "422.mp4",
            720,
            format!(
                "{} {}",
                scaled("bt709", "limited", "yuv422p"),
                tags("bt709", "tv")
            ),
        ),
        (
            "444-full.mp4",
            360,
            format!(
                "{} {}",
                scaled("bt601", "full", "yuvj444p"),
                tags("smpte170m", "pc")
            ),
        ),
        ("rgb.mkv", 360, "-c:v ffv1 -pix_fmt bgr0".to_owned()),
        (
            "240.mp4",
            720,
            format!("{} {smpte240m}", scaled("smpte240m", "limited", "yuv420p")),
        ),
        ("2020.mp4", 720, wide.to_owned()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, height, coded) in sources {
        let codec = if coded.contains("-c:v") {
            ""
        } else {
            "-c:v libx264 -preset ultrafast -qp 1"
        };
        let input = bars(folder.path(), height);
        let source = made(folder.path(), name, &format!("{input} {coded} {codec}"));
        let shown = shown(&source);
        let off = |(a, b): (&u8, &u8)| (i32::from(*a) - i32::from(*b)).abs();
        let worst = BARS
            .iter()
            .flatten()
            .zip(shown.iter().flatten())
            .map(off)
            .max();
        eprintln!("{name:18} at most {} of 255", worst.unwrap());
        if worst > Some(TOLERANCE) {
            wrong.push(format!("{name}: {shown:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Place of the crests of `WAVES` waves across a plane, in samples: the phase at that frequency.
fn crests(plane: &[u8], width: usize) -> f64 {
    let turn = std::f64::consts::TAU * WAVES / width as f64;
    let sum = plane
        .iter()
        .enumerate()
        .fold((0.0, 0.0), |sum, (place, &sample)| {
            let (sin, cos) = (turn * (place % width) as f64).sin_cos();
            (
                sum.0 + cos * f64::from(sample),
                sum.1 + sin * f64::from(sample),
            )
        });
    sum.1.atan2(sum.0) / turn
}

/// A scaler that assumes a wrong chroma location moves colours away from their outlines, further with each rung.
#[test]
fn colours_stay_within_their_outlines() {
    let folder = tempfile::tempdir().unwrap();
    let (width, height) = (1920, 1080);
    let pixel = |x: i32| {
        let lit = (std::f64::consts::TAU * WAVES * f64::from(x) / f64::from(width)).cos();
        [20.0, 20.0, 110.0].map(|part: f64| (120.0 + part * lit).round() as u8)
    };
    let row: Vec<u8> = (0..width).flat_map(pixel).collect();
    let raw = folder.path().join("waves.rgb");
    std::fs::write(&raw, row.repeat(height)).unwrap();
    let input = format!(
        "-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r 25 -stream_loop 9 -i {}",
        raw.display()
    );
    let planar = |site: &str, range: &str, format: &str| {
        format!(
            "-vf format=gbrp,zscale=min=gbr:rin=full:m=709:r={range}:p=709:pin=709:t=709:tin=709:c={site},format={format} \
             -colorspace bt709 -color_primaries bt709 -color_trc bt709"
        )
    };
    let sources = [
        (
            "left.mp4",
            format!(
                "{} -c:v libx264 -preset ultrafast -qp 4",
                planar("left", "limited", "yuv420p")
            ),
        ),
        (
            "center.mkv",
            format!("{} -c:v mjpeg -q:v 2", planar("center", "full", "yuvj420p")),
        ),
        (
            "422.mkv",
            format!("{} -c:v ffv1", planar("left", "limited", "yuv422p10le")),
        ),
        (
            "444.mp4",
            format!(
                "{} -c:v libx264 -preset ultrafast -qp 4",
                planar("left", "limited", "yuv444p")
            ),
        ),
        ("rgb.mkv", "-c:v ffv1 -pix_fmt bgr0".to_owned()),
    ];
    let mut wrong = Vec::new();
    for (name, coded) in sources {
        let source = made(folder.path(), name, &format!("{input} {coded}"));
        for rung in [0, usize::MAX] {
            let (size, picture) = first_picture(&source, rung, "yuv420p");
            let (width, height) = (size.width as usize, size.height as usize);
            let (luma, chroma) = picture.split_at(width * height);
            // Each chroma sample lies at the left one of two luma samples.
            let blue = 2.0 * crests(&chroma[..chroma.len() / 2], width / 2);
            let off = blue - crests(luma, width);
            eprintln!("{name:12} {height:4}p colour is {off:+.2} of a sample right of its outline");
            if off.abs() > MISPLACED {
                wrong.push(format!("{name} at {height}p: {off:+.2}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
