//! Viewers in a storm: they seek, race, use old plans, go away in the middle, lie about how urgent a request is, and
//! ask for objects that never existed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pipeline::{DemandError, Pipeline, Viewer};
use plan::{Plan, RenditionId, RenditionKey, RenditionName, SegmentKey, VideoId};
use store::metadata::VideoRow;

use super::World;
use crate::support::assert_made;

/// Number of networks that viewers come from; the network of further viewers is unknown.
const NETWORKS: u32 = 3;

impl World {
    /// Several viewers watch a video for a while at the same time.
    pub async fn watch(&self, video: VideoId) {
        let Some(plan) = self.some_plan(video).await else {
            return;
        };
        let viewers = 1 + self.weather.below(4);
        join_all((0..viewers).map(|_| self.view(video, &plan))).await;
    }

    /// A plan of the video: the current one, or one by which a player opened the video before.
    async fn some_plan(&self, video: VideoId) -> Option<Arc<Plan>> {
        let row = self.origin.videos().get(video).await.ok()??;
        let at = self.weather.below(row.plans.len() as u32) as usize;
        let current_plan = Some(row.plans.get(at)?.hash.clone());
        let then = VideoRow {
            current_plan,
            ..row
        };
        self.origin.videos().plan_of(&then).await.ok()?
    }

    async fn view(&self, video: VideoId, plan: &Plan) {
        let below = |end| self.weather.below(end);
        let viewer = self.viewer();
        for _ in 0..1 + below(4) {
            let media: Vec<RenditionId> = plan.media_ids().collect();
            let rendition = media[below(media.len() as u32) as usize];
            let key = SegmentKey {
                video,
                rendition,
                index: below(plan.segments()),
            };
            let origin = &self.origin;
            match below(10) {
                0..=3 => expect_segment(origin, key, &viewer).await,
                // The viewer seeks on before the segment is served.
                4 => {
                    let patience = Duration::from_millis(u64::from(below(2000)));
                    tokio::select! {
                        () = expect_segment(origin, key, &viewer) => {}
                        () = self.calm.clock.sleep(patience) => {}
                    }
                }
                5 => {
                    let rendition = self.made_up();
                    expect_nothing(origin, SegmentKey { rendition, ..key }, &viewer).await;
                }
                6 => {
                    let index = plan.segments() + below(3) * 1_000_000;
                    expect_nothing(origin, SegmentKey { index, ..key }, &viewer).await;
                }
                7 => self.hint(key, &viewer),
                8 => {
                    let rendition = self.made_up();
                    let index = below(u32::MAX);
                    self.hint(
                        SegmentKey {
                            rendition,
                            index,
                            ..key
                        },
                        &viewer,
                    );
                }
                // The result depends on the engine; the request must only disturb nobody.
                _ => drop(
                    origin
                        .playback()
                        .thumbnail(video, 320, below(60), &viewer)
                        .await,
                ),
            }
        }
    }

    pub fn viewer(&self) -> Viewer {
        let below = |end| self.weather.below(end);
        let network = below(NETWORKS + 1);
        Viewer {
            network: (network > 0).then(|| IpAddr::from([192, 0, 2, network as u8]).into()),
            // Some viewers name a new session each time.
            session: (below(2) > 0).then(|| format!("session {}", below(1 << 30))),
            deadline: (below(2) > 0).then(|| Duration::from_millis(u64::from(below(3) * 500))),
        }
    }

    fn hint(&self, key: SegmentKey, viewer: &Viewer) {
        let SegmentKey {
            video, rendition, ..
        } = key;
        match self.weather.below(3) {
            0 => self.origin.playback().note_served(key, viewer),
            1 => self.origin.playback().note_next(key, viewer),
            _ => self
                .origin
                .playback()
                .note_chosen(RenditionKey { video, rendition }, viewer),
        }
    }

    /// A rendition that no plan has.
    fn made_up(&self) -> RenditionId {
        let names = [
            RenditionName::Video(720),
            RenditionName::Stereo(0),
            RenditionName::TrickPlay(480),
        ];
        let name = names[self.weather.below(3) as usize];
        RenditionId::new(name, &[self.weather.below(256) as u8; 32])
    }
}

async fn expect_segment(origin: &Pipeline, key: SegmentKey, viewer: &Viewer) {
    if let Ok(found) = origin.playback().segment(key, viewer.clone()).await {
        assert_made(&found.bytes, key.rendition, key.index);
    }
}

/// Asserts that a segment that no plan has is answered as not found, at once.
async fn expect_nothing(origin: &Pipeline, key: SegmentKey, viewer: &Viewer) {
    let found = origin.playback().segment(key, viewer.clone()).await;
    let is_refused = matches!(found, Err(DemandError::NotFound | DemandError::Store(_)));
    assert!(is_refused, "{key:?}: {found:?}");
}
