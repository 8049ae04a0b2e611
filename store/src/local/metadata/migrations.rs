//! The schema, as the steps that lead to it. A step that has shipped never changes.

use rusqlite::{Connection, TransactionBehavior};

const STEPS: &[&str] = &[
    include_str!("migrations/001-videos-uploads-people-events.sql"),
    include_str!("migrations/002-views.sql"),
    include_str!("migrations/003-given-up-uploads.sql"),
];

/// The version of the schema that this program knows.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// The version of a database's schema; 0 if it is empty.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the steps that are missing, each whole or not at all.
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
