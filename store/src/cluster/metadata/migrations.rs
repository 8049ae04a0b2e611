//! Migrations of the CQL schema, as a list of steps. A released step never changes, and can be repeated after an
//! interruption.

use super::database::{Database, Say};
use super::settings::{Cql, OpenError};

/// CQL statements of each step, oldest first.
const STEPS: &[&str] = &[
    include_str!("migrations/001-videos-uploads-people-events.cql"),
    include_str!("migrations/002-published.cql"),
    include_str!("migrations/003-views.cql"),
    include_str!("migrations/004-given-up-uploads.cql"),
];

/// Schema version that this program knows: the number of steps.
const KNOWN: i32 = STEPS.len() as i32;

const VERSIONS: &str =
    "CREATE TABLE IF NOT EXISTS schema_versions (id tinyint PRIMARY KEY, version int)";
const TABLES: Say = Say::read(
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?",
);
const READ: Say = Say::read("SELECT version FROM schema_versions WHERE id = 0");
const WRITE: Say = Say::write("INSERT INTO schema_versions (id, version) VALUES (0, ?)");

async fn version(database: &Database, settings: &Cql) -> Result<i32, OpenError> {
    let table = (&settings.keyspace, "schema_versions");
    let tables = database.row::<(String,)>(TABLES, table).await;
    if tables
        .map_err(|error| unusable(settings, &error))?
        .is_none()
    {
        return Ok(0);
    }
    let found = database.row::<(i32,)>(READ, ()).await;
    let found = found.map_err(|error| unusable(settings, &error))?;
    Ok(found.map_or(0, |(version,)| version))
}

/// Refuses a keyspace with another schema version.
pub(super) async fn check(database: &Database, settings: &Cql) -> Result<(), OpenError> {
    match version(database, settings).await? {
        KNOWN => Ok(()),
        found => Err(of_another_version(settings, found)),
    }
}

/// Runs the missing steps.
pub(super) async fn run(database: &Database, settings: &Cql) -> Result<(), OpenError> {
    let failed = |error| unusable(settings, &error);
    let found = version(database, settings).await?;
    if found > KNOWN {
        return Err(of_another_version(settings, found));
    }
    database.define(VERSIONS).await.map_err(failed)?;
    for (version, step) in (1..).zip(STEPS).skip(found as usize) {
        for statement in step.split(';').filter(|text| !text.trim().is_empty()) {
            database.define(statement).await.map_err(failed)?;
        }
        database.write(WRITE, (version,)).await.map_err(failed)?;
    }
    Ok(())
}

fn of_another_version(settings: &Cql, found: i32) -> OpenError {
    OpenError::Version {
        keyspace: settings.keyspace.clone(),
        found,
        known: KNOWN,
    }
}

/// Error for a keyspace that cannot be used, with the message of its cause.
fn unusable(settings: &Cql, error: &crate::Error) -> OpenError {
    match error {
        crate::Error::Unavailable { source }
        | crate::Error::Overloaded { source }
        | crate::Error::Unauthorized { source }
        | crate::Error::Refused { source } => settings.unusable(source),
        other => settings.unusable(other),
    }
}
