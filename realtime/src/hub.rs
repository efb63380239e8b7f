//! The hub: who is connected, which sites and rooms are watched, and who may. Lock order: sites, a site's state, a client's; rooms alike;
//! clients, a client's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::http::StatusCode;
use chat::Chat;
use door::Refusal;
use hashbrown::{HashMap, HashSet};
use live::Live;
use metrics::gauge;
use model::rights::Principal;
use model::{AccountId, Action, BotId, Clock, GuestId, ShareId, SiteId};
use parking_lot::Mutex;
use store::accounts::SecretHash;
use store::{Access, Credential, Denied, Sites, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Deps;
use crate::client::{Client, Holder};
use crate::connection::{Connection, Phase};
use crate::frame;
use crate::options::{Options, VIEWS_MAX, VIEWS_OF_SHARES_MAX};
use crate::refused::{Refused, unavailable};
use crate::room::Followed;
use crate::site::{TooManyViews, Watched};
use crate::topic::{Of, Topic};

/// Told to a client that asks for too much at once.
pub const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(5);

pub struct Hub {
    pub options: Options,
    pub live: Arc<dyn Live>,
    pub access: Access,
    pub sites: Arc<dyn Sites>,
    pub chat: Chat,
    pub clock: Arc<dyn Clock>,
    pub shutdown: CancellationToken,
    /// Every socket and every watched site runs in here.
    pub tasks: TaskTracker,
    watched: Mutex<HashMap<SiteId, Arc<Watched>>>,
    pub followed: Mutex<HashMap<Of, Arc<Followed>>>,
    clients: Mutex<Clients>,
    clients_made: AtomicU64,
    /// Raised by each notice that rights may have changed.
    pub rights_notices: AtomicU64,
    pub recheck: Notify,
    /// Live cannot be reached: nobody is let in.
    pub is_away: AtomicBool,
    /// Sites that cannot be reached in it: nobody is put on their topics.
    pub away: Mutex<HashSet<SiteId>>,
}

#[derive(Default)]
struct Clients {
    by_id: HashMap<u64, Arc<Client>>,
    by_owner: HashMap<Owner, usize>,
    /// With how many clients each has.
    holders: HashMap<HolderName, (Arc<Holder>, usize)>,
}

/// The kind of a credential, and its secret hashed.
type HolderName = (u8, SecretHash);

/// Whose connections are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    Account(AccountId),
    Share(ShareId),
    Guest(GuestId),
    Bot(BotId),
}

/// A client's place in the hub: given back when it is dropped.
pub struct Seat {
    pub hub: Arc<Hub>,
    pub client: Arc<Client>,
    owner: Owner,
}

impl Hub {
    pub fn new(options: Options, deps: Deps, shutdown: CancellationToken) -> Hub {
        Hub {
            options,
            live: deps.live,
            access: deps.access,
            sites: deps.sites,
            chat: deps.chat,
            clock: deps.clock,
            shutdown,
            tasks: TaskTracker::new(),
            watched: Mutex::default(),
            followed: Mutex::default(),
            clients: Mutex::default(),
            clients_made: AtomicU64::new(0),
            rights_notices: AtomicU64::new(0),
            recheck: Notify::new(),
            is_away: AtomicBool::new(false),
            away: Mutex::default(),
        }
    }

    /// Lets in who carries a credential; `pinged`: by messages, which it answers.
    pub async fn admit(self: &Arc<Self>, credential: Credential, pinged: bool) -> Result<Seat, Refusal> {
        let notices = self.rights_notices.load(Ordering::SeqCst);
        let principal = self.access.principal(&credential).await?;
        let owner = match &principal {
            Principal::Stranger => return Err(Refusal::sign_in()),
            Principal::Account { id, .. } | Principal::Token { account: id, .. } => Owner::Account(*id),
            Principal::Share { id, .. } => Owner::Share(*id),
            Principal::Guest { id, .. } => Owner::Guest(*id),
            Principal::Bot { id } => Owner::Bot(*id),
        };
        if self.shutdown.is_cancelled() || self.is_away.load(Ordering::SeqCst) {
            return Err(Refusal::unavailable(RETRY_AFTER));
        }
        let mut clients = self.clients.lock();
        let theirs = clients.by_owner.get(&owner).copied().unwrap_or(0);
        let each_max = match owner {
            Owner::Account(_) | Owner::Guest(_) | Owner::Bot(_) => self.options.connections_each_max,
            Owner::Share(_) => self.options.connections_a_share_max,
        };
        if clients.by_id.len() >= self.options.connections_max || theirs >= each_max {
            return Err(self.too_many_connections());
        }
        let id = self.clients_made.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.now();
        let mut connection = Connection::new(pinged, now);
        if pinged {
            connection.greet(frame::hello(self.options.ping_seconds(), now));
        }
        let client = Arc::new(Client::new(id, clients.hold(credential, principal), connection));
        *clients.by_owner.entry(owner).or_insert(0) += 1;
        clients.by_id.insert(id, client.clone());
        gauge!("watchfire_connections").set(clients.by_id.len() as f64);
        drop(clients);
        self.recheck_if_changed(notices);
        Ok(Seat { hub: self.clone(), client, owner })
    }

    fn too_many_connections(&self) -> Refusal {
        let message = format!(
            "At most {} connections here, {} for one account, {} for one share link. Close one, or try again later.",
            self.options.connections_max,
            self.options.connections_each_max,
            self.options.connections_a_share_max
        );
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", message)
            .retry_after(RETRY_AFTER)
    }

    /// Puts a client on a topic, if it may. The client is told; the refusal is only returned.
    pub async fn subscribe(
        self: &Arc<Self>,
        client: &Arc<Client>,
        number: u16,
        topic: &Arc<Topic>,
    ) -> Result<(), Refused> {
        let notices = self.rights_notices.load(Ordering::SeqCst);
        let principal = client.holder.principal.lock().clone();
        match topic.of {
            Of::Site(site) => {
                self.authorise(&principal, site).await?;
                if self.away.lock().contains(&site) {
                    return Err(Refused::Away);
                }
                self.join(client, number, topic, site)?;
            }
            of => {
                self.authorise_chat(&principal, of).await?;
                self.follow(topic).join(client, number);
            }
        }
        self.recheck_if_changed(notices);
        Ok(())
    }

    async fn authorise(&self, principal: &Principal, site: SiteId) -> Result<(), Refused> {
        self.access.authorise(principal, site, Action::SeeLive).await.map_err(|denied| match denied {
            Denied::Unknown | Denied::Forbidden => Refused::NotFound,
            Denied::Store(error) => unavailable(&error),
        })?;
        // An operator may see every site; that there is one is another question.
        match self.sites.site(site).await {
            Ok(_) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(Refused::NotFound),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn join(
        self: &Arc<Self>,
        client: &Arc<Client>,
        number: u16,
        topic: &Arc<Topic>,
        site: SiteId,
    ) -> Result<(), Refused> {
        let watched = self.expect(site);
        // Whoever has a public link leaves views to the people of the site.
        let is_share = matches!(*client.holder.principal.lock(), Principal::Share { .. });
        let views_max = if is_share { VIEWS_OF_SHARES_MAX } else { VIEWS_MAX };
        watched.join(client, number, topic, views_max).map_err(|TooManyViews| Refused::TooManyViews)
    }

    /// The site's mirror, begun if nobody watched it.
    fn expect(self: &Arc<Self>, site: SiteId) -> Arc<Watched> {
        let mut watched = self.watched.lock();
        let begin = || {
            let begun = Arc::new(Watched::new(site));
            self.tasks.spawn(begun.clone().run(self.clone()));
            begun
        };
        let found = watched.entry(site).or_insert_with(begin).clone();
        found.expect();
        gauge!("watchfire_mirrors").set(watched.len() as f64);
        drop(watched);
        found
    }

    pub fn leave(&self, client: &Client, topic: &Topic) {
        match topic.of {
            Of::Site(site) => {
                if let Some(watched) = self.find(site) {
                    watched.leave(client, topic);
                }
            }
            of => {
                if let Some(followed) = self.found(of) {
                    followed.leave(client);
                }
            }
        }
    }

    pub fn catch_up(&self, client: &Client, topic: &Topic) {
        match topic.of {
            Of::Site(site) => {
                if let Some(watched) = self.find(site) {
                    watched.catch_up(client, topic);
                }
            }
            of => {
                if let Some(followed) = self.found(of) {
                    followed.catch_up(client);
                }
            }
        }
    }

    pub fn watched_sites(&self) -> Vec<SiteId> {
        self.watched.lock().keys().copied().collect()
    }

    fn find(&self, site: SiteId) -> Option<Arc<Watched>> {
        self.watched.lock().get(&site).cloned()
    }

    /// Lets go of a site that nobody watches; false: somebody does.
    pub fn retire(&self, site: &Watched) -> bool {
        let mut watched = self.watched.lock();
        if !site.is_deserted() {
            return false;
        }
        watched.remove(&site.site);
        gauge!("watchfire_mirrors").set(watched.len() as f64);
        true
    }

    /// Ends a client's subscriptions that `lost` names, and tells it.
    pub fn end(&self, client: &Client, lost: impl Fn(&Topic) -> bool, code: &str, message: &str) {
        for topic in client.act(|connection| connection.end(lost, code, message)) {
            self.leave(client, &topic);
        }
    }

    pub fn clients(&self) -> Vec<Arc<Client>> {
        self.clients.lock().by_id.values().cloned().collect()
    }

    /// One beat for every connection; each is pinged once in `ping_beats`, each at its own time.
    pub fn beat(&self, number: u64) {
        let ping = frame::ping(number);
        let turn = number % u64::from(self.options.ping_beats);
        let mut subscriptions = 0;
        for client in self.clients() {
            let pinged = client.id % u64::from(self.options.ping_beats) == turn;
            let phase = client.act(|connection| {
                connection.beat(pinged.then_some((number, &ping)), &self.options);
                subscriptions += connection.topics().count();
                connection.phase()
            });
            // Its socket may never come to it.
            if phase == Phase::Dead {
                self.leave_all(&client);
            }
        }
        gauge!("watchfire_subscriptions").set(subscriptions as f64);
    }

    pub fn close_all(&self, code: u16, reason: &'static str) {
        self.clients().iter().for_each(|client| client.act(|connection| connection.close(code, reason)));
    }

    pub fn cut_all(&self) {
        self.clients().iter().for_each(|client| client.act(Connection::cut));
    }

    pub fn recheck_soon(&self) {
        self.rights_notices.fetch_add(1, Ordering::SeqCst);
        self.recheck.notify_one();
    }

    /// What was looked up since may be out of date already.
    fn recheck_if_changed(&self, notices: u64) {
        if self.rights_notices.load(Ordering::SeqCst) != notices {
            self.recheck.notify_one();
        }
    }

    fn leave_all(&self, client: &Client) {
        let topics = client.act(|connection| connection.topics().cloned().collect::<Vec<_>>());
        topics.iter().for_each(|topic| self.leave(client, topic));
    }
}

impl Clients {
    /// The one holder of a credential; the principal just looked up is the newest.
    fn hold(&mut self, credential: Credential, principal: Principal) -> Arc<Holder> {
        let (holder, count) = self.holders.entry(name(&credential)).or_insert_with(|| {
            (Arc::new(Holder { credential, principal: Mutex::new(principal.clone()) }), 0)
        });
        *count += 1;
        *holder.principal.lock() = principal;
        holder.clone()
    }

    fn release(&mut self, holder: &Holder) {
        let name = name(&holder.credential);
        if let Some((_, count)) = self.holders.get_mut(&name) {
            *count -= 1;
            if *count == 0 {
                self.holders.remove(&name);
            }
        }
    }
}

fn name(credential: &Credential) -> HolderName {
    match credential {
        Credential::None => (0, SecretHash::of("")),
        Credential::SignIn(secret) => (1, SecretHash::of(secret)),
        Credential::Token(secret) => (2, SecretHash::of(secret)),
        Credential::Share(secret) => (3, SecretHash::of(secret)),
        Credential::Guest(secret) => (4, SecretHash::of(secret)),
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave_all(&self.client);
        let mut clients = self.hub.clients.lock();
        clients.by_id.remove(&self.client.id);
        if let Some(count) = clients.by_owner.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                clients.by_owner.remove(&self.owner);
            }
        }
        clients.release(&self.client.holder);
        gauge!("watchfire_connections").set(clients.by_id.len() as f64);
    }
}
