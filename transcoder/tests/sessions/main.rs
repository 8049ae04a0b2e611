//! Sessions with engines that misbehave.

mod bounds;
mod ends;
mod hostile;
mod wire;
