//! Stands for the engine's folder of this name, by which its parsers refer to the units of coded pictures.

#[path = "../../../transcoder/engine/src/input/coded_units.rs"]
pub(crate) mod coded_units;
