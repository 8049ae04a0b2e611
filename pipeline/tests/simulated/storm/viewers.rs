//! Viewers of every kind: they seek, race, come by old playlists, go away in the middle, lie about how urgent it is, and
//! ask for what there never was.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pipeline::{DemandError, Pipeline, Viewer};
use plan::{Plan, RenditionId, RenditionKey, RenditionName, SegmentKey, VideoId};
use store::metadata::VideoRow;

use super::World;
use crate::support::assert_made;

/// Networks that viewers come from; of some nothing is known.
const NETWORKS: u32 = 3;

impl World {
    /// A video is watched for a while by several, at the same time.
    pub async fn watch(&self, video: VideoId) {
        let Some(plan) = self.some_plan(video).await else {
            return;
        };
        let viewers = 1 + self.weather.below(4);
        join_all((0..viewers).map(|_| self.view(video, &plan))).await;
    }

    /// A plan of the video: the current one, or one by which somebody opened it before.
    async fn some_plan(&self, video: VideoId) -> Option<Arc<Plan>> {
        let row = self.origin.video(video).await.ok()??;
        let at = self.weather.below(row.plans.len() as u32) as usize;
        let current_plan = Some(row.plans.get(at)?.hash.clone());
        let then = VideoRow {
            current_plan,
            ..row
        };
        self.origin.plan_of(&then).await.ok()?
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
                // It seeks on before it is served.
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
                // What comes of it is an engine's; it is in nobody's way.
                _ => drop(origin.thumbnail(video, 320, below(60), &viewer).await),
            }
        }
    }

    pub fn viewer(&self) -> Viewer {
        let below = |end| self.weather.below(end);
        let network = below(NETWORKS + 1);
        Viewer {
            network: (network > 0).then(|| IpAddr::from([192, 0, 2, network as u8]).into()),
            // Some have a new one each time.
            session: (below(2) > 0).then(|| format!("session {}", below(1 << 30))),
            deadline: (below(2) > 0).then(|| Duration::from_millis(u64::from(below(3) * 500))),
        }
    }

    fn hint(&self, key: SegmentKey, viewer: &Viewer) {
        let SegmentKey {
            video, rendition, ..
        } = key;
        match self.weather.below(3) {
            0 => self.origin.handed_out(key, viewer),
            1 => self.origin.is_next(key, viewer),
            _ => self
                .origin
                .is_chosen(RenditionKey { video, rendition }, viewer),
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
    if let Ok(found) = origin.segment(key, viewer.clone()).await {
        assert_made(&found.bytes, key.rendition, key.index);
    }
}

/// What is not in any plan is not there, at once.
async fn expect_nothing(origin: &Pipeline, key: SegmentKey, viewer: &Viewer) {
    let found = origin.segment(key, viewer.clone()).await;
    let is_refused = matches!(found, Err(DemandError::NotFound | DemandError::Store(_)));
    assert!(is_refused, "{key:?}: {found:?}");
}
