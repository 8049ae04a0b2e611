//! Videos in CQL.

use async_trait::async_trait;
use futures::FutureExt;
use plan::{Code, OwnerId, VideoId};
use scylla::{DeserializeRow, SerializeRow};
use uuid::Uuid;

use super::CqlMetadata;
use super::database::{Database, RACES, Say};
use super::value::{from_json, json, number, parsed, spelled};
use super::video_lists::{self, List};
use crate::Error;
use crate::metadata::{Page, PageRequest, State, VideoError, VideoRow, Videos};

const INSERT: Say = Say::change(
    "INSERT INTO videos (id, owner, title, source, state, epoch, parts, received_bytes,
       declared_size, plans, current_plan, whole_plan, average_bandwidth, error_code,
       error_message, warnings, priority, created_at_us, uploaded_at_us, playable_at_us,
       ready_at_us, deleted_at_us, duration_us, width_px, height_px, stored_bytes, written_by)
     VALUES (:id, :owner, :title, :source, :state, :epoch, :parts, :received_bytes,
       :declared_size, :plans, :current_plan, :whole_plan, :average_bandwidth, :error_code,
       :error_message, :warnings, :priority, :created_at_us, :uploaded_at_us, :playable_at_us,
       :ready_at_us, :deleted_at_us, :duration_us, :width_px, :height_px, :stored_bytes,
       :written_by) IF NOT EXISTS",
);
const COMPARE_AND_SET: Say = Say::change(
    "UPDATE videos SET owner = :owner, title = :title, source = :source, state = :state,
       epoch = :epoch, parts = :parts, received_bytes = :received_bytes,
       declared_size = :declared_size, plans = :plans, current_plan = :current_plan,
       whole_plan = :whole_plan, average_bandwidth = :average_bandwidth,
       error_code = :error_code, error_message = :error_message, warnings = :warnings,
       priority = :priority, created_at_us = :created_at_us, uploaded_at_us = :uploaded_at_us,
       playable_at_us = :playable_at_us, ready_at_us = :ready_at_us,
       deleted_at_us = :deleted_at_us, duration_us = :duration_us, width_px = :width_px,
       height_px = :height_px, stored_bytes = :stored_bytes, written_by = :written_by
     WHERE id = :id IF epoch = :expected",
);
const GET: Say = Say::read(
    "SELECT id, owner, title, source, state, epoch, parts, received_bytes, declared_size, plans,
       current_plan, whole_plan, average_bandwidth, error_code, error_message, warnings,
       priority, created_at_us, uploaded_at_us, playable_at_us, ready_at_us, deleted_at_us,
       duration_us, width_px, height_px, stored_bytes, written_by FROM videos WHERE id = ?",
);
const WRITTEN_BY: Say = Say::settle("SELECT written_by FROM videos WHERE id = ?");
const DELETE: Say = Say::change("DELETE FROM videos WHERE id = ? IF EXISTS");

#[async_trait]
impl Videos for CqlMetadata {
    async fn insert(&self, row: &VideoRow) -> Result<(), Error> {
        video_lists::join(&self.database, row).await?;
        let columns = Columns::of(row)?;
        let is_done = || is_written(&self.database, &columns).boxed();
        match self
            .database
            .change_surely(INSERT, &columns, is_done)
            .await?
        {
            true => Ok(()),
            false => Err(Error::Conflict),
        }
    }

    async fn get(&self, id: &VideoId) -> Result<Option<VideoRow>, Error> {
        get(&self.database, &id.to_string()).await
    }

    async fn compare_and_set(&self, row: &VideoRow) -> Result<VideoRow, Error> {
        let mut next = row.clone();
        next.epoch += 1;
        if replace(&self.database, row.epoch, &next).await? {
            return Ok(next);
        }
        let id = (row.id.to_string(),);
        let known = self.database.row::<(Option<Uuid>,)>(WRITTEN_BY, id);
        Err(match known.await? {
            Some(_) => Error::Conflict,
            None => Error::NotFound,
        })
    }

    async fn put_if_newer(&self, row: &VideoRow) -> Result<(), Error> {
        for _ in 0..RACES {
            let stored = match Videos::get(self, &row.id).await? {
                None => match Videos::insert(self, row).await {
                    Err(Error::Conflict) => false,
                    done => return done,
                },
                Some(known) if known.epoch >= row.epoch => return Err(Error::Conflict),
                Some(known) => replace(&self.database, known.epoch, row).await?,
            };
            if stored {
                return Ok(());
            }
        }
        Err(Error::Conflict)
    }

    async fn list(
        &self,
        owner: Option<&OwnerId>,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error> {
        let list = owner.map_or(List::All, |owner| List::Of(*owner));
        let is_shown = |row: &VideoRow| {
            row.state != State::Deleted && owner.is_none_or(|owner| row.owner == *owner)
        };
        video_lists::page(&self.database, &[list], page, is_shown).await
    }

    async fn list_unfinished(&self, page: &PageRequest) -> Result<Page<VideoRow>, Error> {
        let lists = List::unfinished();
        video_lists::page(&self.database, &lists, page, VideoRow::is_unfinished).await
    }

    async fn list_tombstones(
        &self,
        deleted_before_us: i64,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error> {
        let is_shown = |row: &VideoRow| row.deleted_at_us.is_some_and(|at| at < deleted_before_us);
        video_lists::page(&self.database, &[List::Tombstones], page, is_shown).await
    }

    async fn remove(&self, id: &VideoId) -> Result<(), Error> {
        let Some(row) = self.get(id).await? else {
            return Ok(());
        };
        self.database.change(DELETE, (id.to_string(),)).await?;
        video_lists::forget(&self.database, &row).await
    }
}

pub(super) async fn get(database: &Database, id: &str) -> Result<Option<VideoRow>, Error> {
    let columns = database.row::<Columns>(GET, (id,)).await?;
    columns.map(Columns::into_row).transpose()
}

/// Replaces the row of this epoch. Returns false if the row has another epoch or does not exist.
async fn replace(database: &Database, epoch: u64, next: &VideoRow) -> Result<bool, Error> {
    video_lists::join(database, next).await?;
    let columns = Columns::of(next)?;
    let is_done = || is_written(database, &columns).boxed();
    let change = Change {
        columns: columns.clone(),
        expected: number(epoch)?,
    };
    let replaced = database.change_surely(COMPARE_AND_SET, &change, is_done);
    let replaced = replaced.await?;
    if replaced {
        video_lists::leave(database, next).await;
    }
    Ok(replaced)
}

/// Whether the stored row was written by this write.
async fn is_written(database: &Database, columns: &Columns) -> Result<bool, Error> {
    let found = database.row::<(Option<Uuid>,)>(WRITTEN_BY, (&columns.id,));
    Ok(found
        .await?
        .is_some_and(|(by,)| by == Some(columns.written_by)))
}

#[derive(Clone, SerializeRow, DeserializeRow)]
struct Columns {
    id: String,
    owner: String,
    title: String,
    source: String,
    state: String,
    epoch: i64,
    parts: String,
    received_bytes: i64,
    declared_size: Option<i64>,
    plans: String,
    current_plan: Option<String>,
    whole_plan: Option<String>,
    average_bandwidth: String,
    error_code: Option<String>,
    error_message: Option<String>,
    warnings: String,
    priority: String,
    created_at_us: i64,
    uploaded_at_us: Option<i64>,
    playable_at_us: Option<i64>,
    ready_at_us: Option<i64>,
    deleted_at_us: Option<i64>,
    duration_us: Option<i64>,
    width_px: Option<i32>,
    height_px: Option<i32>,
    stored_bytes: Option<i64>,
    /// Unique id of this write, which identifies the writer of a row.
    written_by: Uuid,
}

#[derive(SerializeRow)]
struct Change {
    #[scylla(flatten)]
    columns: Columns,
    expected: i64,
}

impl Columns {
    fn of(row: &VideoRow) -> Result<Self, Error> {
        if (row.state == State::Deleted) != row.deleted_at_us.is_some() {
            return Err(Error::corrupt(format!(
                "{} must have a time of deletion if and only if it is deleted",
                row.id
            )));
        }
        Ok(Self {
            id: row.id.to_string(),
            owner: row.owner.to_string(),
            title: row.title.clone(),
            source: row.source.to_string(),
            state: row.state.to_string(),
            epoch: number(row.epoch)?,
            parts: json(&row.parts)?,
            received_bytes: number(row.received_bytes)?,
            declared_size: row.declared_size.map(number).transpose()?,
            plans: json(&row.plans)?,
            current_plan: row.current_plan.clone(),
            whole_plan: row.whole_plan.clone(),
            average_bandwidth: json(&row.average_bandwidth)?,
            error_code: row.error.as_ref().map(|e| e.code.as_str().to_owned()),
            error_message: row.error.as_ref().map(|e| e.message.clone()),
            warnings: json(&row.notes)?,
            priority: row.priority.to_string(),
            created_at_us: row.created_at_us,
            uploaded_at_us: row.uploaded_at_us,
            playable_at_us: row.playable_at_us,
            ready_at_us: row.ready_at_us,
            deleted_at_us: row.deleted_at_us,
            duration_us: row.duration_us,
            width_px: row.width_px.map(number).transpose()?,
            height_px: row.height_px.map(number).transpose()?,
            stored_bytes: row.stored_bytes.map(number).transpose()?,
            written_by: Uuid::now_v7(),
        })
    }

    fn into_row(self) -> Result<VideoRow, Error> {
        let error = match self.error_code {
            None => None,
            Some(code) => Some(VideoError {
                code: spelled::<Code>(&code)?,
                message: self.error_message.unwrap_or_default(),
            }),
        };
        Ok(VideoRow {
            id: parsed(&self.id)?,
            owner: parsed(&self.owner)?,
            title: self.title,
            source: parsed(&self.source)?,
            state: parsed(&self.state)?,
            epoch: number(self.epoch)?,
            parts: from_json(&self.parts)?,
            received_bytes: number(self.received_bytes)?,
            declared_size: self.declared_size.map(number).transpose()?,
            plans: from_json(&self.plans)?,
            current_plan: self.current_plan,
            whole_plan: self.whole_plan,
            average_bandwidth: from_json(&self.average_bandwidth)?,
            error,
            notes: from_json(&self.warnings)?,
            priority: parsed(&self.priority)?,
            created_at_us: self.created_at_us,
            uploaded_at_us: self.uploaded_at_us,
            playable_at_us: self.playable_at_us,
            ready_at_us: self.ready_at_us,
            deleted_at_us: self.deleted_at_us,
            duration_us: self.duration_us,
            width_px: self.width_px.map(number).transpose()?,
            height_px: self.height_px.map(number).transpose()?,
            stored_bytes: self.stored_bytes.map(number).transpose()?,
        })
    }
}
