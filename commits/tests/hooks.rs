//! Our scripts as the hooks of real repositories: a real `git push`, a real `svn commit`, heard, verified and read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use commits::{Change, Event, Forge, Place, Plain, Push, Script, verified};
use http::{HeaderMap, HeaderName};
use model::{Clock, SystemClock};
use tempfile::TempDir;

/// With what a shell and curl have a meaning for.
const PATH: &str = "/hooks/t0ken?a='b&c=(d)[1]{e}";
const SECRET: &str = "a secret of 32 letters and digits";
/// How long a delivery may take in a test before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever hears deliveries in place of a server: the head of each request and its body.
struct Ear {
    url: String,
    heard: Receiver<(HeaderMap, Vec<u8>)>,
}

impl Ear {
    fn open(status: u16) -> Ear {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (told, heard) = channel();
        // Ends with the test: nobody hears what it tells then.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let delivery = take(stream.expect("curl connects"), status);
                if told.send(delivery).is_err() {
                    break;
                }
            }
        });
        Ear { url: format!("http://{address}{PATH}"), heard }
    }

    fn delivery(&mut self) -> (HeaderMap, Vec<u8>) {
        self.heard.recv_timeout(PATIENCE).expect("a delivery comes")
    }

    /// The next one, whose signature holds under this secret and no other.
    fn push(&mut self, forge: Forge, secret: &str) -> Push {
        let (headers, body) = self.delivery();
        let now = SystemClock.now();
        let delivery = verified(&headers, &body, secret, now).expect("the signature holds");
        assert_eq!((delivery.forge, delivery.id.len()), (forge, 32));
        assert!(verified(&headers, &body, "another", now).is_err());
        assert!(verified(&headers, &body[1..], secret, now).is_err());
        match delivery.events().expect("the body is what our hooks send").pop() {
            Some(Event::Push(push)) => push,
            other => panic!("{other:?}"),
        }
    }

    fn heard_nothing(&mut self) {
        assert!(self.heard.try_recv().is_err(), "nothing more was pushed");
    }
}

fn take(stream: TcpStream, status: u16) -> (HeaderMap, Vec<u8>) {
    let mut stream = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).expect("curl writes lines");
        line.trim_end().to_owned()
    };
    assert_eq!(line(), format!("POST {PATH} HTTP/1.1"));
    let mut headers = HeaderMap::new();
    while let Some((name, value)) = line().split_once(": ") {
        let name: HeaderName = name.parse().expect("a header's name");
        headers.append(name, value.parse().expect("a header's value"));
    }
    let length = headers["content-length"].to_str().expect("ASCII").parse().expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("curl sends what it announces");
    let answer = format!("HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.get_mut().write_all(answer.as_bytes()).expect("curl waits for the answer");
    (headers, body)
}

/// A folder with a secret, a repository `it's a shop` with our hook, and a working copy.
struct Ground {
    folder: TempDir,
    repository: PathBuf,
    work: PathBuf,
}

impl Ground {
    fn new(name: &str) -> Ground {
        let folder = tempfile::tempdir().expect("a folder");
        let (repository, work) = (folder.path().join(name), folder.path().join("work"));
        Ground { folder, repository, work }
    }

    fn write_hook(&self, of: Plain, url: &str, secret: &str) {
        let secret_file = self.folder.path().join("the secret");
        std::fs::write(&secret_file, format!("{secret}\n")).expect("a file");
        let (file, commit_url) = match of {
            Plain::Git => ("post-receive", "https://git.example/c/{id}"),
            Plain::Subversion => ("post-commit", "https://svn.example/r/{id}"),
        };
        let script = Script { of, url, secret_file: &secret_file, repository: "", commit_url };
        let hook = self.repository.join("hooks").join(file);
        std::fs::write(&hook, script.written().expect("good settings")).expect("a file");
        std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).expect("our own file");
    }

    fn run(&self, folder: &Path, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder);
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Ada \"L\" Ünal"),
            ("GIT_AUTHOR_EMAIL", "ada@example.com"),
            ("GIT_COMMITTER_NAME", "Grace"),
            ("GIT_COMMITTER_EMAIL", "grace@example.com"),
            ("GIT_AUTHOR_DATE", "2026-03-04T09:30:00Z"),
            ("REMOTE_USER", "grace"),
            ("LC_ALL", "C.UTF-8"),
            ("no_proxy", "127.0.0.1"),
        ] {
            command.env(name, value);
        }
        command.output().expect("the program is there")
    }

    fn git(&self, arguments: &[&str]) -> String {
        succeeded(self.run(&self.work, "git", arguments))
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["commit", "--allow-empty", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn svn(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["--non-interactive", "--username", "ada", "--config-dir"];
        let settings = self.folder.path().join("settings").to_string_lossy().into_owned();
        all.push(&settings);
        all.extend(arguments);
        self.run(self.folder.path(), "svn", &all)
    }
}

fn succeeded(output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn is_there(tools: &[&str]) -> bool {
    let missing = tools.iter().find(|tool| Command::new(tool).arg("--version").output().is_err());
    if let Some(tool) = missing {
        eprintln!("not tested: `{tool}` is not installed");
    }
    missing.is_none()
}

fn git_ground(url: &str, secret: &str) -> Option<Ground> {
    if !is_there(&["git", "curl", "openssl"]) {
        return None;
    }
    let ground = Ground::new("it's a shop.git");
    let path = ground.repository.to_str().expect("UTF-8");
    for arguments in
        [&["init", "-q", "--bare", "-b", "main", path][..], &["init", "-q", "-b", "main", "work"]]
    {
        succeeded(ground.run(ground.folder.path(), "git", arguments));
    }
    ground.git(&["remote", "add", "origin", path]);
    ground.write_hook(Plain::Git, url, secret);
    Some(ground)
}

#[test]
fn a_real_git_push_is_heard() {
    let mut ear = Ear::open(202);
    let Some(ground) = git_ground(&ear.url, SECRET) else { return };
    let first = ground.commit("Fix the \"till\"\n\nIt was \\ bröken, $(id) `id`.\n\nFixes #12");
    let second = ground.commit("Second");
    ground.git(&["push", "-q", "origin", "main"]);
    let push = ear.push(Forge::Git, SECRET);
    assert_eq!((push.repository.name.as_str(), push.by.as_deref()), ("it's a shop", Some("grace")));
    assert_eq!((&push.place, push.change), (&Place::branch("main"), Change::Made));
    assert_eq!((push.head.as_ref(), push.unlisted), (Some(&second), Some(0)));
    let [one, other] = &push.commits[..] else { panic!("{push:?}") };
    assert_eq!((&one.id, &other.id), (&first, &second));
    assert_eq!(one.author, "Ada \"L\" Ünal");
    assert_eq!(one.message, "Fix the \"till\"\n\nIt was \\ bröken, $(id) `id`.\n\nFixes #12");
    assert_eq!(one.when.map(|at| at.0), Some(1_772_616_600_000));
    assert_eq!(one.link, Some(format!("https://git.example/c/{first}")));

    // Two branches at once: what the one has is told of it, what it had not.
    let third = ground.commit("Third");
    ground.git(&["branch", "wip", &second]);
    ground.git(&["push", "-q", "origin", "main", "wip"]);
    let mut pushes = [ear.push(Forge::Git, SECRET), ear.push(Forge::Git, SECRET)];
    pushes.sort_by_key(|push| push.place.name.clone());
    assert_eq!(
        (pushes[0].change, pushes[0].commits.len(), &pushes[0].commits[0].id),
        (Change::Moved, 1, &third)
    );
    assert_eq!((&pushes[1].place, pushes[1].change), (&Place::branch("wip"), Change::Made));
    assert_eq!(pushes[1].commits, []);
    ear.heard_nothing();
}

#[test]
fn tags_force_and_deletion_are_heard() {
    // A longer secret than a block of the hash, which is hashed first.
    let secret = "0123456789".repeat(7);
    let mut ear = Ear::open(202);
    let Some(ground) = git_ground(&ear.url, &secret) else { return };
    let commit = ground.commit("First");
    ground.commit("Second");
    ground.git(&["push", "-q", "origin", "main"]);
    ear.push(Forge::Git, &secret);
    ground.git(&["reset", "-q", "--hard", &commit]);
    let other = ground.commit("Other");
    ground.git(&["push", "-q", "--force", "origin", "main"]);
    let forced = ear.push(Forge::Git, &secret);
    assert_eq!((forced.change, forced.commits.len(), &forced.commits[0].id), (Change::Forced, 1, &other));
    ground.git(&["tag", "-a", "-m", "All new", "v1.0"]);
    ground.git(&["push", "-q", "origin", "v1.0"]);
    let tag = ear.push(Forge::Git, &secret);
    assert_eq!((&tag.place, tag.change, tag.head), (&Place::tag("v1.0"), Change::Made, Some(other)));
    ground.git(&["push", "-q", "origin", ":v1.0"]);
    let gone = ear.push(Forge::Git, &secret);
    assert_eq!((&gone.place, gone.change, gone.head), (&Place::tag("v1.0"), Change::Deleted, None));
    ground.git(&["push", "-q", "origin", "main:refs/notes/x"]);
    ear.heard_nothing();
}

#[test]
fn a_secret_in_base_64_signs_as_others_do() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut ear = Ear::open(202);
    let Some(ground) = git_ground(&ear.url, secret) else { return };
    for number in 1..=11 {
        ground.commit(&format!("Number {number}"));
    }
    ground.git(&["push", "-q", "origin", "main"]);
    let push = ear.push(Forge::Git, secret);
    assert_eq!(push.commits.len(), 11);
    assert_eq!(push.told().lines.len(), 2);
}

#[test]
fn a_push_stands_where_it_cannot_be_told() {
    let mut ear = Ear::open(401);
    let Some(ground) = git_ground(&ear.url, SECRET) else { return };
    ground.commit("First");
    let pushed = ground.run(&ground.work, "git", &["push", "-q", "origin", "main"]);
    ear.delivery();
    let said = String::from_utf8_lossy(&pushed.stderr).into_owned();
    succeeded(pushed);
    assert!(said.contains("could not be told") && said.contains("401"), "{said}");
    // Whoever pushes learns neither the address nor the secret.
    assert!(!said.contains("t0ken") && !said.contains(SECRET), "{said}");
    std::fs::remove_file(ground.folder.path().join("the secret")).expect("it is there");
    ground.commit("Second");
    let pushed = ground.run(&ground.work, "git", &["push", "-q", "origin", "main"]);
    let said = String::from_utf8_lossy(&pushed.stderr).into_owned();
    succeeded(pushed);
    assert!(said.contains("there is no secret"), "{said}");
    ear.heard_nothing();
}

#[test]
fn a_real_svn_commit_is_heard() {
    if !is_there(&["svn", "svnadmin", "svnlook", "curl", "openssl"]) {
        return;
    }
    let mut ear = Ear::open(202);
    let ground = Ground::new("it's a shop");
    let path = ground.repository.to_str().expect("UTF-8");
    succeeded(ground.run(ground.folder.path(), "svnadmin", &["create", path]));
    ground.write_hook(Plain::Subversion, &ear.url, SECRET);
    let url = format!("file://{path}").replace(' ', "%20");
    let at = |place: &str| format!("{url}/{place}");
    succeeded(ground.svn(&["mkdir", "-q", "-m", "Fix the tíll\n\nFixes #12", &at("trunk")]));
    let push = ear.push(Forge::Subversion, SECRET);
    assert_eq!((push.repository.name.as_str(), push.by.as_deref()), ("it's a shop", Some("ada")));
    assert_eq!((&push.place, push.change), (&Place::branch("trunk"), Change::Made));
    let [commit] = &push.commits[..] else { panic!("{push:?}") };
    assert_eq!((commit.id.as_str(), commit.message.as_str()), ("r1", "Fix the tíll\n\nFixes #12"));
    assert_eq!(commit.link.as_deref(), Some("https://svn.example/r/1"));
    let age = SystemClock.now().since(commit.when.expect("a revision has a date"));
    assert!(age < Duration::from_secs(600), "{age:?}");
    succeeded(ground.svn(&["copy", "-q", "--parents", "-m", "", &at("trunk"), &at("branches/x")]));
    let push = ear.push(Forge::Subversion, SECRET);
    assert_eq!((push.commits[0].id.as_str(), push.commits[0].message.as_str()), ("r2", ""));
    assert_eq!((&push.place, push.change), (&Place::branch("x"), Change::Made));
    succeeded(ground.svn(&["delete", "-q", "-m", "Gone", &at("branches/x")]));
    let push = ear.push(Forge::Subversion, SECRET);
    assert_eq!((&push.place, push.change), (&Place::branch("x"), Change::Deleted));
    succeeded(ground.svn(&["copy", "-q", "--parents", "-m", "Release", &at("trunk"), &at("tags/v 1")]));
    let push = ear.push(Forge::Subversion, SECRET);
    assert_eq!((&push.place, push.change), (&Place::tag("v 1"), Change::Made));
    assert_eq!((push.head.as_deref(), push.commits.len()), (Some("r1"), 0), "as trunk was changed last");
    // A commit stands where it cannot be told, and whoever commits is told so.
    std::fs::remove_file(ground.folder.path().join("the secret")).expect("it is there");
    let committed = ground.svn(&["mkdir", "-m", "More", &at("more")]);
    let said =
        String::from_utf8_lossy(&committed.stdout).into_owned() + &String::from_utf8_lossy(&committed.stderr);
    succeeded(committed);
    assert!(said.contains("there is no secret"), "{said}");
    ear.heard_nothing();
}
