//! The command line: what can be asked of the program, in words that teach.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use store::mongodb::MongoStore;

use crate::backends::StoreOptions;
use crate::settings::{self, Settings, Sources};
use crate::{
    autoscale, backup, deadletters, demo, doctor, export, hook, import, logs, moving, replay, report, serve,
    simulate, tail, traces, uri,
};

const FIRST_STEPS: &str = "\
First steps:
  watchfire                       start everything in ./data on port 8080, print the set-up address
  watchfire demo                  the same in a folder of its own, with believable visitors
  watchfire doctor                check ports, disk, clock, limits, a cluster; print every setting and its source

Every setting of `watchfire serve` is a flag, an environment variable (WATCHFIRE_…) and a key of the
TOML file given by --config; a flag wins over the environment, the environment over the file.";

/// The subcommands that take a file of settings.
const WITH_FILE: [&str; 3] = ["serve", "doctor", "deadletters"];

/// Real-time web analytics in one program.
#[derive(Parser)]
#[command(name = "watchfire", version, about, after_help = FIRST_STEPS)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Run all services in one process (the default)
    Serve(Settings),
    /// Send believable traffic through the real door; without --url a server is started with it
    Demo(demo::DemoOptions),
    /// Send an access log (combined format, .gz too) through the real door
    Replay(replay::ReplayOptions),
    /// Import access logs into a site's history, or rooms
    #[command(long_about = import::ABOUT)]
    Import(ImportTask),
    /// Write a site's history as Parquet, CSV or JSON lines, or rooms as an archive
    #[command(long_about = export::ABOUT)]
    Export(ExportTask),
    /// Copy a whole data folder, also while the server runs
    #[command(long_about = backup::BACKUP_ABOUT)]
    Backup(backup::BackupOptions),
    /// Put a backup back as a data folder
    #[command(long_about = backup::RESTORE_ABOUT)]
    Restore(backup::RestoreOptions),
    /// Ask a site's history: a table, CSV or JSON
    #[command(long_about = report::ABOUT)]
    Report(report::ReportOptions),
    /// Print the hook by which a plain Git or Subversion repository tells of its commits
    #[command(long_about = hook::ABOUT)]
    Hook(hook::HookOptions),
    /// Count what the tail holds, exactly, each hit once (stop the server first)
    Tail(tail::TailOptions),
    /// Bring a MongoDB database up to this version (stop the programs of the older one first)
    Migrate(MigrateOptions),
    /// Look at the messages that could not be processed; put them back, or drop them
    #[command(long_about = deadletters::ABOUT)]
    Deadletters(deadletters::DeadLetterOptions),
    /// Move everything from one store to another: from a folder to MongoDB, or back
    #[command(long_about = moving::ABOUT)]
    Move(moving::MoveOptions),
    /// Launch and end processors of a cluster as load rises and falls
    #[command(long_about = autoscale::ABOUT)]
    Autoscale(autoscale::AutoscaleOptions),
    /// A week of arrivals against the autoscaler, beside fixed fleets and a plain threshold: cost, and minutes late
    #[command(long_about = simulate::ABOUT)]
    Simulate(simulate::SimulateOptions),
    /// Check this machine and print every setting with its source
    Doctor(DoctorOptions),
}

/// Of a site where nothing else is named.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct ImportTask {
    #[command(subcommand)]
    what: Option<ImportWhat>,
    #[command(flatten)]
    site: Option<import::ImportOptions>,
    // Not among the options of a site: clap takes options that hold such a group for absent ones.
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Subcommand)]
enum ImportWhat {
    /// Import rooms from an archive
    #[command(long_about = import::rooms::ABOUT)]
    Rooms(import::rooms::RoomsOptions),
}

/// Of a site where nothing else is named.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct ExportTask {
    #[command(subcommand)]
    what: Option<ExportWhat>,
    #[command(flatten)]
    site: Option<export::ExportOptions>,
    // Not among the options of a site: clap takes options that hold such a group for absent ones.
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Subcommand)]
enum ExportWhat {
    /// Write rooms, with all that was said in them and sent to them, as an archive
    #[command(long_about = export::rooms::ABOUT)]
    Rooms(export::rooms::RoomsOptions),
}

#[derive(Args)]
struct DoctorOptions {
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args)]
struct MigrateOptions {
    /// mongodb://USER:PASSWORD@HOST/DATABASE, or file:PATH of a file that holds it
    #[arg(long, env = "WATCHFIRE_STORE", value_name = "URI")]
    store: String,
}

/// Runs the program; the exit code is 0 when all went well, 2 for a bad command line, 1 otherwise.
pub fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        // Who reads has read enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("watchfire: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run() -> anyhow::Result<ExitCode> {
    let (task, sources) = match parse() {
        Ok(parsed) => parsed,
        Err(error) => match error.downcast::<clap::Error>() {
            Ok(usage) => usage.exit(),
            Err(error) => return Err(error),
        },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        match task {
            Task::Serve(settings) => {
                let host = observe::process::host();
                let traces = settings.traces.as_deref().map(|to| traces::to(to, host)).transpose();
                let (spans, exporter) = traces.context("--traces")?.unzip();
                logs::init_with(&settings.log, &settings.log_format, spans)?;
                serve::until_signal(settings, exporter).await.map(|()| ExitCode::SUCCESS)
            }
            Task::Demo(options) => demo::run(options).await.map(|()| ExitCode::SUCCESS),
            Task::Replay(options) => replay::run(options).await.map(|()| ExitCode::SUCCESS),
            Task::Import(task) => import(task).await.map(|()| ExitCode::SUCCESS),
            Task::Export(task) => export(task).await.map(|()| ExitCode::SUCCESS),
            Task::Backup(options) => backup::run(options).map(|()| ExitCode::SUCCESS),
            Task::Restore(options) => backup::run_restore(options).map(|()| ExitCode::SUCCESS),
            Task::Report(options) => report::run(options).await.map(|()| ExitCode::SUCCESS),
            Task::Hook(options) => hook::run(&options).map(|()| ExitCode::SUCCESS),
            Task::Tail(options) => tail::run(options).await.map(|()| ExitCode::SUCCESS),
            Task::Deadletters(options) => deadletters::run(options).await.map(|()| ExitCode::SUCCESS),
            Task::Move(options) => moving::run(options).await,
            Task::Autoscale(options) => {
                logs::init("info", "text")?;
                autoscale::run(options).await.map(|()| ExitCode::SUCCESS)
            }
            Task::Simulate(options) => simulate::run(&options).map(|()| ExitCode::SUCCESS),
            Task::Migrate(options) => migrate(&options.store).await.map(|()| ExitCode::SUCCESS),
            Task::Doctor(options) => doctor::run(options.settings, sources).await,
        }
    });
    // The look-up of a name cannot be given up; whoever asked for it has ended.
    runtime.shutdown_background();
    ended
}

async fn import(task: ImportTask) -> anyhow::Result<()> {
    match (task.what, task.site) {
        (Some(ImportWhat::Rooms(options)), _) => import::rooms::run(options).await,
        (None, Some(options)) => import::run(options, task.store).await,
        (None, None) => anyhow::bail!("name a site with --site and its files, or `rooms`; see --help"),
    }
}

async fn export(task: ExportTask) -> anyhow::Result<()> {
    match (task.what, task.site) {
        (Some(ExportWhat::Rooms(options)), _) => export::rooms::run(options).await,
        (None, Some(options)) => export::run(options, task.store).await,
        (None, None) => anyhow::bail!("name a site with --site, or `rooms`; see --help"),
    }
}

/// The embedded store needs none of this: it migrates itself when it is opened, having its folder to itself.
async fn migrate(store: &str) -> anyhow::Result<()> {
    let (before, after) = MongoStore::migrate(&uri::resolved("store", store)?).await?;
    match before == after {
        true => println!("The database is up to date: schema {after}."),
        false => println!("The database was migrated from schema {before} to {after}."),
    }
    Ok(())
}

/// Without a subcommand the arguments are those of `serve`.
fn parse() -> anyhow::Result<(Task, Sources)> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let first = arguments.get(1).and_then(|argument| argument.to_str()).unwrap_or("");
    let is_general = ["-h", "--help", "-V", "--version"].contains(&first);
    if first.is_empty() || (first.starts_with('-') && !is_general) {
        arguments.insert(1, "serve".into());
    }
    let mut command = CommandLine::command();
    let mut in_file = Vec::new();
    if let Some(file) = settings_file(&arguments) {
        let mut failed = None;
        for name in WITH_FILE {
            command = command.mut_subcommand(name, |sub| match settings::with_file(sub.clone(), &file) {
                Ok((with, names)) => {
                    in_file.extend(names);
                    with
                }
                Err(error) => {
                    failed = Some(error);
                    sub
                }
            });
        }
        if let Some(error) = failed {
            return Err(error);
        }
    }
    let matches = command.try_get_matches_from(arguments)?;
    let sources = match matches.subcommand() {
        Some(("serve" | "doctor", sub)) => settings::settings_of(sub, &in_file)?.1,
        _ => Sources::new(),
    };
    let parsed = CommandLine::from_arg_matches(&matches)?;
    let task = parsed.command.expect("a subcommand is always given");
    Ok((task, sources))
}

/// The settings file must be known before the command line is parsed: it supplies the defaults.
fn settings_file(arguments: &[std::ffi::OsString]) -> Option<PathBuf> {
    let takes_settings = arguments.get(1)?.to_str().is_some_and(|name| WITH_FILE.contains(&name));
    if !takes_settings {
        return None;
    }
    let mut rest = arguments.iter().skip(2);
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return rest.next().map(PathBuf::from);
        }
        if let Some(file) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(PathBuf::from(file));
        }
    }
    std::env::var_os("WATCHFIRE_CONFIG").map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(arguments: &[&str]) -> Task {
        CommandLine::try_parse_from(arguments).expect("a command line").command.expect("a subcommand")
    }

    #[test]
    fn an_import_and_an_export_are_of_a_site_or_of_rooms() {
        let site = ["watchfire", "import", "--site", "WF-8K2MZQ4T", "access.log"];
        assert!(matches!(task(&site), Task::Import(ImportTask { what: None, site: Some(_), .. })));
        let rooms = ["watchfire", "import", "rooms", "rooms.tar"];
        assert!(matches!(task(&rooms), Task::Import(ImportTask { what: Some(_), site: None, .. })));
        let site = ["watchfire", "export", "--site", "WF-8K2MZQ4T", "--format", "csv"];
        assert!(matches!(task(&site), Task::Export(ExportTask { what: None, site: Some(_), .. })));
        let rooms = ["watchfire", "export", "rooms", "--all", "--out", "rooms.tar"];
        assert!(matches!(task(&rooms), Task::Export(ExportTask { what: Some(_), site: None, .. })));
    }
}
