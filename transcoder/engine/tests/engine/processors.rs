//! Pictures are the same bytes on every x86-64 machine: two workers may make the same segment.
//!
//! Libraries choose their assembly by the processor's features, so the engine runs on two emulated processors besides
//! that of this machine: each source on one of them, in turn, and on both with `WHOLE=1`. Tone mapping is not
//! compared, since it computes in floats.

use std::hash::{BuildHasher, Hasher, RandomState};

use plan::{Plan, Policy, RenditionId};

use crate::support::sources::{made, picture};
use crate::support::{Engine, whole};

/// Emulated processors: one with no vectors except SSE, one with AVX2; both lack the features that the emulator
/// lacks.
const PROCESSORS: [&str; 2] = [
    "Nehalem",
    "Haswell-noTSX,-invpcid,-pcid,-tsc-deadline,-x2apic",
];

type Pictures = Vec<(RenditionId, Vec<u8>)>;

/// Plan of the source, and all pictures of its first segment.
fn made_by(mut engine: Engine) -> (Plan, Pictures) {
    let info = engine.probe().unwrap();
    let plan = plan::make_plan(&info, &Policy::default()).unwrap();
    engine.plan(&plan);
    let rungs: Vec<_> = plan.video.iter().map(|rung| rung.id).collect();
    let inits = engine.inits(rungs.clone()).unwrap().inits;
    let segments = engine.segments(&rungs, 0, 1).segments;
    let both = |rung: &RenditionId| [&inits[rung][..], &segments[&(*rung, 0)]].concat();
    let pictures = rungs.iter().map(|rung| (*rung, both(rung))).collect();
    (plan, pictures)
}

/// Index of the processor on which the first source is made, where each is made on only one: from `SEED`, or at
/// random.
fn first_processor() -> usize {
    let seed: u64 = match std::env::var("SEED") {
        Ok(seed) => seed.parse().expect("SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish() % 1000,
    };
    println!("SEED={seed}");
    (seed % 2) as usize
}

#[test]
fn pictures_are_the_same_bytes_on_other_processors() {
    let folder = tempfile::tempdir().unwrap();
    // The cage counts threads, and the emulator has one of its own.
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("proc/self/task/1")).unwrap();
    let x264 = "-c:v libx264 -preset veryfast -crf 18";
    let sources = [
        // Sources that are scaled.
        ("420.mp4", format!("{x264} -pix_fmt yuv420p")),
        ("center-full.mkv", "-c:v mjpeg -pix_fmt yuvj420p".to_owned()),
        ("422.mkv", "-c:v ffv1 -pix_fmt yuv422p10le".to_owned()),
        ("444.mp4", format!("{x264} -pix_fmt yuv444p")),
        ("rgb.mkv", "-c:v ffv1 -pix_fmt bgr0".to_owned()),
        ("rgb-deep.mkv", "-c:v ffv1 -pix_fmt gbrp10le".to_owned()),
        ("gray.mkv", "-c:v ffv1 -pix_fmt gray".to_owned()),
        (
            "odd.mkv",
            "-vf scale=853:481 -c:v ffv1 -pix_fmt yuv420p".to_owned(),
        ),
        // Sources with fields and with wide pixels.
        (
            "fields.mp4",
            format!("-vf interlace {x264} -flags +ildct -pix_fmt yuv420p"),
        ),
        (
            "wide.mkv",
            "-aspect 4:1 -c:v ffv1 -pix_fmt yuv420p".to_owned(),
        ),
        // Sources of several decoders.
        (
            "hevc.mp4",
            "-c:v libx265 -preset veryfast -x265-params log-level=error -pix_fmt yuv420p10le"
                .to_owned(),
        ),
        (
            "vp8.webm",
            "-c:v libvpx -deadline realtime -cpu-used 8".to_owned(),
        ),
        (
            "vp9.webm",
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8".to_owned(),
        ),
        ("av1.mp4", "-c:v libsvtav1 -preset 12".to_owned()),
        ("mpeg2.ts", "-c:v mpeg2video -q:v 3 -bf 2".to_owned()),
        (
            "mpeg4.avi",
            "-c:v mpeg4 -q:v 3 -bf 2 -flags +qpel+mv4".to_owned(),
        ),
        ("prores.mov", "-c:v prores_ks -profile:v 3".to_owned()),
        ("theora.ogv", "-c:v libtheora -q:v 8".to_owned()),
    ];
    // An emulated encoder takes thirty times as long, so these have seven pictures and two rungs.
    let small = picture("25", "0.28").replace("640x360", "512x288");
    let first = first_processor();
    let mut different = Vec::new();
    for (place, (name, coded)) in sources.into_iter().enumerate() {
        let source = made(folder.path(), name, &format!("{small} {coded}"));
        let (plan, pictures) = made_by(Engine::start(&source, 1));
        let processors = match whole() {
            true => &PROCESSORS[..],
            false => &PROCESSORS[(first + place) % 2..][..1],
        };
        for processor in processors {
            let there = made_by(Engine::emulated(&source, processor, &root));
            if there.0 != plan {
                different.push(format!("{name} on {processor}: another plan"));
            }
            for ((rung, ours), (_, theirs)) in pictures.iter().zip(&there.1) {
                if ours != theirs {
                    different.push(format!("{name} on {processor}: {rung}"));
                }
            }
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}
