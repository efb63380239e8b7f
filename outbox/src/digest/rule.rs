//! Which messages somebody is mailed of: one job a person and window, however many messages there are.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use model::AccountId;
use model::chat::{Member, Message, Room, RoomKind};
use model::notice::Digest;
use model::outbox::{JobKind, NewJob};
use store::Store;

use super::About;
use super::window::{DUE_AFTER, Window};
use crate::missed::{is_wanted, listening};
use crate::{Making, Rule, job_id};

pub struct Digests {
    pub store: Store,
}

#[async_trait]
impl Rule for Digests {
    async fn of(&self, room: &Room) -> anyhow::Result<Option<Making>> {
        // Agents are not mailed of what customers say: it waits in the inbox.
        if room.kind.is_of_inbox() {
            return Ok(None);
        }
        let listening = listening(&self.store, room).await?;
        let of = listening.iter().map(|(account, _)| *account).collect();
        let digests: HashMap<AccountId, Digest> = self.store.notices.digests(of).await?.into_iter().collect();
        let mailed = |(account, member)| Some((member, *digests.get(&account)?));
        // What they may read is asked when the letter is written.
        let readers: Vec<(Member, Digest)> = listening.into_iter().filter_map(mailed).collect();
        let kind = room.kind;
        Ok((!readers.is_empty())
            .then(|| Box::new(move |messages: &[Message]| jobs(&readers, kind, messages)) as Making))
    }
}

fn jobs(readers: &[(Member, Digest)], kind: RoomKind, messages: &[Message]) -> Vec<NewJob> {
    let mut jobs = BTreeMap::new();
    for (member, digest) in readers {
        for message in messages.iter().filter(|message| is_wanted(member, kind, message)) {
            if let Some(window) = Window::of(*digest, message.at) {
                let made = job(member, *digest, window, message);
                jobs.entry(made.id.0).or_insert(made);
            }
        }
    }
    jobs.into_values().collect()
}

fn job(member: &Member, digest: Digest, window: Window, message: &Message) -> NewJob {
    let about = About { digest, end: window.end };
    let kind = digest.number().to_string();
    NewJob {
        id: job_id(&["mail", &member.who.to_string(), &kind, &window.end.0.to_string()]),
        kind: JobKind::Mail,
        owner: member.who,
        body: serde_json::to_vec(&about).expect("what a job is about encodes"),
        created: message.at,
        due: window.end.plus(DUE_AFTER),
    }
}
