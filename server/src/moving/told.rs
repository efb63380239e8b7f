//! What a move says on its way and at its end.

use std::io::{self, IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use store::moving::{Compared, Progress};

/// On a terminal, where the line is written over; elsewhere a line stays.
const TELL_EVERY: Duration = Duration::from_secs(1);
const TELL_EVERY_IN_A_LOG: Duration = Duration::from_secs(10);

/// Says on stderr how far it came, at most so often, and each kind's end.
pub struct Told {
    on_terminal: bool,
    last: Instant,
    /// What is under way, since when, and how far.
    under_way: Option<(&'static str, Instant, Progress)>,
}

impl Told {
    pub fn new() -> Told {
        Told { on_terminal: stderr().is_terminal(), last: Instant::now(), under_way: None }
    }

    pub fn moved(&mut self, progress: Progress) {
        self.tell("moved", progress);
    }

    pub fn compared(&mut self, progress: Progress) {
        self.tell("compared", progress);
    }

    /// What was under way is done.
    pub fn end(&mut self) {
        if let Some((verb, since, progress)) = self.under_way.take() {
            self.write(&line(verb, since.elapsed(), progress), true);
        }
    }

    fn tell(&mut self, verb: &'static str, progress: Progress) {
        let is_same = |before: &(&str, Instant, Progress)| before.0 == verb && before.2.kind == progress.kind;
        let since = match self.under_way.take_if(|before| is_same(before)) {
            Some((_, since, _)) => since,
            None => {
                self.end();
                Instant::now()
            }
        };
        self.under_way = Some((verb, since, progress));
        let every = if self.on_terminal { TELL_EVERY } else { TELL_EVERY_IN_A_LOG };
        if self.last.elapsed() >= every {
            self.last = Instant::now();
            self.write(&line(verb, since.elapsed(), progress), !self.on_terminal);
        }
    }

    /// Telling is not worth failing for.
    fn write(&self, line: &str, stays: bool) {
        let over = if self.on_terminal { "\r\x1b[K" } else { "" };
        let end = if stays { "\n" } else { "" };
        let mut out = stderr().lock();
        drop(write!(out, "{over}{line}{end}").and_then(|()| out.flush()));
    }
}

fn line(verb: &str, took: Duration, progress: Progress) -> String {
    let Progress { kind, rows, bytes } = progress;
    let rate = rows as f64 / took.as_secs_f64().max(0.001);
    let megabytes = bytes as f64 / 1e6;
    format!("{verb:<8} {:<16} {rows:>12} rows {megabytes:>12.1} MB {rate:>12.0} rows/s", kind.name())
}

/// A line a kind: rows, and the checksum of what they hold.
pub fn table(out: &mut impl Write, compared: &[Compared]) -> io::Result<()> {
    writeln!(out, "{:<16} {:>12} {:>12}  {:<32}", "", "source", "target", "checksum")?;
    for Compared { kind, source, target } in compared {
        let rows = format!("{:<16} {:>12} {:>12}", kind.name(), source.rows, target.rows);
        match source == target {
            true => writeln!(out, "{rows}  {:032x}  same", source.checksum())?,
            false => {
                writeln!(out, "{rows}  {:032x}  DIFFERENT: {:032x}", source.checksum(), target.checksum())?
            }
        }
    }
    Ok(())
}
