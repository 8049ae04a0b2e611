//! The stores of many machines keep every contract on real servers, and what else a network asks
//! of them. `REELMILL_TEST_S3`, `REELMILL_TEST_CQL` and `REELMILL_TEST_NATS` name servers; without
//! them they are started (`deploy/services.sh`).

#[macro_use]
#[allow(dead_code, reason = "only a writer of files is killed")]
#[path = "../contract/mod.rs"]
mod contract;
mod cql;
mod nats;
#[path = "../proxy/mod.rs"]
mod proxy;
mod rowed;
mod s3;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use store::{Clock, SystemClock};

/// Where a server is, started once for all tests.
fn server(service: &str, variable: &str) -> String {
    if let Ok(given) = std::env::var(variable) {
        return given;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let started = Command::new(root.join("deploy/services.sh"))
        .args(["up", service])
        .arg(root.join("target/services").join(service))
        .output()
        .unwrap();
    assert!(started.status.success(), "{started:?}");
    String::from_utf8(started.stdout).unwrap().trim().to_owned()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}
