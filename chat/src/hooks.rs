//! Commits in rooms: hooks by which a room hears of repositories, and what they tell of, posted once.

use std::collections::HashSet;

use commits::{Commit, Event, Filter, PlaceKind, Push, Release, Target, references};
use model::chat::rights::RoomAction;
use model::chat::{
    About, Bot, Change, Delivery, Fix, Hook, HookSecret, MessageKind, NamedCommit, Note, RoomRole, Who,
};
use model::rights::Principal;
use model::{BotId, HookId, MessageId, Millis, RoomId, SavedId, limits};
use store::StoreError;
use store::accounts::SecretHash;
use store::chat::{CommitMark, HookChange, mark_of};
use store::saved::{SavedItem, SavedKind};

use crate::{Chat, Post, Refused, Result, Seen, random};

/// Who tells of commits, in every room that hears of any: a bot whose token nobody has.
const TELLER: BotId = BotId::of(0x0063_6F6D_6D69);
const TELLER_NAME: &str = "Commits";
/// Conversations that one push is told in, besides its room.
const CONVERSATIONS_A_PUSH_MAX: usize = 50;

/// What somebody wants to hear of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewHook {
    /// Patterns, as `commits::Filter` reads them.
    pub repositories: String,
    pub branches: String,
    /// Whether a commit that fixes a conversation closes it.
    pub closes: bool,
    /// What its deliveries are signed with.
    pub secret: String,
}

impl Chat {
    /// A hook whose address has that secret. The room takes the teller in.
    pub async fn add_hook(
        &self,
        by: &Principal,
        room: RoomId,
        new: NewHook,
        address: SecretHash,
    ) -> Result<Hook> {
        let seen = self.seen(by, room, RoomAction::Configure).await?;
        filter(&new.repositories)?;
        filter(&new.branches)?;
        let hook = Hook {
            id: HookId::of(random()),
            room,
            repositories: new.repositories,
            branches: new.branches,
            secret: HookSecret(new.secret),
            closes: new.closes,
            created: self.clock.now(),
            deliveries: Vec::new(),
        };
        self.take_teller_in(&seen).await?;
        self.store.hooks.add_hook(hook.clone(), address).await?;
        Ok(hook)
    }

    async fn take_teller_in(&self, seen: &Seen) -> Result<()> {
        let teller = Bot { id: TELLER, name: TELLER_NAME.into(), created: self.clock.now() };
        let nobodys = SecretHash::of(&format!("{}{}", random(), random()));
        match self.store.rooms.add_bot(teller, nobodys).await {
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let (room, me) = (&seen.room, Who::Bot(TELLER));
        let member = self.member(room.id, me, RoomRole::Member, room.last);
        let note = self.note(room.id, me, Note::Entered, "");
        self.entered(self.store.rooms.enter(member, vec![mark_of(me)], Some(note)).await?, seen).await
    }

    pub async fn hooks(&self, by: &Principal, room: RoomId) -> Result<Vec<Hook>> {
        self.seen(by, room, RoomAction::Configure).await?;
        Ok(self.store.hooks.hooks(room).await?)
    }

    pub async fn remove_hook(&self, by: &Principal, room: RoomId, id: HookId) -> Result<()> {
        self.seen(by, room, RoomAction::Configure).await?;
        Ok(self.store.hooks.remove_hook(room, id).await?)
    }

    /// What a hook listens to, and whether it closes, becomes this. Its secret stays.
    pub async fn change_hook(
        &self,
        by: &Principal,
        room: RoomId,
        id: HookId,
        (repositories, branches, closes): (String, String, bool),
    ) -> Result<Hook> {
        self.seen(by, room, RoomAction::Configure).await?;
        filter(&repositories)?;
        filter(&branches)?;
        let listen = HookChange::Listen { repositories, branches, closes };
        Ok(self.store.hooks.change_hook(room, id, listen).await?)
    }

    /// The address and the secret that were good are no longer.
    pub async fn renew_hook(
        &self,
        by: &Principal,
        room: RoomId,
        id: HookId,
        address: SecretHash,
        secret: String,
    ) -> Result<Hook> {
        self.seen(by, room, RoomAction::Configure).await?;
        let renew = HookChange::Renew { address, secret: HookSecret(secret) };
        Ok(self.store.hooks.change_hook(room, id, renew).await?)
    }

    /// Remembers what became of a delivery, for whoever looks why nothing is told. What cannot be kept is no loss.
    pub async fn heard(&self, hook: &Hook, from: &str, became: &str, good: bool) {
        let cut = |text: &str| text[..text.floor_char_boundary(limits::DELIVERY_WORDS_BYTES_MAX)].to_owned();
        let delivery = Delivery { at: self.clock.now(), from: cut(from), became: cut(became), good };
        let heard = self.store.hooks.change_hook(hook.room, hook.id, HookChange::Heard(delivery));
        if let Err(error) = heard.await {
            tracing::warn!(hook = %hook.id, %error, "what became of a delivery is not remembered");
        }
    }

    /// The hook of an address; NotFound for one that is not good, whatever it once was.
    pub async fn hook(&self, address: SecretHash) -> Result<Hook> {
        Ok(self.store.hooks.hook(address).await?)
    }

    /// Posts what a delivery tells and its hook lets through, once however often the delivery comes; how many messages that are. `base` is
    /// the address of this installation, without a slash at its end.
    pub async fn tell_commits(
        &self,
        hook: &Hook,
        delivery: &str,
        events: Vec<Event>,
        base: &str,
    ) -> Result<usize> {
        let (repositories, branches) = (filter(&hook.repositories)?, filter(&hook.branches)?);
        let mut told = 0;
        for (index, event) in events.into_iter().enumerate() {
            let of_branch = match &event {
                Event::Push(push) => push.place.kind == PlaceKind::Tag || branches.passes(&push.place.name),
                Event::Release(_) => true,
            };
            if !of_branch || !repositories.passes(&event.repository().name) {
                continue;
            }
            let once = Once { hook: hook.id, delivery, index };
            told += match event {
                Event::Push(push) if branches.passes_all() => self.tell_push(hook, once, push, base).await?,
                Event::Push(push) => self.tell_push(hook, once, push.all_distinct(), base).await?,
                Event::Release(release) => {
                    self.say(hook.room, once.of_event(), release.told(), None).await?;
                    self.note_release(hook.room, once, &release).await?;
                    self.learn_release(hook.room, &release).await?;
                    1
                }
            };
        }
        Ok(told)
    }

    async fn tell_push(&self, hook: &Hook, once: Once<'_>, push: Push, base: &str) -> Result<usize> {
        let room = hook.room;
        let marks: Vec<CommitMark> = push.commits.iter().map(|commit| CommitMark::of(&commit.id)).collect();
        let shown = self.store.hooks.shown(room, marks).await?;
        let shown: HashSet<CommitMark> = shown.into_iter().map(|shown| shown.commit).collect();
        let push = push.without(|id| shown.contains(&CommitMark::of(id)));
        let number = self.say(room, once.of_event(), push.told(), None).await?;
        let told = self.tell_conversations(hook, once, &push, base).await?;
        self.learn_push(room, &push, &told).await?;
        // Last of all: what is shown is not told again.
        let fresh = push.commits.iter().filter(|commit| commit.distinct);
        self.store.hooks.show(room, number, fresh.map(|commit| CommitMark::of(&commit.id)).collect()).await?;
        Ok(1 + told.len())
    }

    /// Each commit in the threads of the messages that it refers to; those are told that one fixes them. Which commits are about which.
    async fn tell_conversations(
        &self,
        hook: &Hook,
        once: Once<'_>,
        push: &Push,
        base: &str,
    ) -> Result<Vec<(String, About)>> {
        let room = hook.room;
        let mut told = Vec::new();
        for (commit, number, fixes) in referring(push, room, base) {
            if told.len() == CONVERSATIONS_A_PUSH_MAX {
                break;
            }
            let number = match self.store.messages.message(room, number).await {
                Ok(message) if message.removed.is_none() => message.thread.unwrap_or(number),
                Ok(_) | Err(StoreError::NotFound(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let telling = push.told_to(commit, fixes);
            self.say(room, once.of_commit(&commit.id, number), telling, Some(number)).await?;
            if fixes {
                self.fix(hook, number, &push.repository.name, commit).await?;
            }
            told.push((commit.id.clone(), About { number, fixes }));
        }
        Ok(told)
    }

    /// The conversation says which commit fixes it, and is closed, where the hook is to do that.
    async fn fix(&self, hook: &Hook, number: u64, repository: &str, commit: &Commit) -> Result<()> {
        let named = named_commit(commit);
        let note = format!("Fixed by {}: {}", short(&named.id), named.subject);
        let fix = Fix { repository: repository.to_owned(), commit: named, release: None };
        self.change_by_itself(hook.room, number, Change::Fix(fix)).await?;
        if hook.closes {
            let is_open = self.store.messages.message(hook.room, number).await?.closed.is_none();
            if is_open {
                self.change_by_itself(hook.room, number, Change::Close { note }).await?;
            }
        }
        Ok(())
    }

    /// What is no conversation, or was changed too often, stays as it is.
    pub(crate) async fn change_by_itself(&self, room: RoomId, number: u64, change: Change) -> Result<()> {
        let me = Who::Bot(TELLER);
        let before = self.store.rooms.room(room).await?.changes;
        match self.store.messages.change(room, number, me, self.clock.now(), change).await {
            Ok(changed) if changed.changed > before => self.announce(room, changed.changed - 1).await,
            Ok(_) => {}
            Err(StoreError::Conflict(_) | StoreError::NotFound(_) | StoreError::Limit { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// On the charts of the room's site, among the notes of people; where there is room for one more.
    async fn note_release(&self, room: RoomId, once: Once<'_>, release: &Release) -> Result<()> {
        let Some(site) = self.store.rooms.room(room).await?.site else { return Ok(()) };
        let now = self.clock.now();
        let mut name = release.name.clone();
        name.truncate(name.floor_char_boundary(limits::NAME_BYTES_MAX));
        let note = SavedItem {
            id: SavedId::of(once.of_event().0 as u64),
            kind: SavedKind::Annotation,
            body: serde_json::json!({ "text": name }).to_string(),
            name,
            at: Some(release.when.map_or(now, |at| at.clamp(Millis(0), now))),
            created: now,
        };
        match self.store.saved.add(site, note).await {
            // It is there, there are too many, or the site is gone.
            Err(StoreError::Conflict(_) | StoreError::Limit { .. } | StoreError::NotFound(_)) | Ok(()) => {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The number of the message that says it.
    async fn say(
        &self,
        room: RoomId,
        id: MessageId,
        telling: commits::Telling,
        thread: Option<u64>,
    ) -> Result<u64> {
        let body = telling.markdown(limits::MESSAGE_BYTES_MAX);
        let post = Post { id, kind: MessageKind::Text, body, thread, files: Vec::new() };
        Ok(self.post(&Principal::Bot { id: TELLER }, room, post).await?.message.number)
    }
}

/// New commits with the messages of the room that they refer to.
fn referring<'p>(push: &'p Push, room: RoomId, base: &str) -> impl Iterator<Item = (&'p Commit, u64, bool)> {
    let pages = format!("rooms/{room}/messages/");
    let base = base.to_owned();
    push.commits.iter().filter(|commit| commit.distinct).flat_map(move |commit| {
        let found = references(&commit.message, &base).into_iter();
        let pages = pages.clone();
        found.filter_map(move |reference| {
            let number = match &reference.to {
                Target::Number(number) => *number,
                Target::Page(path) => path.strip_prefix(pages.as_str())?.parse().ok()?,
            };
            Some((commit, number, reference.closes))
        })
    })
}

pub(crate) fn named_commit(commit: &Commit) -> NamedCommit {
    NamedCommit {
        id: commit.id.clone(),
        subject: commit.subject(),
        author: commit.author.clone(),
        link: commit.link.clone(),
    }
}

/// A commit's id as people read it.
pub fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}

fn filter(text: &str) -> Result<Filter> {
    Filter::of(text).map_err(|_| Refused::Invalid("those are no patterns"))
}

/// What a message is the same by, however often its delivery comes.
#[derive(Clone, Copy)]
struct Once<'d> {
    hook: HookId,
    delivery: &'d str,
    /// Of the event in the delivery.
    index: usize,
}

impl Once<'_> {
    fn of_event(self) -> MessageId {
        id_of(&format!("event {} {} {}", self.hook, self.index, self.delivery))
    }

    /// A commit is told to a conversation once, whatever deliveries bring it.
    fn of_commit(self, commit: &str, thread: u64) -> MessageId {
        id_of(&format!("commit {} {thread} {commit}", self.hook))
    }
}

fn id_of(text: &str) -> MessageId {
    let SecretHash(hash) = SecretHash::of(text);
    let (half, _) = hash.split_at(16);
    MessageId(u128::from_be_bytes(half.try_into().expect("16 of 32 bytes")))
}
