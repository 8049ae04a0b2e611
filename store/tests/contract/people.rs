//! Contracts of `Owners`, `Tokens` and `SignIns`, as tests.

use futures::future;
use plan::{OwnerId, TokenId};
use store::metadata::{
    OwnerRow, Owners, Role, SignInCode, SignInSession, SignIns, TokenRow, Tokens,
};
use store::{Error, Metadata};

use super::sample::hash;

pub async fn an_owners_name_is_theirs_alone(metadata: &dyn Metadata) {
    let owners: &dyn Owners = metadata.owners();
    let owner = |name: &str| OwnerRow {
        id: OwnerId::new(),
        name: name.into(),
        role: Role::Uploader,
        created_at_us: 4,
    };
    let (zoe, adam) = (owner("Zoe"), owner("Adam"));
    owners.insert(&zoe).await.unwrap();
    owners.insert(&adam).await.unwrap();
    assert!(matches!(
        owners.insert(&owner("Zoe")).await,
        Err(Error::Conflict)
    ));
    assert_eq!(owners.get(&zoe.id).await.unwrap(), Some(zoe.clone()));
    assert_eq!(owners.by_name("Adam").await.unwrap(), Some(adam.clone()));
    assert_eq!(owners.by_name("Eve").await.unwrap(), None);
    assert_eq!(owners.list().await.unwrap(), [adam, zoe]);
}

pub async fn a_revoked_token_opens_nothing(metadata: &dyn Metadata) {
    let tokens: &dyn Tokens = metadata.tokens();
    let token = TokenRow {
        id: TokenId::new(),
        owner: OwnerId::new(),
        name: "laptop".into(),
        hash: hash("secret"),
        role: Role::Admin,
        created_at_us: 1,
        revoked_at_us: None,
    };
    tokens.insert(&token).await.unwrap();
    let twin = TokenRow {
        id: TokenId::new(),
        ..token.clone()
    };
    assert!(matches!(tokens.insert(&twin).await, Err(Error::Conflict)));
    assert_eq!(
        tokens.by_hash(&hash("secret")).await.unwrap(),
        Some(token.clone())
    );
    assert_eq!(tokens.by_hash(&hash("Secret")).await.unwrap(), None);
    for at in [7, 8] {
        tokens.revoke(&token.id, at).await.unwrap();
        assert_eq!(tokens.by_hash(&hash("secret")).await.unwrap(), None);
    }
    let listed = tokens.list().await.unwrap();
    assert_eq!(
        listed,
        [TokenRow {
            revoked_at_us: Some(7),
            ..token
        }]
    );
    assert!(matches!(
        tokens.revoke(&TokenId::new(), 9).await,
        Err(Error::NotFound)
    ));
}

pub async fn a_code_signs_in_once(metadata: &dyn Metadata) {
    let sign_ins: &dyn SignIns = metadata.sign_ins();
    let code = |text: &str| SignInCode {
        hash: hash(text),
        owner: OwnerId::new(),
        expires_at_us: 100,
    };
    let (used, late, pruned) = (code("used"), code("late"), code("pruned"));
    for code in [&used, &late, &pruned] {
        sign_ins.insert_code(code).await.unwrap();
        assert!(matches!(
            sign_ins.insert_code(code).await,
            Err(Error::Conflict)
        ));
    }
    let racers = future::join_all((0..12).map(|_| sign_ins.redeem(&used.hash, 99))).await;
    let winners: Vec<_> = racers.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(winners, [used.owner]);
    assert_eq!(sign_ins.redeem(&late.hash, 100).await.unwrap(), None);
    sign_ins.prune(100).await.unwrap();
    assert_eq!(sign_ins.redeem(&pruned.hash, 0).await.unwrap(), None);
    assert_eq!(sign_ins.redeem(&hash("never"), 0).await.unwrap(), None);
}

pub async fn a_session_ends_by_time_or_by_hand(metadata: &dyn Metadata) {
    let sign_ins: &dyn SignIns = metadata.sign_ins();
    let session = SignInSession {
        hash: hash("cookie"),
        owner: OwnerId::new(),
        created_at_us: 0,
        expires_at_us: 100,
    };
    sign_ins.insert_session(&session).await.unwrap();
    assert_eq!(
        sign_ins.session(&session.hash, 99).await.unwrap(),
        Some(session)
    );
    assert_eq!(sign_ins.session(&session.hash, 100).await.unwrap(), None);
    sign_ins.prune(99).await.unwrap();
    assert_eq!(
        sign_ins.session(&session.hash, 99).await.unwrap(),
        Some(session)
    );
    for _ in 0..2 {
        sign_ins.end_session(&session.hash).await.unwrap();
        assert_eq!(sign_ins.session(&session.hash, 0).await.unwrap(), None);
    }
}
