//! A session with a CQL cluster, and how sure each kind of statement is.

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

/// One sending of a statement, to another node where one does not answer.
const SENDING: Duration = Duration::from_secs(10);
/// A connection on which nothing comes is tried so often, and broken when that is not answered.
const QUIET: Duration = Duration::from_secs(4);
const ECHO: Duration = Duration::from_secs(3);
/// After so long a statement is not sent again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Statements kept prepared; we have about seventy.
const STATEMENTS: usize = 128;
/// Rows fetched at once: a video's is about a kilobyte.
const PAGE: i32 = 500;
/// Connections to each node, where a node is not one that has shards.
const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(2).unwrap();
/// Times that a change starts anew because others were faster.
pub(super) const RACES: u32 = 64;
/// Times that a statement is sent again whose answer is lost, and the pauses between: they double
/// from the first up to the longest, three seconds in all. The driver tries other nodes at once;
/// this is for when there is none, as while connections are made anew.
const LOSSES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A statement, and how sure its outcome is.
#[derive(Clone, Copy)]
pub(super) struct Say {
    text: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// QUORUM, as writes are: sees every write that has returned, in whatever region.
    Read,
    /// SERIAL: settles a conditional write whose answer was lost, and sees it.
    Settle,
    /// QUORUM. Says the same however often it is sent.
    Write,
    /// QUORUM. Counts once more with every sending, hence never sent again: an answer that is
    /// lost leaves open whether it counted.
    Count,
    /// SERIAL among all regions, since of any number of racers one wins; seen by QUORUM when
    /// it has returned. Never sent again by the driver, who does not know what became of it.
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
        let mut statement = Statement::new(self.text).with_page_size(PAGE);
        statement.set_consistency(match self.kind {
            Kind::Read | Kind::Write | Kind::Count | Kind::Change => Consistency::Quorum,
            Kind::Settle => Consistency::Serial,
        });
        statement.set_serial_consistency(Some(SerialConsistency::Serial));
        statement.set_is_idempotent(self.is_idempotent());
        statement
    }
}

/// An open keyspace.
pub(super) struct Database {
    session: CachingSession,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
}

/// How nodes are reached, whatever keyspace is used.
fn reach(settings: &Cql) -> SessionBuilder {
    let mut policy = DefaultPolicy::builder();
    if let Some(datacenter) = &settings.datacenter {
        policy = policy
            .prefer_datacenter(datacenter.clone())
            .permit_dc_failover(true);
    }
    let profile = ExecutionProfile::builder()
        .request_timeout(Some(SENDING))
        .load_balancing_policy(policy.build())
        .build();
    // Of schemas, only what routing needs of our own: all else of a cluster that others use too
    // would be read at every start and at every change of a schema.
    let mut builder = SessionBuilder::new()
        .known_nodes(&settings.nodes)
        .keyspaces_to_fetch([&settings.keyspace])
        .fetch_full_schema_metadata(false)
        .refresh_metadata_on_auto_schema_agreement(false)
        .pool_size(PoolSize::PerHost(CONNECTIONS))
        .keepalive_interval(QUIET)
        .keepalive_timeout(ECHO)
        .default_execution_profile_handle(profile.into_handle());
    if let Some(Access { user, password }) = &settings.access {
        builder = builder.user(user, password);
    }
    builder
}

/// Makes a keyspace unless it is there; `with` follows `WITH` in the statement.
pub(super) async fn create_keyspace(settings: &Cql, with: &str) -> Result<(), OpenError> {
    let name = &settings.keyspace;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_plain) {
        return Err(settings.unusable("its name is to be of lower-case letters, digits and _"));
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
            session: CachingSession::from(session, STATEMENTS),
            breaker: Breaker::new("CQL", Arc::clone(&clock)),
            clock,
        })
    }

    /// Sends a statement until it is answered, if it says the same however often it is sent.
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

    /// The one row there may be.
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

    /// All rows, page after page.
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

    /// A write that counts as made at this time, in whatever order such writes arrive; of two
    /// of the same time a deletion wins.
    pub(super) async fn write_at(
        &self,
        write: Say,
        values: impl SerializeRow,
        at: i64,
    ) -> Result<(), Error> {
        self.execute(write, values, Some(at)).await.map(drop)
    }

    /// Says whether the condition held. An error leaves open whether it was carried out.
    pub(super) async fn change(
        &self,
        change: Say,
        values: impl SerializeRow,
    ) -> Result<bool, Error> {
        let answer = self.execute(change, values, None).await?;
        is_applied(&answer.into_rows_result().map_err(damaged)?)
    }

    /// Two changes of one partition, both or neither; the first has the condition.
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

    /// A change that is sent again where its answer is lost. `is_done` looks, in a way that
    /// settles, whether an earlier sending was carried out.
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

    /// A statement of the schema; returns when all nodes agree on it.
    pub(super) async fn define(&self, text: &str) -> Result<(), Error> {
        let session = self.session.get_session();
        let done = session.query_unpaged(text, ()).await;
        done.map_err(Failure::told)?;
        Ok(())
    }
}

/// Answers to one statement that were lost.
struct Losses<'a> {
    clock: &'a dyn Clock,
    began: Moment,
    count: u32,
}

impl Losses<'_> {
    /// Another one: ends when the statement is to be sent again, or with the error.
    async fn pause(&mut self, error: Error) -> Result<(), Error> {
        let spent = self.clock.now().since(self.began);
        if self.count >= LOSSES || spent >= PATIENCE {
            return Err(error);
        }
        tracing::debug!(?error, self.count, "a statement was not answered");
        let pause = PAUSE * 2_u32.pow(self.count);
        self.count += 1;
        self.clock.sleep(pause.min(LONGEST_PAUSE)).await;
        Ok(())
    }
}

/// ScyllaDB answers with the old row always, Cassandra when it refuses, and then with some
/// columns only: nothing but this one has the same name and meaning everywhere.
fn is_applied(rows: &QueryRowsResult) -> Result<bool, Error> {
    let applied = rows.column_specs().get_by_name("[applied]");
    let (at, _) = applied.ok_or_else(|| Error::corrupt("a change without [applied]"))?;
    let first: Row = rows.first_row().map_err(damaged)?;
    Ok(first.columns.get(at) == Some(&Some(CqlValue::Boolean(true))))
}

/// What was read is not what was written.
fn damaged(error: impl Display) -> Error {
    Error::corrupt(error.to_string())
}
