//! Failing reads: the source cannot be read at times. A demuxer takes that for the end of the file, and what it makes
//! then looks whole. Such output must not be published.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use plan::{Code, RenditionId, VideoId};
use store::metadata::State;
use store::objects::{Layer, ObjectRead};
use store::{Error, ObjectKey, Objects, Prefix};

use crate::house::{House, house, house_over, is_over, sample, stores};

/// Number of failed reads, after which all reads succeed.
const FAILURES: u32 = 10;

/// A store whose source blocks cannot be read at times.
struct Faulty {
    objects: Arc<dyn Objects>,
    weather: Mutex<Weather>,
}

struct Weather {
    seed: u64,
    left: u32,
    /// Reads that succeed before the next one fails.
    fair: u32,
    /// Reads that fail one after the other: those of picture and sound, and all that come after.
    foul: u32,
}

impl Weather {
    fn below(&mut self, end: u32) -> u32 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.seed >> 33) as u32 % end
    }

    /// Decides whether a read fails, and how.
    fn strikes(&mut self) -> Option<u32> {
        if self.left == 0 {
            return None;
        }
        if self.fair > 0 {
            self.fair -= 1;
            return None;
        }
        if self.foul == 0 {
            (self.fair, self.foul) = (self.below(40), 1 + self.below(2));
            return None;
        }
        self.foul -= 1;
        self.left -= 1;
        Some(self.below(3))
    }
}

#[async_trait]
impl Layer for Faulty {
    fn below(&self) -> &dyn Objects {
        &*self.objects
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        let read = self.objects.read(key, range).await?;
        let is_source = matches!(key, ObjectKey::SourceBlock { .. });
        let strikes = is_source
            .then(|| self.weather.lock().unwrap().strikes())
            .flatten();
        match strikes {
            None => Ok(read),
            Some(0) => Err(Error::unavailable("the store is away")),
            Some(1) => Err(Error::NotFound),
            // The read fails in the middle of the bytes.
            Some(_) => {
                let body =
                    futures::stream::once(async { Err(Error::unavailable("the store went away")) });
                Ok(ObjectRead {
                    body: Box::pin(body),
                    ..read
                })
            }
        }
    }
}

type Segments = BTreeMap<(RenditionId, u32), Bytes>;

impl House {
    async fn published(&self, video: VideoId) -> Segments {
        let objects = &self.stores.objects;
        let listed: Vec<_> = objects
            .list(&Prefix::Video(video))
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        let mut segments = Segments::new();
        for listed in listed {
            if let ObjectKey::Segment(key) = listed.key {
                let bytes = store::objects::get(&**objects, &listed.key).await.unwrap();
                segments.insert((key.rendition, key.index), bytes);
            }
        }
        segments
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_at_times_is_made_as_it_is_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path(), 30);
    let calm = house(&folder.path().join("calm")).await;
    let video = calm.upload(source.clone()).await;
    calm.until(video, is_over).await;
    let right = calm.published(video).await;
    calm.pipeline.stop().await;
    let seeds = match std::env::var("WHOLE").is_ok() {
        true => 24,
        false => 3,
    };
    let first: u64 = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let (mut ready, mut failures) = (0, 0);
    for seed in first..first + seeds {
        println!("SEED={seed}");
        let mut stores = stores(&folder.path().join(seed.to_string()));
        let weather = Mutex::new(Weather {
            seed,
            left: FAILURES,
            fair: 5,
            foul: 0,
        });
        let faulty = Arc::new(Faulty {
            objects: stores.objects.clone(),
            weather,
        });
        stores.objects = faulty.clone();
        let house = house_over(stores).await;
        let video = house.upload(source.clone()).await;
        let row = house.until(video, is_over).await;
        house.pipeline.stop().await;
        failures += FAILURES - std::mem::take(&mut faulty.weather.lock().unwrap().left);
        let published = house.published(video).await;
        for (key, bytes) in &published {
            assert_eq!(Some(bytes), right.get(key), "{key:?}");
        }
        println!("{:?}", row.error);
        match &row.error {
            None => {
                assert_eq!(
                    (row.state, published.len(), &row.notes),
                    (State::Ready, right.len(), &Vec::new())
                );
                ready += 1;
            }
            Some(error) => assert_eq!(error.code, Code::SourceUnreachable, "{error:?}"),
        }
    }
    assert!(
        failures > 0 && ready > 0,
        "{failures} failures, {ready} ready"
    );
}
