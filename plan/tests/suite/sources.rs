//! Sample sources as a probe would describe them.

use plan::media_info::{AudioTrack, Color, MediaInfo, VideoTrack};
use plan::{Index, Plan, Policy, Rational};

pub fn rational(num: i64, den: i64) -> Rational {
    Rational::new(num, den)
}

/// Progressive BT.709 video with square pixels from time zero to `end`.
pub fn picture(size: (u32, u32), rate: Rational, end: Rational) -> VideoTrack {
    VideoTrack {
        stream: 0,
        codec: "h264".to_owned(),
        profile: Some("High".to_owned()),
        time_base: rational(1, 90_000),
        coded_width: size.0,
        coded_height: size.1,
        sample_aspect: rational(1, 1),
        own_aspect: Rational::ZERO,
        rotation: 0,
        mirrored: false,
        pixel_format: "yuv420p".to_owned(),
        color: Color {
            range: Some("limited".to_owned()),
            matrix: Some("bt709".to_owned()),
            primaries: Some("bt709".to_owned()),
            transfer: Some("bt709".to_owned()),
        },
        own_color: Color::default(),
        peak_nits: None,
        dolby_vision: None,
        interlaced: false,
        fields_apart: false,
        frame_rate: rate,
        constant_rate: true,
        rate_p95: None,
        start: Rational::ZERO,
        end,
        frames: None,
        longest_gop: Some(250),
        open_gops: false,
        coded: None,
        aperture: None,
        complexity: None,
        default: true,
    }
}

/// Stereo AAC at 48 kHz from time zero to `end`, as stream 1.
pub fn sound(end: Rational) -> AudioTrack {
    AudioTrack {
        stream: 1,
        codec: "aac".to_owned(),
        profile: Some("LC".to_owned()),
        time_base: rational(1, 48_000),
        sample_rate: 48_000,
        channels: 2,
        layout: "stereo".to_owned(),
        surround: false,
        setups: Vec::new(),
        frame_samples: Some(1024),
        start: Rational::ZERO,
        end,
        first_pts: -1024,
        priming: 1024,
        language: None,
        title: None,
        default: true,
    }
}

pub fn source(video: Option<VideoTrack>, audio: Vec<AudioTrack>) -> MediaInfo {
    MediaInfo {
        container: "mov,mp4,m4a,3gp,3g2,mj2".to_owned(),
        cover: None,
        size: 12_345_678,
        streams: audio.len() as u32 + u32::from(video.is_some()),
        video,
        audio,
        text: Vec::new(),
        skipped: Vec::new(),
        chapters: Vec::new(),
        index: Index::Container,
        joins: Vec::new(),
        notes: Vec::new(),
    }
}

/// Source as most cameras write it: 30 s of 1080p30 with 30.016 s of stereo.
pub fn everyday() -> MediaInfo {
    source(
        Some(picture((1920, 1080), rational(30, 1), rational(30, 1))),
        vec![sound(rational(30_016, 1000))],
    )
}

/// Source without audio, with this frame rate and length.
pub fn silent(rate: Rational, seconds: Rational) -> MediaInfo {
    source(Some(picture((640, 360), rate, seconds)), Vec::new())
}

pub fn planned(info: &MediaInfo) -> Plan {
    plan::make_plan(info, &Policy::default()).unwrap()
}
