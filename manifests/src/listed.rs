//! Choice of the codecs that manifests list. Players never leave a codec that they have chosen, so a codec must be
//! complete.

use plan::{Lazy, Plan};

use crate::Averages;

/// Lazy codecs of a plan that are complete, which means that all their renditions have been measured.
pub(crate) fn lazy<'a>(plan: &'a Plan, averages: &'a Averages) -> impl Iterator<Item = &'a Lazy> {
    let is_whole = |lazy: &&Lazy| lazy.ids().all(|id| averages.contains_key(&id));
    plan.lazy.iter().filter(is_whole)
}
