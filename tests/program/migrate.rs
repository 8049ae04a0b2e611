//! `reelmill migrate`, as an operator runs it, on real servers.

mod library;
mod refusals;
mod speed;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use aws_sdk_s3::types::Object;
use serde_json::Value;
use store::cluster::objects::{Access, S3};
use store::cluster::{Cluster, Settings};
use store::local::Local;
use store::metadata::{PageRequest, Source, State};
use store::{Layout, ObjectKey, Stores};
use tempfile::TempDir;

use self::library::{Contents, fill, fill_more, segment};
use crate::servers;
use crate::servers::clock;
use crate::servers::cql::Keyspace;
use crate::servers::nats::Installation;

/// Stores of a cluster that nobody else has, and room for data folders.
struct House {
    folder: TempDir,
    bucket: S3,
    keyspace: Keyspace,
    installation: Installation,
}

impl House {
    async fn open() -> Self {
        Self::over(Keyspace::migrated().await).await
    }

    async fn over(keyspace: Keyspace) -> Self {
        let house = Self {
            folder: TempDir::new().unwrap(),
            bucket: servers::s3::bucket().await,
            keyspace,
            installation: Installation::new(),
        };
        std::fs::write(house.config(), house.settings()).unwrap();
        house
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("reelmill.toml")
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self) -> String {
        let Access { key, secret } = self.bucket.access.as_ref().unwrap();
        format!(
            "[cluster.objects]\nbucket = {:?}\nendpoint = {:?}\naccess_key = {key:?}\n\
             secret_key = {secret:?}\npath_style = true\n\
             [cluster.metadata]\nnodes = {:?}\nkeyspace = {:?}\n\
             [cluster.messages]\nservers = {:?}\nprefix = {:?}\n",
            self.bucket.bucket,
            self.bucket.endpoint.as_ref().unwrap(),
            self.keyspace.0.nodes,
            self.keyspace.0.keyspace,
            self.installation.0.servers,
            self.installation.0.prefix,
        )
    }

    async fn cluster(&self) -> Stores {
        let settings = Settings {
            objects: self.bucket.clone(),
            metadata: self.keyspace.0.clone(),
            messages: self.installation.0.clone(),
        };
        Cluster::open(&settings, clock()).await.unwrap()
    }

    fn command(&self, data: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reelmill"));
        command.arg("migrate").arg("--config").arg(self.config());
        command.arg("--data").arg(self.data(data)).args(arguments);
        command
    }

    fn migrate(&self, data: &str, arguments: &[&str]) -> Output {
        self.command(data, arguments).output().unwrap()
    }

    /// The summary of a migration that copies all.
    fn done(&self, data: &str, arguments: &[&str]) -> Value {
        let done = self.migrate(data, &[arguments, &["--json"]].concat());
        assert!(done.status.success(), "{}", said(&done));
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// Has a migration killed again and again, each time that it has copied so many objects more,
    /// as `count` counts them; says how often.
    async fn kill(&self, data: &str, to: &[&str], count: impl AsyncFn() -> usize) -> usize {
        let mut kills = 0;
        for more in [1, 40, 90] {
            let before = count().await;
            let mut running = self.command(data, to);
            let mut running = running.stderr(Stdio::null()).spawn().unwrap();
            loop {
                if running.try_wait().unwrap().is_some() {
                    return kills;
                }
                if count().await >= before + more {
                    break;
                }
            }
            running.kill().unwrap();
            running.wait().unwrap();
            kills += 1;
        }
        kills
    }

    async fn objects_in_bucket(&self) -> usize {
        let list = servers::s3::client().list_objects_v2();
        let found = list.bucket(&self.bucket.bucket).send().await.unwrap();
        assert_eq!(found.is_truncated(), Some(false));
        // What a store is tried with when it is opened stays where somebody is killed then.
        let ours = |object: &&Object| !object.key().unwrap().starts_with("trials/");
        found.contents().iter().filter(ours).count()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn local(data: &Path) -> Stores {
    Local::open(data, Layout::Store, clock()).unwrap()
}

fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let count = |path: PathBuf| if path.is_dir() { files(&path) } else { 1 };
    entries.map(|entry| count(entry.unwrap().path())).sum()
}

const UP: [&str; 4] = ["--from", "local", "--to", "cluster"];
const DOWN: [&str; 4] = ["--from", "cluster", "--to", "local"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_and_back_everything_is_the_same() {
    let house = House::open().await;
    let stores = local(&house.data("first"));
    let library = fill(&stores).await;
    let expected = Contents::of(&stores).await.recovered();
    drop(stores);

    let up = house.done("first", &UP);
    assert_eq!(up["videos"]["copied"], 4);
    assert_eq!(up["videos"]["cut_off"], 1);
    assert_eq!(up["objects"]["copied"], expected.objects.len());
    let cluster = house.cluster().await;
    let theirs = Contents::of(&cluster).await;
    assert!(theirs == expected);
    assert_eq!(theirs.videos[&library.receiving].source, Source::Lost);
    assert_eq!(theirs.videos[&library.deleted].state, State::Deleted);
    // Readers of lists find what readers of rows do.
    let page = PageRequest::first(10);
    let unfinished = cluster.metadata.videos().list_unfinished(&page).await;
    let unfinished = unfinished.unwrap().items;
    assert_eq!(unfinished.len(), 1);
    assert_eq!(unfinished[0].id, library.playable);
    drop(cluster);

    let down = house.done("second", &[&DOWN[..], &["--verify"]].concat());
    assert_eq!(down["videos"]["copied"], 4);
    assert!(Contents::of(&local(&house.data("second"))).await == expected);

    let again = house.done("second", &DOWN);
    assert_eq!(again["videos"]["there"], 4);
    assert_eq!(again["bytes"], 0);

    // A byte of what was published changes on the disk.
    let key = ObjectKey::Segment(segment(library.ready, 3));
    let file = house.data("second").join("objects").join(key.path());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let damaged = house.migrate("second", &[&DOWN[..], &["--verify"]].concat());
    assert_eq!(damaged.status.code(), Some(1));
    assert!(said(&damaged).contains(&key.path()), "{}", said(&damaged));
    let summary = String::from_utf8(damaged.stdout).unwrap();
    assert!(
        summary.contains("already in the target: 3 videos"),
        "{summary}"
    );
    assert!(summary.contains("1 videos are not copied"), "{summary}");
}

/// A store may still take what a killed process had sent: then there is less to copy.
fn assert_goes_on(rest: &Value, there: usize, all: usize) {
    let of = |what: &str| rest["objects"][what].as_u64().unwrap() as usize;
    assert_eq!(of("copied") + of("there"), all);
    assert!(of("copied") <= all - there, "{rest} {there}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_killed_goes_on_and_ends_with_the_same() {
    let house = House::open().await;
    let stores = local(&house.data("first"));
    let library = fill(&stores).await;
    fill_more(&stores, library.ann, 20).await;
    let expected = Contents::of(&stores).await.recovered();
    drop(stores);

    // Nobody works there; it need not be listened for.
    let up = [&UP[..], &["--force"]].concat();
    let kills = house.kill("first", &up, || house.objects_in_bucket());
    let kills = kills.await;
    assert!(kills > 1, "{kills}");
    let there = house.objects_in_bucket().await;
    let rest = house.done("first", &up);
    assert_goes_on(&rest, there, expected.objects.len());
    assert!(Contents::of(&house.cluster().await).await == expected);

    let down = [&DOWN[..], &["--force"]].concat();
    let objects = house.data("second").join("objects");
    let kills = house.kill("second", &down, async || files(&objects)).await;
    assert!(kills > 1, "{kills}");
    let there = files(&objects);
    let rest = house.done("second", &down);
    assert_goes_on(&rest, there, expected.objects.len());
    assert!(Contents::of(&local(&house.data("second"))).await == expected);
}
