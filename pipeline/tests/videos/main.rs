//! Videos over the embedded stores and the real engine, from upload to `ready` and beyond.
//!
//! Programs of their own are `killed`, which kills every engine that its process has started, and
//! `mutants`, which counts what its process leaves behind.

mod codecs;
mod house;
mod life;
mod reads;
mod texts;
