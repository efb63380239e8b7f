//! What an import says on its way: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use super::files::BytesRead;

const TELL_EVERY: Duration = Duration::from_millis(200);
const TELL_EVERY_IN_A_LOG: Duration = Duration::from_secs(10);
const BAR_CHARS: usize = 30;

pub struct Told {
    on_terminal: bool,
    last: Instant,
    began: Instant,
    bytes: u64,
    read: BytesRead,
}

impl Told {
    /// Of files of so many bytes together.
    pub fn new(bytes: u64, read: BytesRead) -> Told {
        let now = Instant::now();
        Told { on_terminal: stderr().is_terminal(), last: now, began: now, bytes, read }
    }

    /// How far it came, at most so often.
    pub fn tell(&mut self, lines: u64, hits: u64) {
        let every = if self.on_terminal { TELL_EVERY } else { TELL_EVERY_IN_A_LOG };
        if self.last.elapsed() < every {
            return;
        }
        self.last = Instant::now();
        let part = self.read.get().min(self.bytes) as f64 / self.bytes.max(1) as f64;
        let rate = lines as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        let said = format!("{:3.0} %  {lines} lines, {hits} hits, {rate:.0} lines/s", part * 100.0);
        match self.on_terminal {
            true => {
                let full = (part * BAR_CHARS as f64) as usize;
                let bar = "#".repeat(full) + &"-".repeat(BAR_CHARS - full);
                write(&format!("\r\x1b[K[{bar}] {said}"));
            }
            false => write(&format!("{said}\n")),
        }
    }

    /// Clears the bar.
    pub fn end(&self) {
        if self.on_terminal {
            write("\r\x1b[K");
        }
    }
}

/// Telling is not worth failing for.
fn write(text: &str) {
    let mut out = stderr().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
