//! What a backup says of itself: every file with its length and SHA-256. It is written last.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail, ensure};
use model::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const NAME: &str = "manifest.json";
/// What it is called until it is whole.
const UNFINISHED: &str = "manifest.json.unfinished";
/// The version this program writes; it reads no later one.
const VERSION: u32 = 1;
/// Bytes of a manifest: some 300,000 files.
const BYTES_MAX: u64 = 64 << 20;
/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 20;

#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the manifest.
    version: u32,
    /// The program that made it.
    program: String,
    pub made: Millis,
    pub files: Vec<Listed>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Within the backup, parts separated by `/`.
    path: String,
    bytes: u64,
    /// Hexadecimal digits.
    sha256: String,
}

impl Manifest {
    /// Of all files in a folder, each of which is durable when this returns.
    pub fn of(folder: &Path, made: Millis) -> anyhow::Result<Manifest> {
        let mut files = Vec::new();
        list(folder, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Manifest { version: VERSION, program: env!("CARGO_PKG_VERSION").to_owned(), made, files })
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Durable when it returns.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let write = || -> anyhow::Result<()> {
            let bytes = serde_json::to_vec_pretty(self)?;
            ensure!(bytes.len() as u64 <= BYTES_MAX, "it has {} bytes, at most {BYTES_MAX}", bytes.len());
            let mut file = File::create(folder.join(UNFINISHED))?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(folder.join(UNFINISHED), folder.join(NAME))?;
            Ok(File::open(folder)?.sync_all()?)
        };
        write().context("cannot write the manifest")
    }

    pub fn read(folder: &Path) -> anyhow::Result<Manifest> {
        let path = folder.join(NAME);
        if !path.is_file() {
            bail!("{} has no {NAME}: it is no backup, or one that was not finished", folder.display());
        }
        let read = || -> anyhow::Result<Manifest> {
            let bytes = std::fs::metadata(&path)?.len();
            ensure!(bytes <= BYTES_MAX, "it has {bytes} bytes, at most {BYTES_MAX}");
            let manifest: Manifest = serde_json::from_slice(&std::fs::read(&path)?)?;
            ensure!(
                manifest.version <= VERSION,
                "its version is {}, newer than this program's ({VERSION})",
                manifest.version
            );
            ensure!(manifest.files.iter().all(Listed::is_within), "it names a file outside of the backup");
            Ok(manifest)
        };
        read().with_context(|| format!("cannot read {}", path.display()))
    }

    /// Copies every listed file, and only those; an error where one is not what it was. Durable when it returns.
    pub fn copy(&self, from: &Path, to: &Path) -> anyhow::Result<()> {
        for listed in &self.files {
            let (from, to) = (from.join(&listed.path), to.join(&listed.path));
            if let Some(folder) = to.parent() {
                super::make_private(folder)?;
            }
            let copied = std::fs::copy(&from, &to).map_err(anyhow::Error::new);
            let checked = copied.and_then(|_| listed.check(&to));
            checked.with_context(|| format!("cannot restore {}", from.display()))?;
        }
        sync_folders(to)
    }
}

impl Listed {
    fn is_within(&self) -> bool {
        let path = PathBuf::from(&self.path);
        !self.path.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)))
    }

    fn check(&self, file: &Path) -> anyhow::Result<()> {
        let (bytes, sha256) = content(file)?;
        ensure!(bytes == self.bytes, "it has {bytes} bytes, the manifest says {}", self.bytes);
        ensure!(sha256 == self.sha256, "its SHA-256 is not the manifest's: it was changed or damaged");
        Ok(())
    }
}

fn list(folder: &Path, within: &str, files: &mut Vec<Listed>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().with_context(|| format!("{name:?} is no UTF-8"))?;
        let path = format!("{within}{name}");
        match entry.file_type()?.is_dir() {
            true => list(&entry.path(), &format!("{path}/"), files)?,
            false => {
                let (bytes, sha256) = content(&entry.path())?;
                files.push(Listed { path, bytes, sha256 });
            }
        }
    }
    Ok(File::open(folder)?.sync_all()?)
}

/// Length and SHA-256 of a file that is durable when this returns.
fn content(file: &Path) -> anyhow::Result<(u64, String)> {
    let mut file = File::open(file)?;
    file.sync_all()?;
    let (mut digest, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE_BYTES]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
        bytes += read as u64;
    }
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, sha256))
}

fn sync_folders(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    Ok(File::open(folder)?.sync_all()?)
}
