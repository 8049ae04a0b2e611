//! The life of a video, as its row tells it: it is started, gets notes, becomes ready, is deleted.
//!
//! `start` takes a complete source to `playable`, `finish` makes a video `ready`, and `delete` removes what is left of
//! a deleted one. `inventory` and `init_segments` know what is stored of a video; `notes` says what was guessed or left
//! out; `failure` writes why a video failed; `progress` counts segments; `views` counts viewers; `purge` tells the
//! cache in front of origins. Begin with `start`.

pub(crate) mod delete;
pub(crate) mod failure;
pub(crate) mod finish;
pub(crate) mod init_segments;
pub(crate) mod inventory;
pub(crate) mod notes;
pub(crate) mod progress;
pub(crate) mod purge;
pub(crate) mod start;
pub(crate) mod views;
