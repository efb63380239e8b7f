//! The house keeps its shape: arrows point one way, and every file says what it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each part may depend on of our own.
const MAY: [(&str, &[&str]); 25] = [
    ("model", &[]),
    ("history", &["model"]),
    ("commits", &["model"]),
    ("spam", &["model"]),
    ("scale", &["model"]),
    ("alert", &["model"]),
    ("bus", &["model"]),
    ("live", &["model"]),
    ("store", &["model"]),
    ("observe", &["model", "live"]),
    ("archive", &["model", "history", "store"]),
    ("door", &["model", "store"]),
    ("collector", &["model", "bus", "live", "store", "door", "observe"]),
    ("processor", &["model", "history", "bus", "live", "store", "archive", "observe"]),
    ("chat", &["model", "commits", "spam", "live", "store"]),
    ("outbox", &["model", "alert", "commits", "live", "store", "chat"]),
    ("lookout", &["model", "alert", "history", "live", "store", "archive", "outbox", "patrol"]),
    ("mailroom", &["model", "store", "chat"]),
    ("patrol", &["model", "live", "store", "observe", "outbox"]),
    ("realtime", &["model", "live", "store", "door", "chat", "observe"]),
    (
        "web",
        &[
            "model", "alert", "history", "commits", "live", "store", "archive", "door", "chat", "outbox",
            "mailroom", "lookout", "patrol", "observe",
        ],
    ),
    (
        "server",
        &[
            "model",
            "history",
            "commits",
            "scale",
            "bus",
            "live",
            "store",
            "archive",
            "door",
            "chat",
            "outbox",
            "mailroom",
            "observe",
            "collector",
            "processor",
            "realtime",
            "web",
        ],
    ),
    ("servers", &[]),
    ("tests", &["model", "bus", "store", "server", "servers"]),
    (
        "bench",
        &[
            "model",
            "history",
            "archive",
            "bus",
            "live",
            "store",
            "door",
            "collector",
            "processor",
            "servers",
            "server",
            "tests",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Our own packages by folder, with the folders they depend on outside of tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo answers");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let folder_of = |path: &Value| {
        let path = Path::new(path.as_str().unwrap_or_default());
        let folder = if path.ends_with("Cargo.toml") { path.parent() } else { Some(path) };
        folder.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
    };
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let own = package["dependencies"].as_array().into_iter().flatten();
            let own = own.filter(|dependency| dependency["path"].is_string() && dependency["kind"] != "dev");
            (
                folder_of(&package["manifest_path"]),
                own.map(|dependency| folder_of(&dependency["path"])).collect(),
            )
        })
        .collect()
}

#[test]
fn arrows_point_one_way() {
    let found = dependencies();
    let known: BTreeSet<String> = MAY.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), known, "a part without a place in the house");
    for (name, may) in MAY {
        let may: BTreeSet<String> = may.iter().map(|&name| name.to_owned()).collect();
        let more: Vec<_> = found[name].difference(&may).collect();
        assert!(more.is_empty(), "{name} may not depend on {more:?}");
    }
}

#[test]
fn only_the_composition_knows_backends() {
    for file in sources("rs") {
        let place = file.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
        let is_service = ["collector/src", "processor/src", "realtime/src", "web/src"]
            .iter()
            .any(|service| place.starts_with(service));
        let text = std::fs::read_to_string(&file).expect("a source file is text");
        let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test = place.contains("/tests") || place.ends_with("_tests.rs") || place.contains("/testing");
        let names_backend = [
            "bus::embedded",
            "bus::amqp",
            "bus::spool",
            "store::embedded",
            "store::mongodb",
            "live::memory",
            "live::redis",
        ]
        .iter()
        .any(|backend| before_tests.contains(backend));
        assert!(!(is_service && names_backend && !is_test), "{place} names a backend");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in sources("rs") {
        let text = std::fs::read_to_string(&file).expect("a source file is text");
        assert!(text.trim_start().starts_with("//!"), "{} has no purpose line", file.display());
    }
    for file in sources("ts") {
        let text = std::fs::read_to_string(&file).expect("a source file is text");
        let opening = text.trim_start();
        assert!(
            opening.starts_with("/*") || opening.starts_with("//"),
            "{} has no purpose line",
            file.display()
        );
    }
}

fn sources(ending: &str) -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", &format!("*.{ending}")])
        .current_dir(root())
        .output()
        .expect("git answers");
    let text = String::from_utf8(output.stdout).expect("paths are text");
    let files: Vec<PathBuf> =
        text.lines().map(|line| root().join(line)).filter(|path| path.exists()).collect();
    assert!(!files.is_empty(), "no .{ending} files found");
    files
}
