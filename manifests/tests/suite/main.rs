//! Tests of the manifests, read back by parsers that other people wrote.

mod dash;
mod hls;
mod hostile;
mod side_cars;
mod snapshots;
// The sample sources are those of the plan's own tests.
#[path = "../../../plan/tests/suite/sources.rs"]
mod sources;
mod text;
mod trick_play;
mod vtt;
