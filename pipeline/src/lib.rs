//! A video's life: upload -> probe -> plan -> segments and stills -> ready.
//!
//! There is no table of jobs: what is left to do is the plan minus what is stored.

mod answers;
mod api;
mod background;
mod cluster;
mod config;
mod encoding;
mod parts;
mod plans;
mod records;
mod tasks;
mod uploads;
mod videos;

use crate::videos::start;
use std::sync::Arc;
use std::time::Duration;

use store::Stores;
use store::metadata::VideoRow;
use transcoder::Engine;

pub use crate::answers::{Crew, Delivered, DemandError, Progress};
pub use crate::api::{Playback, Uploads, Videos};
use crate::cluster::crew;
pub use crate::config::{Config, LAZY_AFTER_VIEWS};
pub use crate::encoding::seats::{Seat, Seats};
pub use crate::encoding::stills::THUMBNAIL_WIDTHS;
pub use crate::encoding::turns::{Network, Viewer};
use crate::parts::{Parts, Role};
pub use crate::plans::codecs::{CodecError, CodecState};
pub use crate::plans::remake::{Remake, RemakeError};
pub use crate::plans::texts::SideCarError;
pub use crate::uploads::blocks::BLOCK;
pub use crate::uploads::{UploadError, UploadPart, UploadWriter};
pub use crate::videos::purge::Purge;

/// The pipeline of one process; cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    parts: Arc<Parts>,
}

impl Pipeline {
    /// Starts to do everything, alone on its stores: picks up whatever was left unfinished.
    pub async fn start(
        stores: Stores,
        engine: Engine,
        config: Config,
    ) -> Result<Self, store::Error> {
        let parts = Arc::new(Parts::new(stores, Role::Alone(engine), config));
        start::recover(&parts.starts).await?;
        parts.run_alone();
        Ok(Self { parts })
    }

    /// An origin: takes uploads and serves viewers; workers make what is missing.
    pub fn origin(stores: Stores, config: Config) -> Self {
        let parts = Arc::new(Parts::new(stores, Role::Origin, config));
        parts.run_origin();
        Self { parts }
    }

    /// A worker: makes what origins ask for, and then everything else that is missing.
    pub fn worker(stores: Stores, engine: Engine, config: Config) -> Self {
        let id = stores.ids.worker();
        let parts = Arc::new(Parts::new(stores, Role::Worker(engine, id), config));
        parts.run_worker();
        Self { parts }
    }

    /// Takes nothing new and finishes what is in hand, for so long at most; to be stopped then.
    pub async fn drain(&self, within: Duration) {
        self.parts.drain(within).await;
    }

    /// Stops working: engines end, and what was in their hands is made after the next start.
    pub async fn stop(&self) {
        self.parts.stop().await;
    }

    /// How many workers there are and are wanted; nothing where this process does it all.
    pub async fn crew(&self) -> Result<Option<Crew>, store::Error> {
        match &self.parts.remote {
            Some(remote) => crew::crew(&self.parts.planner, remote).await.map(Some),
            None => Ok(None),
        }
    }

    /// Uploads: sources on their way in.
    pub fn uploads(&self) -> Uploads<'_> {
        Uploads { parts: &self.parts }
    }

    /// Videos: their rows, plans and progress, and what people change.
    pub fn videos(&self) -> Videos<'_> {
        Videos { parts: &self.parts }
    }

    /// Playback: what players ask for, and what they say of themselves.
    pub fn playback(&self) -> Playback<'_> {
        Playback { parts: &self.parts }
    }
}

/// Ends an upload that was cut off, in the row of its video, as the next start would; says whether
/// there is one.
pub fn lose_upload(row: &mut VideoRow) -> bool {
    uploads::lost(row, plan::Code::UploadLost)
}
