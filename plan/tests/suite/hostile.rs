//! Plans of untrusted findings. What the probe found comes from a stranger's file and from a process that parsed it:
//! any values give a plan or a rejection, in bounded time and memory.

use plan::media_info::MediaInfo;
use plan::timeline::AAC_FRAME;
use plan::{Code, Limits, Policy, Rational, make_plan};
use proptest::prelude::*;

use crate::sources::{everyday, rational, sound};

fn refusal(change: impl FnOnce(&mut MediaInfo)) -> Code {
    let mut info = everyday();
    change(&mut info);
    make_plan(&info, &Policy::default()).unwrap_err().code
}

#[test]
fn limits_are_refused_by_their_own_codes() {
    let limits = Limits::default();
    assert_eq!(refusal(|i| i.streams = 33), Code::LimitStreams);
    // The source lists more tracks than the container is said to have.
    assert_eq!(
        refusal(|i| i.audio = vec![sound(rational(1, 1)); 33]),
        Code::LimitStreams
    );
    assert_eq!(refusal(|i| i.size = limits.size_bytes + 1), Code::LimitSize);
    assert_eq!(
        refusal(|i| i.video.as_mut().unwrap().coded_width = 8193),
        Code::LimitDimensions
    );
    assert_eq!(
        refusal(|i| {
            let video = i.video.as_mut().unwrap();
            (video.coded_width, video.coded_height) = (8192, 8192);
        }),
        Code::LimitDimensions
    );
    assert_eq!(
        refusal(|i| i.video.as_mut().unwrap().frame_rate = rational(301, 1)),
        Code::LimitFrameRate
    );
    assert_eq!(
        refusal(|i| i.video.as_mut().unwrap().end = rational(43_201, 1)),
        Code::LimitDuration
    );
    assert_eq!(
        refusal(|i| i.audio[0].start = rational(-43_201, 1)),
        Code::LimitDuration
    );
}

#[test]
fn contradictory_findings_are_refused_as_corrupt() {
    assert_eq!(
        refusal(|i| i.video.as_mut().unwrap().coded_height = 0),
        Code::Corrupt
    );
    assert_eq!(
        refusal(|i| i.video.as_mut().unwrap().frame_rate = Rational::ZERO),
        Code::Corrupt
    );
    assert_eq!(
        refusal(|i| i.video.as_mut().unwrap().frame_rate = rational(-30, 1)),
        Code::Corrupt
    );
    assert_eq!(
        refusal(|i| i.audio[0].end = rational(i64::MAX, 1)),
        Code::Corrupt
    );
    assert_eq!(
        refusal(|i| i.audio[0].start = rational(-i64::MAX, 3)),
        Code::Corrupt
    );
}

#[test]
fn a_source_without_video_and_audio_is_no_video() {
    assert_eq!(
        refusal(|i| {
            i.video = None;
            i.audio.clear();
        }),
        Code::NoVideo
    );
    assert_eq!(
        refusal(|i| {
            i.video = None;
            i.audio[0].end = rational(-5, 1);
        }),
        Code::NoVideo
    );
}

#[test]
fn a_track_that_ends_before_it_starts_is_empty() {
    let mut info = everyday();
    info.audio[0].start = rational(12, 1);
    info.audio[0].end = rational(3, 1);
    let plan = make_plan(&info, &Policy::default()).unwrap();
    assert_eq!(plan.timeline.frames().0, 900);
    assert_eq!(plan.content.audio, [(12_000_000, 0)]);
}

#[test]
fn time_stamps_since_1970_give_a_usual_plan() {
    let since_1970 = rational(1_795_000_000, 1) + rational(1, 3);
    let mut info = everyday();
    let video = info.video.as_mut().unwrap();
    (video.start, video.end) = (since_1970, since_1970 + rational(30, 1));
    info.audio[0].start = since_1970;
    info.audio[0].end = since_1970 + rational(30_016, 1000);
    let plan = make_plan(&info, &Policy::default()).unwrap();
    assert_eq!(
        (plan.timeline.frames().0, plan.timeline.origin),
        (901, since_1970)
    );
}

fn any_rational() -> impl Strategy<Value = Rational> {
    let edge = prop::sample::select(vec![0, 1, -1, 1001, 90_000, 1 << 32, i64::MAX, -i64::MAX]);
    let number = prop_oneof![edge, any::<i64>(), -100_000i64..100_000].boxed();
    (number.clone(), number).prop_filter_map("a fraction", |(n, d)| Rational::checked(n, d))
}

prop_compose! {
    fn any_info()(
        numbers in any::<(u32, u32, u32, u32, u16, u64)>(),
        small in prop::bool::ANY, constant in prop::bool::ANY, has_video in prop::bool::ANY,
        times in prop::array::uniform4(prop_oneof![any_rational(), (-9i64..9000, 1i64..99).prop_map(|(n, d)| rational(n, d))]),
        rates in prop::array::uniform4(any_rational()), gop in any::<Option<u64>>(),
        first_pts in any::<i64>(),
    ) -> MediaInfo {
        let (width, height, sample_rate, channels, rotation, size) = numbers;
        let mut info = everyday();
        info.size = if small { 1 } else { size };
        let video = info.video.as_mut().unwrap();
        let fold = |n: u32| if small { n % 9000 } else { n };
        (video.coded_width, video.coded_height) = (fold(width), fold(height));
        (video.rotation, video.longest_gop) = (rotation, gop);
        (video.frame_rate, video.constant_rate) = (rates[0], constant);
        (video.rate_p95, video.sample_aspect, video.time_base) = (Some(rates[1]), rates[2], rates[3]);
        (video.start, video.end) = (times[0], times[1]);
        let audio = &mut info.audio[0];
        (audio.sample_rate, audio.channels, audio.first_pts) = (sample_rate, channels, first_pts);
        audio.surround = channels >= 6;
        (audio.start, audio.end, audio.time_base) = (times[2], times[3], rates[3]);
        if !has_video {
            info.video = None;
        }
        info
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_findings_give_a_complete_plan_or_a_rejection(info in any_info()) {
        let Ok(plan) = make_plan(&info, &Policy::default()) else { return Ok(()) };
        let timeline = &plan.timeline;
        prop_assert!(timeline.boundaries.is_sorted_by(|a, b| a < b));
        prop_assert!(timeline.segments() >= 1 && timeline.samples.0 >= 1);
        prop_assert!(timeline.duration_us() > 0);
        for video in &plan.video {
            let rate = rational(i64::from(video.time_scale), i64::from(video.frame_duration));
            prop_assert_eq!(rate, timeline.rate);
            prop_assert!((10_000..=100_000_000).contains(&video.time_scale));
        }
        for index in [0, timeline.segments() - 1, u32::MAX] {
            timeline.segment_samples(index, AAC_FRAME);
            plan.chunk_of(index);
        }
        timeline.segment_at_us(i64::MAX);
        timeline.tick_of(info.audio[0].time_base);
        timeline.sample_of(info.audio[0].time_base);
        timeline.source_time(timeline.frames());
        plan::audio_preroll(info.audio[0].sample_rate);
        prop_assert!(plan.storyboard.is_none_or(|s| s.tiles >= 1 && s.sheets() >= 1));
    }

    #[test]
    fn rational_arithmetic_never_panics(a in any_rational(), b in any_rational(), n: i64, d in 1i64..) {
        let _ = (a + b, a - b, a.cmp(&b), a.scale_round(n, d), a.scale_floor(n, d), a.scale_ceil(n, d));
        prop_assert!(a.scale_floor(n, d) <= a.scale_round(n, d));
        prop_assert!(a.scale_round(n, d) <= a.scale_ceil(n, d));
    }
}
