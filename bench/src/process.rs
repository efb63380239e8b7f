//! A process under measurement: its processor time and its memory, as the kernel accounts for them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use model::SiteId;
use serde_json::Value;
use tokio::process::{Child, Command};
use world::{Person, Program, Push};

/// A child of this benchmark that listens.
pub struct Peer {
    pub address: SocketAddr,
    child: Child,
}

impl Peer {
    /// One of the bare servers of `bare`, as a process of its own.
    pub async fn start(what: &str, folder: &Path) -> anyhow::Result<Peer> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        drop(listener);
        let child = Command::new(std::env::current_exe()?)
            .args(["serve", what, &address.to_string()])
            .arg(folder)
            .kill_on_drop(true)
            .spawn()?;
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(Peer { address, child });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::bail!("{what} did not start")
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("the child runs")
    }
}

/// Where a load knocks and a dashboard looks, with a site and its owner.
pub struct Place {
    pub door: SocketAddr,
    pub hub: SocketAddr,
    pub owner: Person,
    pub site: SiteId,
}

impl Place {
    /// Makes the owner and the site on the pages that `web` serves.
    pub async fn set_up(web: &Program, door: SocketAddr, hub: SocketAddr) -> anyhow::Result<Place> {
        let owner = Person::new(web.address);
        let path = web.set_up_path.clone().context("a first run offers to set up")?;
        let fields =
            [("name", "Bench"), ("email", "b@watchfire.example"), ("password", "correct horse battery")];
        owner.post(&path, &fields).await;
        let fields = [("name", "Shop"), ("hostnames", "shop.example"), ("time_zone", "UTC")];
        let location = owner.post("/sites/new", &fields).await.location();
        let site = location.split('/').nth(2).unwrap_or_default().parse()?;
        Ok(Place { door, hub, owner, site })
    }

    /// Headers of the owner's browser, for a socket.
    pub fn dashboard_headers(&self) -> [(&'static str, String); 2] {
        let cookie = self.owner.cookie_header().unwrap_or_default();
        [("cookie", cookie), ("origin", format!("http://{}", self.hub))]
    }

    /// The owner's dashboard on a topic of the site.
    pub async fn dashboard(&self, topic: &str, filter: Value) -> anyhow::Result<Push> {
        let mut push = Push::connect(self.hub, "", &self.dashboard_headers())
            .await
            .map_err(|status| anyhow::anyhow!("refused {status}"))?;
        let topic = format!("site/{}/{topic}", self.site);
        push.subscribe(&topic, filter).await.map_err(|code| anyhow::anyhow!(code))?;
        Ok(push)
    }
}

/// The real program, all of it in one process.
pub struct Watchfire {
    pub program: Program,
    pub place: Place,
    pub folder: tempfile::TempDir,
}

/// No load of one machine is to meet the limits on one site or visitor.
pub const NO_RATES: [&str; 4] = ["--site-rate", "4000000", "--visitor-rate", "4000000"];

impl Watchfire {
    pub async fn start(flags: &[&str]) -> anyhow::Result<Watchfire> {
        let folder = tempfile::tempdir()?;
        let flags: Vec<&str> = NO_RATES.iter().chain(flags).copied().collect();
        let program = Program::start(folder.path(), &flags).await;
        let place = Place::set_up(&program, program.address, program.address).await?;
        Ok(Watchfire { program, place, folder })
    }

    pub fn pid(&self) -> u32 {
        self.program.pid()
    }
}

/// The sum of a metric over its labels.
pub async fn metric(program: &Program, name: &str) -> f64 {
    let text = Person::new(program.metrics).get("/metrics").await.text();
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
    });
    values.sum()
}

/// Processor time of a process so far: user and system.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').context("a process has a name")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    // SAFETY: asks for a constant.
    let a_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as u64;
    Ok(Duration::from_secs_f64(ticks as f64 / a_second as f64))
}

/// Resident memory of a process, in bytes.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("a resident size")?;
    Ok(line.split_whitespace().nth(1).context("a number")?.parse::<u64>()? * 1024)
}

/// Thousands of sockets are thousands of files.
pub fn raise_open_files_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take a valid rlimit; failing leaves the limit as it was.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
