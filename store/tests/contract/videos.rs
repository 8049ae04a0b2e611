//! Contract of `Videos`, as tests.

use futures::future;
use plan::rendition::RenditionName;
use plan::{Code, Note, OwnerId, UploadId, VideoId};
use store::Error;
use store::metadata::videos::change;
use store::metadata::{
    PageRequest, PlanRef, Priority, Source, SourcePart, State, VideoError, VideoRow, Videos,
};

use super::sample::{rendition, video};

/// A row in which every field has a value.
fn full() -> VideoRow {
    let mut row = video(OwnerId::new(), 1_700_000_000_000_000);
    row.title = "Ünï \"quoted\" 'title' 🎬".into();
    row.source = Source::Complete;
    row.state = State::Failed;
    row.parts = vec![SourcePart {
        upload: UploadId::new(),
        bytes: 1 << 40,
    }];
    row.received_bytes = 1 << 40;
    row.declared_size = Some(1 << 41);
    row.plans = vec![PlanRef {
        hash: "p1".into(),
        current_since_us: 5,
        retired_at_us: Some(6),
        leaves: false,
    }];
    row.current_plan = Some("p1".into());
    row.whole_plan = Some("p0".into());
    row.average_bandwidth = [(rendition(RenditionName::Video(720)), 1_234_567)].into();
    row.error = Some(VideoError {
        code: Code::EngineCrashed,
        message: "It died.".into(),
    });
    row.notes = vec![Note {
        track: Some(1),
        code: Code::Corrupt,
        message: "A hole.".into(),
        span_us: Some((1, 2)),
    }];
    row.priority = Priority::Bulk;
    (row.uploaded_at_us, row.playable_at_us, row.ready_at_us) = (Some(1), Some(2), Some(3));
    row.duration_us = Some(30_000_000);
    (row.width_px, row.height_px, row.stored_bytes) = (Some(1920), Some(1080), Some(9));
    row
}

pub async fn a_row_is_read_as_it_was_written(videos: &dyn Videos) {
    for row in [full(), video(OwnerId::new(), -1)] {
        assert_eq!(videos.get(&row.id).await.unwrap(), None);
        videos.insert(&row).await.unwrap();
        assert_eq!(videos.get(&row.id).await.unwrap(), Some(row.clone()));
        assert!(matches!(videos.insert(&row).await, Err(Error::Conflict)));
    }
}

pub async fn a_change_raises_the_epoch_and_needs_the_last_one(videos: &dyn Videos) {
    let mut row = video(OwnerId::new(), 1);
    assert!(matches!(
        videos.compare_and_set(&row).await,
        Err(Error::NotFound)
    ));
    videos.insert(&row).await.unwrap();
    row.state = State::Probing;
    let stored = videos.compare_and_set(&row).await.unwrap();
    assert_eq!(
        stored,
        VideoRow {
            epoch: 1,
            ..row.clone()
        }
    );
    assert_eq!(videos.get(&row.id).await.unwrap(), Some(stored));
    assert!(matches!(
        videos.compare_and_set(&row).await,
        Err(Error::Conflict)
    ));
}

pub async fn of_twelve_racers_one_changes_the_row(videos: &dyn Videos) {
    let row = video(OwnerId::new(), 1);
    videos.insert(&row).await.unwrap();
    let racers = (0..12).map(|racer| {
        let row = VideoRow {
            title: format!("racer {racer}"),
            ..row.clone()
        };
        async move { videos.compare_and_set(&row).await }
    });
    let done = future::join_all(racers).await;
    let won: Vec<_> = done.iter().filter_map(|done| done.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(videos.get(&row.id).await.unwrap().as_ref(), Some(won[0]));
    assert!(
        done.iter()
            .all(|done| matches!(done, Ok(_) | Err(Error::Conflict)))
    );
}

pub async fn concurrent_changes_all_happen(videos: &dyn Videos) {
    let row = video(OwnerId::new(), 1);
    videos.insert(&row).await.unwrap();
    let changes = (0..8).map(|_| {
        change(videos, &row.id, |row| {
            row.received_bytes += 1;
            true
        })
    });
    for done in future::join_all(changes).await {
        done.unwrap();
    }
    let kept = change(videos, &row.id, |_| false).await.unwrap();
    assert_eq!((kept.received_bytes, kept.epoch), (8, 8));
    let missing = change(videos, &VideoId::new(), |_| true).await;
    assert!(matches!(missing, Err(Error::NotFound)));
}

async fn walk(videos: &dyn Videos, owner: Option<&OwnerId>, limit: u32) -> Vec<VideoId> {
    let mut found = Vec::new();
    let mut page = PageRequest::first(limit);
    loop {
        let got = videos.list(owner, &page).await.unwrap();
        assert!(got.items.len() <= limit as usize);
        found.extend(got.items.iter().map(|row| row.id));
        match got.next {
            Some(cursor) => page = PageRequest::after(cursor, limit),
            None => return found,
        }
    }
}

pub async fn pages_are_newest_first_and_leave_nothing_out(videos: &dyn Videos) {
    let (owner, other) = (OwnerId::new(), OwnerId::new());
    let mut rows = Vec::new();
    for at in 0..25 {
        // Five videos share each time stamp.
        let row = video(if at % 3 == 0 { other } else { owner }, at / 5);
        videos.insert(&row).await.unwrap();
        rows.push(row);
    }
    rows.sort_by_key(|row| std::cmp::Reverse((row.created_at_us, row.id.to_string())));
    let of = |whose: Option<OwnerId>| -> Vec<VideoId> {
        let whose = rows
            .iter()
            .filter(|row| whose.is_none_or(|owner| row.owner == owner));
        whose.map(|row| row.id).collect()
    };
    for limit in [1, 4, 25, 100] {
        assert_eq!(walk(videos, None, limit).await, of(None));
        assert_eq!(walk(videos, Some(&owner), limit).await, of(Some(owner)));
        assert_eq!(walk(videos, Some(&other), limit).await, of(Some(other)));
    }
    assert_eq!(walk(videos, Some(&OwnerId::new()), 10).await, []);
}

pub async fn a_cursor_stays_right_while_videos_come_and_go(videos: &dyn Videos) {
    let owner = OwnerId::new();
    let rows: Vec<_> = (0..6).map(|at| video(owner, at)).collect();
    for row in &rows {
        videos.insert(row).await.unwrap();
    }
    let first = videos
        .list(Some(&owner), &PageRequest::first(3))
        .await
        .unwrap();
    videos.insert(&video(owner, 100)).await.unwrap();
    videos.remove(&rows[3].id).await.unwrap();
    let cursor = first.next.unwrap().to_string().parse().unwrap();
    let second = videos
        .list(Some(&owner), &PageRequest::after(cursor, 3))
        .await
        .unwrap();
    assert_eq!(
        second
            .items
            .iter()
            .map(|row| row.created_at_us)
            .collect::<Vec<_>>(),
        [2, 1, 0]
    );
    assert_eq!(second.next, None);
}

pub async fn a_tombstone_is_in_no_list_but_its_own(videos: &dyn Videos) {
    let owner = OwnerId::new();
    let row = video(owner, 1);
    videos.insert(&row).await.unwrap();
    let deleted = change(videos, &row.id, |row| {
        row.state = State::Deleted;
        row.deleted_at_us = Some(50);
        true
    })
    .await
    .unwrap();
    let page = PageRequest::first(100);
    assert_eq!(videos.list(None, &page).await.unwrap().items, []);
    assert_eq!(videos.list(Some(&owner), &page).await.unwrap().items, []);
    assert_eq!(videos.list_unfinished(&page).await.unwrap().items, []);
    assert_eq!(videos.list_tombstones(50, &page).await.unwrap().items, []);
    assert_eq!(
        videos.list_tombstones(51, &page).await.unwrap().items,
        std::slice::from_ref(&deleted)
    );
    assert_eq!(videos.get(&row.id).await.unwrap(), Some(deleted));
    for _ in 0..2 {
        videos.remove(&row.id).await.unwrap();
        assert_eq!(videos.get(&row.id).await.unwrap(), None);
    }
}

pub async fn the_unfinished_are_those_with_work_left(videos: &dyn Videos) {
    let owner = OwnerId::new();
    let mut unfinished = Vec::new();
    for (at, (state, source, whole, expected)) in [
        (State::Waiting, Source::Receiving, None, true),
        (State::Probing, Source::Receiving, None, true),
        (State::Playable, Source::Complete, None, true),
        (State::Ready, Source::Complete, Some("plan"), false),
        (State::Ready, Source::Complete, Some("an older plan"), true),
        (State::Failed, Source::Complete, None, false),
        (State::Failed, Source::Receiving, None, true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut row = video(owner, at as i64);
        videos.insert(&row).await.unwrap();
        (row.state, row.source) = (state, source);
        (row.current_plan, row.whole_plan) = (Some("plan".into()), whole.map(Into::into));
        let row = videos.compare_and_set(&row).await.unwrap();
        if expected {
            unfinished.insert(0, row);
        }
    }
    let page = videos
        .list_unfinished(&PageRequest::first(100))
        .await
        .unwrap();
    assert_eq!(page.items, unfinished);
    let page = videos
        .list_unfinished(&PageRequest::first(2))
        .await
        .unwrap();
    assert_eq!(page.items, unfinished[..2]);
    assert!(page.next.is_some());
}

pub async fn a_row_is_put_as_it_is_over_an_older_one_only(videos: &dyn Videos) {
    let owner = OwnerId::new();
    let new = VideoRow { epoch: 7, ..full() };
    videos.put_if_newer(&new).await.unwrap();
    assert_eq!(videos.get(&new.id).await.unwrap(), Some(new));

    let old = video(owner, 5);
    videos.insert(&old).await.unwrap();
    let of_epoch = |epoch, state| VideoRow {
        epoch,
        state,
        whole_plan: Some(format!("of {epoch}")),
        ..old.clone()
    };
    let playable = of_epoch(3, State::Playable);
    videos.put_if_newer(&playable).await.unwrap();
    for refused in [of_epoch(3, State::Ready), of_epoch(2, State::Ready)] {
        let put = videos.put_if_newer(&refused).await;
        assert!(matches!(put, Err(Error::Conflict)));
    }
    assert_eq!(videos.get(&old.id).await.unwrap(), Some(playable.clone()));
    let page = PageRequest::first(10);
    let unfinished = videos.list_unfinished(&page).await.unwrap();
    assert_eq!(unfinished.items, [playable]);

    let tombstone = VideoRow {
        deleted_at_us: Some(50),
        ..of_epoch(9, State::Deleted)
    };
    videos.put_if_newer(&tombstone).await.unwrap();
    assert_eq!(videos.list(Some(&owner), &page).await.unwrap().items, []);
    assert_eq!(videos.list_unfinished(&page).await.unwrap().items, []);
    let tombstones = videos.list_tombstones(i64::MAX, &page).await.unwrap();
    assert_eq!(tombstones.items, std::slice::from_ref(&tombstone));
    // From here on the row's epochs continue as usual.
    let next = videos.compare_and_set(&tombstone).await.unwrap();
    assert_eq!(next.epoch, 10);
}
