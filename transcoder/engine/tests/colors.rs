//! Colours come out as they went in, whatever they were stored as.

mod support;

use std::path::Path;
use std::process::Command;

use support::sources::made;

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
/// Of 255, in each of red, green and blue.
const TOLERANCE: i32 = 2;

/// One picture of bars, as bare red, green and blue.
fn bars(folder: &Path, height: usize) -> String {
    let bar = |color: &[u8; 3]| color.repeat(BAR);
    let row: Vec<u8> = BARS.iter().flat_map(bar).collect();
    let path = folder.join(format!("bars-{height}.rgb"));
    std::fs::write(&path, row.repeat(height)).unwrap();
    let size = format!("{}x{height}", BARS.len() * BAR);
    format!(
        "-f rawvideo -pix_fmt rgb24 -s {size} -r 25 -stream_loop 24 -i {}",
        path.display()
    )
}

/// The middle of each bar in the top rung's first segment.
fn shown(source: &Path) -> Vec<[u8; 3]> {
    let (mut engine, plan) = support::planned(source, 1);
    let top = plan.video[0].id;
    let init = engine.inits([top]).unwrap().inits[&top].clone();
    let segment = engine.segments(&[top], 0, 1).segments[&(top, 0)].clone();
    let ours = source.with_extension("ours.mp4");
    std::fs::write(&ours, [init, segment].concat()).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&ours)
        .args([
            "-vf",
            "scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp",
        ])
        .args(["-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    let size = plan.video[0].size();
    let row = size.width as usize * 3;
    let middle = &output.stdout[row * (size.height as usize / 2)..][..row];
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
        // As players guess.
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
