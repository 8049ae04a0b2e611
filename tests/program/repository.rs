//! What this repository promises of itself: the licences of its dependencies, and documents that name files that exist.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

/// Licences that the project's own licence, Apache-2.0, may be distributed with in one program.
const ACCEPTED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "WTFPL",
    "Zlib",
];

fn is_accepted(licence: &str) -> bool {
    // Older crates write `MIT/Apache-2.0`.
    let expression = Expression::parse_mode(licence, ParseMode::LAX);
    expression.is_ok_and(|expression| {
        expression.evaluate(|asked| {
            let id = asked.license.id();
            id.is_some_and(|id| ACCEPTED.contains(&id.name))
        })
    })
}

/// All packages that the workspace is built from, as Cargo describes them.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

/// Libraries that a crate of the workspace is linked with, tests and build scripts aside.
fn linked<'a>(packages: &'a [Value], name: &str) -> BTreeSet<&'a str> {
    let package = packages.iter().find(|package| package["name"] == name);
    let package = package.unwrap_or_else(|| panic!("there is no crate {name}"));
    let all = package["dependencies"].as_array().unwrap().iter();
    let normal = all.filter(|dependency| dependency["kind"].is_null());
    normal
        .filter_map(|dependency| dependency["name"].as_str())
        .collect()
}

/// The crates of the workspace, and those of them that each may use (docs/ARCHITECTURE.md).
const USES: [(&str, &[&str]); 12] = [
    ("reelmill-plan", &[]),
    ("reelmill-manifests", &["plan"]),
    ("reelmill-store", &["plan"]),
    ("reelmill-protocol", &["plan"]),
    ("reelmill-cmaf", &["plan"]),
    ("reelmill-sketch", &["plan", "cmaf"]),
    ("reelmill-transcoder", &["plan", "protocol", "cmaf"]),
    (
        "reelmill-engine",
        &["plan", "protocol", "cmaf", "manifests"],
    ),
    ("reelmill-accounts", &["plan", "store"]),
    (
        "reelmill-pipeline",
        &["plan", "store", "manifests", "transcoder"],
    ),
    (
        "reelmill-origin",
        &["plan", "store", "manifests", "pipeline", "accounts"],
    ),
    (
        "reelmill",
        &[
            "plan",
            "store",
            "manifests",
            "transcoder",
            "pipeline",
            "accounts",
            "origin",
        ],
    ),
];

#[test]
fn crates_use_each_other_as_the_architecture_says() {
    let packages = packages();
    for (name, allowed) in USES {
        let linked = linked(&packages, name);
        let own = linked
            .iter()
            .filter_map(|linked| linked.strip_prefix("reelmill-"));
        for used in own {
            assert!(allowed.contains(&used), "{name} uses {used}");
        }
    }
}

#[test]
fn only_the_engine_links_media_libraries_and_only_stores_speak_to_servers() {
    let packages = packages();
    for (name, _) in USES {
        let linked = linked(&packages, name);
        let media = [
            "ffmpeg-next",
            "ffmpeg-sys-next",
            "gstreamer",
            "gstreamer-app",
        ];
        let servers = ["rusqlite", "scylla", "aws-sdk-s3", "async-nats"];
        let has = |libraries: &[&str]| libraries.iter().any(|library| linked.contains(library));
        assert_eq!(has(&media), name == "reelmill-engine", "{name}");
        assert_eq!(has(&servers), name == "reelmill-store", "{name}");
    }
}

#[test]
fn every_dependency_has_an_accepted_licence() {
    let packages = packages();
    assert!(packages.len() > 100, "{} packages", packages.len());
    for package in &packages {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_accepted(licence), "{}: {licence:?}", package["name"]);
    }
    assert!(!is_accepted("GPL-3.0-only") && !is_accepted("MIT AND GPL-2.0-or-later"));
    assert!(is_accepted("GPL-2.0-only OR MIT") && !is_accepted(""));
}

/// Paths in backticks that a document names, as far as they begin with a folder at the top of the repository.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|quoted| {
        let is_path = quoted
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        let top = quoted.split_once('/').map(|(top, _)| top);
        is_path
            && top.is_some_and(|top| {
                !top.is_empty() && Path::new(env!("CARGO_MANIFEST_DIR")).join(top).is_dir()
            })
    })
}

#[test]
fn documents_name_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        root.to_owned(),
        root.join("docs"),
        root.join("docs/decisions"),
    ];
    let mut named = 0;
    let mut missing = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for name in named_paths(&text) {
                named += 1;
                // Builds are made later, and `NAME` stands for any name.
                if !root.join(name).exists()
                    && !name.starts_with("target/")
                    && !name.contains("NAME")
                {
                    missing.push(format!("{}: {name}", path.display()));
                }
            }
        }
    }
    assert!(named > 200, "only {named} paths are named");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn promises_name_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/promises.md")).unwrap();
    let (mut named, mut missing) = (0, Vec::new());
    for line in text.lines() {
        let files: Vec<String> = named_paths(line)
            .filter_map(|path| std::fs::read_to_string(root.join(path)).ok())
            .collect();
        let quoted = line.split('`').skip(1).step_by(2);
        let is_name = |word: &&str| {
            let is_word = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            is_word && word.matches('_').count() >= 3
        };
        for name in quoted.filter(is_name) {
            named += 1;
            let test = format!("fn {name}(");
            if !files.iter().any(|file| file.contains(&test)) {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(named > 150, "only {named} tests are named");
    assert!(missing.is_empty(), "no file of their line has {missing:#?}");
}
