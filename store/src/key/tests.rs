//! Tests of object keys: paths, prefixes, layouts and time in caches.

use plan::rendition::RenditionName;
use plan::{RenditionId, RenditionKey, SegmentKey, SessionId, UploadId, VideoId};
use proptest::prelude::*;
use type_safe_id::{StaticType, TypeSafeId};

use super::*;

fn id<T: StaticType + Default + std::fmt::Debug>() -> impl Strategy<Value = TypeSafeId<T>> {
    any::<[u8; 16]>().prop_map(|bytes| TypeSafeId::from_uuid(uuid::Uuid::from_bytes(bytes)))
}

fn rendition() -> impl Strategy<Value = RenditionKey> {
    let name = prop_oneof![
        (0u32..5000).prop_map(RenditionName::Video),
        (0u32..40).prop_map(RenditionName::Stereo),
        (0u32..40).prop_map(RenditionName::Surround),
        (0u32..40).prop_map(RenditionName::Text),
        (0u32..5000).prop_map(RenditionName::TrickPlay),
        Just(RenditionName::Storyboard),
    ];
    (id(), name, any::<[u8; 32]>()).prop_map(|(video, name, digest)| RenditionKey {
        video,
        rendition: RenditionId::new(name, &digest),
    })
}

fn key() -> impl Strategy<Value = ObjectKey> {
    let video = id::<plan::ids::VideoKind>;
    prop_oneof![
        (id(), any::<u32>()).prop_map(|(upload, index)| ObjectKey::SourceBlock { upload, index }),
        (video(), "[0-9a-z]{1,64}").prop_map(|(video, hash)| ObjectKey::Plan { video, hash }),
        rendition().prop_map(ObjectKey::Init),
        (rendition(), any::<u32>()).prop_map(|(RenditionKey { video, rendition }, index)| {
            ObjectKey::Segment(SegmentKey {
                video,
                rendition,
                index,
            })
        }),
        rendition().prop_map(ObjectKey::Cues),
        video().prop_map(|video| ObjectKey::Poster(video, ImageFormat::Jpeg)),
        video().prop_map(|video| ObjectKey::Poster(video, ImageFormat::Webp)),
        (video(), any::<u32>(), any::<u32>()).prop_map(|(video, width, second)| {
            ObjectKey::Thumbnail {
                video,
                width,
                second,
            }
        }),
        (video(), id()).prop_map(|(video, session)| ObjectKey::Report { video, session }),
        (video(), "[a-z0-9]{1,64}").prop_map(|(video, hash)| ObjectKey::Staged { video, hash }),
    ]
}

fn prefixes(key: &ObjectKey) -> Vec<Prefix> {
    match key {
        ObjectKey::SourceBlock { upload, .. } => vec![Prefix::Upload(*upload)],
        ObjectKey::Init(key) | ObjectKey::Cues(key) => {
            vec![Prefix::Rendition(*key), Prefix::Video(key.video)]
        }
        ObjectKey::Segment(SegmentKey {
            video, rendition, ..
        }) => {
            let rendition = RenditionKey {
                video: *video,
                rendition: *rendition,
            };
            vec![Prefix::Rendition(rendition), Prefix::Video(*video)]
        }
        other => other.video().map(Prefix::Video).into_iter().collect(),
    }
}

proptest! {
    #[test]
    fn a_key_is_parsed_back_from_its_path(key in key()) {
        prop_assert_eq!(ObjectKey::parse(&key.path()), Some(key));
    }

    #[test]
    fn a_key_lies_under_its_prefixes_in_every_layout(key in key()) {
        for prefix in prefixes(&key) {
            prop_assert!(key.path().starts_with(&prefix.path()));
            prop_assert!(prefix.contains(&key));
            for layout in [Layout::Store, Layout::Presentation] {
                let path = layout.path(&key);
                prop_assert_eq!(layout.parse(&path, &prefix), Some(key.clone()));
                let folders = layout.folders(&prefix);
                let lies_in = |folder: &String| folder.is_empty() || path.starts_with(&format!("{folder}/"));
                prop_assert!(folders.iter().any(lies_in));
            }
        }
    }

    #[test]
    fn no_key_is_another_keys_folder(one in key(), other in key()) {
        for layout in [Layout::Store, Layout::Presentation] {
            let folder = format!("{}/", layout.path(&one));
            prop_assert!(!layout.path(&other).starts_with(&folder));
        }
    }

    #[test]
    fn every_part_of_a_path_is_a_plain_short_name(key in key()) {
        for part in key.path().split('/') {
            prop_assert!((1..=255).contains(&part.len()));
            prop_assert!(!part.starts_with('.'));
            prop_assert!(part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)));
        }
    }

    #[test]
    fn a_path_that_parses_equals_the_one_that_is_written(path in "(videos|uploads)/[ -~]{0,80}") {
        if let Some(key) = ObjectKey::parse(&path) {
            prop_assert_eq!(key.path(), path);
        }
    }
}

#[test]
fn paths_are_those_of_the_design() {
    let video: VideoId = "video_01h455vb4pex5vsknk084sn02q".parse().unwrap();
    let upload: UploadId = "upload_01h455vb4pex5vsknk084sn02q".parse().unwrap();
    let session: SessionId = "session_01h455vb4pex5vsknk084sn02q".parse().unwrap();
    let segment = |id: &str, index| {
        ObjectKey::Segment(SegmentKey {
            video,
            rendition: id.parse().unwrap(),
            index,
        })
    };
    let init = RenditionKey {
        video,
        rendition: "a0-k3m9x2a7q0wd".parse().unwrap(),
    };
    let rows = [
        (
            ObjectKey::SourceBlock { upload, index: 7 },
            format!("uploads/{upload}/7"),
            None,
        ),
        (
            ObjectKey::Plan {
                video,
                hash: "abc0".into(),
            },
            format!("videos/{video}/plan/abc0.json"),
            None,
        ),
        (
            ObjectKey::Init(init),
            format!("videos/{video}/m/a0-k3m9x2a7q0wd/init.mp4"),
            Some("a0-k3m9x2a7q0wd/init.mp4"),
        ),
        (
            segment("v720-k3m9x2a7q0wd", 12),
            format!("videos/{video}/m/v720-k3m9x2a7q0wd/12.m4s"),
            Some("v720-k3m9x2a7q0wd/12.m4s"),
        ),
        (
            segment("sb-k3m9x2a7q0wd", 0),
            format!("videos/{video}/m/sb-k3m9x2a7q0wd/0.jpg"),
            Some("sb-k3m9x2a7q0wd/0.jpg"),
        ),
        (
            ObjectKey::Cues(init),
            format!("videos/{video}/m/a0-k3m9x2a7q0wd/cues.json"),
            None,
        ),
        (
            ObjectKey::Poster(video, ImageFormat::Webp),
            format!("videos/{video}/still/poster.webp"),
            Some("poster.webp"),
        ),
        (
            ObjectKey::Thumbnail {
                video,
                width: 320,
                second: 61,
            },
            format!("videos/{video}/still/thumb-320-61.jpg"),
            Some("thumbnail/320/61.jpg"),
        ),
        (
            ObjectKey::Report { video, session },
            format!("videos/{video}/report/{session}.json"),
            None,
        ),
    ];
    for (key, path, url) in rows {
        assert_eq!(key.path(), path);
        let presented = Layout::Presentation.path(&key);
        match url {
            Some(url) => assert_eq!(presented, url),
            None => assert!(presented.starts_with(".reelmill/"), "{presented}"),
        }
    }
}

#[test]
fn other_spellings_are_not_keys() {
    let video = "video_01h455vb4pex5vsknk084sn02q";
    for path in [
        format!("videos/{video}/m/v720-k3m9x2a7q0wd/07.m4s"),
        format!("videos/{video}/m/v720-k3m9x2a7q0wd/7.jpg"),
        format!("videos/{video}/m/sb-k3m9x2a7q0wd/7.m4s"),
        format!("videos/{video}/m/v720-k3m9x2a7q0wd/4294967296.m4s"),
        format!("videos/{video}/plan/../x.json"),
        format!("videos/{video}/plan/.json"),
        format!("videos/{}/still/poster.jpg", video.to_uppercase()),
        format!("/videos/{video}/still/poster.jpg"),
        format!("videos/{video}/still/thumb-+1-1.jpg"),
        String::new(),
    ] {
        assert_eq!(ObjectKey::parse(&path), None, "{path}");
    }
}
