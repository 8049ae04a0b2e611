//! A video's life, as its row tells it: started, noted on, made ready, deleted.
//!
//! `start` takes a complete source to `playable`, `finish` makes a video `ready`, `delete` removes what is left of one
//! that is gone. `inventory` and `init_segments` know what is stored of a video; `notes` says what was guessed or left
//! out; `views` counts viewers, and `purge` tells the cache in front of origins. Begin with `start`.

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
