//! One set of options: flags, environment and a TOML file name the same settings, in that order of precedence.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use door::address::Network;

/// What one process may run of Watchfire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Takes hits: `/v1/…`, `/wf.js`
    Collector,
    /// Takes hits from the bus: presence and history
    Processor,
    /// Tells dashboards: `/api/watchfire/live…`
    Realtime,
    /// Pages and the other API
    Web,
}

impl Service {
    pub const fn name(self) -> &'static str {
        match self {
            Service::Collector => "collector",
            Service::Processor => "processor",
            Service::Realtime => "realtime",
            Service::Web => "web",
        }
    }
}

/// Everything `watchfire serve` can be told.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// Settings from this TOML file; its keys are the long flags without the dashes
    #[arg(long, env = "WATCHFIRE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Folder that holds everything: journal, database, salts
    #[arg(long, env = "WATCHFIRE_DATA", value_name = "FOLDER", default_value = "./data")]
    pub data: PathBuf,

    /// Address and port of the door for tags, dashboards and the API
    #[arg(long, env = "WATCHFIRE_LISTEN", value_name = "ADDR:PORT", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// Address and port of /metrics for Prometheus; keep it private
    #[arg(long, env = "WATCHFIRE_METRICS", value_name = "ADDR:PORT", default_value = "127.0.0.1:8081")]
    pub metrics: SocketAddr,

    /// Where all metrics are pushed to every five seconds: graphite://HOST:PORT/PREFIX (TCP) or statsd://HOST:PORT/PREFIX (UDP)
    #[arg(long, env = "WATCHFIRE_METRICS_PUSH", value_name = "URI")]
    pub metrics_push: Option<observe::push::Target>,

    /// Where traces are sent, to what speaks OTLP over HTTP: http://127.0.0.1:4318
    #[arg(long, env = "WATCHFIRE_TRACES", value_name = "URL")]
    pub traces: Option<String>,

    /// Address that people and tags reach this server by, as https://stats.example.org
    #[arg(long, env = "WATCHFIRE_PUBLIC_URL", value_name = "URL", value_parser = origin)]
    pub public_url: Option<String>,

    /// Proxies whose X-Forwarded-For is believed: addresses or networks (10.0.0.0/8)
    #[arg(long, env = "WATCHFIRE_TRUSTED_PROXIES", value_name = "NETWORK,…", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,

    /// MaxMind-format file for places; without it countries come from the built-in table
    #[arg(long, env = "WATCHFIRE_GEOIP", value_name = "FILE")]
    pub geoip: Option<PathBuf>,

    /// Services that this process runs; a cluster runs several processes of each
    #[arg(
        long,
        env = "WATCHFIRE_SERVICES",
        value_name = "SERVICE,…",
        value_delimiter = ',',
        default_value = "collector,processor,realtime,web"
    )]
    pub services: Vec<Service>,

    /// Hits on their way: embedded (a journal in the data folder), or amqp://USER:PASSWORD@HOST/VHOST (RabbitMQ); with
    /// TLS amqps://HOST, and behind it ?ca=FILE to trust the authorities of this file (PEM) instead of the system's.
    /// This and the two below may name a file that holds the address: file:/run/secrets/bus
    #[arg(long, env = "WATCHFIRE_BUS", value_name = "URI", default_value = "embedded")]
    pub bus: String,

    /// Who is here now: memory, or redis://USER:PASSWORD@HOST (several, separated by commas: a Redis Cluster); with TLS
    /// rediss://HOST, and behind it ?ca=FILE to trust the authorities of this file (PEM) instead of the system's
    #[arg(long, env = "WATCHFIRE_LIVE", value_name = "URI", default_value = "memory")]
    pub live: String,

    /// What was, and who may: embedded (SQLite in the data folder), or mongodb://USER:PASSWORD@HOST/DATABASE
    #[arg(long, env = "WATCHFIRE_STORE", value_name = "URI", default_value = "embedded")]
    pub store: String,

    /// What queues, keys and topics on shared servers are named after: A-Z a-z 0-9 . _ -
    #[arg(long, env = "WATCHFIRE_INSTALLATION", value_name = "NAME", default_value = "watchfire")]
    pub installation: String,

    /// Shards of the bus: hits of one visitor stay in order within one
    #[arg(long, env = "WATCHFIRE_SHARDS", value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub shards: u16,

    /// Bytes the bus holds at most; past it hits are answered 503 until it drains
    #[arg(long, env = "WATCHFIRE_BUS_BYTES_MAX", value_name = "BYTES", default_value_t = 1 << 30,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub bus_bytes_max: u64,

    /// Bytes a collector keeps on its own disk while the broker is away; past it hits are answered 503
    #[arg(long, env = "WATCHFIRE_SPOOL_BYTES_MAX", value_name = "BYTES", default_value_t = 1 << 30)]
    pub spool_bytes_max: u64,

    /// Open connections at most; further ones wait
    #[arg(long, env = "WATCHFIRE_CONNECTIONS_MAX", value_name = "N", default_value_t = 20_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections_max: u32,

    /// Hits a second that one site may send, in the long run
    #[arg(long, env = "WATCHFIRE_SITE_RATE", value_name = "N", default_value_t = 20_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub site_rate: u32,

    /// Hits a second that one visitor may send, in the long run
    #[arg(long, env = "WATCHFIRE_VISITOR_RATE", value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub visitor_rate: u32,

    /// Where hooks of bots and push services of browsers may be: public (by https, on the public internet), or loopback (there, and on this machine by http, too)
    #[arg(long, env = "WATCHFIRE_BOT_HOOKS", value_name = "WHERE", default_value = "public",
          value_parser = ["public", "loopback"])]
    pub bot_hooks: String,

    /// The SMTP server by which people are mailed what they missed, where they ask for it: smtps://USER:PASSWORD@HOST (TLS), or
    /// smtp://USER:PASSWORD@HOST?tls=required (STARTTLS); or a file that holds this: file:/run/secrets/mail. Needs --public-url
    #[arg(long, env = "WATCHFIRE_MAIL", value_name = "URI", requires = "mail_from")]
    pub mail: Option<String>,

    /// Whom such mail is from: 'Watchfire <watchfire@example.org>'
    #[arg(long, env = "WATCHFIRE_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,

    /// Where customers answer letters to: replies@example.org, and with it whatever is for replies+ANYTHING@example.org
    #[arg(long, env = "WATCHFIRE_MAIL_REPLIES", value_name = "ADDRESS", requires = "mail")]
    pub mail_replies: Option<String>,

    /// The secret with which a mail server hands letters over, to POST /mail/SECRET: 32 to 64 letters, digits and _; or a file that holds it
    #[arg(long, env = "WATCHFIRE_MAIL_HOOK", value_name = "SECRET", requires = "mail_replies")]
    pub mail_hook: Option<String>,

    /// The mailbox that such letters lie in: imaps://USER:PASSWORD@HOST/FOLDER; or a file that holds this
    #[arg(long, env = "WATCHFIRE_MAILBOX", value_name = "URI", requires = "mail_replies")]
    pub mailbox: Option<String>,

    /// Servers by which browsers find each other where a customer shows their screen, up to 8, with commas: stun:stun.example.org:3478, turn:turn.example.org:3478
    #[arg(long, env = "WATCHFIRE_ICE_SERVERS", value_name = "URLS")]
    pub ice_servers: Option<String>,

    /// The secret that passwords for the TURN servers among them are made of (coturn: static-auth-secret); or a file that holds it
    #[arg(long, env = "WATCHFIRE_TURN_SECRET", value_name = "SECRET", requires = "ice_servers")]
    pub turn_secret: Option<String>,

    /// Anybody may read at /status how each service is and was, by day; nothing of processes and hosts
    #[arg(long, env = "WATCHFIRE_PUBLIC_STATUS")]
    pub public_status: bool,

    /// For tests: folds follow each other without rest, and what waited in a tail for so long is folded
    #[arg(long, value_name = "MS", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub fold_after_ms: Option<u64>,

    /// What is logged: error, warn, info, debug, or a filter like info,collector=debug
    #[arg(long, env = "WATCHFIRE_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// How it is logged
    #[arg(long, env = "WATCHFIRE_LOG_FORMAT", value_name = "FORMAT", default_value = "text",
          value_parser = ["text", "json"])]
    pub log_format: String,
}

/// An address to put paths behind: `https://stats.example.org`, with a port where it has one.
fn origin(text: &str) -> Result<String, String> {
    let uri = text.parse::<axum::http::Uri>().ok();
    let is_origin = uri.is_some_and(|uri| {
        let has_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        matches!(uri.scheme_str(), Some("http" | "https"))
            && has_host
            && uri.path() == "/"
            && uri.query().is_none()
    });
    match is_origin && !text.contains('#') {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err("it is http:// or https:// with a host, and nothing behind it".to_owned()),
    }
}

impl Settings {
    pub fn runs(&self, service: Service) -> bool {
        self.services.contains(&service)
    }

    /// The defaults, whatever the environment says, but for the folder and the address.
    pub fn with_data(data: &Path, listen: SocketAddr) -> Settings {
        let command = Settings::augment_args(Command::new("serve")).mut_args(|arg| arg.env(None::<&str>));
        let matches = command.get_matches_from(["serve"]);
        let defaults = Settings::from_arg_matches(&matches).expect("the defaults are settings");
        Settings { data: data.to_owned(), listen, ..defaults }
    }

    /// The address a person types: the public one, or this machine's name for itself.
    pub fn address_for_people(&self, listen: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if listen.ip().is_unspecified() || listen.ip().is_loopback() => {
                format!("http://localhost:{}", listen.port())
            }
            None => format!("http://{listen}"),
        }
    }
}

/// Where each setting's value came from, by the setting's name.
pub type Sources = BTreeMap<String, (String, &'static str)>;

/// The values of a settings file as defaults of the command line, which flags and environment override; what only
/// other commands are told is passed over.
pub fn with_file(mut command: Command, file: &Path) -> anyhow::Result<(Command, Vec<String>)> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("{} is not valid TOML", file.display()))?;
    let settings = Settings::augment_args(Command::new("settings"));
    let has = |command: &Command, id: &str| command.get_arguments().any(|arg| arg.get_id() == id);
    let mut names = Vec::new();
    for (key, value) in table {
        let id = key.replace('-', "_");
        if id == "config" || !has(&settings, &id) {
            bail!("{}: there is no setting `{key}`; see `watchfire serve --help`", file.display());
        }
        if !has(&command, &id) || value.as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        let value = plain_text(&value)
            .with_context(|| format!("{}: `{key}` is text, a number, or a list of text", file.display()))?;
        command = command.mut_arg(&id, |arg| arg.default_value(clap::builder::Str::from(value)));
        names.push(id);
    }
    Ok((command, names))
}

fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(fact) => Some(fact.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(plain_text).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

/// The settings of parsed matches, with the source of each.
pub fn settings_of(matches: &ArgMatches, in_file: &[String]) -> anyhow::Result<(Settings, Sources)> {
    let settings = Settings::from_arg_matches(matches)?;
    let command = Settings::augment_args(Command::new("settings"));
    let sources = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .map(|arg| {
            let id = arg.get_id().as_str();
            let source = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => "flag",
                Some(ValueSource::EnvVariable) => "environment",
                _ if in_file.iter().any(|name| name == id) => "file",
                _ => "default",
            };
            let values = matches.get_raw(id).into_iter().flatten();
            let values: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
            (id.replace('_', "-"), (values.join(","), source))
        })
        .collect();
    Ok((settings, sources))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        Settings::augment_args(Command::new("serve"))
    }

    fn written(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn a_flag_overrides_the_file_and_the_file_the_default() {
        let file =
            written("listen = \"127.0.0.1:9000\"\nshards = 3\ntrusted-proxies = [\"10.0.0.0/8\", \"::1\"]\n");
        let (command, in_file) = with_file(command(), file.path()).unwrap();
        let matches = command.try_get_matches_from(["serve", "--shards", "5"]).unwrap();
        let (settings, sources) = settings_of(&matches, &in_file).unwrap();
        assert_eq!((settings.shards, settings.listen.port(), settings.trusted_proxies.len()), (5, 9000, 2));
        let source = |name: &str| sources[name].1;
        assert_eq!([source("shards"), source("listen"), source("data")], ["flag", "file", "default"]);
    }

    #[test]
    fn what_is_off_is_switched_on_by_a_flag_or_the_file() {
        let of = |text: &str, flags: &[&str]| {
            let file = written(text);
            let (command, in_file) = with_file(command(), file.path()).unwrap();
            let matches = command.try_get_matches_from([&["serve"], flags].concat()).unwrap();
            settings_of(&matches, &in_file).unwrap().0.public_status
        };
        assert!(!of("", &[]) && of("", &["--public-status"]));
        assert!(of("public-status = true", &[]) && !of("public-status = false", &[]));
    }

    #[test]
    fn a_setting_that_does_not_exist_is_named() {
        let file = written("lisen = \"127.0.0.1:9000\"");
        let error = with_file(command(), file.path()).unwrap_err().to_string();
        assert!(error.contains("no setting `lisen`"), "{error}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_an_error_that_names_the_setting() {
        let file = written("shards = 65");
        let (command, _) = with_file(command(), file.path()).unwrap();
        let error = command.try_get_matches_from(["serve"]).unwrap_err().to_string();
        assert!(error.contains("--shards"), "{error}");
    }

    #[test]
    fn a_value_that_would_stop_the_server_from_serving_is_refused() {
        let refused = ["--connections-max=0", "--bus-bytes-max=0", "--site-rate=0", "--visitor-rate=0"];
        let public =
            ["foo", "ftp://x", "https://x/path", "https://x?q", "https://u:p@x", "https://x#f", "https://"];
        let public = public.map(|url| format!("--public-url={url}"));
        for flag in refused.iter().copied().chain(public.iter().map(String::as_str)) {
            assert!(command().try_get_matches_from(["serve", flag]).is_err(), "{flag}");
        }
        for taken in
            ["--public-url=https://stats.example:8443/", "--public-url=http://[::1]", "--bus-bytes-max=1"]
        {
            assert!(command().try_get_matches_from(["serve", taken]).is_ok(), "{taken}");
        }
    }
}
