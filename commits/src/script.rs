//! The scripts by which a repository without a forge tells of its commits: hooks for a POSIX shell with curl and openssl.
//! What they send is read by `plain`.

use std::path::Path;

/// What all scripts share: the signature, and how it is sent.
const SEND: &str = include_str!("script/send.sh");
const GIT: &str = include_str!("script/git.sh");
const SUBVERSION: &str = include_str!("script/svn.sh");
/// Bytes of one setting.
const SETTING_BYTES_MAX: usize = 2_048;

/// What a script knows.
#[derive(Clone, Copy, Debug)]
pub struct Script<'s> {
    pub of: Plain,
    /// Where it sends to, as the hook's settings say it.
    pub url: &'s str,
    /// Where the hook's secret is, on the machine of the repository.
    pub secret_file: &'s Path,
    /// What the repository is called; empty: as its folder.
    pub repository: &'s str,
    /// Where a commit's page is, with `{id}` for the commit; empty: nowhere.
    pub commit_url: &'s str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// `hooks/post-receive` of a bare repository.
    Git,
    /// `hooks/post-commit`
    Subversion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadScript {
    #[error("the address to send to begins with https:// or http://")]
    Url,
    #[error("the address of commits begins with https:// or http://")]
    CommitUrl,
    #[error("the path of the secret begins with /: the hook runs in a folder of its own")]
    SecretFile,
    #[error("a setting of the hook is one line of at most {max} bytes")]
    Setting { max: usize },
}

impl Script<'_> {
    /// The whole file.
    pub fn written(&self) -> Result<String, BadScript> {
        let (place, tell) = match self.of {
            Plain::Git => ("hooks/post-receive of a bare Git repository", GIT),
            Plain::Subversion => ("hooks/post-commit of a Subversion repository", SUBVERSION),
        };
        if !is_address(self.url) {
            return Err(BadScript::Url);
        }
        if !self.commit_url.is_empty() && !is_address(self.commit_url) {
            return Err(BadScript::CommitUrl);
        }
        let secret_file = self.secret_file.to_str().filter(|path| path.starts_with('/'));
        let settings = [
            ("url", self.url),
            ("secret_file", secret_file.ok_or(BadScript::SecretFile)?),
            ("repository", self.repository),
            ("commit_url", self.commit_url),
        ];
        let mut script = format!("#!/bin/sh\n# {place}: tells Watchfire what came in. Make it executable.\n");
        for (name, value) in settings {
            if value.len() > SETTING_BYTES_MAX || value.contains(char::is_control) {
                return Err(BadScript::Setting { max: SETTING_BYTES_MAX });
            }
            script.push_str(&format!("{name}={}\n", quoted(value)));
        }
        Ok(format!("{script}\n{SEND}\n{tell}"))
    }
}

/// Of http or https, with nothing that would end it in curl's settings.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
    })
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Script<'static> {
        Script {
            of: Plain::Git,
            url: "https://watchfire.example/hooks/x",
            secret_file: Path::new("/etc/x"),
            repository: "",
            commit_url: "",
        }
    }

    #[test]
    fn settings_are_words_of_a_shell() {
        let script = Script {
            url: "https://watchfire.example/hooks/a'b",
            secret_file: Path::new("/etc/a b"),
            repository: "it's $(shop)",
            ..good()
        };
        let script = script.written().unwrap();
        assert!(script.starts_with("#!/bin/sh\n"));
        for line in [
            r"url='https://watchfire.example/hooks/a'\''b'",
            "secret_file='/etc/a b'",
            r"repository='it'\''s $(shop)'",
            "commit_url=''",
        ] {
            assert!(script.lines().any(|written| written == line), "{line}");
        }
    }

    #[test]
    fn what_would_end_a_setting_is_refused() {
        assert!(good().written().is_ok());
        for bad in
            ["watchfire.example", "ftp://x", "https://", "https://x/\"y", "https://x/\\", "https://x/ y"]
        {
            assert_eq!(Script { url: bad, ..good() }.written(), Err(BadScript::Url), "{bad}");
            assert_eq!(Script { commit_url: bad, ..good() }.written(), Err(BadScript::CommitUrl), "{bad}");
        }
        assert_eq!(Script { url: "", ..good() }.written(), Err(BadScript::Url));
        for bad in ["", "etc/x", "./x"] {
            let script = Script { secret_file: Path::new(bad), ..good() };
            assert_eq!(script.written(), Err(BadScript::SecretFile), "{bad}");
        }
        let refused = Err(BadScript::Setting { max: SETTING_BYTES_MAX });
        assert_eq!(Script { repository: "x\ny", ..good() }.written(), refused);
        let name = "x".repeat(SETTING_BYTES_MAX + 1);
        assert!(Script { repository: &name[1..], ..good() }.written().is_ok());
        assert_eq!(Script { repository: &name, ..good() }.written(), refused);
    }
}
