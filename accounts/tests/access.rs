//! Tests of tokens and sign-in with the embedded stores.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use accounts::{owners, sign_in, tokens};
use store::local::Local;
use store::metadata::Role;
use store::{Layout, ManualClock, Stores};

fn stores(folder: &std::path::Path) -> (Stores, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_800_000_000_000_000));
    (
        Local::open(folder, Layout::Store, clock.clone()).unwrap(),
        clock,
    )
}

#[tokio::test]
async fn a_revoked_token_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (stores, _) = stores(folder.path());
    let (row, secret) = tokens::create(&stores, "ann", "laptop", Role::Uploader)
        .await
        .unwrap();
    let known = tokens::authenticate(&stores, secret.expose())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((known.owner, known.role), (row.owner, Role::Uploader));
    assert_eq!(
        tokens::authenticate(&stores, "nonsense").await.unwrap(),
        None
    );
    tokens::revoke(&stores, &row.id).await.unwrap();
    let listed = tokens::list(&stores).await.unwrap();
    assert!(listed.len() == 1 && listed[0].revoked_at_us.is_some());
    let unknown = stores.ids.token();
    assert!(tokens::revoke(&stores, &unknown).await.is_err());
    assert_eq!(
        tokens::authenticate(&stores, secret.expose())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_code_signs_in_once_and_expires() {
    let folder = tempfile::tempdir().unwrap();
    let (stores, clock) = stores(folder.path());
    let owner = owners::find_or_create(&stores, "ann", Role::Uploader)
        .await
        .unwrap();
    let code = sign_in::create_code(&stores, owner.id).await.unwrap();
    let cookie = sign_in::exchange(&stores, code.expose())
        .await
        .unwrap()
        .unwrap();
    assert!(
        sign_in::exchange(&stores, code.expose())
            .await
            .unwrap()
            .is_none()
    );
    let who = sign_in::authenticate(&stores, cookie.expose())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(who.owner, owner.id);
    let late = sign_in::create_code(&stores, owner.id).await.unwrap();
    clock.advance(Duration::from_secs(601));
    assert!(
        sign_in::exchange(&stores, late.expose())
            .await
            .unwrap()
            .is_none()
    );
    clock.advance(sign_in::SESSION_LIFE);
    assert!(
        sign_in::authenticate(&stores, cookie.expose())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn the_first_start_leaves_an_admin_token_that_only_its_user_reads() {
    let folder = tempfile::tempdir().unwrap();
    let (stores, _) = stores(&folder.path().join("data"));
    tokens::create_admin_token(&stores, folder.path())
        .await
        .unwrap();
    let path = folder.path().join(tokens::ADMIN_TOKEN_FILE);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let token = std::fs::read_to_string(&path).unwrap();
    let admin = tokens::authenticate(&stores, token.trim())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(admin.role, Role::Admin);
    tokens::create_admin_token(&stores, folder.path())
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), token);
}

#[tokio::test]
async fn a_first_start_that_was_killed_is_a_first_start_again() {
    let folder = tempfile::tempdir().unwrap();
    let (stores, _) = stores(&folder.path().join("data"));
    let path = folder.path().join(tokens::ADMIN_TOKEN_FILE);
    // The first start was killed while it wrote: the token's file does not exist yet.
    std::fs::write(path.with_extension("new"), "half a tok").unwrap();
    tokens::create_admin_token(&stores, folder.path())
        .await
        .unwrap();
    let token = std::fs::read_to_string(&path).unwrap();
    let admin = tokens::authenticate(&stores, token.trim()).await.unwrap();
    assert_eq!(admin.unwrap().role, Role::Admin);
    assert!(!path.with_extension("new").exists());
}

#[tokio::test]
async fn signing_out_invalidates_the_cookie_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let (stores, _) = stores(folder.path());
    let owner = owners::find_or_create(&stores, "ann", Role::Uploader)
        .await
        .unwrap();
    let code = sign_in::create_code(&stores, owner.id).await.unwrap();
    let cookie = sign_in::exchange(&stores, code.expose()).await.unwrap();
    let cookie = cookie.unwrap();
    sign_in::sign_out(&stores, cookie.expose()).await.unwrap();
    let who = sign_in::authenticate(&stores, cookie.expose()).await;
    assert_eq!(who.unwrap(), None);
}
