//! Keyspaces for tests.

use std::sync::{Arc, OnceLock, Weak};

use scylla::client::session_builder::SessionBuilder;
use store::cluster::metadata::{Cql, CqlMetadata};
use tokio::sync::Mutex;

use super::clock;

/// Address of the CQL server.
pub fn cql_server() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| super::server("cql", "REELMILL_TEST_CQL"))
}

/// Lock under which schemas change one at a time, since all nodes must agree on each change.
static SCHEMA: Mutex<()> = Mutex::const_new(());

/// Keyspace of one test. It is dropped at the end of the test, or disappears with its server.
pub struct Keyspace(pub Cql);

impl Keyspace {
    /// Creates a keyspace without tables.
    pub async fn empty() -> Self {
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        define(format!(
            "CREATE KEYSPACE {name} WITH replication = \
             {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
        ))
        .await;
        Self(Cql {
            nodes: vec![cql_server().to_owned()],
            keyspace: name,
            access: None,
            datacenter: None,
        })
    }

    pub async fn migrated() -> Self {
        let made = Self::empty().await;
        let _one = SCHEMA.lock().await;
        CqlMetadata::migrate(&made.0, clock()).await.unwrap();
        drop(_one);
        made
    }

    /// Keyspace for tests that use only rows with random ids. It is dropped with the last of them. Cassandra takes
    /// longer to create tables than a test takes.
    pub async fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Keyspace>> = Mutex::const_new(Weak::new());
        let mut shared = SHARED.lock().await;
        if let Some(keyspace) = shared.upgrade() {
            return keyspace;
        }
        let keyspace = Arc::new(Self::migrated().await);
        *shared = Arc::downgrade(&keyspace);
        keyspace
    }

    pub async fn open(&self) -> CqlMetadata {
        CqlMetadata::open(&self.0, clock()).await.unwrap()
    }
}

/// Drops the keyspace, unless the server is removed after the tests: `make test` says so by `CLUSTER_SERVERS`. A
/// permanent server would run out of memory. Cassandra takes as long to drop the keyspaces as for all tests.
impl Drop for Keyspace {
    fn drop(&mut self) {
        if std::env::var_os("CLUSTER_SERVERS").is_some() {
            return;
        }
        let forget = define(format!("DROP KEYSPACE {}", self.0.keyspace));
        super::at_end(forget);
    }
}

/// Runs a statement, usually one that changes the schema.
pub async fn define(statement: String) {
    let _one = SCHEMA.lock().await;
    let session = SessionBuilder::new()
        .known_node(cql_server())
        .fetch_schema_metadata(false);
    let session = session.build().await;
    session.unwrap().query_unpaged(statement, ()).await.unwrap();
}
