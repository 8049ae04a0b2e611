//! Tests of the rows in CQL: every contract, and keyspaces that cannot be opened.

mod faults;

use plan::{OwnerId, TokenId};
use store::Metadata;
use store::cluster::metadata::{self as cql, CqlMetadata};
use store::metadata::{OwnerRow, Role, TokenRow};

use super::contract;
use super::servers::clock;
use super::servers::cql::{Keyspace, define};

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
views_hold!(house => house.metadata.views());
people_hold!(house => &house.metadata);
event_log_hold!(house => house.metadata.event_log());

#[tokio::test]
async fn a_keyspace_of_another_schema_is_refused() {
    let Keyspace(settings) = &Keyspace::empty().await;
    let open = || CqlMetadata::open(settings, clock());
    let Err(cql::OpenError::Version { found: 0, .. }) = open().await else {
        panic!("a keyspace without tables was opened");
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

/// Owners and tokens each have rows in two tables. An insert that was interrupted between them can be repeated.
#[tokio::test]
async fn an_interrupted_insert_can_be_repeated() {
    let keyspace = Keyspace::migrated().await;
    let name = &keyspace.0.keyspace;
    let metadata = keyspace.open().await;
    let owner = OwnerRow {
        id: OwnerId::new(),
        name: "ann".to_owned(),
        role: Role::Uploader,
        created_at_us: 4,
    };
    define(format!(
        "INSERT INTO {name}.owners (id, name, role, created_at_us)
         VALUES ('{}', 'ann', 'uploader', 4)",
        owner.id
    ))
    .await;
    metadata.owners().insert(&owner).await.unwrap();
    let known = metadata.owners().by_name("ann").await.unwrap();
    assert_eq!(known, Some(owner));

    let token = TokenRow {
        id: TokenId::new(),
        owner: OwnerId::new(),
        name: "laptop".to_owned(),
        hash: contract::sample::hash("secret"),
        role: Role::Admin,
        created_at_us: 1,
        revoked_at_us: None,
    };
    define(format!(
        "INSERT INTO {name}.tokens (id, hash) VALUES ('{}', 0x{})",
        token.id, token.hash
    ))
    .await;
    metadata.tokens().insert(&token).await.unwrap();
    assert_eq!(metadata.tokens().list().await.unwrap(), [token]);
}
