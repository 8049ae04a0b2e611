//! Videos over the embedded stores and the real engine, from upload to `ready` and beyond.
//!
//! Two tests are programs of their own: `killed` kills every engine that its process has started, and `mutants` counts
//! what its process leaves behind.

mod codecs;
mod house;
mod life;
mod reads;
mod texts;
