//! Session with a CQL cluster: the kinds of statements, their consistency levels, and retries.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use scylla::client::PoolSize;
use scylla::client::caching_session::CachingSession;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session_builder::SessionBuilder;
use scylla::deserialize::row::DeserializeRow as Deserialize;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::serialize::batch::BatchValues;
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::{Consistency, SerialConsistency, Statement};
use scylla::value::{CqlValue, Row};

use super::failure::{Failure, may_pass};
use super::settings::{Access, Cql, OpenError};
use crate::cluster::breaker::Breaker;
use crate::{Clock, Error, Moment};

/// Time limit of one attempt at a statement. The driver then tries another node.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval at which idle connections are tested.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(4);
/// Time limit of the test of an idle connection. A connection that does not answer within it is closed.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Time after the first attempt after which a statement is not sent again.
const LATEST_RETRY: Duration = Duration::from_secs(15);
/// Number of prepared statements in the cache. The program has about seventy.
const PREPARED_STATEMENTS: usize = 128;
/// Number of rows that are fetched at once. A video's row takes about a kilobyte.
const PAGE_ROWS: i32 = 500;
/// Number of connections to each node without shards. Nodes with shards get one for each shard.
const CONNECTIONS_PER_NODE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
/// Largest number of times that a change starts again because another writer was faster.
pub(super) const RACES: u32 = 64;
/// Largest number of times that a statement is sent again after its answer was lost. The driver tries other nodes at
/// once; these retries are for when there is no other node, e.g. while connections are made again. The pauses between
/// them add up to three seconds.
const MOST_RETRIES: u32 = 6;
/// First pause before a statement is sent again. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause before a statement is sent again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// CQL statement with its kind, which decides its consistency and whether it may be sent again.
#[derive(Clone, Copy)]
pub(super) struct Say {
    text: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// A read at QUORUM, at which rows are written too. It sees every write that has returned, in any region.
    Read,
    /// Read at SERIAL. It completes a conditional write whose answer was lost, and sees its result.
    Settle,
    /// Idempotent write at QUORUM, which may be sent again.
    Write,
    /// Update of a counter at QUORUM. Each attempt adds once more, so it is never sent again; after a lost answer it
    /// is unknown whether it was counted.
    Count,
    /// Conditional write at SERIAL across all regions: exactly one of several concurrent writers succeeds. After it
    /// has returned, reads at QUORUM see it. The driver never sends it again, since it cannot know the outcome of a
    /// lost attempt.
    Change,
}

impl Say {
    pub(super) const fn read(text: &'static str) -> Self {
        let kind = Kind::Read;
        Self { text, kind }
    }

    pub(super) const fn settle(text: &'static str) -> Self {
        let kind = Kind::Settle;
        Self { text, kind }
    }

    pub(super) const fn write(text: &'static str) -> Self {
        let kind = Kind::Write;
        Self { text, kind }
    }

    pub(super) const fn count(text: &'static str) -> Self {
        let kind = Kind::Count;
        Self { text, kind }
    }

    pub(super) const fn change(text: &'static str) -> Self {
        let kind = Kind::Change;
        Self { text, kind }
    }

    const fn is_idempotent(self) -> bool {
        !matches!(self.kind, Kind::Count | Kind::Change)
    }

    fn statement(self) -> Statement {
        let mut statement = Statement::new(self.text).with_page_size(PAGE_ROWS);
        statement.set_consistency(match self.kind {
            Kind::Read | Kind::Write | Kind::Count | Kind::Change => Consistency::Quorum,
            Kind::Settle => Consistency::Serial,
        });
        statement.set_serial_consistency(Some(SerialConsistency::Serial));
        statement.set_is_idempotent(self.is_idempotent());
        statement
    }
}

/// Session with an open keyspace.
pub(super) struct Database {
    session: CachingSession,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
}

/// Settings with which nodes are reached, for any keyspace.
fn reach(settings: &Cql) -> SessionBuilder {
    let mut policy = DefaultPolicy::builder();
    if let Some(datacenter) = &settings.datacenter {
        policy = policy
            .prefer_datacenter(datacenter.clone())
            .permit_dc_failover(true);
    }
    let profile = ExecutionProfile::builder()
        .request_timeout(Some(ATTEMPT_TIMEOUT))
        .load_balancing_policy(policy.build())
        .build();
    // Only our own keyspace's schema is fetched, for routing. Otherwise the whole schema of a shared cluster would be
    // read at every start and at every change of a schema.
    let mut builder = SessionBuilder::new()
        .known_nodes(&settings.nodes)
        .keyspaces_to_fetch([&settings.keyspace])
        .fetch_full_schema_metadata(false)
        .refresh_metadata_on_auto_schema_agreement(false)
        .pool_size(PoolSize::PerHost(CONNECTIONS_PER_NODE))
        .keepalive_interval(KEEPALIVE_INTERVAL)
        .keepalive_timeout(KEEPALIVE_TIMEOUT)
        .default_execution_profile_handle(profile.into_handle());
    if let Some(Access { user, password }) = &settings.access {
        builder = builder.user(user, password);
    }
    builder
}

/// Creates a keyspace unless it exists. `with` is the part after `WITH` in the CQL statement.
pub(super) async fn create_keyspace(settings: &Cql, with: &str) -> Result<(), OpenError> {
    let name = &settings.keyspace;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_plain) {
        return Err(settings.unusable("its name must consist of lower-case letters, digits and _"));
    }
    let session = reach(settings).build().await;
    let session = session.map_err(|error| settings.unusable(error))?;
    let statement = format!("CREATE KEYSPACE IF NOT EXISTS {name} WITH {with}");
    let made = session.query_unpaged(statement, ()).await;
    made.map(drop).map_err(|error| settings.unusable(error))
}

impl Database {
    pub(super) async fn connect(settings: &Cql, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let session = reach(settings)
            .use_keyspace(&settings.keyspace, true)
            .build()
            .await;
        let session = session.map_err(|error| settings.unusable(error))?;
        Ok(Self {
            session: CachingSession::from(session, PREPARED_STATEMENTS),
            breaker: Breaker::new("CQL", Arc::clone(&clock)),
            clock,
        })
    }

    /// Sends a statement, and sends it again while it is not answered if it is idempotent.
    async fn execute(
        &self,
        say: Say,
        values: impl SerializeRow,
        at: Option<i64>,
    ) -> Result<QueryResult, Error> {
        self.breaker.ask(self.send(say, values, at)).await
    }

    async fn send(
        &self,
        say: Say,
        values: impl SerializeRow,
        at: Option<i64>,
    ) -> Result<QueryResult, Error> {
        let mut losses = self.losses();
        loop {
            let mut statement = say.statement();
            statement.set_timestamp(at);
            match self.session.execute_unpaged(statement, &values).await {
                Err(error) if say.is_idempotent() && may_pass(&error) => {
                    losses.pause(error.told()).await?;
                }
                answer => return answer.map_err(Failure::told),
            }
        }
    }

    fn losses(&self) -> Losses<'_> {
        Losses {
            clock: &*self.clock,
            began: self.clock.now(),
            count: 0,
        }
    }

    /// Reads at most one row.
    pub(super) async fn row<T>(
        &self,
        read: Say,
        values: impl SerializeRow,
    ) -> Result<Option<T>, Error>
    where
        T: for<'frame, 'meta> Deserialize<'frame, 'meta>,
    {
        let answer = self.execute(read, values, None).await?;
        let rows = answer.into_rows_result().map_err(damaged)?;
        rows.maybe_first_row().map_err(damaged)
    }

    /// Reads all rows, page by page.
    pub(super) async fn rows<T>(
        &self,
        read: Say,
        values: impl SerializeRow,
    ) -> Result<Vec<T>, Error>
    where
        T: for<'frame, 'meta> Deserialize<'frame, 'meta>,
    {
        self.breaker.ask(self.all(read, values)).await
    }

    async fn all<T>(&self, read: Say, values: impl SerializeRow) -> Result<Vec<T>, Error>
    where
        T: for<'frame, 'meta> Deserialize<'frame, 'meta>,
    {
        let mut losses = self.losses();
        loop {
            let pages = self.session.execute_iter(read.statement(), &values).await;
            let found = match pages {
                Ok(pages) => {
                    let rows = pages.rows_stream::<T>().map_err(damaged)?;
                    rows.try_collect().await.map_err(Failure::told)
                }
                Err(error) => Err(error.told()),
            };
            match found {
                Err(error) if error.is_away() => losses.pause(error).await?,
                found => return found,
            }
        }
    }

    pub(super) async fn write(&self, write: Say, values: impl SerializeRow) -> Result<(), Error> {
        self.execute(write, values, None).await.map(drop)
    }

    /// Writes with an explicit time stamp: the write with the latest time stamp wins, in whatever order they arrive.
    /// A deletion wins over another write with the same time stamp.
    pub(super) async fn write_at(
        &self,
        write: Say,
        values: impl SerializeRow,
        at: i64,
    ) -> Result<(), Error> {
        self.execute(write, values, Some(at)).await.map(drop)
    }

    /// Sends a conditional write and returns whether its condition held. After an error it is unknown whether the
    /// write was carried out.
    pub(super) async fn change(
        &self,
        change: Say,
        values: impl SerializeRow,
    ) -> Result<bool, Error> {
        let answer = self.execute(change, values, None).await?;
        is_applied(&answer.into_rows_result().map_err(damaged)?)
    }

    /// Sends two writes to one partition as one batch. Both or neither are carried out; the first has the condition.
    pub(super) async fn change_both(
        &self,
        changes: [Say; 2],
        values: impl BatchValues,
    ) -> Result<bool, Error> {
        let mut batch = Batch::new(BatchType::Logged);
        batch.set_consistency(Consistency::Quorum);
        batch.set_serial_consistency(Some(SerialConsistency::Serial));
        for change in changes {
            batch.append_statement(change.statement());
        }
        let sending = async {
            let answer = self.session.batch(&batch, values).await;
            answer.map_err(Failure::told)
        };
        let answer = self.breaker.ask(sending).await?;
        is_applied(&answer.into_rows_result().map_err(damaged)?)
    }

    /// Sends a conditional write, and sends it again if its answer is lost. `is_done` reads at SERIAL whether an
    /// earlier attempt was carried out.
    pub(super) async fn change_surely<'f>(
        &self,
        change: Say,
        values: impl SerializeRow,
        is_done: impl Fn() -> BoxFuture<'f, Result<bool, Error>> + Send + Sync,
    ) -> Result<bool, Error> {
        let mut losses = self.losses();
        loop {
            match self.change(change, &values).await {
                Ok(false) if losses.count > 0 => return is_done().await,
                Err(error) if error.is_away() => {
                    losses.pause(error).await?;
                    if is_done().await? {
                        return Ok(true);
                    }
                }
                answered => return answered,
            }
        }
    }

    /// Sends a statement that changes the schema. Returns when all nodes agree on the new schema.
    pub(super) async fn define(&self, text: &str) -> Result<(), Error> {
        let session = self.session.get_session();
        let done = session.query_unpaged(text, ()).await;
        done.map_err(Failure::told)?;
        Ok(())
    }
}

/// Counter of lost answers to one statement.
struct Losses<'a> {
    clock: &'a dyn Clock,
    began: Moment,
    count: u32,
}

impl Losses<'_> {
    /// Counts a lost answer. Returns after a pause if the statement is to be sent again, and otherwise returns the
    /// error.
    async fn pause(&mut self, error: Error) -> Result<(), Error> {
        let spent = self.clock.now().since(self.began);
        if self.count >= MOST_RETRIES || spent >= LATEST_RETRY {
            return Err(error);
        }
        tracing::debug!(?error, self.count, "a statement was not answered");
        let pause = FIRST_PAUSE * 2_u32.pow(self.count);
        self.count += 1;
        self.clock.sleep(pause.min(LONGEST_PAUSE)).await;
        Ok(())
    }
}

/// Whether a conditional write was carried out. ScyllaDB always answers with the old row; Cassandra does so only when
/// it refuses, and then with some columns only. Only the column `[applied]` has the same name and meaning in both.
fn is_applied(rows: &QueryRowsResult) -> Result<bool, Error> {
    let applied = rows.column_specs().get_by_name("[applied]");
    let (at, _) = applied.ok_or_else(|| {
        Error::corrupt("the answer to a conditional write lacks the column [applied]")
    })?;
    let first: Row = rows.first_row().map_err(damaged)?;
    Ok(first.columns.get(at) == Some(&Some(CqlValue::Boolean(true))))
}

/// Error for data that cannot be read as it was written.
fn damaged(error: impl Display) -> Error {
    Error::corrupt(error.to_string())
}
