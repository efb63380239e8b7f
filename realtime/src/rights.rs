//! Rights looked up again: when they may have changed, and now and then should the notice have been lost.
//! Each credential once, and each of its sites once, however many connections carry it.

use std::sync::Arc;

use hashbrown::HashMap;
use live::{RIGHTS_TOPIC, SITES_TOPIC, Subscription};
use model::rights::Principal;
use model::{Action, SiteId};
use store::{Denied, StoreError};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{MissedTickBehavior, interval};

use crate::client::{Client, Holder};
use crate::hub::Hub;
use crate::refused::Refused;
use crate::topic::Of;

/// The open connections of one credential.
struct Group {
    holder: Arc<Holder>,
    clients: Vec<Arc<Client>>,
    sites: Vec<SiteId>,
    /// What they follow of chat.
    chats: Vec<Of>,
}

/// Looks rights up again until the hub stops.
pub async fn keep(hub: Arc<Hub>) -> anyhow::Result<()> {
    tokio::join!(follow(&hub, RIGHTS_TOPIC), follow(&hub, SITES_TOPIC), look_up_again(&hub));
    Ok(())
}

/// Until live can be reached, rights are looked up now and then alone.
async fn follow(hub: &Hub, topic: &str) {
    let heard = async {
        let mut notices = live::hear(&*hub.live, topic).await;
        loop {
            // Also at first: what was said before was not heard.
            hub.recheck_soon();
            noticed(&mut notices).await;
        }
    };
    hub.shutdown.run_until_cancelled(heard).await;
}

async fn look_up_again(hub: &Hub) {
    let mut period = interval(hub.options.recheck);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Notices that come while a look-up is under way are one more look-up.
            () = hub.recheck.notified() => look_up_unless_over(hub).await,
            _ = period.tick() => look_up_unless_over(hub).await,
            () = hub.shutdown.cancelled() => return,
        }
    }
}

/// Messages came, or some were missed: all the same to us.
async fn noticed(topic: &mut Subscription) {
    if let Err(RecvError::Closed) = topic.0.recv().await {
        std::future::pending::<()>().await;
    }
    while let Ok(_) | Err(TryRecvError::Lagged(_)) = topic.0.try_recv() {}
}

/// The shutdown does not wait for a long look-up.
async fn look_up_unless_over(hub: &Hub) {
    hub.shutdown.run_until_cancelled(look_up(hub)).await;
}

async fn look_up(hub: &Hub) {
    let groups = groups(hub.clients());
    end_deleted(hub, &groups).await;
    for group in &groups {
        let principal = match hub.access.principal(&group.holder.credential).await {
            Ok(principal) => principal,
            Err(Denied::Unknown | Denied::Forbidden) => {
                group.close();
                continue;
            }
            Err(Denied::Store(error)) => {
                tracing::warn!(%error, "rights cannot be looked up again; they stand until they can");
                return;
            }
        };
        *group.holder.principal.lock() = principal.clone();
        for &site in &group.sites {
            if is_denied(hub, &principal, site).await {
                group.end(hub, Of::Site(site), "revoked", "You may no longer see this site.");
            }
        }
        for &of in &group.chats {
            if let Err(Refused::NotFound) = hub.authorise_chat(&principal, of).await {
                group.end(hub, of, "revoked", "You may no longer follow this room.");
            }
        }
    }
}

fn groups(clients: Vec<Arc<Client>>) -> Vec<Group> {
    let mut groups: HashMap<*const Holder, Group> = HashMap::new();
    for client in clients {
        let group = groups.entry(Arc::as_ptr(&client.holder)).or_insert_with(|| Group {
            holder: client.holder.clone(),
            clients: Vec::new(),
            sites: Vec::new(),
            chats: Vec::new(),
        });
        client.act(|connection| {
            for topic in connection.topics() {
                match topic.of {
                    Of::Site(site) => group.sites.push(site),
                    of => group.chats.push(of),
                }
            }
        });
        group.sites.sort_unstable();
        group.sites.dedup();
        group.chats.sort_unstable();
        group.chats.dedup();
        group.clients.push(client);
    }
    groups.into_values().collect()
}

/// Sites that are watched and are no more: said before the credentials that went with them are found gone.
async fn end_deleted(hub: &Hub, groups: &[Group]) {
    let mut sites: Vec<SiteId> = groups.iter().flat_map(|group| group.sites.iter().copied()).collect();
    sites.sort_unstable();
    sites.dedup();
    for site in sites {
        if let Err(StoreError::NotFound(_)) = hub.sites.site(site).await {
            groups
                .iter()
                .for_each(|group| group.end(hub, Of::Site(site), "deleted", "This site was deleted."));
        }
    }
}

async fn is_denied(hub: &Hub, principal: &Principal, site: SiteId) -> bool {
    match hub.access.authorise(principal, site, Action::SeeLive).await {
        Ok(()) | Err(Denied::Store(_)) => false,
        Err(Denied::Unknown | Denied::Forbidden) => true,
    }
}

impl Group {
    fn close(&self) {
        for client in &self.clients {
            client.act(|connection| connection.close(4401, "the credential is no longer good"));
        }
    }

    fn end(&self, hub: &Hub, of: Of, code: &str, message: &str) {
        for client in &self.clients {
            hub.end(client, |topic| topic.of == of, code, message);
        }
    }
}
