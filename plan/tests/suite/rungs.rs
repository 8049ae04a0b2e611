//! Rungs of the ladder: sizes, caps, and the scaling of frames.

use plan::ladder::BOXES;
use plan::media_info::VideoTrack;
use plan::{Frames, Plan, RateControl, Size};
use proptest::prelude::*;

use crate::sources::{picture, planned, rational, source};

fn of(video: VideoTrack) -> Plan {
    planned(&source(Some(video), Vec::new()))
}

fn sized(width: u32, height: u32) -> VideoTrack {
    picture((width, height), rational(30, 1), rational(10, 1))
}

fn sizes(plan: &Plan) -> Vec<(u32, u32, u32)> {
    let row = |v: &plan::VideoRendition| (v.rung, v.size().width, v.size().height);
    plan.video.iter().map(row).collect()
}

#[test]
fn usual_sizes_get_their_usual_ladders() {
    let full = [
        (720, 1280, 720),
        (480, 854, 480),
        (360, 640, 360),
        (240, 426, 240),
    ];
    let with = |top: &[(u32, u32, u32)]| [top, &full].concat();
    for ((width, height), expected) in [
        ((1280, 720), with(&[])),
        ((1920, 1080), with(&[(1080, 1920, 1080)])),
        (
            (3840, 2160),
            with(&[(2160, 3840, 2160), (1440, 2560, 1440), (1080, 1920, 1080)]),
        ),
        // The source is larger than any box, and is scaled down to the largest.
        (
            (7680, 4320),
            with(&[(2160, 3840, 2160), (1440, 2560, 1440), (1080, 1920, 1080)]),
        ),
        ((640, 272), vec![(360, 640, 272), (240, 428, 182)]),
        // The box of a portrait video is rotated with it.
        ((360, 640), vec![(360, 360, 640), (240, 240, 426)]),
        // Odd sides are rounded down to even numbers, since nothing is scaled up.
        ((641, 361), vec![(480, 640, 360), (240, 426, 240)]),
        ((16, 16), vec![(240, 16, 16)]),
        ((2, 2), vec![(240, 16, 16)]),
        // Boxes 480 and 360 would differ by less than 20 % of the pixels, so one of them is enough.
        ((700, 400), vec![(480, 700, 400), (240, 420, 240)]),
    ] {
        assert_eq!(
            sizes(&of(sized(width, height))),
            expected,
            "{width}x{height}"
        );
    }
}

#[test]
fn the_scale_path_of_a_rung_does_not_depend_on_its_neighbors() {
    // 700x400 has no rung in box 360, but 426x240 is still scaled through that size.
    let plan = of(sized(700, 400));
    let size = |width, height| Size { width, height };
    assert_eq!(
        plan.video[1].scale_path,
        [size(700, 400), size(630, 360), size(420, 240)]
    );
}

#[test]
fn pictures_are_upright_and_their_pixels_square() {
    let mut dvd = sized(720, 576);
    dvd.sample_aspect = rational(64, 45);
    assert_eq!(sizes(&of(dvd.clone()))[0], (720, 1024, 576));
    dvd.rotation = 90;
    assert_eq!(sizes(&of(dvd))[0], (720, 576, 1024));
    let mut damaged = sized(640, 360);
    damaged.sample_aspect = rational(1, 90_000);
    assert_eq!(sizes(&of(damaged))[0], (360, 640, 360));
}

#[test]
fn players_start_at_the_highest_rungs_under_480_and_360() {
    let starts = |width, height| {
        let plan = of(sized(width, height));
        let rungs = plan.start_rungs().into_iter().map(|i| plan.video[i].rung);
        rungs.collect::<Vec<_>>()
    };
    assert_eq!(starts(1920, 1080), [480, 360]);
    assert_eq!(starts(640, 360), [360]);
    assert_eq!(starts(320, 240), [240]);
    assert_eq!(starts(700, 400), [480, 240]);
}

#[test]
fn levels_and_codec_strings_follow_size_and_rate() {
    let level = |width, height, rate| {
        let plan = of(picture((width, height), rational(rate, 1), rational(10, 1)));
        (plan.video[0].level_idc, plan.video[0].codec.clone())
    };
    assert_eq!(level(1920, 1080, 30), (40, "avc1.640028".to_owned()));
    assert_eq!(level(1920, 1080, 60), (42, "avc1.64002a".to_owned()));
    assert_eq!(level(1280, 720, 30), (31, "avc1.64001f".to_owned()));
    assert_eq!(level(854, 480, 30), (31, "avc1.64001f".to_owned()));
    assert_eq!(level(3840, 2160, 60), (52, "avc1.640034".to_owned()));
}

/// Bounded: maxrate * d plus the buffer's first fill never exceeds cap * d. Expected: 3 % less, with half the buffer.
#[test]
fn the_rate_control_of_a_segment_leaves_room_for_its_first_fill() {
    let rate = rational(30, 1);
    let plan = of(sized(1920, 1080));
    let top = &plan.video[0];
    let text = |kbit: i64| format!("vbv-maxrate={kbit}:vbv-bufsize={kbit}:vbv-init=1.0");
    for (frames, expected, bounded) in [
        (15, 2425, 1666),
        (30, 3233, 2500),
        (60, 3880, 3333),
        (120, 4311, 4000),
        (149, 4406, 4162),
    ] {
        let control = |control| top.rate_control(Frames(frames), rate, control);
        assert_eq!(control(RateControl::Expected), text(expected));
        assert_eq!(control(RateControl::Bounded), text(bounded));
        assert!(bounded * (frames + 30) <= 5000 * frames);
        assert!(expected * (2 * frames + 30) * 100 <= 5000 * 97 * 2 * frames);
    }
    for control in [RateControl::Expected, RateControl::Bounded] {
        assert_eq!(top.rate_control(Frames(i64::MIN), rate, control), text(0));
    }
}

proptest! {
    #[test]
    fn every_rung_lies_in_its_box_even_upright_and_never_larger_than_the_source(
        width in 1u32..=8192, height in 1u32..=4096, aspect in (1i64..20, 1i64..20),
        rotation in prop::sample::select(vec![0u16, 90, 180, 270]),
    ) {
        let mut video = sized(width, height);
        video.rotation = rotation;
        video.sample_aspect = rational(aspect.0, aspect.1);
        let used = if (1..=100).contains(&(aspect.0 * 10 / aspect.1)) { aspect } else { (1, 1) };
        let shown = rational(i64::from(width), 1).scale_round(used.0, used.1).max(1) as u64;
        let (shown_width, shown_height) = match rotation {
            90 | 270 => (u64::from(height), shown),
            _ => (shown, u64::from(height)),
        };
        let plan = of(video);
        prop_assert!(!plan.video.is_empty());
        let mut above: Option<Size> = None;
        for rendition in &plan.video {
            let size = rendition.size();
            let (short, long) = (size.width.min(size.height), size.width.max(size.height));
            let container = BOXES.iter().find(|b| b.short == rendition.rung).unwrap();
            prop_assert!(short <= container.short && long <= container.long);
            prop_assert_eq!(rendition.cap_bits_per_second, u64::from(container.cap_kbit) * 1000);
            prop_assert!(size.width % 2 == 0 && size.height % 2 == 0 && short >= 16);
            prop_assert!(u64::from(size.width) <= shown_width.max(16));
            prop_assert!(u64::from(size.height) <= shown_height.max(16));
            // The aspect ratio is the source's, up to the rounding of both sides by one pixel: w/h = W/H. (The
            // minimum of 16 pixels does not apply here.)
            if short > 16 {
                let (w, h) = (u64::from(size.width), u64::from(size.height));
                let (cross, other) = (w * shown_height, h * shown_width);
                prop_assert!(cross.abs_diff(other) <= 2 * (shown_height + shown_width) , "{size:?} of {shown_width}x{shown_height}");
            }
            if let Some(above) = above {
                prop_assert!(size.pixels() * 10 <= above.pixels() * 8);
            }
            above = Some(size);
            // Each step of the path is smaller than the step before.
            for step in rendition.scale_path.windows(2) {
                prop_assert!(step[1].width <= step[0].width && step[1].height <= step[0].height);
            }
        }
        // All paths are prefixes of one cascade, so a rung does not depend on its neighbors.
        let whole = &plan.video[plan.video.len() - 1].scale_path;
        for rendition in &plan.video {
            prop_assert!(whole.starts_with(&rendition.scale_path));
        }
    }
}

/// Caps rise with the frame rate, but less than in proportion, from the box on that players start with.
#[test]
fn caps_rise_with_the_frame_rate() {
    let caps = |rate| {
        let plan = of(picture((1920, 1080), rational(rate, 1), rational(10, 1)));
        let caps = plan
            .video
            .iter()
            .map(|video| video.cap_bits_per_second / 1000);
        caps.collect::<Vec<_>>()
    };
    assert_eq!(caps(24), [5000, 2800, 1400, 800, 400]);
    assert_eq!(caps(30), [5000, 2800, 1400, 800, 400]);
    assert_eq!(caps(50), [6666, 3733, 1866, 800, 400]);
    assert_eq!(caps(60), [7500, 4200, 2100, 800, 400]);
    assert_eq!(caps(120), caps(60));
}
