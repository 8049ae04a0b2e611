//! The stores of many machines keep every contract on real servers, and what else a network asks
//! of them. `REELMILL_TEST_S3` and `REELMILL_TEST_CQL` name servers; without them they are started
//! (`deploy/services.sh`).

#[macro_use]
#[allow(dead_code, unused_macros, reason = "work and events are local so far")]
mod contract;
mod proxy;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use plan::VideoId;
use proxy::Proxy;
use scylla::client::session_builder::SessionBuilder;
use store::cluster::metadata::{self as cql, Cql, CqlMetadata};
use store::cluster::objects::{Access, OpenError, S3, S3Objects};
use store::{Clock, Error, Metadata, SystemClock};
use tokio::sync::Mutex;

/// Where a server is, started once for all tests.
fn server(service: &str, variable: &str) -> String {
    if let Ok(given) = std::env::var(variable) {
        return given;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let started = Command::new(root.join("deploy/services.sh"))
        .args(["up", service])
        .arg(root.join("target/services").join(service))
        .output()
        .unwrap();
    assert!(started.status.success(), "{started:?}");
    String::from_utf8(started.stdout).unwrap().trim().to_owned()
}

fn s3_server() -> &'static str {
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    ENDPOINT.get_or_init(|| server("s3", "REELMILL_TEST_S3"))
}

fn cql_server() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| server("cql", "REELMILL_TEST_CQL"))
}

fn settings(bucket: &str) -> S3 {
    S3 {
        endpoint: Some(s3_server().to_owned()),
        region: "us-east-1".to_owned(),
        bucket: bucket.to_owned(),
        access: Some(Access {
            key: "test-access".to_owned(),
            secret: "test-secret-key".to_owned(),
        }),
        path_style: true,
    }
}

/// A bucket of its own for every test.
async fn bucket() -> S3 {
    let settings = settings(&format!("test-{}", uuid::Uuid::now_v7()));
    let credentials = Credentials::new("test-access", "test-secret-key", None, None, "tests");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .endpoint_url(s3_server())
        .force_path_style(true)
        .credentials_provider(credentials);
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let made = client.create_bucket().bucket(&settings.bucket).send().await;
    made.unwrap();
    settings
}

/// Schemas change one at a time: nodes must agree on each.
static SCHEMA: Mutex<()> = Mutex::const_new(());

/// A keyspace of its own for every test; gone with this.
struct Keyspace(Cql);

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

    async fn migrated() -> Self {
        let made = Self::empty().await;
        let _one = SCHEMA.lock().await;
        CqlMetadata::migrate(&made.0, clock()).await.unwrap();
        drop(_one);
        made
    }

    async fn open(&self) -> CqlMetadata {
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

async fn define(statement: String) {
    let _one = SCHEMA.lock().await;
    let session = SessionBuilder::new().known_node(cql_server()).build().await;
    session.unwrap().query_unpaged(statement, ()).await.unwrap();
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

mod with_objects {
    use super::*;

    struct House {
        objects: S3Objects,
    }

    async fn house() -> House {
        House {
            objects: S3Objects::open(&bucket().await).await.unwrap(),
        }
    }

    objects_hold!(house => &house.objects);
}

mod with_rows {
    use super::*;

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
}

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

#[tokio::test]
async fn a_bucket_that_cannot_be_used_is_named() {
    let missing = S3Objects::open(&settings("nobody-made-this")).await.err();
    let Some(OpenError::Unusable {
        bucket: name,
        reason,
    }) = missing
    else {
        panic!("{missing:?}");
    };
    assert_eq!(name, "nobody-made-this");
    assert!(reason.contains("NoSuchBucket"), "{reason}");
    let mut locked = bucket().await;
    locked.access = Some(Access {
        key: "test-access".to_owned(),
        secret: "another".to_owned(),
    });
    let refused = S3Objects::open(&locked).await.err().unwrap().to_string();
    assert!(refused.contains("SignatureDoesNotMatch"), "{refused}");
    let mut away = locked;
    away.endpoint = Some("http://127.0.0.1:1".to_owned());
    assert!(matches!(
        S3Objects::open(&away).await,
        Err(OpenError::Unusable { .. })
    ));
}
