//! The crew: how many workers there are and how many are wanted, for an autoscaler.

use store::metadata::{PageRequest, Source, VideoRow};

use crate::answers::Crew;
use crate::cluster::ask::RemoteWorkers;
use crate::plans::planner::Planner;
use crate::videos::progress;

/// Rows that are read at once.
const PAGE: u32 = 200;
/// Pages of rows that are read: with more left to do than that, all workers are wanted in any case.
const PAGES: usize = 5;
/// Videos whose stored segments are counted; further videos count as wholly unmade.
const LOOKED_AT: usize = 32;
/// Duration that a video counts of which nothing is known yet, in microseconds.
const UNKNOWN_US: u64 = 60_000_000;

/// Counts the workers, and those that would make everything within
/// [`Config::finish_within`](crate::Config::finish_within), if a worker makes a second of media in a second.
pub(crate) async fn crew(planner: &Planner, remote: &RemoteWorkers) -> Result<Crew, store::Error> {
    let workers = planner.records.stores.work.workers().await?;
    let mut left_us = 0_u64;
    let mut looked_at = 0;
    let mut page = PageRequest::first(PAGE);
    for _ in 0..PAGES {
        let videos = planner.records.stores.metadata.videos();
        let found = videos.list_unfinished(&page).await?;
        for row in found.items {
            if row.source == Source::Complete {
                left_us += left_us_of(planner, &row, &mut looked_at).await?;
            }
        }
        match found.next {
            Some(cursor) => page = PageRequest::after(cursor, PAGE),
            None => break,
        }
    }
    let within_us = u64::try_from(planner.config.finish_within.as_micros()).unwrap_or(u64::MAX);
    // A viewer who was sent away comes again, and at least one worker should be there then.
    let lacked = remote.lacks_workers();
    let wanted = left_us.div_ceil(within_us.max(1)).max(u64::from(lacked));
    Ok(Crew {
        workers: workers.iter().filter(|worker| !worker.drains).count() as u64,
        wanted,
        left_seconds: left_us.div_ceil(1_000_000),
    })
}

/// Microseconds of a video that are left to make; all renditions together count once.
async fn left_us_of(
    planner: &Planner,
    row: &VideoRow,
    looked_at: &mut usize,
) -> Result<u64, store::Error> {
    let whole = row.duration_us.map_or(UNKNOWN_US, i64::unsigned_abs);
    if !row.is_in_the_making() || *looked_at >= LOOKED_AT {
        return Ok(whole);
    }
    *looked_at += 1;
    let progress = progress::progress(&planner.plans, &planner.inventory, row).await?;
    let left = progress.total.saturating_sub(progress.made);
    // A video that lacks only its poster is not done either.
    let part = u128::from(whole) * u128::from(left) / u128::from(progress.total.max(1));
    Ok(u64::try_from(part).unwrap_or(whole).max(1))
}
