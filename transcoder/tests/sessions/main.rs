//! Sessions with engines that are not as they should be.

mod bounds;
mod ends;
mod hostile;
mod wire;
