//! The parent checks init segments and segments that an engine says it made; any bytes may come.

use std::sync::LazyLock;

use cmaf::check;
use plan::{LazyCodec, Plan, Policy, RenditionId};

/// The plan of a film of four seconds, in every codec.
pub static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let plan = plan::make_plan(&sketch::film::info(4), &Policy::default());
    let plan = plan.expect("a film of four seconds");
    let plan = plan.with_codec(LazyCodec::Hevc).expect("it has pictures");
    plan.with_codec(LazyCodec::Av1).expect("it has pictures")
});

/// Products are of this segment.
pub const SEGMENT: u32 = 1;

/// All renditions of the plan.
pub fn renditions() -> Vec<RenditionId> {
    PLAN.every_media().collect()
}

/// A byte that says which rendition, one that says whether it is an init segment, and that or a segment.
pub fn run(bytes: &[u8]) {
    let [which, kind, product @ ..] = bytes else {
        return;
    };
    let renditions = renditions();
    let id = renditions[usize::from(*which) % renditions.len()];
    if kind % 2 == 0 {
        let found = check::init(&PLAN, id, product);
        assert!(found.is_err() || product.len() <= check::MOST_INIT_BYTES);
        return;
    }
    let init = sketch::init(&PLAN, id, 0);
    if check::segment(&PLAN, id, SEGMENT, &init, product).is_ok() {
        assert!(product.len() as u64 <= check::most_bytes(&PLAN, id, SEGMENT));
        // No other segment and no other rendition is as this one is.
        assert!(check::segment(&PLAN, id, SEGMENT + 1, &init, product).is_err());
    }
}
