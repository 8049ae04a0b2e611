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
    assert!(refused(&upload(&missing)).contains("cannot be read"));
    let is_folder = text(folder.path());
    assert!(refused(&upload(&is_folder)).contains("a folder"));
    let empty = folder.path().join("empty.mp4");
    std::fs::write(&empty, "").unwrap();
    let empty = text(&empty);
    let said = refused(&upload(&empty));
    assert!(said.contains("(not_media)"), "{said}");

    // What is wrong with one does not keep the others from it.
    let note = folder.path().join("note.txt");
    std::fs::write(&note, "This is no film, whatever its name may be one day.").unwrap();
    let note = text(&note);
    let several = [&upload(&film)[..], &[&missing, &note, &film]].concat();
    let output = reelmill(&several);
    assert_eq!(output.status.code(), Some(1));
    let (links, said) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    assert_eq!(String::from_utf8(links).unwrap().lines().count(), 2);
    assert!(said.contains("(not_media)"), "{said}");
    assert!(
        said.contains("2 of 4 files did not become videos"),
        "{said}"
    );

    let wait = [&upload(&film)[..], &["--wait", "--json", "--title", "B"]].concat();
    let video: serde_json::Value = serde_json::from_str(&printed(&wait)).unwrap();
    assert_eq!(
        (&video["state"], &video["title"]),
        (&"ready".into(), &"B".into())
    );
    let piped = Command::new("sh")
        .args(["-c", "cat \"$0\" | \"$@\"", &film])
        .arg(env!("CARGO_BIN_EXE_reelmill"))
        .args(["upload", "-", "--title", "C", "--server", &server.base])
        .env(
            "REELMILL_TOKEN",
            std::fs::read_to_string(&token).unwrap().trim(),
        )
        .output()
        .unwrap();
    assert!(piped.status.success(), "{piped:?}");
    assert!(piped.stdout.starts_with(b"http://"), "{piped:?}");

    // As long a body as there may be: who is not let in learns why.
    let long = folder.path().join("long.mp4");
    std::fs::File::create(&long)
        .unwrap()
        .set_len(64 << 20)
        .unwrap();
    let long = text(&long);
    let wrong = [&upload(&long)[..], &["--token", "wrong"]].concat();
    let said = refused(&wrong);
    assert!(said.contains("(unauthorized)"), "{said}");

    // The link leads to where the server listens.
    let link = printed(&["sign-in", "--data", &text(&data)]);
    assert!(link.starts_with(&server.base), "{link}");
}

#[test]
fn what_is_given_wrong_is_refused_as_such() {
    let wrong = |arguments: &[&str], variables: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_reelmill"));
        command.args(arguments).envs(variables.iter().copied());
        let data = folder.path().to_str().unwrap();
        let output = command.args(["--data", data]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        said
    };
    let said = wrong(&["serve", "--public-url", "nope"], &[]);
    assert!(said.contains("public_url is nope"), "{said}");
    let said = wrong(&["serve", "--memory", "10MiB"], &[]);
    assert!(said.contains("at least 128 MiB"), "{said}");
    let said = wrong(&["serve", "--segment-seconds", "1"], &[]);
    assert!(said.contains("from 2 to 10"), "{said}");
    let seconds = ("REELMILL_PIPELINE__SEGMENT_SECONDS", "4.5");
    let said = wrong(&["serve"], &[seconds]);
    assert!(said.contains("whole number"), "{said}");
    wrong(&["token", "create", "--owner", "", "--name", "a"], &[]);
    let nothing = ("REELMILL_FOO", "1");
    let said = wrong(&["serve", "--public-url", "nope"], &[nothing]);
    assert!(said.contains("REELMILL_FOO is not a setting"), "{said}");
}

#[test]
fn a_folder_with_somebodys_files_is_not_offered_to_be_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let (source, output) = (folder.path().join("a.mp4"), folder.path().join("out"));
    std::fs::write(&source, "nothing").unwrap();
    std::fs::create_dir(&output).unwrap();
    std::fs::write(output.join("letter.txt"), "dear").unwrap();
    let [source, output] = [&source, &output].map(|path| path.to_str().unwrap());
    for force in [&[][..], &["--force"]] {
        let refused = reelmill(&[&["transcode", source, output], force].concat());
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(3), "{said}");
        assert!(
            !said.contains("--force") && said.contains("another folder"),
            "{said}"
        );
    }
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
        lines[0].starts_with(&format!("problem  {address}")),
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
