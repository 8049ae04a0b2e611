//! Migrations of the SQLite schema, as a list of steps. A released step never changes.

use rusqlite::{Connection, TransactionBehavior};

/// SQL statements of each step, oldest first.
const STEPS: &[&str] = &[
    include_str!("migrations/001-videos-uploads-people-events.sql"),
    include_str!("migrations/002-views.sql"),
    include_str!("migrations/003-given-up-uploads.sql"),
];

/// Schema version that this program knows: the number of steps.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// Schema version of a database; 0 if it is empty.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Runs the missing steps, each in a transaction.
pub(super) fn run(connection: &mut Connection) -> rusqlite::Result<()> {
    let done = usize::try_from(version(connection)?).unwrap_or(0);
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
