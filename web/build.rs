//! Builds the pages' scripts, styles and pictures into the program: type, bytes, gzip, and a name that
//! changes with the content, so that browsers may keep each for ever.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Files that pages name, by the field of `AssetUrls`.
const NAMED: [(&str, &str); 18] = [
    ("css", "app.css"),
    ("app_js", "app.js"),
    ("live_js", "live.js"),
    ("overview_js", "overview.js"),
    ("reports_js", "reports.js"),
    ("inbox_js", "inbox.js"),
    ("room_js", "room.js"),
    ("rooms_js", "rooms.js"),
    ("notifications_js", "notifications.js"),
    ("pipeline_js", "pipeline.js"),
    ("push_worker_js", "push-worker.js"),
    ("tag_js", "tag.js"),
    ("panel_js", "panel.js"),
    ("panel_css", "panel.css"),
    ("chat_js", "chat.js"),
    ("world_svg", "world.svg"),
    ("favicon_svg", "favicon.svg"),
    ("demo_css", "demo.css"),
];

/// What npm builds.
const FOLDERS: [&str; 2] = ["ui/dist", "widget/dist"];

struct Built {
    file: String,
    url: String,
    content_type: &'static str,
    path: PathBuf,
    gzip: Option<PathBuf>,
}

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names the output folder"));
    println!("cargo::rerun-if-changed=build.rs");
    let mut paths: Vec<PathBuf> = FOLDERS.iter().flat_map(|folder| files(folder)).collect();
    paths.retain(|path| path.is_file() && content_type(path).is_some());
    paths.push(PathBuf::from("demo/demo.css"));
    paths.sort();
    let built: Vec<Built> = paths.iter().map(|path| build(path, &out)).collect();
    fs::write(out.join("assets.rs"), source(&built)).expect("the output folder can be written");
}

fn files(folder: &str) -> Vec<PathBuf> {
    println!("cargo::rerun-if-changed={folder}");
    let files = fs::read_dir(folder).unwrap_or_else(|_| absent());
    files.map(|file| file.expect("a readable folder").path()).collect()
}

fn absent() -> ! {
    panic!("web/ui/dist or web/widget/dist is not complete: run `make assets` first");
}

fn build(path: &Path, out: &Path) -> Built {
    println!("cargo::rerun-if-changed={}", path.display());
    let bytes = fs::read(path).expect("a file of the folder can be read");
    let file = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let (stem, ending) = file.rsplit_once('.').expect("a known type has an ending");
    let url = format!("/assets/{stem}-{:016x}.{ending}", hasher.finish());
    let gzip = gzip(&bytes).map(|small| {
        let place = out.join(format!("{file}.gz"));
        fs::write(&place, small).expect("the output folder can be written");
        place
    });
    let content_type = content_type(path).expect("only known types are built in");
    let path = path.canonicalize().expect("an existing file has a full path");
    Built { url, file, content_type, path, gzip }
}

/// The bytes, smaller; None where that saves too little.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory can be written");
    let small = encoder.finish().expect("memory can be written");
    (small.len() + 64 < bytes.len()).then_some(small)
}

fn content_type(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

fn source(built: &[Built]) -> String {
    let mut text = String::from("pub static FILES: &[File] = &[\n");
    for file in built {
        let gzip = file.gzip.as_ref().map_or("None".into(), |path| format!("Some(include_bytes!({path:?}))"));
        writeln!(
            text,
            "File {{ url: {:?}, content_type: {:?}, bytes: include_bytes!({:?}), gzip: {gzip} }},",
            file.url, file.content_type, file.path,
        )
        .expect("text can be written");
    }
    text.push_str("];\npub static URLS: AssetUrls = AssetUrls {\n");
    for (field, name) in NAMED {
        let Some(file) = built.iter().find(|file| file.file == name) else { absent() };
        writeln!(text, "{field}: {:?},", file.url).expect("text can be written");
    }
    text.push_str("};\n");
    text
}
