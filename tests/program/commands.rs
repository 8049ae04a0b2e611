//! Commands that people use beside a server.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::run::{printed, reelmill, refused};
use crate::server::Server;

#[test]
fn files_are_uploaded_and_a_link_to_each_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let film = folder.path().join("a film.mp4");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x36:d=1"])
        .arg(&film)
        .status();
    assert!(status.unwrap().success());
    let token = data.join("admin-token");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (film, token) = (text(&film), text(&token));
    let upload = |file| {
        [
            "upload",
            file,
            "--server",
            &server.base,
            "--token-file",
            &token,
        ]
    };
    let link = printed(&upload(&film));
    let page = ureq::get(link.trim()).call().unwrap();
    assert_eq!(page.status(), 200);
    let page = page.into_body().read_to_string().unwrap();
    assert!(
        page.contains("<h1>a film</h1>") || page.contains("a film"),
        "{page}"
    );

    let missing = text(&folder.path().join("nothing.mp4"));
    assert!(refused(&upload(&missing)).contains("cannot read"));
    let is_folder = text(folder.path());
    assert!(refused(&upload(&is_folder)).contains("is a folder"));
    let empty = folder.path().join("empty.mp4");
    std::fs::write(&empty, "").unwrap();
    let said = refused(&upload(&text(&empty)));
    assert!(said.contains("(not_media)"), "{said}");
}

#[test]
fn a_doctor_says_what_is_well_and_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = reelmill(&["doctor", "--data", data, "--listen", &address]);
    assert_eq!(output.status.code(), Some(1), "its port is taken");
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(
        lines[0].starts_with(&format!("trouble  {address}")),
        "{said}"
    );
    assert!(lines[1].contains(" GiB free."), "{said}");
    assert!(
        lines[2].starts_with("ok       reelmill-engine runs"),
        "{said}"
    );
    assert!(lines[3].contains("An engine was refused "), "{said}");
}

#[test]
fn shells_complete_every_command_and_the_manual_names_it() {
    let help = printed(&["help"]);
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let listed = listed.split("\n\n").next().unwrap();
    // What goes on in the next line is further in.
    let names = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter_map(|line| line.split(' ').next());
    let commands: Vec<&str> = names.filter(|name| !matches!(*name, "" | "help")).collect();
    assert!(
        commands.contains(&"serve") && commands.contains(&"sign-in"),
        "{help}"
    );
    let manual = printed(&["man"]);
    assert!(manual.starts_with(".ie"), "{manual}");
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        for command in &commands {
            assert!(script.contains(command), "{command} in {shell}");
            let named = command.replace('-', "\\-");
            assert!(manual.contains(&named), "{command} in the manual");
        }
    }
    let readme = include_str!("../../README.md").lines();
    let list = readme.filter_map(|line| line.strip_prefix("- `reelmill ")?.strip_suffix("`."));
    let listed: Vec<&str> = list.flat_map(|line| line.split(" | ")).collect();
    for command in &commands {
        assert!(listed.contains(command), "{command} is not in the README");
    }
}
