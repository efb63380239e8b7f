//! `make bench`: what Watchfire costs, beside the limit of the same work, in one run.
//! Prints figures and ratios; never passes or fails.

mod bare;
mod cluster;
mod conversations;
mod dashboards;
mod history;
mod hits;
mod load;
mod memory;
mod process;
mod push;
mod rooms;
mod start;

const HELP: &str = "bench [start|hits|push|dashboards|memory|rooms|conversations|cluster|history|folding]…   without a name: all";

fn main() -> anyhow::Result<()> {
    // As the program does.
    watchfire::memory::bound_arenas();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if let Some(("serve", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
            return match rest {
                [what, folder] if what == "panels" => history::serve_panels(folder.as_ref()).await,
                rest => bare::serve(rest).await,
            };
        }
        let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
        let known = [
            "start",
            "hits",
            "push",
            "dashboards",
            "memory",
            "rooms",
            "conversations",
            "cluster",
            "history",
            "folding",
        ];
        if let Some(unknown) = arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
            anyhow::bail!("there is no benchmark `{unknown}`: {HELP}");
        }
        process::raise_open_files_limit();
        if wanted("start") {
            start::measure().await?;
        }
        if wanted("hits") {
            hits::measure().await?;
        }
        if wanted("push") {
            push::measure().await?;
        }
        if wanted("dashboards") {
            dashboards::measure().await?;
        }
        if wanted("memory") {
            memory::measure().await?;
        }
        if wanted("rooms") {
            rooms::measure().await?;
        }
        if wanted("conversations") {
            conversations::measure().await?;
        }
        if wanted("cluster") {
            cluster::measure().await?;
        }
        if wanted("history") {
            tokio::task::block_in_place(history::measure)?;
        }
        if wanted("folding") {
            history::measure_folding().await?;
        }
        Ok(())
    })
}
