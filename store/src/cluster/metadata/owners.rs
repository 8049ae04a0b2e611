//! Owners in CQL. The table by name decides which owner has a name.

use async_trait::async_trait;
use futures::FutureExt;
use plan::OwnerId;
use scylla::{DeserializeRow, SerializeRow};

use super::CqlMetadata;
use super::database::Say;
use super::value::parsed;
use crate::Error;
use crate::metadata::{OwnerRow, Owners};

const TAKE_NAME: Say = Say::change(
    "INSERT INTO owners_by_name (name, id, role, created_at_us)
     VALUES (:name, :id, :role, :created_at_us) IF NOT EXISTS",
);
const INSERT: Say = Say::write(
    "INSERT INTO owners (id, name, role, created_at_us) VALUES (:id, :name, :role, :created_at_us)",
);
const GET: Say = Say::read("SELECT id, name, role, created_at_us FROM owners WHERE id = ?");
const BY_NAME: Say =
    Say::read("SELECT id, name, role, created_at_us FROM owners_by_name WHERE name = ?");
const SETTLED: Say =
    Say::settle("SELECT id, name, role, created_at_us FROM owners_by_name WHERE name = ?");
/// Reads all partitions, in the order of their tokens. There are few owners.
const ALL: Say = Say::read("SELECT id, name, role, created_at_us FROM owners_by_name");

#[async_trait]
impl Owners for CqlMetadata {
    async fn insert(&self, row: &OwnerRow) -> Result<(), Error> {
        let database = &self.database;
        let columns = Columns::of(row);
        // The row by id is written first, so that an owner who is found by name is also found by id; nobody refers to
        // an id that has no name yet. An equal row may be left by an interrupted insert.
        match Owners::get(self, &row.id).await? {
            Some(known) if known != *row => return Err(Error::Conflict),
            Some(_) => {}
            None => database.write(INSERT, &columns).await?,
        }
        let name = (&row.name,);
        let is_done = || {
            async {
                let known = database.row::<Columns>(SETTLED, name).await?;
                Ok(known.is_some_and(|known| known.id == columns.id))
            }
            .boxed()
        };
        match database.change_surely(TAKE_NAME, &columns, is_done).await? {
            true => Ok(()),
            false => Err(Error::Conflict),
        }
    }

    async fn get(&self, id: &OwnerId) -> Result<Option<OwnerRow>, Error> {
        let columns = self.database.row::<Columns>(GET, (id.to_string(),));
        columns.await?.map(Columns::into_row).transpose()
    }

    async fn by_name(&self, name: &str) -> Result<Option<OwnerRow>, Error> {
        let columns = self.database.row::<Columns>(BY_NAME, (name,));
        columns.await?.map(Columns::into_row).transpose()
    }

    async fn list(&self) -> Result<Vec<OwnerRow>, Error> {
        let found = self.database.rows::<Columns>(ALL, ()).await?.into_iter();
        let rows: Result<Vec<_>, Error> = found.map(Columns::into_row).collect();
        let mut rows = rows?;
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }
}

#[derive(SerializeRow, DeserializeRow)]
struct Columns {
    id: String,
    name: String,
    role: String,
    created_at_us: i64,
}

impl Columns {
    fn of(row: &OwnerRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            role: row.role.to_string(),
            created_at_us: row.created_at_us,
        }
    }

    fn into_row(self) -> Result<OwnerRow, Error> {
        Ok(OwnerRow {
            id: parsed(&self.id)?,
            name: self.name,
            role: parsed(&self.role)?,
            created_at_us: self.created_at_us,
        })
    }
}
