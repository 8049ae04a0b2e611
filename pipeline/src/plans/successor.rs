//! Successor: another plan of a video becomes the current one. Older plans stay listed in the video's row, so that
//! players that use their renditions play on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use plan::{CueList, Plan, RenditionId, RenditionKey, VideoId};
use store::ObjectKey;
use store::metadata::{PlanRef, VideoRow};

use crate::plans::Plans;
use crate::records::Records;

/// Plans of one video that stay listed, so that their renditions are found. Beyond that the second-oldest plan leaves
/// the list, and with it text that was replaced so often. The first plan is kept, because it has the rungs that were
/// left out since.
const MOST_PLANS: usize = 64;
/// Tries to replace the current plan while others replace it too; with every failed try another process has made
/// progress.
const TRIES: usize = 20;

/// Pause between two tries while an old plan with the same hash is being deleted.
const DELETION_PAUSE: Duration = Duration::from_secs(1);

/// A plan that follows the current one.
pub(crate) struct Successor {
    pub(crate) plan: Plan,
    /// Cues of the plan's new text renditions.
    pub(crate) cues: Vec<(RenditionId, CueList)>,
}

/// Makes a plan from the current one, stores it and makes it the current one; starts again from the newest plan if that
/// changed meanwhile. Nothing changes where the row does not pass `is_open`, or where `make` returns no plan. Returns
/// the row as it is now.
pub(crate) async fn succeed(
    plans: &Plans,
    video: VideoId,
    is_open: fn(&VideoRow) -> bool,
    mut make: impl FnMut(&Plan) -> Option<Successor> + Send,
    notes: &[plan::Note],
) -> Result<VideoRow, store::Error> {
    for _ in 0..TRIES {
        let row = plans
            .records
            .living(video)
            .await?
            .ok_or(store::Error::NotFound)?;
        let Some(before) = row.current_plan.clone().filter(|_| is_open(&row)) else {
            return Ok(row);
        };
        let current = plans.load(video, &before).await?;
        let Some(next) = make(&current) else {
            return Ok(row);
        };
        let adds_media = adds_media(&next.plan, &current);
        let (plan, cues) = (Arc::new(next.plan), next.cues);
        store_cues(&plans.records, video, &cues).await?;
        let hash = plans.save(video, &plan).await?;
        if hash == before {
            return Ok(row);
        }
        let now = plans.records.stores.clock.now_us();
        let (mut is_done, mut is_being_deleted) = (false, false);
        let listed = |row: &mut VideoRow| {
            // The plan may be an old one that is being deleted and now comes back.
            is_being_deleted = row
                .plans
                .iter()
                .any(|known| known.leaves && known.hash == hash);
            is_done =
                !is_being_deleted && is_open(row) && row.current_plan.as_ref() == Some(&before);
            if is_done {
                list(row, &before, &hash, adds_media, now);
                row.notes.extend_from_slice(notes);
            }
            is_done
        };
        let row = plans.records.change(video, listed).await?;
        if is_done {
            // A process that had not read the new list may have deleted the objects meanwhile, so they are stored
            // again.
            store_cues(&plans.records, video, &cues).await?;
            plans.save(video, &plan).await?;
            return Ok(row);
        }
        if is_being_deleted {
            plans.records.stores.clock.sleep(DELETION_PAUSE).await;
        }
    }
    Err(store::Error::Conflict)
}

/// Whether a plan has media that the plan before it did not have.
fn adds_media(next: &Plan, before: &Plan) -> bool {
    next.every_media().any(|id| !before.lists(id))
}

async fn store_cues(
    records: &Records,
    video: VideoId,
    cues: &[(RenditionId, CueList)],
) -> Result<(), store::Error> {
    for (rendition, list) in cues {
        let rendition = *rendition;
        let key = ObjectKey::Cues(RenditionKey { video, rendition });
        let json = serde_json::to_vec(list).map_err(|e| store::Error::corrupt(e.to_string()))?;
        let objects = &records.stores.objects;
        objects.put_if_absent(&key, Bytes::from(json)).await?;
    }
    Ok(())
}

/// Writes the new plan into the row and makes it the current one.
fn list(row: &mut VideoRow, before: &str, hash: &str, adds_media: bool, now_us: i64) {
    for known in row.plans.iter_mut().filter(|known| known.hash == before) {
        known.retired_at_us = Some(now_us);
    }
    // A plan that was current before is listed once.
    row.plans.retain(|known| known.hash != hash);
    row.plans.push(PlanRef {
        hash: hash.to_owned(),
        current_since_us: now_us,
        retired_at_us: None,
        leaves: false,
    });
    let surplus = row.plans.len().saturating_sub(MOST_PLANS);
    row.plans.drain(1..=surplus);
    // The new plan adds nothing to encode, so a whole video stays whole.
    if !adds_media && row.whole_plan.as_deref() == Some(before) {
        row.whole_plan = Some(hash.to_owned());
    }
    row.current_plan = Some(hash.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_that_come_back_are_listed_once_and_the_list_has_an_end() {
        let ids = store::Ids::new(Arc::new(store::SystemClock::new()));
        let mut row = VideoRow::new(ids.video(), ids.owner(), String::new(), 0);
        row.current_plan = Some("0".into());
        row.whole_plan = row.current_plan.clone();
        for (now, next) in (1..200).chain([190, 198]).enumerate() {
            let before = row.current_plan.clone().unwrap();
            list(&mut row, &before, &next.to_string(), false, now as i64);
        }
        assert_eq!(row.plans.len(), MOST_PLANS);
        assert_eq!(row.plans[0].hash, "1");
        let current: Vec<_> = row
            .plans
            .iter()
            .filter(|p| p.retired_at_us.is_none())
            .collect();
        assert!(matches!(current[..], [one] if one.hash == "198"));
        assert_eq!(row.plans.iter().filter(|p| p.hash == "198").count(), 1);
        assert_eq!(
            (&row.current_plan, &row.whole_plan),
            (&Some("198".into()), &Some("198".into()))
        );
    }
}
