//! The units that packages install (`packaging/systemd`), as systemd itself reads and judges them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const SERVICES: [&str; 5] = [
    "watchfire.service",
    "watchfire@collector.service",
    "watchfire@processor.service",
    "watchfire@realtime.service",
    "watchfire@web.service",
];
const SOCKETS: [&str; 4] =
    ["watchfire.socket", "watchfire@collector.socket", "watchfire@realtime.socket", "watchfire@web.socket"];
/// Tenths: 2.0 of 10.
const EXPOSURE_MAX: &str = "20";

/// A root that holds the units and nothing else of the system.
struct Root(TempDir);

impl Root {
    fn new() -> Root {
        let root = Root(tempfile::tempdir().expect("a folder of our own"));
        let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd");
        copy(&packaged, &root.units());
        root
    }

    fn units(&self) -> PathBuf {
        self.0.path().join("usr/lib/systemd/system")
    }

    fn change(&self, unit: &str, from: &str, to: &str) {
        let path = self.units().join(unit);
        let text = std::fs::read_to_string(&path).expect("the unit is there");
        assert!(text.contains(from), "{unit} has no {from}");
        std::fs::write(&path, text.replace(from, to)).expect("the unit can be written");
    }

    fn analyze(&self, args: &[&str]) -> Output {
        Command::new("systemd-analyze")
            .args(args)
            .env("SYSTEMD_UNIT_PATH", format!("{}:", self.units().display()))
            .output()
            .expect("systemd-analyze runs (bin/need test)")
    }

    fn exposure_is_low(&self, unit: &str) -> Result<(), String> {
        let root = format!("--root={}", self.0.path().display());
        let threshold = format!("--threshold={EXPOSURE_MAX}");
        let judged = self.analyze(&["security", "--no-pager", "--offline=true", &root, &threshold, unit]);
        match judged.status.success() {
            true => Ok(()),
            false => Err(words(&judged)),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        match path.is_dir() {
            true => copy(&path, &target),
            false => {
                std::fs::copy(&path, &target).expect("a file can be copied");
            }
        }
    }
}

fn words(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn every_service_is_exposed_by_at_most_two_of_ten() {
    let root = Root::new();
    for unit in SERVICES {
        if let Err(why) = root.exposure_is_low(unit) {
            panic!("{unit}: {why}");
        }
    }
}

#[test]
fn a_service_that_is_not_hardened_is_found() {
    let root = Root::new();
    root.change("watchfire.service", "SystemCallFilter=", "#");
    root.change("watchfire.service", "CapabilityBoundingSet=", "CapabilityBoundingSet=CAP_SYS_ADMIN");
    assert!(root.exposure_is_low("watchfire.service").is_err());
}

#[test]
fn systemd_understands_every_line_of_every_unit() {
    let root = Root::new();
    // The program itself is not installed here.
    for unit in ["watchfire.service", "watchfire@.service"] {
        root.change(unit, "/usr/bin/watchfire", "/bin/true");
    }
    let verify: Vec<&str> = ["verify", "--man=no"].into_iter().chain(SERVICES).chain(SOCKETS).collect();
    let told = words(&root.analyze(&verify));
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("watchfire")).collect();
    assert!(ours.is_empty(), "{ours:#?}");
    root.change("watchfire.service", "RestartSec=", "RestartSeconds=");
    assert!(words(&root.analyze(&verify)).contains("RestartSeconds"), "what is wrong is told");
}
