//! Stores with something of everything in them, and all that is in some stores, to compare.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use plan::rendition::RenditionName;
use plan::{OwnerId, RenditionId, RenditionKey, SegmentKey, SessionId, TokenId, UploadId, VideoId};
use store::metadata::{
    OwnerRow, Page, PageRequest, PlanRef, Role, Source, SourcePart, State, TokenRow, TryRow,
    UploadRow, VideoRow,
};
use store::objects::get;
use store::{ImageFormat, ObjectKey, Prefix, SecretHash, Stores};

/// The videos of [`fill`].
pub struct Library {
    pub ann: OwnerId,
    /// Ready, with a source of two blocks, and played.
    pub ready: VideoId,
    /// Playable, with tries, marks and a filler.
    pub playable: VideoId,
    /// A block of its source is there.
    pub receiving: VideoId,
    pub deleted: VideoId,
}

/// All that is in some stores.
#[derive(Debug, PartialEq)]
pub struct Contents {
    pub videos: BTreeMap<VideoId, VideoRow>,
    pub uploads: BTreeMap<UploadId, UploadRow>,
    pub tries: BTreeMap<SegmentKey, TryRow>,
    pub fillers: BTreeSet<SegmentKey>,
    pub views: BTreeMap<VideoId, u64>,
    pub owners: Vec<OwnerRow>,
    pub tokens: Vec<TokenRow>,
    /// Hashes of their bytes.
    pub objects: BTreeMap<ObjectKey, blake3::Hash>,
}

/// Bytes that are those of this key alone.
pub fn bytes(key: &ObjectKey, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let hash = blake3::Hasher::new().update(key.path().as_bytes()).clone();
    hash.finalize_xof().fill(&mut bytes);
    bytes
}

pub fn picture() -> RenditionId {
    RenditionId::new(RenditionName::Video(720), &[7; 32])
}

pub async fn put(stores: &Stores, key: ObjectKey, size: usize) {
    let body = bytes(&key, size);
    stores.objects.put(&key, body.into()).await.unwrap();
}

pub fn segment(video: VideoId, index: u32) -> SegmentKey {
    SegmentKey {
        video,
        rendition: picture(),
        index,
    }
}

async fn owner(stores: &Stores, name: &str, role: Role) -> OwnerId {
    let row = OwnerRow {
        id: OwnerId::new(),
        name: name.to_owned(),
        role,
        created_at_us: 1_700_000_000_000_000,
    };
    stores.metadata.owners().insert(&row).await.unwrap();
    row.id
}

pub async fn token(stores: &Stores, owner: OwnerId, name: &str) -> TokenRow {
    let row = TokenRow {
        id: TokenId::new(),
        owner,
        name: name.to_owned(),
        hash: SecretHash::of(name),
        role: Role::Uploader,
        created_at_us: 1_700_000_000_000_001,
        revoked_at_us: None,
    };
    stores.metadata.tokens().insert(&row).await.unwrap();
    row
}

async fn upload(stores: &Stores, video: VideoId, owner: OwnerId, blocks: &[usize]) -> UploadRow {
    let size: usize = blocks.iter().sum();
    let row = UploadRow {
        id: UploadId::new(),
        video,
        owner,
        offset: size as u64,
        declared_size: None,
        complete: false,
        given_up: false,
        created_at_us: 1_700_000_000_000_002,
        updated_at_us: 1_700_000_000_000_003,
    };
    stores.metadata.uploads().insert(&row).await.unwrap();
    for (index, size) in (0..).zip(blocks) {
        let block = ObjectKey::SourceBlock {
            upload: row.id,
            index,
        };
        put(stores, block, *size).await;
    }
    row
}

/// A video that is there as a whole, with so many segments.
pub async fn ready(stores: &Stores, owner: OwnerId, blocks: &[usize], segments: u32) -> VideoRow {
    let id = VideoId::new();
    let upload = upload(stores, id, owner, blocks).await;
    let uploads = stores.metadata.uploads();
    let upload = uploads.complete(&upload.id, 1_700_000_000_000_004).await;
    let upload = upload.unwrap();
    let rendition = RenditionKey {
        video: id,
        rendition: picture(),
    };
    let hash = "0123456789ab".to_owned();
    let session = SessionId::new();
    put(stores, ObjectKey::Init(rendition), 700).await;
    put(stores, ObjectKey::Report { video: id, session }, 90).await;
    put(stores, ObjectKey::Poster(id, ImageFormat::Jpeg), 5000).await;
    put(stores, ObjectKey::Poster(id, ImageFormat::Webp), 3000).await;
    let plan = ObjectKey::Plan {
        video: id,
        hash: hash.clone(),
    };
    put(stores, plan, 2000).await;
    for index in 0..segments {
        let key = ObjectKey::Segment(segment(id, index));
        put(stores, key, 1000 + index as usize).await;
    }
    let mut row = VideoRow::new(id, owner, "A title".to_owned(), 1_700_000_000_000_005);
    row.source = Source::Complete;
    row.state = State::Ready;
    row.epoch = 4;
    row.parts = vec![SourcePart {
        upload: upload.id,
        bytes: upload.offset,
    }];
    row.received_bytes = upload.offset;
    row.plans = vec![PlanRef {
        hash: hash.clone(),
        current_since_us: 7,
        retired_at_us: None,
        leaves: false,
    }];
    (row.current_plan, row.whole_plan) = (Some(hash.clone()), Some(hash));
    row.average_bandwidth = [(picture(), 1_234_567)].into();
    row.stored_bytes = Some(u64::from(segments) * 1000);
    stores.metadata.videos().insert(&row).await.unwrap();
    row
}

/// Something of everything.
pub async fn fill(stores: &Stores) -> Library {
    owner(stores, "admin", Role::Admin).await;
    let ann = owner(stores, "ann", Role::Uploader).await;
    token(stores, ann, "laptop").await;
    let lost = token(stores, ann, "lost").await;
    let tokens = stores.metadata.tokens();
    tokens
        .revoke(&lost.id, 1_700_000_000_000_009)
        .await
        .unwrap();

    let metadata = &stores.metadata;
    let whole = ready(stores, ann, &[8 << 20, 12_345], 30).await;
    for second in 0..5 {
        let thumbnail = ObjectKey::Thumbnail {
            video: whole.id,
            width: 320,
            second,
        };
        put(stores, thumbnail, 800).await;
    }

    metadata.views().add(&whole.id, 7).await.unwrap();

    let mut row = ready(stores, ann, &[40_000], 7).await;
    (row.state, row.whole_plan, row.stored_bytes) = (State::Playable, None, None);
    let playable = metadata.videos().compare_and_set(&row).await.unwrap();
    let tries = metadata.tries();
    for index in [7, 8] {
        tries.record_try(&segment(row.id, index)).await.unwrap();
    }
    tries.mark(&segment(row.id, 8)).await.unwrap();
    tries.record_filler(&segment(row.id, 3)).await.unwrap();

    let receiving = VideoRow::new(
        VideoId::new(),
        ann,
        "It comes".to_owned(),
        1_700_000_000_000,
    );
    metadata.videos().insert(&receiving).await.unwrap();
    upload(stores, receiving.id, ann, &[60_000]).await;

    let mut row = VideoRow::new(VideoId::new(), ann, "Gone".to_owned(), 1_700_000_000_001);
    (row.state, row.source) = (State::Deleted, Source::Complete);
    (row.epoch, row.deleted_at_us) = (9, Some(1_700_000_000_002));
    metadata.videos().insert(&row).await.unwrap();
    let left = upload(stores, row.id, ann, &[]).await;
    metadata.uploads().complete(&left.id, 6).await.unwrap();

    Library {
        ann,
        ready: whole.id,
        playable: playable.id,
        receiving: receiving.id,
        deleted: row.id,
    }
}

/// So many videos more, small ones.
pub async fn fill_more(stores: &Stores, owner: OwnerId, count: u32) {
    for _ in 0..count {
        ready(stores, owner, &[5000], 10).await;
    }
}

impl Contents {
    pub async fn of(stores: &Stores) -> Self {
        let metadata = &stores.metadata;
        let mut contents = Self {
            videos: BTreeMap::new(),
            uploads: BTreeMap::new(),
            tries: BTreeMap::new(),
            fillers: BTreeSet::new(),
            views: BTreeMap::new(),
            owners: metadata.owners().list().await.unwrap(),
            tokens: metadata.tokens().list().await.unwrap(),
            objects: BTreeMap::new(),
        };
        let page = PageRequest::first(PageRequest::MOST);
        let living = metadata.videos().list(None, &page).await.unwrap();
        let tombstones = metadata.videos().list_tombstones(i64::MAX, &page).await;
        for Page { items, next } in [living, tombstones.unwrap()] {
            assert_eq!(next, None, "more than a page");
            for row in items {
                contents.add(stores, row).await;
            }
        }
        contents
    }

    async fn add(&mut self, stores: &Stores, row: VideoRow) {
        let (video, metadata) = (row.id, &stores.metadata);
        let key = |(rendition, index)| SegmentKey {
            video,
            rendition,
            index,
        };
        let tries = metadata.tries().list(&video).await.unwrap();
        self.tries
            .extend(tries.into_iter().map(|(place, row)| (key(place), row)));
        let fillers = metadata.tries().fillers(&video).await.unwrap();
        self.fillers.extend(fillers.into_iter().map(key));
        let views = metadata.views().get(&video).await.unwrap();
        self.views.insert(video, views);
        self.objects(stores, Prefix::Video(video)).await;
        for upload in metadata.uploads().list_by_video(&video).await.unwrap() {
            self.objects(stores, Prefix::Upload(upload.id)).await;
            self.uploads.insert(upload.id, upload);
        }
        self.videos.insert(video, row);
    }

    async fn objects(&mut self, stores: &Stores, prefix: Prefix) {
        let listing = stores.objects.list(&prefix).await.unwrap();
        let listing: Vec<_> = listing.try_collect().await.unwrap();
        for listed in listing {
            let body = get(&*stores.objects, &listed.key).await.unwrap();
            self.objects.insert(listed.key, blake3::hash(&body));
        }
    }

    /// As the next start would leave them: uploads that were caught in the middle are lost.
    pub fn recovered(mut self) -> Self {
        for row in self.videos.values_mut() {
            if row.source == Source::Receiving {
                self.uploads.retain(|id, upload| {
                    let is_its = upload.video == row.id;
                    let kept = |key: &ObjectKey| !matches!(key, ObjectKey::SourceBlock { upload, .. } if upload == id);
                    if is_its {
                        self.objects.retain(|key, _| kept(key));
                    }
                    !is_its
                });
                row.epoch += 1;
                row.source = Source::Lost;
                row.state = State::Failed;
                row.error = Some(store::metadata::VideoError {
                    code: plan::Code::UploadLost,
                    message: "The upload was cut off before its last byte.".to_owned(),
                });
            }
        }
        self
    }
}
