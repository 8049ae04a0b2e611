//! The stores of many machines: S3, and CQL for rows.

pub mod metadata;
pub mod objects;
