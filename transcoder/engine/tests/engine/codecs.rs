//! HEVC, AV1 and Opus: segments can be decoded and agree with the plan.

use std::path::Path;

use mp4_atom::{Codec, Decode, Ftyp, Moov};
use plan::{LazyCodec, RenditionId};

use crate::support::planned;
use crate::support::sources::{ffmpeg, made, picture, sound};

/// Sample entry of an init segment.
fn entry(mut init: &[u8]) -> Codec {
    Ftyp::decode(&mut init).unwrap();
    let moov = Moov::decode(&mut init).unwrap();
    moov.trak[0].mdia.minf.stbl.stsd.codecs[0].clone()
}

/// Output of FFmpeg's decoder for a file; the test fails on any complaint.
fn decoded(path: &Path, form: &[&str]) -> Vec<u8> {
    let from = ["-xerror", "-i", path.to_str().unwrap()];
    ffmpeg(&[&from[..], form, &["-"]].concat())
}

#[test]
fn every_codec_is_decoded_to_all_of_its_pictures_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture("30000/1001", "5"), sound("44100", "5"));
    let coded = "-c:v libx264 -preset veryfast -ac 6 -c:a aac";
    let source = made(folder.path(), "s.mp4", &format!("{inputs} {coded}"));
    let (mut engine, plan) = planned(&source, 2);
    for codec in LazyCodec::ALL {
        let plan = plan.with_codec(codec).unwrap();
        engine.plan(&plan);
        let lazy = plan.lazy_in(codec).unwrap();
        let ids: Vec<RenditionId> = lazy.ids().collect();
        let inits = engine.inits(ids.clone()).unwrap().inits;
        let segments = engine.segments(&ids, 0, plan.segments()).segments;
        let whole = |id: RenditionId| {
            let mut bytes = inits[&id].to_vec();
            (0..plan.segments()).for_each(|n| bytes.extend_from_slice(&segments[&(id, n)]));
            let path = folder.path().join(format!("{id}.mp4"));
            std::fs::write(&path, bytes).unwrap();
            path
        };
        for video in &lazy.video {
            match (codec, entry(&inits[&video.id])) {
                (LazyCodec::Hevc, Codec::Hvc1(entry)) => {
                    assert_eq!(u32::from(entry.hvcc.general_level_idc), video.level_idc);
                    assert_eq!(entry.hvcc.arrays.len(), 3);
                }
                (LazyCodec::Av1, Codec::Av01(entry)) => {
                    assert_eq!(u32::from(entry.av1c.seq_level_idx_0), video.level_idc);
                }
                (_, entry) => panic!("{codec:?} has {entry:?}"),
            }
            let grey = ["-f", "rawvideo", "-pix_fmt", "gray"];
            let pictures = decoded(&whole(video.id), &grey).len() as u64;
            let frames = plan.timeline.frames().0 as u64;
            assert_eq!(pictures, video.size().pixels() * frames, "{}", video.id);
            for (key, bytes) in segments.iter().filter(|(key, _)| key.0 == video.id) {
                let (start, end) = plan.timeline.segment_frames(key.1);
                let allowed = video.allowed_bytes(end - start, plan.timeline.rate);
                assert!(bytes.len() as u64 <= allowed, "{key:?}");
            }
        }
        for audio in &lazy.audio {
            let Codec::Opus(entry) = entry(&inits[&audio.id]) else {
                panic!("no Opus");
            };
            assert_eq!(u32::from(entry.dops.output_channel_count), audio.channels);
            let floats = decoded(&whole(audio.id), &["-f", "f32le"]).len() as i64;
            // The decoder outputs the last frame in full length.
            let samples = floats / 4 / i64::from(audio.channels);
            let rest = samples - plan.timeline.samples.0;
            assert!((0..960).contains(&rest), "{}: {rest}", audio.id);
            for (key, bytes) in segments.iter().filter(|(key, _)| key.0 == audio.id) {
                let (start, end) = audio.span(&plan.timeline, key.1);
                let bits = bytes.len() as u64 * 8 * 48_000 / (end.0 - start.0) as u64;
                assert!(
                    bits <= u64::from(audio.bound_bits_per_second),
                    "{key:?}: {bits}"
                );
            }
        }
    }
}
