//! Pictures: they are decoded to the output grid, transformed, and encoded rung by rung.
//!
//! `pictures` decodes one picture for each tick of the grid. `transform` brings it to the size, shape and colours of
//! each rung. `rung_encoder` feeds `encode`, which makes one segment with a fresh encoder; `attempts` repeats this
//! until the segment is under its cap. `pass_through` cuts segments out of the source's own coded pictures. Begin
//! with `pictures`.

pub(crate) mod attempts;
pub(crate) mod encode;
pub(crate) mod pass_through;
pub(crate) mod pictures;
pub(crate) mod rung_encoder;
pub(crate) mod transform;
