//! The server and the commands that are used beside it.

use std::path::Path;
use std::process::Command;

use crate::server::Server;

/// What a command prints.
fn reelmill(data: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_reelmill"))
        .args(arguments)
        .env("REELMILL_DATA", data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tokens_and_sign_in_links_are_made_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    assert_eq!(server.list("nonsense"), 401);
    let made = reelmill(
        &data,
        &["token", "create", "--owner", "ann", "--name", "laptop"],
    );
    let secret = made.trim();
    assert_eq!(server.list(secret), 200);
    let listed = reelmill(&data, &["token", "list"]);
    let line = listed.lines().find(|line| line.contains("laptop")).unwrap();
    let id = line.split('\t').next().unwrap();
    reelmill(&data, &["token", "revoke", id]);
    assert_eq!(server.list(secret), 401);
    let link = reelmill(&data, &["sign-in", "--public-url", &server.base]);
    let page = ureq::get(link.trim()).call().unwrap();
    assert_eq!(page.status(), 200);
}

#[test]
fn a_data_folder_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let second = Command::new(env!("CARGO_BIN_EXE_reelmill"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    let pid = format!("(pid {})", server.process.id());
    assert!(said.contains("is in use") && said.contains(&pid), "{said}");
}
