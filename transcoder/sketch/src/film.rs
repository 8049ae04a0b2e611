//! The film that every source is taken for in tests.

use plan::media_info::{AudioTrack, CodedPictures, Color, Group, Index, TextTrack, VideoTrack};
use plan::{MediaInfo, Rational};

/// Parameter sets of High profile at level 3.1, as an `AVCDecoderConfigurationRecord`.
const RECORD: [u8; 21] = [
    1, 100, 0, 31, 0xff, 0xe1, 0, 5, 0x67, 100, 0, 31, 0x81, 1, 0, 1, 0x68, 0xfd, 0xf8, 0xf8, 0,
];

/// Coded pictures of a film: a key frame every two seconds, and 2.4 Mbit/s.
pub fn coded(seconds: i64) -> CodedPictures {
    let group = Group {
        pictures: 60,
        bytes: 600_000,
    };
    CodedPictures {
        record: RECORD.to_vec(),
        reorder_frames: 0,
        groups: vec![group; seconds as usize / 2],
    }
}

/// Facts of a film of `seconds` seconds: 1280x720 at 30 frames a second, and stereo.
pub fn info(seconds: i64) -> MediaInfo {
    let (start, end) = (Rational::ZERO, Rational::new(seconds, 1));
    MediaInfo {
        container: "mov,mp4,m4a,3gp,3g2,mj2".into(),
        cover: None,
        size: 8,
        streams: 2,
        video: Some(VideoTrack {
            stream: 0,
            codec: "h264".into(),
            profile: None,
            time_base: Rational::new(1, 15_360),
            coded_width: 1280,
            coded_height: 720,
            sample_aspect: Rational::new(1, 1),
            own_aspect: Rational::ZERO,
            rotation: 0,
            mirrored: false,
            pixel_format: "yuv420p".into(),
            color: Color::default(),
            own_color: Color::default(),
            peak_nits: None,
            dolby_vision: None,
            interlaced: false,
            fields_apart: false,
            frame_rate: Rational::new(30, 1),
            constant_rate: true,
            rate_p95: None,
            start,
            end,
            frames: None,
            longest_gop: Some(60),
            open_gops: false,
            coded: None,
            aperture: None,
            complexity: None,
            default: true,
        }),
        audio: vec![AudioTrack {
            stream: 1,
            codec: "aac".into(),
            profile: None,
            time_base: Rational::new(1, 48_000),
            sample_rate: 48_000,
            channels: 2,
            layout: "stereo".into(),
            surround: false,
            setups: Vec::new(),
            frame_samples: Some(1024),
            start,
            end,
            first_pts: 0,
            priming: 0,
            language: None,
            title: None,
            default: true,
        }],
        text: Vec::new(),
        skipped: Vec::new(),
        chapters: Vec::new(),
        index: Index::Container,
        joins: Vec::new(),
        notes: Vec::new(),
    }
}

/// Text track of such a film.
pub fn text() -> TextTrack {
    TextTrack {
        stream: 2,
        codec: "mov_text".into(),
        language: None,
        title: None,
        default: false,
        forced: false,
    }
}
