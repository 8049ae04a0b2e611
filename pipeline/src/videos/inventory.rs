//! Inventory: what is stored of each video, as a bitmap for each rendition. It is read from a listing of the store, and
//! kept up to date by what is published.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::TryStreamExt;
use parking_lot::Mutex;
use plan::{Lazy, Plan, RenditionId, RenditionKey, SegmentKey, VideoId};
use store::{ImageFormat, ObjectKey, Prefix};

use crate::records::Records;

/// Videos whose bitmaps are kept: 12 hours in ten renditions take 14 KB. Other videos are listed again when they are
/// worked at.
const KEPT: usize = 512;

/// The segments of one rendition that are stored, and their size in bytes.
#[derive(Clone, Debug, Default)]
struct Bitmap {
    words: Vec<u64>,
    count: u64,
    bytes: u64,
}

impl Bitmap {
    fn insert(&mut self, segment: u32, size: u64) {
        let (word, bit) = (segment as usize / 64, 1 << (segment % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if self.words[word] & bit == 0 {
            self.words[word] |= bit;
            self.count += 1;
            self.bytes += size;
        }
    }

    fn has(&self, segment: u32) -> bool {
        let word = self.words.get(segment as usize / 64);
        word.is_some_and(|word| word & (1 << (segment % 64)) != 0)
    }
}

/// Formats in which a poster is stored.
#[derive(Clone, Copy, Debug, Default)]
struct Posters {
    jpeg: bool,
    webp: bool,
}

impl Posters {
    fn insert(&mut self, format: ImageFormat) {
        match format {
            ImageFormat::Jpeg => self.jpeg = true,
            ImageFormat::Webp => self.webp = true,
        }
    }
}

/// What is stored of one video.
#[derive(Clone, Debug, Default)]
pub(crate) struct VideoInventory {
    renditions: HashMap<RenditionId, Bitmap>,
    /// Renditions whose init segment is stored.
    inits: HashSet<RenditionId>,
    posters: Posters,
    /// Number of thumbnails in the last listing, plus those that this process has made since.
    pub(crate) thumbnails: u32,
    /// Bytes of all objects of the video in the last listing.
    pub(crate) total_bytes: u64,
}

impl VideoInventory {
    pub(crate) fn insert(&mut self, rendition: RenditionId, segment: u32, size: u64) {
        let bitmap = self.renditions.entry(rendition).or_default();
        bitmap.insert(segment, size);
    }

    /// Whether a segment is stored.
    pub(crate) fn has(&self, rendition: RenditionId, segment: u32) -> bool {
        let bitmap = self.renditions.get(&rendition);
        bitmap.is_some_and(|bitmap| bitmap.has(segment))
    }

    /// Whether the init segment of a rendition is stored.
    pub(crate) fn has_init(&self, rendition: RenditionId) -> bool {
        self.inits.contains(&rendition)
    }

    /// Whether all renditions of a lazy codec are stored as a whole.
    pub(crate) fn is_whole(&self, plan: &Plan, lazy: &Lazy) -> bool {
        let total = u64::from(plan.segments());
        lazy.ids()
            .all(|id| self.has_init(id) && self.count(id) == total)
    }

    /// Whether the poster is stored in all formats.
    pub(crate) const fn has_poster(&self) -> bool {
        self.posters.jpeg && self.posters.webp
    }

    /// Bytes of all stored segments of a rendition.
    pub(crate) fn bytes(&self, rendition: RenditionId) -> u64 {
        self.renditions.get(&rendition).map_or(0, |b| b.bytes)
    }

    /// Number of stored segments of all renditions.
    pub(crate) fn segments(&self) -> u64 {
        self.renditions.values().map(|bitmap| bitmap.count).sum()
    }

    /// Number of stored segments of a rendition.
    pub(crate) fn count(&self, rendition: RenditionId) -> u64 {
        self.renditions.get(&rendition).map_or(0, |b| b.count)
    }
}

/// What is known of one video.
#[derive(Default)]
struct Entry {
    /// Whether the store was listed, so that older objects are in the set too.
    listed: bool,
    /// What is known to be stored.
    set: VideoInventory,
    /// Number of the last look-up of the video.
    used: u64,
}

/// What is stored of the videos that are being worked at: each is listed once, and kept up to date from then on.
pub(crate) struct Inventory {
    records: Arc<Records>,
    /// What is known of each video, and a count of all look-ups, which orders the entries by their last use.
    known: Mutex<(HashMap<VideoId, Entry>, u64)>,
}

impl Inventory {
    pub(crate) fn new(records: &Arc<Records>) -> Self {
        Self {
            records: records.clone(),
            known: Mutex::default(),
        }
    }

    /// Adds a stored segment to what is known of its video.
    pub(crate) fn record_segment(&self, key: SegmentKey, size: u64) {
        if let Some(entry) = self.known.lock().0.get_mut(&key.video) {
            entry.set.insert(key.rendition, key.index, size);
        }
    }

    /// Adds a stored init segment to what is known of its video.
    pub(crate) fn record_init(&self, key: RenditionKey) {
        if let Some(entry) = self.known.lock().0.get_mut(&key.video) {
            entry.set.inits.insert(key.rendition);
        }
    }

    /// Adds a stored poster to what is known of its video.
    pub(crate) fn record_poster(&self, video: VideoId, format: ImageFormat) {
        if let Some(entry) = self.known.lock().0.get_mut(&video) {
            entry.set.posters.insert(format);
        }
    }

    /// Adds a stored thumbnail to what is known of its video.
    pub(crate) fn record_thumbnail(&self, video: VideoId) {
        if let Some(entry) = self.known.lock().0.get_mut(&video) {
            entry.set.thumbnails += 1;
        }
    }

    /// Forgets a video; it is listed again when it is next needed.
    pub(crate) fn forget(&self, video: VideoId) {
        self.known.lock().0.remove(&video);
    }

    /// Forgets all videos, because a message about a stored object may have been missed.
    pub(crate) fn forget_all(&self) {
        self.known.lock().0.clear();
    }

    /// Returns what is known of a video if it was listed; publications are added from now on in any case.
    fn look(&self, video: VideoId) -> Option<VideoInventory> {
        let mut guard = self.known.lock();
        let (entries, clock) = &mut *guard;
        *clock += 1;
        if !entries.contains_key(&video) && entries.len() >= KEPT {
            let oldest = entries.iter().filter(|(_, entry)| entry.listed);
            if let Some(oldest) = oldest.min_by_key(|(_, e)| e.used).map(|(video, _)| *video) {
                entries.remove(&oldest);
            }
        }
        let entry = entries.entry(video).or_default();
        entry.used = *clock;
        entry.listed.then(|| entry.set.clone())
    }

    /// Adds a listing to the publications that came while the store was listed.
    fn merge(&self, video: VideoId, listing: Listing) -> VideoInventory {
        let mut guard = self.known.lock();
        let entry = guard.0.entry(video).or_default();
        for (key, size) in listing.segments {
            entry.set.insert(key.rendition, key.index, size);
        }
        entry.set.inits.extend(listing.inits);
        entry.set.posters.jpeg |= listing.posters.jpeg;
        entry.set.posters.webp |= listing.posters.webp;
        entry.set.thumbnails = listing.thumbnails;
        entry.set.total_bytes = listing.total_bytes;
        entry.listed = true;
        entry.set.clone()
    }

    /// What is stored of a video. The store is listed if it was not yet.
    pub(crate) async fn known(&self, video: VideoId) -> Result<VideoInventory, store::Error> {
        if let Some(set) = self.look(video) {
            return Ok(set);
        }
        let listing = list(&self.records, video).await?;
        Ok(self.merge(video, listing))
    }

    /// What a fresh listing says: used before a video becomes ready, and in doubt.
    pub(crate) async fn relist(&self, video: VideoId) -> Result<VideoInventory, store::Error> {
        self.forget(video);
        self.known(video).await
    }
}

/// What one listing of the store says of a video.
#[derive(Default)]
struct Listing {
    segments: Vec<(SegmentKey, u64)>,
    inits: Vec<RenditionId>,
    posters: Posters,
    thumbnails: u32,
    total_bytes: u64,
}

async fn list(records: &Records, video: VideoId) -> Result<Listing, store::Error> {
    let mut listing = Listing::default();
    let mut objects = records.stores.objects.list(&Prefix::Video(video)).await?;
    while let Some(listed) = objects.try_next().await? {
        listing.total_bytes += listed.size;
        match listed.key {
            ObjectKey::Segment(key) => listing.segments.push((key, listed.size)),
            ObjectKey::Init(key) => listing.inits.push(key.rendition),
            ObjectKey::Poster(_, format) => listing.posters.insert(format),
            ObjectKey::Thumbnail { .. } => listing.thumbnails += 1,
            _ => {}
        }
    }
    Ok(listing)
}
