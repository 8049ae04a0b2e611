//! Rows in CQL.

use std::sync::OnceLock;

use plan::VideoId;
use scylla::client::session_builder::SessionBuilder;
use store::cluster::metadata::{self as cql, Cql, CqlMetadata};
use store::{Error, Metadata};
use tokio::sync::Mutex;

use super::proxy::Proxy;
use super::{clock, contract, server};

fn cql_server() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| server("cql", "REELMILL_TEST_CQL"))
}

/// Schemas change one at a time: nodes must agree on each.
static SCHEMA: Mutex<()> = Mutex::const_new(());

/// A keyspace of its own for every test; gone with this.
pub struct Keyspace(pub Cql);

impl Keyspace {
    /// With nothing in it.
    async fn empty() -> Self {
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

    pub async fn open(&self) -> CqlMetadata {
        CqlMetadata::open(&self.0, clock()).await.unwrap()
    }
}

/// A server that keeps what every test leaves behind runs out of memory.
impl Drop for Keyspace {
    fn drop(&mut self) {
        let forget = define(format!("DROP KEYSPACE {}", self.0.keyspace));
        let gone = std::thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(forget);
        });
        let _ = gone.join();
    }
}

pub async fn define(statement: String) {
    let _one = SCHEMA.lock().await;
    let session = SessionBuilder::new().known_node(cql_server()).build().await;
    session.unwrap().query_unpaged(statement, ()).await.unwrap();
}

struct House {
    metadata: CqlMetadata,
    _keyspace: Keyspace,
}

async fn house() -> House {
    let keyspace = Keyspace::migrated().await;
    House {
        metadata: keyspace.open().await,
        _keyspace: keyspace,
    }
}

videos_hold!(house => house.metadata.videos());
uploads_hold!(house => house.metadata.uploads());
tries_hold!(house => house.metadata.tries());
people_hold!(house => &house.metadata);
event_log_hold!(house => house.metadata.event_log());

#[tokio::test]
async fn a_keyspace_of_another_schema_is_refused() {
    let Keyspace(settings) = &Keyspace::empty().await;
    let open = || CqlMetadata::open(settings, clock());
    let Err(cql::OpenError::Version { found: 0, .. }) = open().await else {
        panic!("a keyspace without tables is opened");
    };
    for _ in 0..2 {
        CqlMetadata::migrate(settings, clock()).await.unwrap();
        open().await.unwrap();
    }
    let later = "INSERT INTO KEYSPACE.schema_versions (id, version) VALUES (0, 9999)";
    define(later.replace("KEYSPACE", &settings.keyspace)).await;
    for refused in [
        open().await.err(),
        CqlMetadata::migrate(settings, clock()).await.err(),
    ] {
        let refused = refused.unwrap().to_string();
        assert!(refused.contains("use a newer reelmill"), "{refused}");
    }
}

#[tokio::test]
async fn a_keyspace_that_cannot_be_used_is_named() {
    let mut settings = Keyspace::empty().await.0.clone();
    settings.keyspace = "nobody_made_this".to_owned();
    let missing = CqlMetadata::open(&settings, clock()).await.err().unwrap();
    assert!(
        missing.to_string().contains("nobody_made_this"),
        "{missing}"
    );
    settings.nodes = vec!["127.0.0.1:1".to_owned()];
    let away = CqlMetadata::open(&settings, clock()).await.err().unwrap();
    assert!(away.to_string().contains("127.0.0.1:1"), "{away}");
}

/// One answer of so many is lost, with its connection: what was asked for has happened, or has
/// not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_is_lost_happens_once() {
    let keyspace = Keyspace::migrated().await;
    let direct = keyspace.open().await;
    let proxy = Proxy::start(cql_server()).await;
    let behind = Cql {
        nodes: vec![proxy.address().to_string()],
        ..keyspace.0.clone()
    };
    let metadata = CqlMetadata::open(&behind, clock()).await.unwrap();
    let key = contract::sample::segment(VideoId::new(), 7);

    proxy.lose_every(25);
    let (mut sure, mut unsure) = (0, 0);
    while proxy.lost() < 12 {
        match metadata.tries().record_try(&key).await {
            Ok(_) => sure += 1,
            Err(Error::Unavailable { .. }) => unsure += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    proxy.lose_every(0);
    let counted = direct.tries().get(&key).await.unwrap().counted;
    let all = sure + unsure;
    assert!((sure..=all).contains(&counted), "{sure} {unsure} {counted}");
    assert!(sure > unsure, "{sure} {unsure}");
}
