//! Keyspaces.

use std::sync::{Arc, OnceLock, Weak};

use scylla::client::session_builder::SessionBuilder;
use store::cluster::metadata::{Cql, CqlMetadata};
use tokio::sync::Mutex;

use super::clock;

/// Where CQL is spoken.
pub fn cql_server() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| super::server("cql", "REELMILL_TEST_CQL"))
}

/// Schemas change one at a time: nodes must agree on each.
static SCHEMA: Mutex<()> = Mutex::const_new(());

/// A keyspace of its own for every test; gone with this, or with its server.
pub struct Keyspace(pub Cql);

impl Keyspace {
    /// With nothing in it.
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

    /// A keyspace for tests that find their rows by random ids only; gone with the last of them. Cassandra takes
    /// longer to make tables than to answer a test.
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

/// A server that stays and keeps what every test leaves behind runs out of memory. One that goes with the run
/// (`make test` says so by `CLUSTER_SERVERS`) is not tidied: that takes Cassandra as long as the tests do.
impl Drop for Keyspace {
    fn drop(&mut self) {
        if std::env::var_os("CLUSTER_SERVERS").is_some() {
            return;
        }
        let forget = define(format!("DROP KEYSPACE {}", self.0.keyspace));
        super::at_end(forget);
    }
}

/// Carries out a statement of the schema, or another one.
pub async fn define(statement: String) {
    let _one = SCHEMA.lock().await;
    let session = SessionBuilder::new()
        .known_node(cql_server())
        .fetch_schema_metadata(false);
    let session = session.build().await;
    session.unwrap().query_unpaged(statement, ()).await.unwrap();
}
