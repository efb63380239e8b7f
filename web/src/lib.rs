//! The pages: set-up, sign-in, sites, people, tokens, the shells of the dashboards, and the small JSON API.
//! Never decides a right (`store::Access` does), never counts a visitor, never keeps a secret in the clear.

mod account;
mod alert_form;
mod alerts_api;
mod alerts_page;
mod api;
mod assets;
mod attempts;
mod availability;
mod chat_form;
mod chat_page;
mod chat_panel;
mod commits_api;
mod cookies;
mod corrections;
mod customers;
mod demo;
mod erase;
mod error;
mod fields;
mod figures_page;
mod finish;
mod guard;
mod headers;
mod hooks;
mod hostname;
pub mod ice;
mod inbox;
mod inbox_page;
mod invitation;
mod letters;
mod live_page;
mod moment;
mod once;
pub mod options;
mod overview;
pub mod passwords;
mod people;
mod pipeline;
mod profiles;
pub mod reports;
mod reports_page;
mod rooms;
pub mod router;
mod rule_form;
mod saved;
pub mod secret;
pub mod set_up;
mod share;
mod shell;
mod sign_in;
mod site_form;
mod sites;
mod status;
mod tag;
#[cfg(test)]
mod tests;
mod tokens;
mod visible;

use std::sync::Arc;

use archive::Archive;
use bytes::Bytes;
use chat::Chat;
use door::identity::Identity;
use live::Live;
use model::{Clock, SiteId};
use outbox::alerts::{AlertHooks, AlertMails, AlertPushes, AlertRooms, People};
use outbox::answers::{Answering, Answers, Transcripts};
use outbox::dial::Dial;
use outbox::digest::{Digests, Mailer, Mailing, Off};
use outbox::lessons::{Lessons, Teaching};
use outbox::push::{self, Pushes, Pushing, Vapid};
use outbox::webhook::{Deliveries, Webhooks};
use outbox::{Rule, Sender};
use patrol::services::Watch;
use patrol::{Eye, Patrol};
use store::{Access, Store};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use attempts::Attempts;
use customers::calls::Awaiting;
use customers::rules::Pasts;
use hooks::Hearing;
use letters::Letters;
use once::Once;
pub use options::Options;
use passwords::Passwords;
use reports::Rate;
use status::Status;

/// What the pages stand on.
pub struct Deps {
    pub store: Store,
    pub archive: Arc<Archive>,
    pub access: Access,
    pub live: Arc<dyn Live>,
    pub clock: Arc<dyn Clock>,
}

/// Routes and background work, for a server that merges several services on one listener.
pub struct Service {
    pub routes: axum::Router,
    /// Cancelled, no request waits for something to happen any more.
    pub waiting: CancellationToken,
    pub work: JoinHandle<anyhow::Result<()>>,
}

/// The pages' routes; they answer every path that no other service claims.
pub async fn start(options: Options, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<Service> {
    metrics::describe_counter!("watchfire_sign_ins_total", "Attempts to sign in, by outcome");
    metrics::describe_counter!("watchfire_letters_total", "Answers to letters, by what became of them");
    let (vapid, off) = (push::vapid(&deps.store).await?, Off::of(&deps.store).await?);
    let waiting = shutdown.child_token();
    let web = Arc::new(Web::new(options, deps, vapid.public(), off, waiting.clone()));
    let changes = web.changes.clone();
    let chat = web.chat.clone();
    let outgoing = send_what_goes_out(&web, vapid, shutdown.clone())?;
    let mailbox = look_after_the_mailbox(&web, shutdown.clone());
    let lookout = look_after_alerts(&web, shutdown.clone());
    let looking = look_at_pages(&web, shutdown.clone())?;
    let seeing = watch_services(&web, shutdown.clone());
    let (board, live, clock) = (web.board.clone(), web.live.clone(), web.clock.clone());
    let work = tokio::spawn(async move {
        let picturing = async {
            board.listen(live, clock, shutdown.clone()).await;
            Ok(())
        };
        let sweeping = async {
            shutdown.run_until_cancelled(chat.keep_files_swept()).await;
            changes.close();
            changes.wait().await;
            anyhow::Ok(())
        };
        let sending = async {
            outgoing.await??;
            anyhow::ensure!(shutdown.is_cancelled(), "what goes out has ended");
            Ok(())
        };
        let hearing = async {
            mailbox.await?;
            anyhow::ensure!(shutdown.is_cancelled(), "the mailbox is not looked after any more");
            Ok(())
        };
        let watching = async {
            lookout.await?;
            anyhow::ensure!(shutdown.is_cancelled(), "alerts are not looked after any more");
            Ok(())
        };
        let patrolling = async {
            looking.await?;
            anyhow::ensure!(shutdown.is_cancelled(), "pages of sites are not looked at any more");
            Ok(())
        };
        let minding = async {
            seeing.await?;
            anyhow::ensure!(shutdown.is_cancelled(), "services are not watched any more");
            Ok(())
        };
        tokio::try_join!(picturing, sweeping, sending, hearing, watching, patrolling, minding)?;
        chat.settled().await;
        Ok(())
    });
    let routes = router::routes(web);
    Ok(Service { routes, waiting, work })
}

/// The worker of this process, with every rule and sender that there is.
fn send_what_goes_out(
    web: &Web,
    vapid: Vapid,
    shutdown: CancellationToken,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let (store, chat, clock) = (web.store.clone(), web.chat.clone(), web.clock.clone());
    let dial = Dial::new(web.options.hooks, Arc::new(outbox::dial::System))?;
    let webhooks = Webhooks { store: store.clone(), chat: chat.clone() };
    let deliveries = Deliveries {
        store: store.clone(),
        chat: chat.clone(),
        dial: dial.clone(),
        clock: clock.clone(),
        public_url: web.options.public_url.clone(),
    };
    let pushes = Pushes { store: store.clone(), clock: clock.clone() };
    let alert_hooks = AlertHooks {
        store: store.clone(),
        dial: dial.clone(),
        clock: clock.clone(),
        public_url: web.options.public_url.clone(),
    };
    let alert_rooms =
        AlertRooms { store: store.clone(), chat: chat.clone(), public_url: web.options.public_url.clone() };
    let pushing = Pushing {
        store: store.clone(),
        chat: chat.clone(),
        dial,
        clock: clock.clone(),
        vapid,
        subject: web.options.public_url.clone().filter(|url| url.starts_with("https://")),
    };
    let mut rules: Vec<Arc<dyn Rule>> =
        vec![Arc::new(webhooks), Arc::new(pushes), Arc::new(Lessons { store: store.clone() })];
    let pushing = Arc::new(pushing);
    let people = People { store: store.clone(), access: web.access.clone(), clock: clock.clone() };
    let alert_pushes = AlertPushes { people: people.clone(), pushing: pushing.clone() };
    let post = web.options.mail.clone().zip(web.options.public_url.clone());
    let alert_mails = AlertMails { people, post };
    let mut senders: Vec<Arc<dyn Sender>> = vec![
        Arc::new(deliveries),
        pushing,
        Arc::new(Teaching { chat: chat.clone() }),
        Arc::new(alert_hooks),
        Arc::new(alert_rooms),
        Arc::new(alert_pushes),
        Arc::new(alert_mails),
    ];
    if let (Some(mailer), Some(public_url)) = (web.options.mail.clone(), web.options.public_url.clone()) {
        let (store, chat, off) = (store.clone(), chat.clone(), web.mail_off.clone());
        rules.push(Arc::new(Digests { store: store.clone() }));
        rules.push(Arc::new(Answers { store: store.clone() }));
        let replies = web.options.replies.as_ref().map(|replies| replies.address.clone());
        senders.push(Arc::new(Transcripts {
            store: store.clone(),
            chat: chat.clone(),
            mailer: mailer.clone(),
            replies: replies.clone(),
        }));
        senders.push(Arc::new(Answering {
            store: store.clone(),
            chat: chat.clone(),
            mailer: mailer.clone(),
            clock: clock.clone(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            replies,
        }));
        senders.push(Arc::new(Mailing { store, chat, mailer, off, public_url }));
    }
    let deps = outbox::Deps { store, chat, clock };
    Ok(outbox::start(deps, rules, senders, shutdown))
}

/// The task of this process that does so in its turn; where there is a mailbox at all.
fn look_after_the_mailbox(web: &Web, shutdown: CancellationToken) -> JoinHandle<()> {
    let mailbox = web.options.replies.as_ref().and_then(|replies| replies.mailbox.clone());
    let (Some(mailbox), Some(letters)) = (mailbox, &web.letters) else {
        return tokio::spawn(async move { shutdown.cancelled().await });
    };
    let hearing = letters.hearing().clone();
    tokio::spawn(mailroom::mailbox::keep(mailbox, web.store.clone(), hearing, web.clock.clone(), shutdown))
}

/// The task of this process that does so in its turn.
fn look_after_alerts(web: &Web, shutdown: CancellationToken) -> JoinHandle<()> {
    let deps = lookout::Deps {
        store: web.store.clone(),
        archive: web.archive.clone(),
        live: web.live.clone(),
        clock: web.clock.clone(),
    };
    tokio::spawn(lookout::keep(deps, shutdown))
}

/// The task of this process that looks at pages of sites, in turn with those of others.
fn look_at_pages(web: &Web, shutdown: CancellationToken) -> anyhow::Result<JoinHandle<()>> {
    let eye = Eye::new(web.options.hooks, Arc::new(outbox::dial::System))?;
    let patrol = Patrol { store: web.store.clone(), eye, clock: web.clock.clone() };
    Ok(tokio::spawn(patrol::keep(patrol, shutdown)))
}

/// The task of this process that looks how all services are, in turn with those of others.
fn watch_services(web: &Web, shutdown: CancellationToken) -> JoinHandle<()> {
    let watch = Watch {
        store: web.store.clone(),
        live: web.live.clone(),
        board: web.board.clone(),
        clock: web.clock.clone(),
        is_alone: web.options.is_alone,
    };
    tokio::spawn(patrol::services::keep(watch, shutdown))
}

/// The pages alone on their own listener.
pub async fn run(
    options: Options,
    deps: Deps,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = start(options, deps, shutdown.clone()).await?;
    door::serve(listener, service.routes, door::DoorOptions::default(), shutdown).await?;
    service.work.await?
}

/// What every handler is given.
pub(crate) struct Web {
    pub options: Options,
    pub store: Store,
    pub archive: Arc<Archive>,
    pub report_rate: Rate,
    pub chat: Chat,
    pub room_rate: Rate,
    pub stranger_rate: Rate,
    /// Of conversations that are begun.
    pub opening_rate: Rate,
    /// Of those on one site: without work, and with it.
    pub calm_rate: Rate,
    pub flood_rate: Rate,
    /// Pages of visitors who may be called.
    pub awaiting: Awaiting,
    /// What came before the visits of those to whom rules may speak.
    pub pasts: Pasts,
    pub identity: Identity,
    pub hearing: Hearing,
    /// None: letters are not answered.
    pub letters: Option<Letters>,
    pub access: Access,
    pub live: Arc<dyn Live>,
    pub clock: Arc<dyn Clock>,
    pub passwords: Passwords,
    pub attempts: Attempts,
    pub once: Once,
    /// That browsers subscribe to.
    pub push_key: String,
    /// Links that end somebody's mail.
    pub mail_off: Off,
    /// How the services are.
    pub board: Arc<observe::Board>,
    pub status: Status,
    /// Requests that change something, under way.
    pub changes: TaskTracker,
}

impl Web {
    fn new(options: Options, deps: Deps, push_key: String, mail_off: Off, closing: CancellationToken) -> Web {
        let Deps { store, archive, access, live, clock } = deps;
        let chat = Chat::new(store.clone(), access.clone(), live.clone(), clock.clone());
        let own = options.mail.as_ref().map(Mailer::from_address);
        let letters = options.replies.as_ref().map(|replies| Letters::new(replies, own, chat.clone()));
        Web {
            options,
            chat,
            letters,
            board: Arc::default(),
            status: Status::default(),
            room_rate: Rate::of_rooms(),
            stranger_rate: Rate::of_strangers(),
            opening_rate: Rate::of_openings(),
            calm_rate: Rate::of_calm(),
            flood_rate: Rate::of_flood(),
            awaiting: Awaiting::until(closing),
            pasts: Pasts::default(),
            identity: Identity::new(store.salts.clone()),
            hearing: Hearing::default(),
            store,
            archive,
            report_rate: Rate::default(),
            access,
            live,
            clock,
            passwords: Passwords::default(),
            attempts: Attempts::default(),
            once: Once::default(),
            push_key,
            mail_off,
            changes: TaskTracker::new(),
        }
    }

    /// Whoever holds an authorisation asks again.
    pub async fn tell_rights_changed(&self) {
        self.tell(live::RIGHTS_TOPIC, Bytes::new()).await;
    }

    pub async fn tell_site_changed(&self, site: SiteId) {
        self.tell(live::SITES_TOPIC, Bytes::from(site.to_string())).await;
    }

    /// The change itself is in the store already: who misses the message learns it when asking next.
    async fn tell(&self, topic: &str, message: Bytes) {
        if let Err(error) = self.live.publish(topic, message).await {
            tracing::warn!(topic, %error, "a change was not announced");
        }
    }
}
