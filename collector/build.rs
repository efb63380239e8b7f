//! Compresses the bundled tag, so that it is compressed once and not a request.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

const SCRIPT: &str = "tag/dist/wf.js";

fn main() {
    println!("cargo::rerun-if-changed={SCRIPT}");
    let script = std::fs::read(SCRIPT)
        .unwrap_or_else(|error| panic!("collector/{SCRIPT}: {error}; run `make assets` first"));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&script).expect("memory takes bytes");
    let folder = std::env::var("OUT_DIR").expect("cargo names the folder");
    let compressed = encoder.finish().expect("memory takes bytes");
    std::fs::write(Path::new(&folder).join("wf.js.gz"), compressed).expect("the build folder can be written");
}
