//! Stills: posters, storyboard sheets and thumbnails.
//!
//! `maker` lets one session make a still at a time. `needed` makes the stills that a video needs before it is ready.
//! `on_demand` makes the stills that a viewer asks for, and `thumbnail` takes thumbnails from stored segments where it
//! can.

mod maker;
mod needed;
mod on_demand;
mod thumbnail;

pub(crate) use self::maker::StillMaker;
pub(crate) use self::needed::{is_done_without, make_beside_segments, make_needed, record_failure};
pub(crate) use self::on_demand::{sheet, thumbnail};
pub use self::thumbnail::WIDTHS as THUMBNAIL_WIDTHS;
