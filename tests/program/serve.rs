//! The server and the commands that are used beside it.

use crate::run::{printed, refused};
use crate::server::Server;

#[test]
fn tokens_and_sign_in_links_are_made_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    assert_eq!(server.list("nonsense"), 401);
    let at = data.to_str().unwrap();
    let token = |arguments: &[&str]| printed(&[&["token", "--data", at], arguments].concat());
    let made = token(&["create", "--owner", "ann", "--name", "laptop"]);
    let secret = made.trim();
    assert_eq!(server.list(secret), 200);
    let listed = token(&["list"]);
    let line = listed.lines().find(|line| line.contains("laptop")).unwrap();
    let id = line.split('\t').next().unwrap();
    token(&["revoke", id]);
    assert_eq!(server.list(secret), 401);
    let link = printed(&["sign-in", "--public-url", &server.base, "--data", at]);
    let page = ureq::get(link.trim()).call().unwrap();
    assert_eq!(page.status(), 200);
}

#[test]
fn a_data_folder_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let at = folder.path().to_str().unwrap();
    let said = refused(&["serve", "--listen", "127.0.0.1:0", "--data", at]);
    let pid = format!("(pid {})", server.process.id());
    assert!(said.contains("is in use") && said.contains(&pid), "{said}");
}
