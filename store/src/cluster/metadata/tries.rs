//! Failed tries, marks and fillers of segments in CQL.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::FutureExt;
use plan::{RenditionId, SegmentKey, VideoId};
use scylla::{DeserializeRow, SerializeRow};
use uuid::Uuid;

use super::CqlMetadata;
use super::database::{Database, RACES, Say};
use super::value::{number, parsed};
use crate::Error;
use crate::metadata::{Tries, TryRow};

const GET: Say = Say::settle(
    "SELECT counted, unexplained, marked, written_by FROM tries
     WHERE video = ? AND rendition = ? AND segment = ?",
);
const INSERT: Say = Say::change(
    "INSERT INTO tries (video, rendition, segment, counted, unexplained, marked, written_by)
     VALUES (:video, :rendition, :segment, :counted, :unexplained, :marked, :written_by)
     IF NOT EXISTS",
);
const UPDATE: Say = Say::change(
    "UPDATE tries SET counted = :counted, unexplained = :unexplained, marked = :marked,
       written_by = :written_by
     WHERE video = :video AND rendition = :rendition AND segment = :segment
     IF written_by = :read_as",
);
const DELETE: Say = Say::change(
    "DELETE FROM tries WHERE video = ? AND rendition = ? AND segment = ? IF written_by = ?",
);
const OF_VIDEO: Say = Say::read("SELECT rendition, segment, written_by FROM tries WHERE video = ?");
const LIST: Say =
    Say::read("SELECT rendition, segment, counted, unexplained, marked FROM tries WHERE video = ?");
const FILL: Say = Say::write("INSERT INTO fillers (video, rendition, segment) VALUES (?, ?, ?)");
const FILLERS: Say = Say::read("SELECT rendition, segment FROM fillers WHERE video = ?");
const FORGET_FILLERS: Say = Say::write("DELETE FROM fillers WHERE video = ?");

#[derive(DeserializeRow)]
struct Known {
    counted: i32,
    unexplained: i32,
    marked: bool,
    written_by: Uuid,
}

#[derive(SerializeRow)]
struct Columns<'a> {
    video: &'a str,
    rendition: &'a str,
    segment: i32,
    counted: i32,
    unexplained: i32,
    marked: bool,
    /// Unique id of this write, which identifies the writer of a row.
    written_by: Uuid,
}

#[derive(SerializeRow)]
struct Change<'a> {
    #[scylla(flatten)]
    columns: &'a Columns<'a>,
    read_as: Uuid,
}

type Place = (String, String, i32);

fn place(key: &SegmentKey) -> Result<Place, Error> {
    let (video, rendition) = (key.video.to_string(), key.rendition.to_string());
    Ok((video, rendition, number(key.index)?))
}

#[async_trait]
impl Tries for CqlMetadata {
    async fn get(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        let (row, _) = read(&self.database, &place(key)?).await?;
        Ok(row)
    }

    async fn record_try(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        let edit = |row: TryRow| TryRow {
            counted: row.counted + 1,
            marked: false,
            ..row
        };
        self.edit(key, edit).await
    }

    async fn mark(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        let edit = |row: TryRow| TryRow {
            unexplained: row.unexplained + u32::from(row.marked),
            marked: true,
            ..row
        };
        self.edit(key, edit).await
    }

    async fn unmark(&self, key: &SegmentKey) -> Result<(), Error> {
        let edit = |row: TryRow| TryRow {
            marked: false,
            ..row
        };
        self.edit(key, edit).await.map(drop)
    }

    async fn list(&self, video: &VideoId) -> Result<BTreeMap<(RenditionId, u32), TryRow>, Error> {
        type Row = (String, i32, i32, i32, bool);
        let found = self.database.rows::<Row>(LIST, (video.to_string(),));
        let found = found.await?.into_iter();
        let rows = found.map(|(rendition, segment, counted, unexplained, marked)| {
            let row = TryRow {
                counted: number(counted)?,
                unexplained: number(unexplained)?,
                marked,
            };
            Ok(((parsed(&rendition)?, number(segment)?), row))
        });
        rows.collect()
    }

    async fn put(&self, key: &SegmentKey, row: TryRow) -> Result<(), Error> {
        self.edit(key, |_| row).await.map(drop)
    }

    async fn record_filler(&self, key: &SegmentKey) -> Result<(), Error> {
        self.database.write(FILL, place(key)?).await
    }

    async fn fillers(&self, video: &VideoId) -> Result<BTreeSet<(RenditionId, u32)>, Error> {
        let found = self
            .database
            .rows::<(String, i32)>(FILLERS, (video.to_string(),));
        let found = found.await?.into_iter();
        let fillers = found.map(|(rendition, segment)| Ok((parsed(&rendition)?, number(segment)?)));
        fillers.collect()
    }

    async fn clear(&self, video: &VideoId) -> Result<(), Error> {
        let video = video.to_string();
        let found = self
            .database
            .rows::<(String, i32, Uuid)>(OF_VIDEO, (&video,));
        for (rendition, segment, written_by) in found.await? {
            // A row that was changed in the meantime belongs to a later try, and is kept.
            let row = (&video, rendition, segment, written_by);
            self.database.change(DELETE, row).await?;
        }
        Ok(())
    }

    async fn remove(&self, video: &VideoId) -> Result<(), Error> {
        self.clear(video).await?;
        let video = (video.to_string(),);
        self.database.write(FORGET_FILLERS, video).await
    }
}

impl CqlMetadata {
    /// Reads the failures of a segment and replaces them with the result of `edit`. A segment without failures has no
    /// row.
    async fn edit(
        &self,
        key: &SegmentKey,
        edit: impl Fn(TryRow) -> TryRow + Send + Sync,
    ) -> Result<TryRow, Error> {
        let place = place(key)?;
        for _ in 0..RACES {
            let (before, read_as) = read(&self.database, &place).await?;
            let after = edit(before);
            if after == before || replace(&self.database, &place, read_as, after).await? {
                return Ok(after);
            }
        }
        Err(Error::Conflict)
    }
}

/// Replaces the row that was read. Returns false if another writer was faster.
async fn replace(
    database: &Database,
    place: &Place,
    read_as: Option<Uuid>,
    row: TryRow,
) -> Result<bool, Error> {
    let (video, rendition, segment) = place;
    if let Some(read_as) = read_as
        && row == TryRow::default()
    {
        let is_gone = || async { Ok(read(database, place).await?.1.is_none()) }.boxed();
        let key = (video, rendition, segment, read_as);
        return database.change_surely(DELETE, key, is_gone).await;
    }
    let columns = Columns {
        counted: number(row.counted)?,
        unexplained: number(row.unexplained)?,
        marked: row.marked,
        written_by: Uuid::now_v7(),
        video,
        rendition,
        segment: *segment,
    };
    let is_done =
        || async { Ok(read(database, place).await?.1 == Some(columns.written_by)) }.boxed();
    match read_as {
        None => database.change_surely(INSERT, &columns, is_done).await,
        Some(read_as) => {
            let change = Change {
                columns: &columns,
                read_as,
            };
            database.change_surely(UPDATE, change, is_done).await
        }
    }
}

/// Reads the failures of a segment, and the id of the write that stored them.
async fn read(database: &Database, place: &Place) -> Result<(TryRow, Option<Uuid>), Error> {
    let Some(known) = database.row::<Known>(GET, place).await? else {
        return Ok((TryRow::default(), None));
    };
    let row = TryRow {
        counted: number(known.counted)?,
        unexplained: number(known.unexplained)?,
        marked: known.marked,
    };
    Ok((row, Some(known.written_by)))
}
