//! The stores of many machines: S3, CQL for rows, and NATS for work and events.

pub mod events;
pub mod metadata;
pub mod nats;
pub mod objects;
pub mod work;
