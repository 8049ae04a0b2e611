//! `reelmill migrate`: all that lies in the stores of one kind, into those of the other.
//!
//! It works above the seams, and its only memory is the target: a video's row is put there after
//! everything else of it, so a row that is there says that the video is whole.

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
use crate::server::{self, set};
use crate::settings::Settings;
use crate::stores;
use progress::Progress;
use summary::{Counts, Summary};

pub fn run(arguments: Migrate) -> ExitCode {
    if arguments.from == arguments.to {
        return unusable("--from and --to name the same stores");
    }
    let json = arguments.json;
    let runtime = tokio::runtime::Runtime::new().context("no runtime");
    match runtime.and_then(|runtime| runtime.block_on(migrate(arguments))) {
        Ok(summary) => {
            if json {
                println!("{}", summary.json());
            } else {
                println!("{summary}");
            }
            if summary.is_whole() {
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

/// Wrong arguments that `clap` cannot tell.
fn unusable(why: &str) -> ExitCode {
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
    set(&mut settings.data, arguments.data);
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
        nobody_works(of_cluster).await?;
    }
    let progress = Progress::on_stderr();
    let migration = Migration::new(from, to, arguments.verify, progress);
    migration.run().await
}

/// The stores of a kind. The lock of a data folder is held as long as they live.
async fn open(kind: Kind, settings: &Settings) -> Result<Stores> {
    match kind {
        Kind::Local => stores::local(&settings.data),
        Kind::Cluster => stores::cluster(settings).await,
    }
}

/// Refuses where workers are at work, which would change rows while they are read, or go on with
/// what has only half arrived. Origins do not announce themselves.
async fn nobody_works(cluster: &Stores) -> Result<()> {
    // Each is heard at least once in a third of this.
    cluster.clock.sleep(ALIVE / 2).await;
    let workers = cluster.work.workers().await?.len();
    ensure!(
        workers == 0,
        "{workers} workers are at work in the cluster: stop them and the origins first, or say --force"
    );
    Ok(())
}

/// Everything of some stores, into others.
struct Migration {
    from: Stores,
    to: Stores,
    /// Read everything back, in place of trusting what the target says of it.
    verify: bool,
    /// Owners who have another id in the target.
    others: BTreeMap<OwnerId, OwnerId>,
    /// For the bytes of objects that are under way.
    room: Arc<Semaphore>,
    progress: Progress,
    counts: Counts,
}

impl Migration {
    fn new(from: Stores, to: Stores, verify: bool, progress: Progress) -> Self {
        Self {
            from,
            to,
            verify,
            others: BTreeMap::new(),
            room: object::room(),
            progress,
            counts: Counts::default(),
        }
    }

    /// Copies all that is not there.
    ///
    /// # Errors
    /// Where a store does not answer, or is full. A video that cannot be copied is counted, and
    /// the others are.
    async fn run(mut self) -> Result<Summary> {
        let clock = Arc::clone(&self.from.clock);
        let began = clock.now();
        self.people().await.context("owners and tokens")?;
        let migration = Arc::new(self);
        let videos = tokio::select! {
            done = videos::all(&migration) => done,
            () = migration.progress.show(&*clock) => unreachable!("it shows for ever"),
        };
        migration.progress.clear();
        let again = "not everything is copied; run again, it goes on where it was";
        let videos = videos.context(again)?;
        let seconds = clock.now().since(began).as_secs_f64();
        Ok(Summary::new(videos, &migration.counts, seconds))
    }
}
