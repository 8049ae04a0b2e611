//! Comparison of our first picture with the one that the `ffmpeg` program shows of a file.

use std::path::Path;
use std::process::Command;

use plan::media_info::{DynamicRange, VideoTrack};
use plan::{Plan, Size};

/// Least PSNR in dB of RGB pictures: an encode within its cap loses some of a noisy picture, and the scalers differ.
/// A picture that is turned wrongly is far below.
const LEAST_PSNR: f64 = 25.0;
/// Least PSNR of HDR sources: `ffmpeg` maps tones before scaling here, our engine after it.
const LEAST_PSNR_HDR: f64 = 24.0;
/// Least PSNR of a picture that is all there is of a film: its cap leaves it a fifteenth of a second's bits.
const LEAST_PSNR_ALONE: f64 = 24.0;

/// Compares the picture at `at_s` of our top rung's first segment with the source's picture that is shown then.
pub fn compare(source: &Path, plan: &Plan, ours: &[u8]) -> Result<(), String> {
    let Some(track) = &plan.info.video else {
        return Ok(());
    };
    let size = plan.video[0].size();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.mp4");
    std::fs::write(&path, ours).unwrap();
    let got = first_picture(&path, 0, "null", size)?;
    let wanted = first_picture(source, track.stream, &filters(track, plan), size)?;
    let psnr = psnr(&got, &wanted);
    let (first, end) = plan.timeline.segment_frames(plan.segments() - 1);
    let is_alone = plan.segments() == 1 && end.0 - first.0 == 1;
    let least = match track.dynamic_range() {
        DynamicRange::Sdr if is_alone => LEAST_PSNR_ALONE,
        DynamicRange::Sdr => LEAST_PSNR,
        _ => LEAST_PSNR_HDR,
    };
    match psnr >= least {
        true => Ok(()),
        false => Err(format!(
            "the first picture is {psnr:.1} dB from the source's"
        )),
    }
}

/// Filters that convert a picture of the source to BT.709 and standard dynamic range.
fn filters(track: &VideoTrack, plan: &Plan) -> String {
    let mut first = match track.interlaced {
        true => "bwdif,".to_owned(),
        false => String::new(),
    };
    if let Some(part) = track.aperture {
        let (width, height) = (part.width, part.height);
        let crop = format!("crop={width}:{height}:{}:{},", part.left, part.top);
        first.push_str(&crop);
    }
    let is_wide = matches!(
        plan.video[0].color.conversion,
        plan::Conversion::Light { .. }
    );
    match (track.dynamic_range(), is_wide) {
        (DynamicRange::Sdr, false) => format!("{first}null"),
        (DynamicRange::Sdr, true) => format!(
            "{first}zscale=pin=bt2020:tin=bt709:p=bt709:t=bt709:m=bt709:r=limited,format=yuv420p"
        ),
        _ => format!(
            "{first}zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,\
             tonemap=mobius:param=0.3:desat=0:peak={},zscale=t=bt709:m=bt709:r=limited,format=yuv420p",
            f64::from(track.peak_nits.unwrap_or(1000)) / 203.0
        ),
    }
}

/// First picture in RGB, made upright by `ffmpeg`.
fn first_picture(path: &Path, stream: u32, filters: &str, size: Size) -> Result<Vec<u8>, String> {
    let (width, height) = (size.width, size.height);
    let filters = format!("{filters},scale={width}:{height}:flags=bicubic+accurate_rnd");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", &format!("0:{stream}"), "-vf", &filters])
        .args(["-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    let bytes = size.pixels() as usize * 3;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.stdout.len() == bytes {
        true => Ok(output.stdout),
        false => Err(format!("ffmpeg shows no picture: {said}")),
    }
}

fn psnr(some: &[u8], others: &[u8]) -> f64 {
    let pairs = some.iter().zip(others);
    let squares: f64 = pairs
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
        .sum();
    10.0 * (255.0f64.powi(2) / (squares / some.len() as f64).max(1e-9)).log10()
}
