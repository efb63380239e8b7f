//! `watchfire move`: everything that one store holds, into another.

mod told;

use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use bus::embedded::EmbeddedBus;
use clap::Args;
use model::SystemClock;
use store::moving::{Compared, End, Mark, Moving, carry, compare, insist};

use crate::backends::{self, MovingEnd};
use crate::logs;
use told::Told;

pub const ABOUT: &str = "\
Move everything from one store to another: from a folder to MongoDB, or back.

  watchfire move --from embedded:./data --to file:/run/secrets/store
  watchfire move --from file:/run/secrets/store --to embedded:./new-data

1. Stop every program that uses either. Out of a folder: stop the server with SIGTERM, which drains its journal into \
the store; a move is refused while hits still wait there. Out of a cluster: stop the collectors, wait until queues and \
spools are empty, then stop the rest.

2. Run the move. Accounts, sign-ins, sites, roles, tokens, invitations, share links, saved goals, segments, \
funnels and annotations, daily totals of elsewhere, today's salts, removed sites, peaks, and all of history come along; who is here now and dead letters do not. The source is only read.

3. At the end both are read again and compared, a line a kind. The exit code is 0 where all is the same.

4. Start the programs on the new store. Remove the old one once you are content: it holds salts and passwords' hashes.

Killed, or failed on the way? Run the same command again: it goes on. Until it has ended, no program starts on a \
store that is half moved to. The target must be empty.";

/// Shards that the journal of a server may have.
const SHARDS_MAX: u16 = 64;
#[derive(Args, Debug)]
pub struct MoveOptions {
    /// The store to move from: embedded:FOLDER, mongodb://USER:PASSWORD@HOST/DATABASE, or file:PATH of a file that
    /// holds the address
    #[arg(long, value_name = "URI")]
    pub from: String,

    /// The store to move to, which is empty
    #[arg(long, value_name = "URI")]
    pub to: String,
}

/// The exit code is 0 where both ends are the same at the end, 1 otherwise.
pub async fn run(options: MoveOptions) -> anyhow::Result<ExitCode> {
    logs::init("warn", "text")?;
    let from = backends::moving_end("from", &options.from, End::Source).await?;
    let moved = match backends::moving_end("to", &options.to, End::Target).await {
        Ok(to) => {
            let moved = between(&from, &to).await;
            to.house.store.close().await;
            moved
        }
        Err(error) => Err(error),
    };
    from.house.store.close().await;
    moved
}

async fn between(from: &MovingEnd, to: &MovingEnd) -> anyhow::Result<ExitCode> {
    ensure!(from.name != to.name, "--from and --to are the same store");
    let dead_letters = refuse_waiting(from)?;
    refuse_waiting(to)?;
    let (source, target) = (from.house.moving.as_ref(), to.house.moving.as_ref());
    let mark = marked(target, &from.name).await.with_context(|| format!("--to: {}", to.name))?;
    let mut told = Told::new();
    if !mark.ended {
        carry(source, target, &mark, &SystemClock, &mut |progress| told.moved(progress)).await?;
    }
    let compared = compare(source, target, &SystemClock, &mut |progress| told.compared(progress)).await?;
    told.end();
    told::table(&mut std::io::stdout().lock(), &compared)?;
    if dead_letters > 0 {
        println!("{dead_letters} dead letters stay where they are: see `watchfire deadletters list`.");
    }
    judge(target, &compared, mark.ended).await
}

/// The mark of this move, made where the target is empty.
async fn marked(target: &dyn Moving, source: &str) -> anyhow::Result<Mark> {
    match target.mark().await? {
        Some(mark) if mark.source == source => Ok(mark),
        Some(mark) if !mark.ended => bail!(
            "it holds a part of a move from {}, not from {source}: run that one again, or empty this store",
            mark.source
        ),
        _ => Ok(insist(|| target.begin(source)).await?),
    }
}

async fn judge(target: &dyn Moving, compared: &[Compared], ended_before: bool) -> anyhow::Result<ExitCode> {
    if compared.iter().all(Compared::is_same) {
        insist(|| target.end()).await?;
        println!("Both are the same. Start the programs on the new store.");
        return Ok(ExitCode::SUCCESS);
    }
    match ended_before {
        true => eprintln!("This move ended before; one of the two was used since."),
        false => eprintln!(
            "They differ: one of them was used during the move. Empty the target, stop every program, and move again."
        ),
    }
    Ok(ExitCode::FAILURE)
}

/// What waits for its processor is in neither store. Returns how many dead letters there are.
fn refuse_waiting(end: &MovingEnd) -> anyhow::Result<usize> {
    let Some(journal) = &end.journal else {
        return Ok(0);
    };
    let left = EmbeddedBus::left(journal, SHARDS_MAX)
        .with_context(|| format!("cannot look into the bus in {}", journal.display()))?;
    ensure!(
        left.waiting == 0,
        "{} messages with hits still wait in {}: start the server on that folder once more, stop it with SIGTERM, \
         which drains them, and move then",
        left.waiting,
        journal.display()
    );
    Ok(left.dead_letters)
}
