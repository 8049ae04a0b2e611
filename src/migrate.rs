//! `reelmill migrate`: copies all data from the stores of one machine to those of a cluster, or back.
//!
//! The copy uses the interfaces of the crate `store` alone, and keeps no record of its own. A video's row is written to
//! the target after everything else of the video; a row in the target therefore says that the video is complete, and a
//! second run continues where the first one ended.
//!
//! Begin reading with `Migration::run`. `people.rs` copies owners and tokens, `videos.rs` goes through all videos,
//! `video.rs` copies one video and `object.rs` one object. `progress.rs`, `summary.rs` and `trouble.rs` report.

mod object;
mod people;
mod progress;
mod summary;
#[cfg(test)]
mod tests;
mod trouble;
mod video;
mod videos;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::CommandFactory;
use clap::error::ErrorKind;
use plan::OwnerId;
use store::Stores;
use store::work::ALIVE;
use tokio::sync::Semaphore;

use crate::cli::{Cli, Kind, Migrate};
use crate::server::{self, override_with};
use crate::settings::Settings;
use crate::stores;
use progress::Progress;
use summary::{Counts, Summary};

/// Runs the command, prints its summary and returns its exit code.
pub fn run(arguments: Migrate) -> ExitCode {
    if arguments.from == arguments.to {
        return refuse_arguments("--from and --to name the same stores");
    }
    let json = arguments.json;
    let runtime = tokio::runtime::Runtime::new().context("the async runtime cannot be started");
    match runtime.and_then(|runtime| runtime.block_on(migrate(arguments))) {
        Ok(summary) => {
            if json {
                println!("{}", summary.json());
            } else {
                println!("{summary}");
            }
            if summary.is_complete() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("reelmill: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Refuses a combination of arguments that `clap` cannot check, in the way in which `clap` refuses arguments.
fn refuse_arguments(why: &str) -> ExitCode {
    let mut cli = Cli::command();
    cli.build();
    let command = cli.find_subcommand_mut("migrate");
    let error = command.map(|command| command.error(ErrorKind::ArgumentConflict, why));
    if let Some(error) = error {
        let _ = error.print();
    }
    ExitCode::from(2)
}

async fn migrate(arguments: Migrate) -> Result<Summary> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    override_with(&mut settings.data, arguments.data);
    if arguments.from == Kind::Local {
        let data = &settings.data;
        ensure!(data.is_dir(), "there is no data folder {}", data.display());
    }
    let from = open(arguments.from, &settings).await?;
    let to = open(arguments.to, &settings).await?;
    if !arguments.force {
        let of_cluster = match arguments.from {
            Kind::Cluster => &from,
            Kind::Local => &to,
        };
        check_no_workers(of_cluster).await?;
    }
    let progress = Progress::on_stderr();
    let migration = Migration::new(from, to, arguments.verify, progress);
    migration.run().await
}

/// Opens the stores of a kind. The lock of a data folder is held as long as its stores live.
async fn open(kind: Kind, settings: &Settings) -> Result<Stores> {
    match kind {
        Kind::Local => stores::local(&settings.data),
        Kind::Cluster => stores::cluster(settings).await,
    }
}

/// Refuses to start while workers run in the cluster. Workers would change rows while they are copied from the cluster,
/// or continue videos that have arrived there only in part. Origins do not announce themselves and cannot be counted.
async fn check_no_workers(cluster: &Stores) -> Result<()> {
    // Each worker announces itself at least once in a third of ALIVE.
    cluster.clock.sleep(ALIVE / 2).await;
    let workers = cluster.work.workers().await?.len();
    ensure!(
        workers == 0,
        "{workers} workers are running in the cluster: stop them and the origins first, or use --force"
    );
    Ok(())
}

/// One copy of all data from some stores to others.
struct Migration {
    from: Stores,
    to: Stores,
    /// Whether every object is read back and compared; otherwise the checksums that the target reports are trusted.
    verify: bool,
    /// Ids in the target of owners who have another id there, by their id in the source.
    owner_ids: BTreeMap<OwnerId, OwnerId>,
    /// Memory for objects that are being copied, in units of `object::UNIT` bytes.
    memory: Arc<Semaphore>,
    progress: Progress,
    counts: Counts,
}

impl Migration {
    fn new(from: Stores, to: Stores, verify: bool, progress: Progress) -> Self {
        Self {
            from,
            to,
            verify,
            owner_ids: BTreeMap::new(),
            memory: object::memory(),
            progress,
            counts: Counts::default(),
        }
    }

    /// Copies everything that the target does not have.
    ///
    /// # Errors
    /// A store does not answer, or is full. A video that cannot be copied for a reason of its own is only counted, and
    /// the others are copied.
    async fn run(mut self) -> Result<Summary> {
        let clock = Arc::clone(&self.from.clock);
        let began = clock.now();
        self.copy_people()
            .await
            .context("owners and tokens cannot be copied")?;
        let migration = Arc::new(self);
        let videos = tokio::select! {
            copied = videos::copy_all(&migration) => copied,
            () = migration.progress.show(&*clock) => unreachable!("showing progress never ends"),
        };
        migration.progress.clear();
        let incomplete = "the copy is not complete; run again to continue it";
        let videos = videos.context(incomplete)?;
        let seconds = clock.now().since(began).as_secs_f64();
        Ok(Summary::new(videos, &migration.counts, seconds))
    }
}
