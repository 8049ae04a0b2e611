//! Which codecs manifests list: players never leave one that they have chosen, so it must be whole.

use plan::{Lazy, Plan};

use crate::Averages;

/// What a plan has besides H.264 that is whole: all of it has been measured.
pub(crate) fn lazy<'a>(plan: &'a Plan, averages: &'a Averages) -> impl Iterator<Item = &'a Lazy> {
    let is_whole = |lazy: &&Lazy| lazy.ids().all(|id| averages.contains_key(&id));
    plan.lazy.iter().filter(is_whole)
}
