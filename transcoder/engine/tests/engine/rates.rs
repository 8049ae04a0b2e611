//! No segment exceeds its rendition's bit-rate cap, whatever the source.

use std::path::Path;

use protocol::Order;

use crate::support::planned;
use crate::support::sources::made;

fn nothing_exceeds_its_cap(source: &Path) {
    let (mut engine, plan) = planned(source, 2);
    let ids: Vec<_> = plan.media_ids().collect();
    for ((id, segment), bytes) in engine.segments(&ids, 0, plan.segments()).segments {
        let allowed = match plan.video_rendition(id) {
            Some(video) => {
                let (start, end) = plan.timeline.segment_frames(segment);
                8 * video.allowed_bytes(end - start, plan.timeline.rate)
            }
            None => {
                let audio = plan.audio_rendition(id).unwrap();
                let (start, end) = audio.span(&plan.timeline, segment);
                let us = plan.timeline.sample_us(end) - plan.timeline.sample_us(start);
                u64::from(audio.bound_bits_per_second) * us as u64 / 1_000_000
            }
        };
        let bits = bytes.len() as u64 * 8;
        assert!(
            bits <= allowed,
            "{id} {segment}: {bits} bits, {allowed} allowed"
        );
    }
}

/// A filler, which stands in for a segment that cannot be made, has the same cap.
#[test]
fn a_filler_of_noise_stays_under_the_cap() {
    let folder = tempfile::tempdir().unwrap();
    let noise = "-f lavfi -i color=gray:s=1280x720:r=30:d=2,noise=alls=100:allf=t+u \
                 -c:v libx264 -preset ultrafast -qp 10";
    let (mut engine, plan) = planned(&made(folder.path(), "noise.mp4", noise), 1);
    for rung in plan.every_picture() {
        let order = Order::Filler {
            rendition: rung.id,
            segment: 1,
        };
        let made = engine
            .order(order)
            .unwrap()
            .segments
            .remove(&(rung.id, 1))
            .unwrap();
        let (start, end) = plan.timeline.segment_frames(1);
        let allowed = rung.allowed_bytes(end - start, plan.timeline.rate);
        assert!(made.len() as u64 <= allowed, "{}: {}", rung.id, made.len());
    }
}

#[test]
fn noise_stays_under_the_cap() {
    let folder = tempfile::tempdir().unwrap();
    let noise = "-f lavfi -i testsrc2=s=640x360:r=30:d=6,noise=alls=100:allf=t \
                 -f lavfi -i anoisesrc=a=1:d=6:r=48000 -ac 2 -c:v libx264 -preset ultrafast -qp 8 -c:a pcm_s16le";
    nothing_exceeds_its_cap(&made(folder.path(), "noise.mov", noise));
}

#[test]
fn grain_and_flat_pictures_stay_under_the_cap() {
    let folder = tempfile::tempdir().unwrap();
    let grain = "-f lavfi -i gradients=s=1280x720:r=25:d=2,noise=alls=12:allf=t \
                 -c:v libx264 -preset ultrafast -qp 14";
    nothing_exceeds_its_cap(&made(folder.path(), "grain.mp4", grain));
    let flat = "-f lavfi -i color=gray:s=1280x720:r=25:d=2 -c:v libx264 -preset ultrafast";
    nothing_exceeds_its_cap(&made(folder.path(), "flat.mp4", flat));
}

/// The film is shorter than the time over which a playlist's peak bit rate is measured.
#[test]
fn a_film_of_one_picture_is_no_worse_than_others() {
    let folder = tempfile::tempdir().unwrap();
    let one = "-f lavfi -i testsrc2=s=640x360:r=30,noise=alls=20:allf=t -frames:v 1 -c:v libx264 -preset ultrafast -qp 10";
    let source = made(folder.path(), "one.mp4", one);
    nothing_exceeds_its_cap(&source);
    let (mut engine, plan) = planned(&source, 1);
    for rung in &plan.video {
        let made = engine.segments(&[rung.id], 0, 1).segments;
        let bytes = made[&(rung.id, 0)].len();
        let at_the_cap = rung.cap_bits_per_second / 8 / 30;
        assert!(
            bytes as u64 > 3 * at_the_cap,
            "{}: {bytes} bytes",
            rung.rung
        );
    }
}

#[test]
fn a_segment_that_no_encode_holds_to_its_cap_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let noise = "-f lavfi -i color=gray:s=640x360:r=30:d=1,noise=alls=100:allf=t+u \
                 -c:v libx264 -preset ultrafast -qp 10";
    let (mut engine, mut plan) = planned(&made(folder.path(), "noise.mp4", noise), 1);
    plan.video[0].cap_bits_per_second = 10_000;
    engine.plan(&plan);
    let failure = engine.try_segments(&[plan.video[0].id], 0, 1).unwrap_err();
    assert!(failure.contains("more than its cap"), "{failure}");
}
