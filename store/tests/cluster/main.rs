//! Tests of the cluster stores on real servers: every contract, and what a network requires in addition.

#[macro_use]
#[allow(
    dead_code,
    reason = "only the file store is tested with a killed writer"
)]
#[path = "../contract/mod.rs"]
mod contract;
mod cql;
mod nats;
#[path = "../proxy/mod.rs"]
mod proxy;
mod rowed;
mod s3;
#[path = "../servers/mod.rs"]
mod servers;
