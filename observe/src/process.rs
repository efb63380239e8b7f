//! A process, and what it takes of its machine: read from /proc, kept as metrics.

use std::fs;
use std::path::Path;

use metrics::{Unit, describe_gauge, describe_histogram, gauge};
use model::Millis;
use serde::{Deserialize, Serialize};

/// Who tells how it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// No other process ever has it.
    pub id: String,
    pub host: String,
    pub version: String,
    /// The names of the services that it runs.
    pub services: Vec<String>,
    pub started: Millis,
}

/// What this machine is called; empty where it does not say.
pub fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

impl Process {
    /// This one.
    pub fn this(services: Vec<String>, now: Millis) -> Process {
        let host = host();
        Process {
            id: format!("{host}-{}-{}", std::process::id(), now.0),
            host,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            services,
            started: now,
        }
    }
}

/// Says what the metrics of this module are.
pub fn describe(process: &Process) {
    describe_gauge!("watchfire_build_info", "1, by version");
    describe_gauge!("watchfire_process_start_time_seconds", Unit::Seconds, "Start, since 1970");
    describe_gauge!("watchfire_process_cpu_seconds", Unit::Seconds, "Time on processors, of both kinds");
    describe_gauge!("watchfire_process_cores", "Processors that it may use");
    describe_gauge!("watchfire_process_resident_bytes", Unit::Bytes, "Memory that is its own");
    describe_gauge!("watchfire_process_open_files", "Open files, connections among them");
    describe_gauge!("watchfire_process_open_files_max", "How many it may open");
    describe_gauge!("watchfire_disk_free_bytes", Unit::Bytes, "Free on the disk of the data folder");
    describe_gauge!("watchfire_disk_bytes", Unit::Bytes, "Size of the disk of the data folder");
    describe_histogram!(
        "watchfire_scheduler_delay_seconds",
        Unit::Seconds,
        "How much later than asked for a waiting task goes on"
    );
    gauge!("watchfire_build_info", "version" => process.version.clone()).set(1.0);
    gauge!("watchfire_process_start_time_seconds").set(process.started.0 as f64 / 1_000.0);
}

/// Reads what the process takes. What cannot be read keeps its last value.
pub fn measure(data: &Path) {
    if let Some(seconds) = cpu_seconds() {
        // A counter of this exporter holds whole numbers only.
        gauge!("watchfire_process_cpu_seconds").set(seconds);
    }
    if let Some(bytes) = resident_bytes() {
        gauge!("watchfire_process_resident_bytes").set(bytes);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        gauge!("watchfire_process_open_files").set(files.count() as f64);
    }
    gauge!("watchfire_process_cores").set(std::thread::available_parallelism().map_or(1, usize::from) as f64);
    gauge!("watchfire_process_open_files_max").set(open_files_max());
    if let Some(disk) = Disk::of(data) {
        gauge!("watchfire_disk_free_bytes").set(disk.free_bytes as f64);
        gauge!("watchfire_disk_bytes").set(disk.bytes as f64);
    }
}

/// User and system time, from the 14th and 15th field of `stat`; the second, which may hold anything, ends with a bracket.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_whitespace().skip(11);
    let ticks: f64 = times.next()?.parse::<f64>().ok()? + times.next()?.parse::<f64>().ok()?;
    // SAFETY: it reads a number of the system's.
    let a_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Some(ticks / a_second as f64)
}

fn resident_bytes() -> Option<f64> {
    let pages: f64 = fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: it reads a number of the system's.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * page as f64)
}

fn open_files_max() -> f64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit for the call to fill; failing leaves it.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    limit.rlim_cur as f64
}

/// Room on the disk that a folder lies on.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    pub bytes: u64,
    /// For who is not root.
    pub free_bytes: u64,
}

impl Disk {
    pub fn of(folder: &Path) -> Option<Disk> {
        let folder = std::ffi::CString::new(folder.as_os_str().as_encoded_bytes()).ok()?;
        let mut stats = std::mem::MaybeUninit::<libc::statvfs>::uninit();
        // SAFETY: `folder` is a C string that outlives the call, and `stats` is written before it is read.
        let stats = unsafe {
            if libc::statvfs(folder.as_ptr(), stats.as_mut_ptr()) != 0 {
                return None;
            }
            stats.assume_init()
        };
        let of_blocks = |blocks: libc::fsblkcnt_t| blocks * stats.f_frsize;
        Some(Disk { bytes: of_blocks(stats.f_blocks), free_bytes: of_blocks(stats.f_bavail) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_measured() {
        let before = cpu_seconds().expect("it has used some");
        let begun = std::time::Instant::now();
        while begun.elapsed().as_millis() < 60 {
            std::hint::spin_loop();
        }
        assert!(cpu_seconds().expect("it has used some") > before);
        assert!(resident_bytes().expect("it is there") > 1_000_000.0);
        assert!(open_files_max() >= 64.0);
        let disk = Disk::of(Path::new("/")).expect("there is one");
        assert!(disk.free_bytes <= disk.bytes && disk.bytes > 0);
        assert!(Disk::of(Path::new("/nothing/of/this/name")).is_none());
    }
}
