//! What is refused, and how it is said.

use std::path::Path;
use std::process::{Command, Output};

use store::work::{ALIVE, Worker};

use super::{DOWN, House, UP, local, said};
use crate::servers;

/// Without settings of a cluster.
fn migrate(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reelmill"))
        .args(["migrate", "--data"])
        .arg(data)
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn wrong_arguments_end_with_their_code() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["--from", "local", "--to", "local"][..],
        &["--from", "cluster", "--to", "cluster"],
        &["--from", "local"],
        &["--from", "local", "--to", "nowhere"],
    ] {
        let refused = migrate(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let same = migrate(folder.path(), &["--from", "local", "--to", "local"]);
    let said = said(&same);
    assert!(
        said.contains("--from and --to name the same stores"),
        "{said}"
    );
    assert!(said.contains("Usage: reelmill migrate"), "{said}");
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = migrate(&folder.path().join("nowhere"), &UP);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("there is no data folder"));
    assert!(!folder.path().join("nowhere").exists());
    for arguments in [UP, DOWN] {
        let refused = migrate(folder.path(), &arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(said(&refused).contains("the settings have no [cluster]"));
    }
}

#[tokio::test]
async fn a_folder_that_a_server_uses_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let _used = local(folder.path());
    let refused = migrate(folder.path(), &UP);
    assert_eq!(refused.status.code(), Some(1));
    let pid = format!("(pid {})", std::process::id());
    let said = said(&refused);
    assert!(said.contains("is in use") && said.contains(&pid), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyspace_without_tables_is_refused() {
    let house = House::over(servers::cql::Keyspace::empty().await).await;
    drop(local(&house.data("first")));
    let refused = house.migrate("first", &UP);
    assert_eq!(refused.status.code(), Some(1));
    let said = said(&refused);
    assert!(
        said.contains("`reelmill schema` brings it up to date"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_with_workers_is_refused_unless_it_is_forced() {
    let house = House::open().await;
    drop(local(&house.data("first")));
    let cluster = house.cluster().await;
    let announcing = tokio::spawn(async move {
        let id = cluster.ids.worker();
        loop {
            let worker = Worker {
                id,
                cores: 2,
                memory_bytes: 1,
                warm: Vec::new(),
                declines: Vec::new(),
                drains: false,
            };
            cluster.work.announce(worker).await.unwrap();
            cluster.clock.sleep(ALIVE / 3).await;
        }
    });
    for arguments in [UP, DOWN] {
        let refused = house.migrate("first", &arguments);
        assert_eq!(refused.status.code(), Some(1));
        let said = said(&refused);
        assert!(said.contains("1 workers are running"), "{said}");
        let forced = house.migrate("first", &[&arguments[..], &["--force"]].concat());
        assert!(forced.status.success());
    }
    announcing.abort();
}
