//! Facts about a picture track: its size, light and rate, how hard it is to encode, and whether it can be passed
//! through.

pub(crate) mod aperture;
pub(crate) mod coded;
pub(crate) mod complexity;
pub(crate) mod gops;
pub(crate) mod light;
pub(crate) mod rate;
pub(crate) mod samples_of_pictures;
