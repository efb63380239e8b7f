//! Commits in rooms: hooks by which a room hears of repositories, and what they tell of, posted once.

use std::collections::HashSet;
use std::fmt::Display;

use commits::{Commit, Event, Filter, PlaceKind, Push, Release, Target, references};
use model::chat::rights::RoomAction;
use model::chat::{
    About, Bot, Change, Conversation, Delivery, Fix, Hook, HookSecret, MessageKind, NamedCommit, NewMessage,
    Note, RoomKind, RoomRole, TELLER, Who,
};
use model::rights::Principal;
use model::{BotId, HookId, MessageId, Millis, RoomId, SavedId, limits};
use store::StoreError;
use store::accounts::SecretHash;
use store::chat::{CommitMark, ConversationChange, HookChange, mark_of};
use store::saved::{SavedItem, SavedKind};

use crate::replies::number_of;
use crate::{Chat, Post, Refused, Result, Seen, random};

const TELLER_NAME: &str = "Commits";
/// Conversations that one push is told in, besides its room.
const CONVERSATIONS_A_PUSH_MAX: usize = 50;
/// What a customer is told of a fix whose commit has no words for them.
const FIXED: &str = "What you wrote about is fixed. Thank you for telling us.";

/// What somebody wants to hear of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewHook {
    /// Patterns, as `commits::Filter` reads them.
    pub repositories: String,
    pub branches: String,
    /// Whether a commit that fixes a conversation closes it.
    pub closes: bool,
    /// Whether conversations with customers hear of commits that name them.
    pub customers: bool,
    /// What its deliveries are signed with.
    pub secret: String,
}

/// What a hook listens to, and what comes of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listen {
    pub repositories: String,
    pub branches: String,
    pub closes: bool,
    pub customers: bool,
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
        if new.customers {
            self.may_tell_customers(by, room).await?;
        }
        filter(&new.repositories)?;
        filter(&new.branches)?;
        let hook = Hook {
            id: HookId::of(random()),
            room,
            repositories: new.repositories,
            branches: new.branches,
            secret: HookSecret(new.secret),
            closes: new.closes,
            customers: new.customers,
            created: self.clock.now(),
            deliveries: Vec::new(),
        };
        self.take_bot_in(&seen, TELLER, TELLER_NAME).await?;
        self.store.hooks.add_hook(hook.clone(), address).await?;
        Ok(hook)
    }

    /// One of our own, who tells rooms of what is outside them.
    pub(crate) async fn take_bot_in(&self, seen: &Seen, id: BotId, name: &str) -> Result<()> {
        let teller = Bot { id, name: name.into(), created: self.clock.now() };
        let nobodys = SecretHash::of(&format!("{}{}", random(), random()));
        match self.store.rooms.add_bot(teller, nobodys).await {
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let (room, me) = (&seen.room, Who::Bot(id));
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

    /// Whoever has, or changes, a hook that lets commits into conversations with customers answers these.
    async fn may_tell_customers(&self, by: &Principal, room: RoomId) -> Result<()> {
        let site = self.store.rooms.room(room).await?.site;
        let site = site.ok_or(Refused::Invalid("a room of the installation has no customers"))?;
        match self.may_converse(by, site).await {
            Err(Refused::NotFound) => Err(Refused::Forbidden),
            may => may,
        }
    }

    /// What a hook listens to, whether it closes, and whether customers hear of it, becomes this. Its secret stays.
    pub async fn change_hook(
        &self,
        by: &Principal,
        room: RoomId,
        id: HookId,
        Listen { repositories, branches, closes, customers }: Listen,
    ) -> Result<Hook> {
        self.seen(by, room, RoomAction::Configure).await?;
        if customers {
            self.may_tell_customers(by, room).await?;
        }
        filter(&repositories)?;
        filter(&branches)?;
        let listen = HookChange::Listen { repositories, branches, closes, customers };
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
        let hooks = self.store.hooks.hooks(room).await?;
        if hooks.iter().any(|hook| hook.id == id && hook.customers) {
            self.may_tell_customers(by, room).await?;
        }
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
        for (commit, named, fixes) in referring(push, room, base) {
            if told.len() == CONVERSATIONS_A_PUSH_MAX {
                break;
            }
            let number = match named {
                Named::Message(number) => number,
                Named::Room(named) => {
                    if let Some(customers) =
                        self.tell_agents(hook, once, push, (commit, named, fixes)).await?
                    {
                        told.push((
                            commit.id.clone(),
                            About { number: 1, customers: Some(customers), fixes },
                        ));
                    }
                    continue;
                }
            };
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
            told.push((commit.id.clone(), About { number, customers: None, fixes }));
        }
        Ok(told)
    }

    /// The conversation says which commit fixes it, and is closed, where the hook is to do that.
    async fn fix(&self, hook: &Hook, number: u64, repository: &str, commit: &Commit) -> Result<()> {
        let fix = fix_of(repository, commit);
        let note = match fix.answer.as_str() {
            "" => format!("Fixed by {}: {}", short(&fix.commit.id), fix.commit.subject),
            answer => answer.to_owned(),
        };
        self.change_by_itself(hook.room, number, Change::Fix(fix)).await?;
        if hook.closes {
            let is_open = self.store.messages.message(hook.room, number).await?.closed.is_none();
            if is_open {
                self.change_by_itself(hook.room, number, Change::Close { note }).await?;
            }
        }
        Ok(())
    }

    /// In the notes of a conversation with a customer of the room's site, where its hook is to do that; what the customer hears of it, if so.
    async fn tell_agents(
        &self,
        hook: &Hook,
        once: Once<'_>,
        push: &Push,
        (commit, named, fixes): (&Commit, RoomId, bool),
    ) -> Result<Option<RoomId>> {
        let Some(site) = self.store.rooms.room(hook.room).await?.site.filter(|_| hook.customers) else {
            return Ok(None);
        };
        let found = match self.store.conversations.conversation(named).await {
            Ok(found) if found.site == site => found,
            Ok(_) | Err(StoreError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let telling = push.told_to(commit, fixes).markdown(limits::MESSAGE_BYTES_MAX);
        self.say_to(found.notes, once.of_commit(&commit.id, found.notes), telling).await?;
        if fixes {
            self.fix_for(hook, &found, &push.repository.name, commit).await?;
        }
        Ok(Some(found.room))
    }

    /// The conversation says which commit fixes it; where the hook closes, its customer hears so, and it is closed.
    async fn fix_for(&self, hook: &Hook, of: &Conversation, repository: &str, commit: &Commit) -> Result<()> {
        let fix = fix_of(repository, commit);
        let words = if fix.answer.is_empty() { FIXED.to_owned() } else { fix.answer.clone() };
        let now = self.change_to(of, ConversationChange::Fix(fix)).await?;
        if !hook.closes || now.is_closed() || !now.takes_letters() || now.is_call {
            return Ok(());
        }
        let id = id_of(&format!("fixed {} {}", of.room, commit.id));
        let said = self.say_to(of.room, id, words).await?;
        // Whoever said something since then is not cut short.
        if self.store.conversations.conversation(of.room).await?.last == said {
            self.change_to(&now, ConversationChange::Close(Who::Bot(TELLER))).await?;
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

    /// In a room of a conversation, where it is no member; the number of the message that says it.
    async fn say_to(&self, room: RoomId, id: MessageId, body: String) -> Result<u64> {
        let new = NewMessage {
            room,
            id,
            author: Who::Bot(TELLER),
            kind: MessageKind::Text,
            body,
            thread: None,
            mentions: Vec::new(),
            files: Vec::new(),
            at: self.clock.now(),
        };
        let posted = self.store.messages.post(new).await?;
        let number = posted.message.number;
        if posted.fresh {
            let is_heard = posted.room.kind == RoomKind::Conversation;
            self.announce_message(posted).await;
            if is_heard {
                self.announce_said(room).await;
            }
        }
        Ok(number)
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

/// What a commit refers to.
enum Named {
    /// Of the room that was told.
    Message(u64),
    /// One of a conversation's, if it is one.
    Room(RoomId),
}

/// New commits with what they refer to.
fn referring<'p>(
    push: &'p Push,
    room: RoomId,
    base: &str,
) -> impl Iterator<Item = (&'p Commit, Named, bool)> {
    let pages = format!("rooms/{room}/messages/");
    let base = base.to_owned();
    push.commits.iter().filter(|commit| commit.distinct).flat_map(move |commit| {
        let found = references(&commit.message, &base).into_iter();
        let pages = pages.clone();
        found.filter_map(move |reference| {
            let named = match &reference.to {
                Target::Number(number) => Named::Message(*number),
                Target::Room(room) => Named::Room(*room),
                Target::Page(path) => match path.strip_prefix(pages.as_str()) {
                    Some(number) => Named::Message(number.parse().ok()?),
                    None => Named::Room(of_inbox(path)?),
                },
            };
            Some((commit, named, reference.closes))
        })
    })
}

/// By the page of a conversation in the inbox of its site: `sites/WF-8K2MZQ4T/inbox/RM-8K2MZQ4T?folder=mine`.
fn of_inbox(path: &str) -> Option<RoomId> {
    let path = path.split(['?', '#']).next()?;
    let (_, room) = path.strip_prefix("sites/")?.split_once("/inbox/")?;
    room.parse().ok()
}

fn fix_of(repository: &str, commit: &Commit) -> Fix {
    let (repository, commit, answer) = (repository.to_owned(), named_commit(commit), commit.answer());
    Fix { repository, commit, release: None, answer }
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
    fn of_commit(self, commit: &str, thread: impl Display) -> MessageId {
        id_of(&format!("commit {} {thread} {commit}", self.hook))
    }
}

fn id_of(text: &str) -> MessageId {
    MessageId(number_of(text))
}
