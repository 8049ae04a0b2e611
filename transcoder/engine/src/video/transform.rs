//! Transformations of a picture between decoder and encoder: deinterlacing, shape, rotation, size, colours.

pub(crate) mod cascade;
pub(crate) mod fields;
pub(crate) mod filter_graph;
pub(crate) mod letterbox;
pub(crate) mod normalize;
pub(crate) mod rotation;
pub(crate) mod scaler;
pub(crate) mod tone_map;
pub(crate) mod weave;
