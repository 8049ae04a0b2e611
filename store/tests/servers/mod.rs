//! Real servers for the tests, and a separate area on each server for every test. `REELMILL_TEST_S3`,
//! `REELMILL_TEST_CQL` and `REELMILL_TEST_NATS` give their addresses; without these variables the servers are started
//! (`deploy/services.sh`).

pub mod cql;
pub mod nats;
pub mod s3;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use store::{Clock, SystemClock};

/// Address of a server, which is started once for all tests.
fn server(service: &str, variable: &str) -> String {
    if let Ok(given) = std::env::var(variable) {
        return given;
    }
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = folders.find(|at| at.join("deploy/services.sh").exists());
    let root = root.unwrap();
    let started = Command::new(root.join("deploy/services.sh"))
        .args(["up", service])
        .arg(root.join("target/services").join(service))
        .output()
        .unwrap();
    assert!(started.status.success(), "{started:?}");
    String::from_utf8(started.stdout).unwrap().trim().to_owned()
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// Runs a future to completion at the end of a test, whichever runtime the test uses.
fn at_end(forget: impl Future<Output = ()> + Send + 'static) {
    let gone = std::thread::spawn(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(forget);
    });
    let _ = gone.join();
}
