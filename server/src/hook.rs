//! `watchfire hook`: prints the script by which a repository without a forge tells of its commits.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use commits::{BadScript, Plain, Script};

pub const ABOUT: &str = "\
Print the hook by which a plain Git or Subversion repository tells of its commits.

  watchfire hook git --url https://watchfire.example/hooks/TOKEN --secret-file /etc/watchfire-hook > hooks/post-receive
  watchfire hook svn --url https://watchfire.example/hooks/TOKEN --secret-file /etc/watchfire-hook > hooks/post-commit
  chmod +x hooks/post-receive

The script runs where the repository is, with sh, curl and openssl. It reads the secret from the file each time, signs with \
it, and shows it to no other program. A push or a commit stands whether it could be told or not.";

#[derive(Args, Debug)]
pub struct HookOptions {
    #[command(subcommand)]
    of: Repository,
}

#[derive(Subcommand, Debug)]
enum Repository {
    /// hooks/post-receive of a bare Git repository
    Git(ScriptOptions),
    /// hooks/post-commit of a Subversion repository
    Svn(ScriptOptions),
}

#[derive(Args, Debug)]
struct ScriptOptions {
    /// The address of the hook, from the settings of its room
    #[arg(long, value_name = "URL")]
    url: String,

    /// File with the hook's secret, where the script runs
    #[arg(long, value_name = "PATH")]
    secret_file: PathBuf,

    /// What the repository is called; without it, as its folder
    #[arg(long, value_name = "NAME", default_value = "")]
    repository: String,

    /// Where a commit's page is; `{id}` stands for the commit
    #[arg(long, value_name = "URL", default_value = "")]
    commit_url: String,
}

pub fn run(options: &HookOptions) -> anyhow::Result<()> {
    print!("{}", script(&options.of)?);
    Ok(())
}

fn script(of: &Repository) -> Result<String, BadScript> {
    let (of, options) = match of {
        Repository::Git(options) => (Plain::Git, options),
        Repository::Svn(options) => (Plain::Subversion, options),
    };
    let ScriptOptions { url, secret_file, repository, commit_url } = options;
    Script { of, url, secret_file, repository, commit_url }.written()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        hook: HookOptions,
    }

    fn printed(arguments: &[&str]) -> String {
        let line =
            ["watchfire", "--url", "https://watchfire.example/hooks/x", "--secret-file", "/etc/secret"];
        let mut line: Vec<&str> = line.to_vec();
        line.splice(1..1, arguments.iter().copied());
        script(&Line::parse_from(line).hook.of).unwrap()
    }

    #[test]
    fn each_kind_of_repository_has_its_script() {
        let git = printed(&["git", "--repository", "shop"]);
        assert!(git.contains("post-receive") && git.contains("\nrepository='shop'\n"));
        let svn = printed(&["svn", "--commit-url", "https://svn.example/{id}"]);
        assert!(svn.contains("post-commit") && svn.contains("\ncommit_url='https://svn.example/{id}'\n"));
        assert!(svn.contains("\nsecret_file='/etc/secret'\n"));
    }
}
