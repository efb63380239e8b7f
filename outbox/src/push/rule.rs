//! Which messages are pushed, and to whom.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use model::chat::{Member, Message, Room, RoomKind};
use model::outbox::{JobKind, NewJob};
use model::{AccountId, Clock};
use store::Store;

use super::{About, PUSHED_AFTER};
use crate::missed::{is_wanted, listening};
use crate::{Making, Rule, job_id};

pub struct Pushes {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Rule for Pushes {
    async fn of(&self, room: &Room) -> anyhow::Result<Option<Making>> {
        let listening = listening(&self.store, room).await?;
        let of = listening.iter().map(|(account, _)| *account).collect();
        let browsers = self.store.notices.browsers(of, self.clock.now()).await?;
        let reached: HashSet<AccountId> = browsers.into_iter().map(|(account, _)| account).collect();
        let is_reached = |(account, _): &(AccountId, Member)| reached.contains(account);
        // What they may read is asked when it is pushed.
        let members: Vec<Member> =
            listening.into_iter().filter(is_reached).map(|(_, member)| member).collect();
        let kind = room.kind;
        Ok((!members.is_empty())
            .then(|| Box::new(move |messages: &[Message]| jobs(&members, kind, messages)) as Making))
    }
}

fn jobs(members: &[Member], kind: RoomKind, messages: &[Message]) -> Vec<NewJob> {
    let each = messages.iter().flat_map(|message| members.iter().map(move |member| (member, message)));
    each.filter(|(member, message)| is_wanted(member, kind, message))
        .map(|(member, message)| job(member, message))
        .collect()
}

fn job(member: &Member, message: &Message) -> NewJob {
    let about = About { room: message.room, number: message.number, browser: None };
    let (who, room, number) = (member.who.to_string(), message.room.to_string(), message.number.to_string());
    NewJob {
        id: job_id(&["push", &who, &room, &number]),
        kind: JobKind::Push,
        owner: member.who,
        body: serde_json::to_vec(&about).expect("what a job is about encodes"),
        created: message.at,
        due: message.at.plus(PUSHED_AFTER),
    }
}
