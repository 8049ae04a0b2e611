//! What the manifests say, read back by parsers that nobody here wrote.

mod dash;
mod hls;
mod hostile;
mod side_cars;
mod snapshots;
// The plan's own tests know the same sources.
#[path = "../../../plan/tests/suite/sources.rs"]
mod sources;
mod text;
mod trick_play;
mod vtt;
