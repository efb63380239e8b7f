//! What this process uses of its machine, and which program it is, told with its other metrics.

use metrics::{describe_gauge, gauge};

/// Called whenever metrics are read: they are of that moment.
pub fn tell() {
    if let Some(seconds) = cpu_seconds() {
        gauge!("process_cpu_seconds_total").set(seconds);
    }
    if let Some(bytes) = memory_bytes() {
        gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    gauge!("watchfire_process_cores").set(cores() as f64);
}

pub fn describe() {
    describe_gauge!("process_cpu_seconds_total", "Seconds of CPU since the start");
    describe_gauge!("process_resident_memory_bytes", "Memory that is resident");
    describe_gauge!("watchfire_process_cores", "Cores that this process may use");
}

fn cpu_seconds() -> Option<f64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the call fills `usage` where it answers 0, and it is read only then.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Some(seconds(usage.ru_utime) + seconds(usage.ru_stime))
}

fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    // SAFETY: takes a name and gives a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(page).ok()?)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_cpu_and_what_is_kept_takes_memory() {
        let (before, empty) = (cpu_seconds().unwrap(), memory_bytes().unwrap());
        let mut kept = vec![1_u8; 64 << 20];
        while cpu_seconds().unwrap() < before + 0.05 {
            kept.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(3));
        }
        assert!(memory_bytes().unwrap() > empty + (32 << 20), "{}", kept[0]);
        assert!(cores() >= 1);
    }
}
