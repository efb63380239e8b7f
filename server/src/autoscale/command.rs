//! Instances of whatever a command looks after: it is called with `list`, `launch COUNT on-demand|spot`, `drain ID…` or `terminate ID…`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use model::Millis;
use scale::{Act, Stage, limits};
use serde::Deserialize;
use tokio::io::AsyncReadExt;

use super::provider::Seen;

const CALL_TIME_MAX: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: u64 = 1 << 20;

pub struct Command {
    program: PathBuf,
    time_max: Duration,
}

/// One of what `list` prints, a list in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    id: String,
    /// Milliseconds since 1970.
    since: Millis,
    #[serde(default)]
    spot: bool,
    #[serde(default)]
    noticed: bool,
    #[serde(default)]
    stage: Option<Stage>,
    #[serde(default)]
    door: Option<SocketAddr>,
    #[serde(default)]
    metrics: Option<SocketAddr>,
}

impl Command {
    pub fn new(program: PathBuf) -> Command {
        Command { program, time_max: CALL_TIME_MAX }
    }

    pub async fn fleet(&self) -> anyhow::Result<Vec<Seen>> {
        let answer = self.call(&["list"]).await?;
        let listed: Vec<Listed> = serde_json::from_slice(&answer)
            .with_context(|| format!("`{} list` prints no list of instances", self.program.display()))?;
        ensure!(listed.len() <= limits::FLEET_MAX, "there are at most {} instances", limits::FLEET_MAX);
        listed.into_iter().map(seen).collect()
    }

    pub async fn act(&self, act: &Act) -> anyhow::Result<()> {
        let arguments = match act {
            Act::Launch { count, spot } => {
                let kind = if *spot { "spot" } else { "on-demand" };
                vec!["launch".to_owned(), count.to_string(), kind.to_owned()]
            }
            Act::Drain { ids } => [vec!["drain".to_owned()], ids.clone()].concat(),
            Act::Terminate { ids } => [vec!["terminate".to_owned()], ids.clone()].concat(),
            Act::Wait => return Ok(()),
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.call(&arguments).await.map(drop)
    }

    /// What it prints. Whoever takes too long is killed.
    async fn call(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let name = || format!("`{} {}`", self.program.display(), arguments.join(" "));
        let called = async {
            let mut child = tokio::process::Command::new(&self.program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()?;
            let mut answer = Vec::new();
            let stdout = child.stdout.take().context("it has no output")?;
            stdout.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut answer).await?;
            ensure!(answer.len() as u64 <= ANSWER_BYTES_MAX, "it prints more than {ANSWER_BYTES_MAX} bytes");
            let status = child.wait().await?;
            ensure!(status.success(), "it ended with {status}");
            Ok(answer)
        };
        match tokio::time::timeout(self.time_max, called).await {
            Ok(answer) => answer.with_context(name),
            Err(_) => bail!("{} did not end within {:?}", name(), self.time_max),
        }
    }
}

fn seen(listed: Listed) -> anyhow::Result<Seen> {
    ensure!(
        is_name(&listed.id),
        "an id is 1 to {} letters, digits, and . _ : - behind the first",
        limits::NAME_CHARS_MAX
    );
    let Listed { id, since, spot, noticed, stage, door, metrics } = listed;
    Ok(Seen { id, since, spot, noticed, stage, door, metrics })
}

/// It stands among arguments of the command.
fn is_name(id: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "._:-".contains(char);
    id.starts_with(|char: char| char.is_ascii_alphanumeric())
        && id.len() <= limits::NAME_CHARS_MAX
        && id.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    /// A script that notes what it is called with.
    fn script(body: &str) -> (TempDir, Command) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instances");
        std::fs::write(&path, format!("#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/called\"\n{body}\n"))
            .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, Command::new(path))
    }

    #[tokio::test]
    async fn what_it_lists_is_the_fleet_and_what_is_decided_it_is_called_with() {
        let (folder, command) = script(
            r#"[ "$1" = list ] && echo '[{"id":"i-1","since":5,"spot":true,"stage":"draining","metrics":"10.0.0.1:9102"},{"id":"i-2","since":6}]' || true"#,
        );
        let fleet = command.fleet().await.unwrap();
        assert_eq!(fleet.len(), 2);
        assert_eq!((fleet[0].spot, fleet[0].stage, fleet[1].stage), (true, Some(Stage::Draining), None));
        let ids = vec!["i-1".to_owned(), "i-2".to_owned()];
        for act in [
            Act::Launch { count: 3, spot: true },
            Act::Drain { ids: ids.clone() },
            Act::Terminate { ids },
            Act::Wait,
        ] {
            command.act(&act).await.unwrap();
        }
        let called = std::fs::read_to_string(folder.path().join("called")).unwrap();
        assert_eq!(called, "list\nlaunch 3 spot\ndrain i-1 i-2\nterminate i-1 i-2\n");
    }

    #[tokio::test]
    async fn a_command_that_fails_hangs_or_prints_too_much_is_an_error() {
        let error = |result: anyhow::Result<Vec<u8>>| format!("{:#}", result.unwrap_err());
        let (_folder, failing) = script("exit 3");
        assert!(error(failing.call(&["list"]).await).contains("exit status: 3"));
        let (_folder, mut hanging) = script("sleep 60");
        hanging.time_max = Duration::from_millis(200);
        assert!(error(hanging.call(&["list"]).await).contains("did not end"));
        let (_folder, most) = script(&format!("head -c {ANSWER_BYTES_MAX} /dev/zero"));
        assert_eq!(most.call(&["list"]).await.unwrap().len() as u64, ANSWER_BYTES_MAX);
        let (_folder, more) = script(&format!("head -c {} /dev/zero", ANSWER_BYTES_MAX + 1));
        assert!(error(more.call(&["list"]).await).contains("more than"));
    }

    #[test]
    fn an_id_is_no_flag_and_no_path() {
        for good in ["i-0abc", "a", "10.0.0.1:9102", &"x".repeat(limits::NAME_CHARS_MAX)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-rf", "../x", "a b", "a/b", "a;b", &"x".repeat(limits::NAME_CHARS_MAX + 1)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
