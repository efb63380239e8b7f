//! `watchfire serve`: the services of one process, all of them or some, on one listener, started and stopped in order.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use archive::Archive;
use axum::Router;
use chat::{Chat, ReplyAddress};
use door::{DoorOptions, TrustedProxies};
use futures_util::future::select_all;
use mailroom::Mailbox;
use model::{Clock, SystemClock};
use outbox::digest::Mailer;
use store::Access;
use store::accounts::SecretHash;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use web::ice::IceServers;
use web::options::Replies;

use crate::backends::{self, Backends};
use crate::settings::{Service, Settings};
use crate::traces::Exporter;
use crate::{health, monitoring, supervisor, uri};

/// What the whole shutdown may take, so that it stays under the ten seconds that supervisors wait.
const STOP_MAX: Duration = Duration::from_secs(9);
/// How long requests under way are answered as ever, before the hub closes what would stay open.
const ANSWERS_MAX: Duration = Duration::from_millis(500);

/// A running server. Dropping it does not stop it: call `stop`.
pub struct Server {
    pub address: SocketAddr,
    /// Path of the one-time set-up page, while no account exists and pages are served here.
    pub set_up_path: Option<String>,
    pub backends: Backends,
    /// In the order in which they end: each drains into the next. The door is the first.
    stages: Vec<Stage>,
}

/// One service's work and the token that ends it.
struct Stage {
    name: &'static str,
    stop: CancellationToken,
    /// What it keeps open until it is told: the door waits for it.
    lets_go: Option<CancellationToken>,
    work: JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.work.await.with_context(|| format!("{} panicked", self.name))?
    }
}

/// The first problem, all having ended.
async fn end_in_order(stages: Vec<Stage>) -> anyhow::Result<()> {
    let mut first_problem = Ok(());
    for stage in stages {
        if let Err(problem) = stage.end().await {
            tracing::error!("stopping: {problem:#}");
            first_problem = first_problem.and(Err(problem));
        }
    }
    first_problem
}

impl Server {
    /// Opens the backends, starts the services that the settings name, and listens. Ready when this returns.
    pub async fn start(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Server> {
        let listener = listen(settings).await?;
        Server::serve(settings, listener, backends::open(settings).await?, clock).await
    }

    /// As `start`, over backends that are open.
    pub async fn over(
        backends: Backends,
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Server> {
        Server::serve(settings, listen(settings).await?, backends, clock).await
    }

    async fn serve(
        settings: &Settings,
        listener: TcpListener,
        backends: Backends,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Server> {
        let address = listener.local_addr()?;
        let access = Access::new(&backends.store, clock.clone());
        let mut routes = health::routes(backends.clone(), &settings.services);
        let mut stages = VecDeque::new();
        let mut set_up_path = None;
        if settings.runs(Service::Processor) {
            stages.push_front(start_processor(settings, &backends, clock.clone()).await?);
        }
        if settings.runs(Service::Collector) {
            let (stage, hits) = start_collector(settings, &backends, &access, clock.clone()).await?;
            stages.push_front(stage);
            routes = routes.merge(door::measured(hits, "collector"));
        }
        if settings.runs(Service::Web) {
            let (stage, pages) = start_pages(settings, &backends, &access, clock.clone()).await?;
            stages.push_front(stage);
            routes = routes.merge(door::measured(pages, "web"));
            set_up_path = web::set_up::offer(&backends.store).await?.map(|secret| format!("/setup/{secret}"));
        }
        if settings.runs(Service::Realtime) {
            let (stage, stream) = start_hub(settings, &backends, &access, clock.clone()).await?;
            stages.push_front(stage);
            routes = routes.merge(door::measured(stream, "realtime"));
        }
        stages.push_front(start_door(settings, listener, routes));
        Ok(Server { address, set_up_path, backends, stages: stages.into() })
    }

    /// Stops in the order of the pipeline, each stage draining into the next; nothing acknowledged is lost. What has
    /// not ended within `STOP_MAX` is left behind: it is as safe as in a process that is killed.
    pub async fn stop(self) -> anyhow::Result<()> {
        match timeout(STOP_MAX, self.drain()).await {
            Ok(ended) => ended,
            Err(_) => bail!("the services did not end within {STOP_MAX:?}"),
        }
    }

    async fn drain(self) -> anyhow::Result<()> {
        let open: Vec<_> = self.stages.iter().filter_map(|stage| stage.lets_go.clone()).collect();
        let mut ending = pin!(end_in_order(self.stages));
        let ended = match timeout(ANSWERS_MAX, &mut ending).await {
            Ok(ended) => ended,
            Err(_) => {
                // The door waits for streams of dashboards and for pages that wait to be called, which stay open until told.
                open.iter().for_each(CancellationToken::cancel);
                ending.await
            }
        };
        self.backends.bus.close().await;
        self.backends.store.close().await;
        ended
    }

    /// Returns when any service has ended by itself, which none should.
    async fn any_ended(&mut self) -> anyhow::Error {
        let names: Vec<_> = self.stages.iter().map(|stage| stage.name).collect();
        let (ended, index, _) = select_all(self.stages.iter_mut().map(|stage| &mut stage.work)).await;
        let name = names[index];
        match ended {
            Ok(Ok(())) => anyhow::anyhow!("{name} ended"),
            Ok(Err(error)) => error.context(format!("{name} failed")),
            Err(error) => anyhow::anyhow!("{name} panicked: {error}"),
        }
    }
}

async fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another with --listen", settings.listen))
}

/// Runs until SIGTERM or SIGINT, then drains.
pub async fn until_signal(settings: Settings, traces: Option<Exporter>) -> anyhow::Result<()> {
    raise_open_files_limit();
    let recorder = monitoring::install()?;
    let metrics_listener = TcpListener::bind(settings.metrics)
        .await
        .with_context(|| format!("cannot listen on {}; choose another with --metrics", settings.metrics))?;
    let stop_metrics = CancellationToken::new();
    let metrics = tokio::spawn(monitoring::serve(
        metrics_listener,
        recorder.clone(),
        settings.data.clone(),
        stop_metrics.clone(),
    ));

    let listener = match supervisor::door()? {
        Some(handed_over) => handed_over,
        None => listen(&settings).await?,
    };
    let backends = backends::open(&settings).await?;
    let telling = observe::tell(monitoring::teller(&settings, &backends, recorder), stop_metrics.clone());
    let telling = tokio::spawn(telling);
    let traces = traces.map(|exporter| tokio::spawn(exporter.run(stop_metrics.clone())));
    let mut server = Server::serve(&settings, listener, backends, Arc::new(SystemClock)).await?;
    announce(&settings, &server);
    supervisor::ready();
    let beats = tokio::spawn(supervisor::beat());
    let ended = tokio::select! {
        () = signal() => None,
        problem = server.any_ended() => Some(problem),
    };
    beats.abort();
    let _cancelled = beats.await;
    if let Some(problem) = ended {
        // A service is gone: what the others hold is safe on disk, and a supervisor starts afresh.
        return Err(problem);
    }
    supervisor::stopping();
    tracing::info!("stopping: draining");
    server.stop().await?;
    stop_metrics.cancel();
    telling.await?;
    if let Some(traces) = traces {
        traces.await?;
    }
    metrics.await??;
    tracing::info!("stopped");
    Ok(())
}

fn announce(settings: &Settings, server: &Server) {
    let url = settings.address_for_people(server.address);
    tracing::info!(address = %server.address, "listening");
    match &server.set_up_path {
        Some(path) => {
            tracing::info!("first run: open {url}{path} to create the owner account");
            println!(
                "\n  Welcome to Watchfire. Create the owner account here (the address works once):\n\n    {url}{path}\n"
            );
        }
        None => println!("\n  Watchfire is at {url}\n"),
    }
}

/// Waits for SIGTERM or SIGINT.
pub async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("a process can listen for SIGTERM");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

type Routes = (Stage, Router);

async fn start_processor(
    settings: &Settings,
    backends: &Backends,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Stage> {
    let deps = processor::Deps {
        bus: backends.bus.clone(),
        history: backends.store.history.clone(),
        saved: backends.store.saved.clone(),
        sites: backends.store.sites.clone(),
        totals: backends.store.totals.clone(),
        pages: backends.store.pages.clone(),
        live: backends.live.clone(),
        clock,
    };
    let stop = CancellationToken::new();
    let work = processor::start(processor_options(settings), deps, stop.clone()).await?;
    Ok(Stage { name: "processor", stop, lets_go: None, work })
}

fn processor_options(settings: &Settings) -> processor::Options {
    let options = processor::Options::default();
    match settings.fold_after_ms.map(Duration::from_millis) {
        None => options,
        Some(after) => processor::Options {
            fold_every: after,
            fold_after: after,
            fold_rest: 0,
            // What was folded leaves the tail while the same process runs.
            tail_kept: after * 20,
            ..options
        },
    }
}

async fn start_collector(
    settings: &Settings,
    backends: &Backends,
    access: &Access,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Routes> {
    let deps = collector::Deps {
        bus: backends.bus.clone(),
        sites: backends.store.sites.clone(),
        salts: backends.store.salts.clone(),
        access: access.clone(),
        live: backends.live.clone(),
        clock,
    };
    let options = collector::Options {
        geoip: settings.geoip.clone(),
        site_rate: settings.site_rate,
        visitor_rate: settings.visitor_rate,
        ..Default::default()
    };
    let stop = CancellationToken::new();
    let service = collector::start(options, deps, stop.clone()).await?;
    Ok((Stage { name: "collector", stop, lets_go: None, work: service.work }, service.routes))
}

async fn start_hub(
    settings: &Settings,
    backends: &Backends,
    access: &Access,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Routes> {
    let deps = realtime::Deps {
        live: backends.live.clone(),
        access: access.clone(),
        sites: backends.store.sites.clone(),
        chat: chat_over(backends, access, &clock),
        clock,
    };
    let options =
        realtime::Options { connections_max: settings.connections_max as usize, ..Default::default() };
    let stop = CancellationToken::new();
    let service = realtime::start(options, deps, stop.clone()).await?;
    let lets_go = Some(stop.clone());
    Ok((Stage { name: "realtime", stop, lets_go, work: service.work }, service.routes))
}

fn chat_over(backends: &Backends, access: &Access, clock: &Arc<dyn Clock>) -> Chat {
    Chat::new(backends.store.clone(), access.clone(), backends.live.clone(), clock.clone())
}

async fn start_pages(
    settings: &Settings,
    backends: &Backends,
    access: &Access,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Routes> {
    let deps = web::Deps {
        store: backends.store.clone(),
        archive: Archive::new(&backends.store, archive::Limits::default()),
        access: access.clone(),
        live: backends.live.clone(),
        clock,
    };
    let options = web::Options {
        public_url: settings.public_url.clone(),
        hooks: match settings.bot_hooks.as_str() {
            "loopback" => outbox::address::Reach::PublicAndLoopback,
            _ => outbox::address::Reach::Public,
        },
        mail: mailer(settings)?,
        replies: replies(settings)?,
        ice: ice_servers(settings)?,
        public_status: settings.public_status,
        is_alone: backends::store_folder(&settings.store, &settings.data)?.is_some(),
        ..Default::default()
    };
    let stop = CancellationToken::new();
    let service = web::start(options, deps, stop.clone()).await?;
    let lets_go = Some(service.waiting);
    Ok((Stage { name: "web", stop, lets_go, work: service.work }, service.routes))
}

/// None: nobody is mailed.
fn mailer(settings: &Settings) -> anyhow::Result<Option<Mailer>> {
    let Some(mail) = &settings.mail else {
        return Ok(None);
    };
    ensure!(
        settings.public_url.is_some(),
        "--mail: letters hold links; say with --public-url where they lead"
    );
    let url = uri::resolved("mail", mail)?;
    let from = settings.mail_from.as_deref().unwrap_or_default();
    Mailer::new(&url, from).map(Some).context("--mail")
}

/// None: letters are not answered.
fn replies(settings: &Settings) -> anyhow::Result<Option<Replies>> {
    let Some(address) = &settings.mail_replies else {
        return Ok(None);
    };
    let address = ReplyAddress::of(address).context(
        "--mail-replies: it is an address of at most 21 letters, digits, dots, - and _ before its @, and no + there",
    )?;
    let hook = settings.mail_hook.as_deref().map(|secret| uri::resolved("mail-hook", secret)).transpose()?;
    if let Some(secret) = &hook {
        ensure!(
            (HOOK_SECRET_BYTES_MIN..=HOOK_SECRET_BYTES_MAX).contains(&secret.len())
                && web::secret::is_plausible(secret),
            "--mail-hook: it has {HOOK_SECRET_BYTES_MIN} to {HOOK_SECRET_BYTES_MAX} letters, digits and _"
        );
    }
    let mailbox = settings.mailbox.as_deref().map(|mailbox| uri::resolved("mailbox", mailbox)).transpose()?;
    let mailbox = mailbox.map(|mailbox| Mailbox::of(&mailbox)).transpose().context("--mailbox")?;
    ensure!(
        hook.is_some() || mailbox.is_some(),
        "--mail-replies: nothing would hear the answers; say with --mail-hook or --mailbox how they come in"
    );
    let hook = hook.map(|secret| SecretHash::of(&secret));
    Ok(Some(Replies { address, hook, mailbox }))
}

fn ice_servers(settings: &Settings) -> anyhow::Result<IceServers> {
    let secret =
        settings.turn_secret.as_deref().map(|secret| uri::resolved("turn-secret", secret)).transpose()?;
    IceServers::of(settings.ice_servers.as_deref().unwrap_or_default(), secret).context("--ice-servers")
}

/// Characters of the secret that a mail server knocks with.
const HOOK_SECRET_BYTES_MIN: usize = 32;
const HOOK_SECRET_BYTES_MAX: usize = 64;

fn start_door(settings: &Settings, listener: TcpListener, routes: Router) -> Stage {
    let options = DoorOptions {
        connections_max: settings.connections_max as usize,
        trusted_proxies: Arc::new(TrustedProxies::new(settings.trusted_proxies.clone())),
        ..Default::default()
    };
    let stop = CancellationToken::new();
    let work = tokio::spawn(door::serve(listener, routes, options, stop.clone()));
    Stage { name: "door", stop, lets_go: None, work }
}

/// Each connection is an open file; the soft limit of most systems is 1,024.
fn raise_open_files_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take a valid rlimit; failing leaves the limit as it was.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
