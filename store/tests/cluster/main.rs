//! The stores of many machines keep every contract on real servers, and what else a network asks
//! of them.

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
#[path = "../servers/mod.rs"]
mod servers;
