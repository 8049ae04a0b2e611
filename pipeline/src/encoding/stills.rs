//! Stills: posters, storyboard sheets and thumbnails.
//!
//! `maker` makes one at a time. `needed` has those made that a video needs before it is ready; `on_demand` those that
//! somebody asks for, of which `thumbnail` takes most from stored segments.

mod maker;
mod needed;
mod on_demand;
mod thumbnail;

pub(crate) use self::maker::StillMaker;
pub(crate) use self::needed::{beside, failed, is_done_without, needed};
pub(crate) use self::on_demand::{sheet, thumbnail};
pub use self::thumbnail::WIDTHS as THUMBNAIL_WIDTHS;
