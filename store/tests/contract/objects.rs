//! Contract of `Objects`, as tests.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future};
use plan::rendition::RenditionName;
use plan::{RenditionKey, SessionId, UploadId, VideoId};
use store::objects::{delete_prefix, get};
use store::{Checksum, Created, Error, ImageFormat, ObjectKey, Objects, Prefix};

use super::sample::{block, picture, rendition, segment};

pub async fn what_is_put_is_read_whole(objects: &dyn Objects) {
    let key = ObjectKey::Init(picture(VideoId::new()));
    assert!(objects.head(&key).await.unwrap().is_none());
    assert!(matches!(get(objects, &key).await, Err(Error::NotFound)));
    for body in [
        Bytes::from_static(b"first"),
        Bytes::from_static(b"the second"),
        Bytes::new(),
    ] {
        objects.put(&key, body.clone()).await.unwrap();
        assert_eq!(get(objects, &key).await.unwrap(), body);
        let info = objects.head(&key).await.unwrap().unwrap();
        assert_eq!(info.size, body.len() as u64);
        assert!(info.modified_us > 1_500_000_000_000_000);
    }
}

pub async fn put_if_absent_never_replaces(objects: &dyn Objects) {
    let key = ObjectKey::Segment(segment(VideoId::new(), 0));
    assert_eq!(
        objects.put_if_absent(&key, "one".into()).await.unwrap(),
        Created::Yes
    );
    assert_eq!(
        objects.put_if_absent(&key, "two".into()).await.unwrap(),
        Created::No
    );
    assert_eq!(get(objects, &key).await.unwrap(), "one");
}

pub async fn of_twelve_racers_one_stores(objects: &dyn Objects) {
    for index in 0..20 {
        let key = ObjectKey::Segment(segment(VideoId::new(), index));
        let racers = (0..12u8).map(|racer| {
            let key = &key;
            async move {
                let body = Bytes::from(vec![racer; 10_000]);
                (racer, objects.put_if_absent(key, body).await.unwrap())
            }
        });
        let done = future::join_all(racers).await;
        let winners: Vec<u8> = done
            .iter()
            .filter(|(_, created)| *created == Created::Yes)
            .map(|done| done.0)
            .collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(get(objects, &key).await.unwrap(), vec![winners[0]; 10_000]);
    }
}

pub async fn a_range_is_cut_at_the_end(objects: &dyn Objects) {
    let key = block(UploadId::new(), 0);
    objects.put(&key, "0123456789".into()).await.unwrap();
    for (range, expected) in [
        (0..10, "0123456789"),
        (3..5, "34"),
        (9..10, "9"),
        (8..99, "89"),
        (10..11, ""),
        (99..200, ""),
        (4..4, ""),
    ] {
        let read = objects.read(&key, Some(range.clone())).await.unwrap();
        assert_eq!(read.info.size, 10);
        assert_eq!(read.range.end - read.range.start, expected.len() as u64);
        assert!(read.range.end <= 10);
        assert_eq!(read.bytes().await.unwrap(), expected, "{range:?}");
    }
}

pub async fn a_large_object_streams_in_pieces(objects: &dyn Objects) {
    let key = block(UploadId::new(), 0);
    let body: Bytes = (0..20u32 << 20)
        .map(|at| (at >> 12) as u8)
        .collect::<Vec<_>>()
        .into();
    objects.put(&key, body.clone()).await.unwrap();
    let read = objects
        .read(&key, Some(5..body.len() as u64))
        .await
        .unwrap();
    let pieces: Vec<Bytes> = read.body.try_collect().await.unwrap();
    assert!(pieces.len() > 1);
    assert!(pieces.concat() == body[5..]);
    assert!(get(objects, &key).await.unwrap() == body);
}

/// A reader of an object that is replaced gets the object that it opened, or an error. MinIO breaks the transfer off.
pub async fn a_reader_has_what_it_has_opened_or_an_error(objects: &dyn Objects) {
    let key = block(UploadId::new(), 0);
    objects.put(&key, vec![1; 9 << 20].into()).await.unwrap();
    let read = objects.read(&key, None).await.unwrap();
    objects.put(&key, vec![2; 9 << 20].into()).await.unwrap();
    match read.bytes().await {
        Ok(bytes) => assert!(bytes == vec![1; 9 << 20]),
        Err(Error::Unavailable { .. }) => {}
        Err(other) => panic!("{other:?}"),
    }
}

pub async fn a_listing_has_its_prefix_and_nothing_else(objects: &dyn Objects) {
    let (video, upload) = (VideoId::new(), UploadId::new());
    let sound = RenditionKey {
        video,
        rendition: rendition(RenditionName::Stereo(0)),
    };
    let unmade = RenditionKey {
        video,
        rendition: rendition(RenditionName::Video(480)),
    };
    let of_picture = vec![
        ObjectKey::Init(picture(video)),
        ObjectKey::Cues(picture(video)),
        ObjectKey::Segment(segment(video, 0)),
        ObjectKey::Segment(segment(video, 11)),
    ];
    let of_upload = vec![block(upload, 0), block(upload, 1)];
    let rest_of_video = vec![
        ObjectKey::Init(sound),
        ObjectKey::Plan {
            video,
            hash: "abc".into(),
        },
        ObjectKey::Poster(video, ImageFormat::Jpeg),
        ObjectKey::Thumbnail {
            video,
            width: 160,
            second: 3,
        },
        ObjectKey::Report {
            video,
            session: SessionId::new(),
        },
    ];
    let elsewhere = [block(UploadId::new(), 0)];
    let of_video = [of_picture.clone(), rest_of_video].concat();
    for (size, key) in of_video
        .iter()
        .chain(&of_upload)
        .chain(&elsewhere)
        .enumerate()
    {
        objects.put(key, vec![0; size].into()).await.unwrap();
    }
    let listed = async |prefix| {
        let mut found = Vec::new();
        let mut listing = objects.list(&prefix).await.unwrap();
        while let Some(line) = listing.next().await {
            let line = line.unwrap();
            assert_eq!(
                objects.head(&line.key).await.unwrap().unwrap().size,
                line.size
            );
            found.push(line.key);
        }
        found.sort();
        found
    };
    let sorted = |mut keys: Vec<ObjectKey>| {
        keys.sort();
        keys
    };
    assert_eq!(
        listed(Prefix::Rendition(picture(video))).await,
        sorted(of_picture)
    );
    assert_eq!(listed(Prefix::Video(video)).await, sorted(of_video.clone()));
    assert_eq!(listed(Prefix::Upload(upload)).await, sorted(of_upload));
    assert_eq!(listed(Prefix::Rendition(unmade)).await, []);
    assert_eq!(listed(Prefix::Upload(UploadId::new())).await, []);

    let deleted = delete_prefix(objects, &Prefix::Video(video)).await.unwrap();
    assert_eq!(deleted, of_video.len() as u64);
    assert_eq!(listed(Prefix::Video(video)).await, []);
    assert_eq!(listed(Prefix::Upload(upload)).await.len(), 2);
}

pub async fn videos_do_not_see_each_others_objects(objects: &dyn Objects) {
    let (video, other) = (VideoId::new(), VideoId::new());
    for (video, body) in [(video, "one"), (other, "other")] {
        objects
            .put(&ObjectKey::Init(picture(video)), body.into())
            .await
            .unwrap();
    }
    assert_eq!(
        delete_prefix(objects, &Prefix::Video(video)).await.unwrap(),
        1
    );
    assert!(
        objects
            .head(&ObjectKey::Init(picture(video)))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        get(objects, &ObjectKey::Init(picture(other)))
            .await
            .unwrap(),
        "other"
    );
}

pub async fn a_long_listing_has_everything_once(objects: &dyn Objects) {
    let upload = UploadId::new();
    let puts = (0..2500).map(|index| async move {
        objects
            .put(&block(upload, index), Bytes::new())
            .await
            .unwrap();
    });
    futures::stream::iter(puts)
        .buffer_unordered(32)
        .collect::<Vec<()>>()
        .await;
    let listing = objects.list(&Prefix::Upload(upload)).await.unwrap();
    let mut found: Vec<_> = listing.map_ok(|line| line.key).try_collect().await.unwrap();
    found.sort();
    assert_eq!(
        found,
        (0..2500)
            .map(|index| block(upload, index))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        delete_prefix(objects, &Prefix::Upload(upload))
            .await
            .unwrap(),
        2500
    );
}

pub async fn a_checksum_is_of_the_stored_bytes(objects: &dyn Objects) {
    let key = block(UploadId::new(), 0);
    assert_eq!(objects.checksum(&key).await.unwrap(), None);
    // One body needs more than one piece, and the others less than one.
    for body in [vec![7; 9 << 20], b"less".to_vec(), Vec::new()] {
        let checksum = Checksum::of(&body);
        objects.put(&key, body.into()).await.unwrap();
        assert_eq!(objects.checksum(&key).await.unwrap(), Some(checksum));
    }
    assert_ne!(Checksum::of(b"one"), Checksum::of(b"two"));
}

pub async fn deleting_what_is_gone_is_no_error(objects: &dyn Objects) {
    let (key, other) = (block(UploadId::new(), 0), block(UploadId::new(), 0));
    objects.put(&key, "x".into()).await.unwrap();
    for _ in 0..2 {
        objects.delete(&[key.clone(), other.clone()]).await.unwrap();
        assert!(objects.head(&key).await.unwrap().is_none());
    }
    objects.put(&key, "y".into()).await.unwrap();
    assert_eq!(get(objects, &key).await.unwrap(), "y");
}

pub async fn a_hash_that_leads_elsewhere_is_refused(objects: &dyn Objects) {
    for hash in ["", "../../x", "A", "a/b"] {
        let key = ObjectKey::Plan {
            video: VideoId::new(),
            hash: hash.into(),
        };
        assert!(matches!(
            objects.put(&key, "x".into()).await,
            Err(Error::Corrupt { .. })
        ));
        assert!(matches!(
            objects.head(&key).await,
            Err(Error::Corrupt { .. })
        ));
    }
}

/// A body whose completeness can be checked: a length, and that many equal bytes.
fn telling(seed: u32) -> Bytes {
    let length = 1 + seed.wrapping_mul(2_654_435_761) % 300_000;
    let mut body = length.to_be_bytes().to_vec();
    body.resize(4 + length as usize, seed as u8);
    body.into()
}

fn is_whole(body: &[u8]) -> bool {
    let Some((length, rest)) = body.split_first_chunk() else {
        return false;
    };
    rest.len() == u32::from_be_bytes(*length) as usize && rest.iter().all(|b| *b == rest[0])
}

/// Stores block after block of an upload, replacing the block before, until the process is killed.
pub async fn write_until_killed(
    objects: &dyn Objects,
    upload: UploadId,
    stored: impl AsyncFn(u32),
) {
    for index in 0.. {
        objects
            .put_if_absent(&block(upload, index), telling(index))
            .await
            .unwrap();
        objects
            .put(&block(upload, index / 2), telling(index + 1))
            .await
            .unwrap();
        stored(index).await;
    }
}

/// The objects that a killed writer left are complete, and include every object that it reported as stored.
pub async fn what_a_killed_writer_left_is_whole(
    objects: &dyn Objects,
    upload: UploadId,
    said: u32,
) {
    for index in 0..said {
        assert!(
            objects.head(&block(upload, index)).await.unwrap().is_some(),
            "{index} of {said}"
        );
    }
    let listed = objects.list(&Prefix::Upload(upload)).await.unwrap();
    let listed: Vec<_> = listed.try_collect().await.unwrap();
    for line in listed {
        let body = get(objects, &line.key).await.unwrap();
        assert!(is_whole(&body), "{:?} has {} bytes", line.key, body.len());
    }
}
