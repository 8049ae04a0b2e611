//! The stores of many machines: S3.

pub mod objects;
