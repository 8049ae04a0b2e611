//! Videos in SQLite.

use async_trait::async_trait;
use plan::{Code, OwnerId, VideoId};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, named_params, params};

use super::SqliteMetadata;
use super::value::{Json, Spelled, Text};
use crate::Error;
use crate::metadata::{Page, PageRequest, State, VideoError, VideoRow, Videos};

const INSERT: &str = "INSERT INTO videos VALUES (
    :id, :owner, :title, :source, :state, :epoch, :parts, :received_bytes, :declared_size,
    :plans, :current_plan, :whole_plan, :average_bandwidth, :error_code, :error_message,
    :warnings, :priority, :created_at_us, :uploaded_at_us, :playable_at_us, :ready_at_us,
    :deleted_at_us, :duration_us, :width_px, :height_px, :stored_bytes, :unfinished)";

const COMPARE_AND_SET: &str = "UPDATE videos SET
    owner = :owner, title = :title, source = :source, state = :state, epoch = :epoch + 1,
    parts = :parts, received_bytes = :received_bytes, declared_size = :declared_size,
    plans = :plans, current_plan = :current_plan, whole_plan = :whole_plan,
    average_bandwidth = :average_bandwidth, error_code = :error_code,
    error_message = :error_message, warnings = :warnings, priority = :priority,
    created_at_us = :created_at_us, uploaded_at_us = :uploaded_at_us,
    playable_at_us = :playable_at_us, ready_at_us = :ready_at_us,
    deleted_at_us = :deleted_at_us, duration_us = :duration_us, width_px = :width_px,
    height_px = :height_px, stored_bytes = :stored_bytes, unfinished = :unfinished
    WHERE id = :id AND epoch = :epoch";

#[async_trait]
impl Videos for SqliteMetadata {
    async fn insert(&self, row: &VideoRow) -> Result<(), Error> {
        let row = row.clone();
        self.database
            .write(move |sql| store(sql, INSERT, &row).map(drop))
            .await
    }

    async fn get(&self, id: &VideoId) -> Result<Option<VideoRow>, Error> {
        let id = *id;
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached("SELECT * FROM videos WHERE id = ?1")?;
                Ok(query.query_row([Text(id)], read).optional()?)
            })
            .await
    }

    async fn compare_and_set(&self, row: &VideoRow) -> Result<VideoRow, Error> {
        let row = row.clone();
        let is_over = matches!(row.state, State::Deleted | State::Failed);
        let set = move |sql: &Transaction<'_>| {
            if store(sql, COMPARE_AND_SET, &row)? == 1 {
                let mut row = row.clone();
                row.epoch += 1;
                return Ok(row);
            }
            let mut query = sql.prepare_cached("SELECT 1 FROM videos WHERE id = ?1")?;
            let exists = query.exists([Text(row.id)])?;
            Err(if exists {
                Error::Conflict
            } else {
                Error::NotFound
            })
        };
        match is_over {
            true => self.database.write_surely(set).await,
            false => self.database.write(set).await,
        }
    }

    async fn put_if_newer(&self, row: &VideoRow) -> Result<(), Error> {
        let row = row.clone();
        self.database
            .write(move |sql| {
                let older = "DELETE FROM videos WHERE id = ?1 AND epoch < ?2";
                sql.prepare_cached(older)?
                    .execute(params![Text(row.id), row.epoch])?;
                store(sql, INSERT, &row).map(drop)
            })
            .await
    }

    async fn list(
        &self,
        owner: Option<&OwnerId>,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error> {
        match owner.copied() {
            None => self.page("state <> 'deleted'", None, page).await,
            Some(owner) => {
                let filter = "state <> 'deleted' AND owner = :filter";
                self.page(filter, Some(Box::new(Text(owner))), page).await
            }
        }
    }

    async fn list_unfinished(&self, page: &PageRequest) -> Result<Page<VideoRow>, Error> {
        self.page("unfinished = 1", None, page).await
    }

    async fn list_tombstones(
        &self,
        deleted_before_us: i64,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error> {
        let filter = "state = 'deleted' AND deleted_at_us < :filter";
        self.page(filter, Some(Box::new(deleted_before_us)), page)
            .await
    }

    async fn remove(&self, id: &VideoId) -> Result<(), Error> {
        let id = *id;
        self.database
            .write_surely(move |sql| {
                sql.prepare_cached("DELETE FROM videos WHERE id = ?1")?
                    .execute([Text(id)])?;
                Ok(())
            })
            .await
    }
}

impl SqliteMetadata {
    /// Reads a page of the videos for which `condition` holds. The conditions repeat those of the partial indexes
    /// word for word; otherwise SQLite would not use the indexes.
    async fn page(
        &self,
        condition: &'static str,
        filter: Option<Box<dyn ToSql + Send>>,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error> {
        let limit = page.limit.clamp(1, PageRequest::MOST);
        let after = page.after;
        self.database
            .read(move |sql| {
                // All ids sort before a tilde.
                let (before_us, before_id) = match after {
                    None => (i64::MAX, "~".to_owned()),
                    Some(cursor) => (cursor.created_at_us, cursor.id.to_string()),
                };
                let mut query = sql.prepare_cached(&format!(
                    "SELECT * FROM videos
                     WHERE {condition} AND (created_at_us, id) < (:before_us, :before_id)
                     ORDER BY created_at_us DESC, id DESC LIMIT :limit"
                ))?;
                // One row more than requested tells whether there is a next page.
                let most = limit + 1;
                let mut params: Vec<(&str, &dyn ToSql)> = vec![
                    (":before_us", &before_us),
                    (":before_id", &before_id),
                    (":limit", &most),
                ];
                if let Some(filter) = &filter {
                    params.push((":filter", filter.as_ref() as &dyn ToSql));
                }
                let rows = query.query_map(params.as_slice(), read)?;
                Ok(Page::cut(rows.collect::<Result<_, _>>()?, limit as usize))
            })
            .await
    }
}

fn store(sql: &Connection, statement: &str, row: &VideoRow) -> Result<usize, Error> {
    if (row.state == State::Deleted) != row.deleted_at_us.is_some() {
        return Err(Error::corrupt(format!(
            "{} must have a time of deletion if and only if it is deleted",
            row.id
        )));
    }
    let error_code = row.error.as_ref().map(|error| error.code.as_str());
    let error_message = row.error.as_ref().map(|error| &error.message);
    let stored = sql.prepare_cached(statement)?.execute(named_params! {
        ":id": Text(row.id),
        ":owner": Text(row.owner),
        ":title": row.title,
        ":source": row.source.as_str(),
        ":state": row.state.as_str(),
        ":epoch": row.epoch,
        ":parts": Json(&row.parts),
        ":received_bytes": row.received_bytes,
        ":declared_size": row.declared_size,
        ":plans": Json(&row.plans),
        ":current_plan": row.current_plan,
        ":whole_plan": row.whole_plan,
        ":average_bandwidth": Json(&row.average_bandwidth),
        ":error_code": error_code,
        ":error_message": error_message,
        ":warnings": Json(&row.notes),
        ":priority": row.priority.as_str(),
        ":created_at_us": row.created_at_us,
        ":uploaded_at_us": row.uploaded_at_us,
        ":playable_at_us": row.playable_at_us,
        ":ready_at_us": row.ready_at_us,
        ":deleted_at_us": row.deleted_at_us,
        ":duration_us": row.duration_us,
        ":width_px": row.width_px,
        ":height_px": row.height_px,
        ":stored_bytes": row.stored_bytes,
        ":unfinished": row.is_unfinished(),
    })?;
    Ok(stored)
}

fn read(row: &Row<'_>) -> rusqlite::Result<VideoRow> {
    let error = match row.get::<_, Option<Spelled<Code>>>("error_code")? {
        None => None,
        Some(Spelled(code)) => Some(VideoError {
            code,
            message: row.get("error_message")?,
        }),
    };
    Ok(VideoRow {
        id: row.get::<_, Text<_>>("id")?.0,
        owner: row.get::<_, Text<_>>("owner")?.0,
        title: row.get("title")?,
        source: row.get::<_, Text<_>>("source")?.0,
        state: row.get::<_, Text<_>>("state")?.0,
        epoch: row.get("epoch")?,
        parts: row.get::<_, Json<_>>("parts")?.0,
        received_bytes: row.get("received_bytes")?,
        declared_size: row.get("declared_size")?,
        plans: row.get::<_, Json<_>>("plans")?.0,
        current_plan: row.get("current_plan")?,
        whole_plan: row.get("whole_plan")?,
        average_bandwidth: row.get::<_, Json<_>>("average_bandwidth")?.0,
        error,
        notes: row.get::<_, Json<_>>("warnings")?.0,
        priority: row.get::<_, Text<_>>("priority")?.0,
        created_at_us: row.get("created_at_us")?,
        uploaded_at_us: row.get("uploaded_at_us")?,
        playable_at_us: row.get("playable_at_us")?,
        ready_at_us: row.get("ready_at_us")?,
        deleted_at_us: row.get("deleted_at_us")?,
        duration_us: row.get("duration_us")?,
        width_px: row.get("width_px")?,
        height_px: row.get("height_px")?,
        stored_bytes: row.get("stored_bytes")?,
    })
}
