//! Decisions on disk: a line of JSON each in `autoscale.jsonl`, and once that is long, the ones before in `autoscale.1.jsonl`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use scale::{Forecast, Record};

/// Of each of the two files: some three months of decisions about ten instances, one a minute.
pub const LOG_BYTES_MAX: u64 = 256 << 20;
/// Of what was learned of the week.
const WEEK_BYTES_MAX: u64 = 1 << 20;

pub struct Journal {
    folder: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
    /// Held by the one autoscaler of the folder.
    _lock: File,
}

impl Journal {
    pub fn open(folder: &Path) -> anyhow::Result<Journal> {
        Journal::bounded(folder, LOG_BYTES_MAX)
    }

    fn bounded(folder: &Path, bytes_max: u64) -> anyhow::Result<Journal> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let lock = File::create(folder.join("autoscale.lock"))?;
        lock.try_lock().with_context(|| format!("another autoscaler works in {}", folder.display()))?;
        let file = appended(&folder.join("autoscale.jsonl"))?;
        let bytes = file.metadata()?.len();
        Ok(Journal { folder: folder.to_owned(), file, bytes, bytes_max, _lock: lock })
    }

    /// Durable when this returns.
    pub fn append(&mut self, record: &Record) -> anyhow::Result<()> {
        let line = record.line();
        if self.bytes + line.len() as u64 > self.bytes_max {
            let full = self.folder.join("autoscale.jsonl");
            std::fs::rename(&full, self.folder.join("autoscale.1.jsonl"))?;
            self.file = appended(&full)?;
            self.bytes = 0;
        }
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// What was learned of the week. Nothing, where there is none yet.
    pub fn forecast(&self) -> anyhow::Result<Forecast> {
        let path = self.folder.join("week.json");
        let Ok(found) = std::fs::metadata(&path) else {
            return Ok(Forecast::default());
        };
        let wrong = || format!("{} is no forecast; remove it, and the week is learned anew", path.display());
        anyhow::ensure!(found.len() <= WEEK_BYTES_MAX, wrong());
        let forecast: Forecast =
            serde_json::from_str(&std::fs::read_to_string(&path)?).with_context(wrong)?;
        anyhow::ensure!(forecast.is_whole(), wrong());
        Ok(forecast)
    }

    /// As a whole or not at all.
    pub fn keep(&self, forecast: &Forecast) -> anyhow::Result<()> {
        let beside = self.folder.join("week.json.new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(forecast)?)?;
        file.sync_all()?;
        Ok(std::fs::rename(&beside, self.folder.join("week.json"))?)
    }
}

fn appended(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use model::Millis;
    use scale::{Act, Decision, Inputs, Reason};

    use super::*;

    fn record(at: i64) -> Record {
        let decision = Decision { act: Act::Wait, reason: Reason::Enough, needed: 1, would_do: 1 };
        Record { at: Millis(at), decision, inputs: Inputs::default(), fleet: Vec::new() }
    }

    fn lines(folder: &Path, name: &str) -> usize {
        std::fs::read_to_string(folder.join(name)).map_or(0, |text| text.lines().count())
    }

    #[test]
    fn a_log_that_is_full_is_put_aside_once() {
        let folder = tempfile::tempdir().unwrap();
        let line = record(1).line().len() as u64;
        let mut journal = Journal::bounded(folder.path(), 3 * line).unwrap();
        let mut check = |appended: i64, before: usize, now: usize| {
            journal.append(&record(appended)).unwrap();
            let found = (lines(folder.path(), "autoscale.1.jsonl"), lines(folder.path(), "autoscale.jsonl"));
            assert_eq!(found, (before, now), "after {appended}");
        };
        check(1, 0, 1);
        check(2, 0, 2);
        check(3, 0, 3);
        check(4, 3, 1);
        check(5, 3, 2);
        check(6, 3, 3);
        check(7, 3, 1);
    }

    #[test]
    fn a_folder_is_one_autoscalers_and_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Journal::open(folder.path()).unwrap();
        first.append(&record(1)).unwrap();
        assert!(Journal::open(folder.path()).is_err());
        drop(first);
        Journal::open(folder.path()).unwrap().append(&record(2)).unwrap();
        assert_eq!(lines(folder.path(), "autoscale.jsonl"), 2);
    }

    #[test]
    fn what_was_learned_is_kept_and_what_is_damaged_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.forecast().unwrap(), Forecast::default());
        let mut forecast = Forecast::default();
        (0..100).for_each(|minute| forecast.learn(Millis(minute * 60_000), 7.0));
        journal.keep(&forecast).unwrap();
        assert_eq!(journal.forecast().unwrap(), forecast);
        std::fs::write(folder.path().join("week.json"), "{}").unwrap();
        assert!(format!("{:#}", journal.forecast().unwrap_err()).contains("learned anew"));
    }
}
