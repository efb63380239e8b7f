//! Dovecot for tests: a mailbox that is asked by IMAP, kept in a folder of its own, on a port of its own.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use tempfile::TempDir;

use crate::certificates::Certified;
use crate::{Process, Signal, free_port};

const START_MAX: Duration = Duration::from_secs(20);
const STOP_MAX: Duration = Duration::from_secs(5);
/// Whoever it is that reads mail: Dovecot lets nobody do so as root.
const NOBODY: u32 = 65_534;

pub struct Dovecot {
    port: u16,
    has_tls: bool,
    folder: TempDir,
    process: Process,
}

impl Dovecot {
    /// With one empty mailbox, whoever asks for it with the password `secret`.
    pub fn start() -> anyhow::Result<Dovecot> {
        Dovecot::start_with(None)
    }

    /// The same, by TLS alone.
    pub fn start_with_tls(certified: &Certified) -> anyhow::Result<Dovecot> {
        Dovecot::start_with(Some(certified))
    }

    fn start_with(certified: Option<&Certified>) -> anyhow::Result<Dovecot> {
        let folder = TempDir::new()?;
        let port = free_port();
        let root = folder.path();
        for name in ["run", "state", "mail", "mail/new", "mail/cur", "mail/tmp"] {
            std::fs::create_dir(root.join(name))?;
        }
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o755))?;
        let own = std::fs::metadata(root)?.uid();
        let reader = if own == 0 { NOBODY } else { own };
        if own == 0 {
            for name in ["mail", "mail/new", "mail/cur", "mail/tmp"] {
                chown(root.join(name), Some(NOBODY), Some(NOBODY))?;
            }
        }
        let settings = root.join("dovecot.conf");
        std::fs::write(&settings, written(root, port, reader, certified))?;
        let mut command = Command::new("dovecot");
        command.arg("-F").arg("-c").arg(settings).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process::start(command).context("dovecot (apt-get install dovecot-imapd)")?;
        process.listens(port, START_MAX)?;
        Ok(Dovecot { port, has_tls: certified.is_some(), folder, process })
    }

    pub fn uri(&self) -> String {
        let scheme = if self.has_tls { "imaps" } else { "imap" };
        format!("{scheme}://replies:secret@127.0.0.1:{}", self.port)
    }

    /// What it wrote down.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A letter arrives.
    pub fn deliver(&self, name: &str, letter: &str) -> anyhow::Result<()> {
        let coming = self.folder.path().join("mail/tmp").join(name);
        std::fs::write(&coming, letter)?;
        Ok(std::fs::rename(coming, self.folder.path().join("mail/new").join(name))?)
    }

    /// Letters that nobody marked as read.
    pub fn unread(&self) -> anyhow::Result<usize> {
        let new = names(&self.folder.path().join("mail/new"))?.len();
        let seen = |name: &PathBuf| {
            name.to_string_lossy().rsplit_once(",").is_some_and(|(_, flags)| flags.contains('S'))
        };
        Ok(new + names(&self.folder.path().join("mail/cur"))?.iter().filter(|name| !seen(name)).count())
    }
}

fn names(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    Ok(entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
}

/// Its helpers end with it where it is told to end; of a killed one they would stay for a while.
impl Drop for Dovecot {
    fn drop(&mut self) {
        self.process.signal(Signal::Terminate);
        let end = Instant::now() + STOP_MAX;
        while self.process.ended().is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn written(root: &Path, port: u16, reader: u32, certified: Option<&Certified>) -> String {
    let root = root.display();
    let (tls, plain_port, tls_port) = match certified {
        None => ("ssl = no".to_owned(), port, 0),
        Some(Certified { certificate, key, .. }) => {
            let (certificate, key) = (certificate.display(), key.display());
            (format!("ssl = required\nssl_cert = <{certificate}\nssl_key = <{key}"), 0, port)
        }
    };
    format!(
        "base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
instance_name = watchfire-test-{port}
protocols = imap
listen = 127.0.0.1
{tls}
disable_plaintext_auth = no
mail_location = maildir:{root}/mail
mailbox_idle_check_interval = 1 secs
first_valid_uid = 1
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={reader} gid={reader} home={root}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"
    )
}
