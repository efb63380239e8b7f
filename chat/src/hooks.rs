//! Commits in rooms: hooks by which a room hears of repositories, and what they tell of, posted once.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use commits::limits::COMMITS_TOLD_MAX;
use commits::{Commit, Event, Filter, PlaceKind, Push, Release, Target, Telling, references};
use model::chat::rights::RoomAction;
use model::chat::{
    About, Bot, Change, Conversation, Delivery, Fix, Hook, HookSecret, MessageKind, NamedCommit, NewMessage,
    Note, RoomKind, RoomRole, TELLER, Who,
};
use model::rights::Principal;
use model::{BotId, HookId, MessageId, Millis, RoomId, SavedId, limits};
use store::StoreError;
use store::accounts::SecretHash;
use store::chat::{CommitMark, ConversationChange, HookChange, Posted, mark_of};
use store::saved::{SavedItem, SavedKind};

use crate::replies::number_of;
use crate::{Chat, Post, Refused, Result, Seen, random};

pub(crate) const TELLER_NAME: &str = "Commits";
/// Answers that one push makes in conversations, and conversations that it is told in, besides its room.
const ANSWERS_A_PUSH_MAX: usize = 50;
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

    /// Posts what a delivery tells and its hook lets through, once however often the delivery comes; how many messages that made now. `base` is
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
                    let said = self.say(hook.room, once.of_event(), release.told(), None).await?;
                    self.note_release(hook.room, once, &release).await?;
                    self.learn_release(hook.room, &release).await?;
                    usize::from(said.fresh)
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
        let has_new = push.unlisted != Some(0) || push.commits.iter().any(|commit| commit.distinct);
        if !has_new && self.knows_move(room, &push).await? {
            return Ok(0);
        }
        let said = self.say(room, once.of_event(), push.told(), None).await?;
        let (about, answers) = self.tell_conversations(hook, once, &push, base).await?;
        self.learn_push(room, &push, &about).await?;
        // Last of all: what is shown is not told again.
        let fresh = push.commits.iter().filter(|commit| commit.distinct);
        let fresh = fresh.map(|commit| CommitMark::of(&commit.id)).collect();
        self.store.hooks.show(room, said.message.number, fresh).await?;
        Ok(usize::from(said.fresh) + answers)
    }

    /// New commits in the threads of the messages that they refer to; those are told that one fixes them. Which commits are about which, and
    /// how many answers that made now.
    async fn tell_conversations(
        &self,
        hook: &Hook,
        once: Once<'_>,
        push: &Push,
        base: &str,
    ) -> Result<(Vec<(String, About)>, usize)> {
        let (mut about, mut answers, mut left) = (Vec::new(), 0, ANSWERS_A_PUSH_MAX);
        let subjects = self.subjects(hook, push, base).await?;
        let mut behind = subjects.len();
        for Subject { at, commits } in subjects {
            behind -= 1;
            // Each conversation behind has one, at least.
            let folds = commits.len() > COMMITS_TOLD_MAX.min(left - behind);
            let tellings: Vec<(String, Telling)> = match folds {
                true => vec![(together(&commits), push.told_together(&commits))],
                false => {
                    let each =
                        |(commit, fixes): &(&Commit, bool)| (commit.id.clone(), push.told_to(commit, *fixes));
                    commits.iter().map(each).collect()
                }
            };
            left -= tellings.len();
            for (id, telling) in tellings {
                answers += usize::from(self.answer(hook, once, &at, &id, telling).await?);
            }
            let fixing = commits.iter().rfind(|(_, fixes)| *fixes).map(|(commit, _)| *commit);
            match (&at, fixing) {
                (_, None) => {}
                (Where::Thread(number), Some(commit)) => {
                    self.fix(hook, *number, &push.repository.name, commit).await?;
                }
                (Where::Customers(of), Some(commit)) => {
                    self.fix_for(hook, of, &push.repository.name, commit).await?;
                }
            }
            let of = |fixes| match &at {
                Where::Thread(number) => About { number: *number, customers: None, fixes },
                Where::Customers(of) => About { number: 1, customers: Some(of.room), fixes },
            };
            about.extend(commits.iter().map(|(commit, fixes)| (commit.id.clone(), of(*fixes))));
        }
        Ok((about, answers))
    }

    /// The conversations that new commits refer to, in the order in which they are named first; no more than are answered.
    async fn subjects<'p>(&self, hook: &Hook, push: &'p Push, base: &str) -> Result<Vec<Subject<'p>>> {
        let mut subjects: Vec<Subject<'p>> = Vec::new();
        let mut places: HashMap<Named, Option<usize>> = HashMap::new();
        for (commit, named, fixes) in referring(push, hook.room, base) {
            let place = match places.get(&named) {
                Some(place) => *place,
                None if subjects.len() == ANSWERS_A_PUSH_MAX => None,
                None => {
                    let place = self.place_of(hook, named, &mut subjects).await?;
                    places.insert(named, place);
                    place
                }
            };
            let Some(place) = place else { continue };
            let commits = &mut subjects[place].commits;
            match commits.last_mut() {
                Some((last, fixed)) if last.id == commit.id => *fixed |= fixes,
                _ => commits.push((commit, fixes)),
            }
        }
        Ok(subjects)
    }

    /// Where in the list that conversation is, at whose end it is put where it is not there; None: it is none that hears of commits.
    async fn place_of(
        &self,
        hook: &Hook,
        named: Named,
        subjects: &mut Vec<Subject<'_>>,
    ) -> Result<Option<usize>> {
        let at = match named {
            Named::Message(number) => match self.store.messages.message(hook.room, number).await {
                Ok(message) if message.removed.is_none() => Where::Thread(message.thread.unwrap_or(number)),
                Ok(_) | Err(StoreError::NotFound(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            },
            Named::Room(named) => match self.let_in(hook, named).await? {
                Some(found) => Where::Customers(Box::new(found)),
                None => return Ok(None),
            },
        };
        let known = subjects.iter().position(|subject| subject.at.is(&at));
        Ok(Some(known.unwrap_or_else(|| {
            subjects.push(Subject { at, commits: Vec::new() });
            subjects.len() - 1
        })))
    }

    /// A conversation with a customer of the room's site, where its hook lets commits into these.
    async fn let_in(&self, hook: &Hook, named: RoomId) -> Result<Option<Conversation>> {
        let Some(site) = self.store.rooms.room(hook.room).await?.site.filter(|_| hook.customers) else {
            return Ok(None);
        };
        match self.store.conversations.conversation(named).await {
            Ok(found) => Ok(Some(found).filter(|found| found.site == site)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// In the thread, or in the notes of a conversation with a customer; whether it is said just now.
    async fn answer(
        &self,
        hook: &Hook,
        once: Once<'_>,
        at: &Where,
        id: &str,
        telling: Telling,
    ) -> Result<bool> {
        match at {
            Where::Thread(number) => {
                let id = once.of_commit(id, number);
                Ok(self.say(hook.room, id, telling, Some(*number)).await?.fresh)
            }
            Where::Customers(of) => {
                let telling = telling.markdown(limits::MESSAGE_BYTES_MAX);
                Ok(self.say_to(of.notes, once.of_commit(id, of.notes), telling).await?.fresh)
            }
        }
    }

    /// The conversation says which commit fixes it, and is closed, where the hook is to do that.
    async fn fix(&self, hook: &Hook, number: u64, repository: &str, commit: &Commit) -> Result<()> {
        let fix = fix_of(repository, commit);
        let note = match fix.answer.as_str() {
            "" => fixed_by(&fix.commit),
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

    /// The conversation says which commit fixes it; where the hook closes, its customer hears so, and it is closed.
    async fn fix_for(&self, hook: &Hook, of: &Conversation, repository: &str, commit: &Commit) -> Result<()> {
        let fix = fix_of(repository, commit);
        let words = if fix.answer.is_empty() { FIXED.to_owned() } else { fix.answer.clone() };
        let now = self.change_to(of, ConversationChange::Fix(fix)).await?;
        if !hook.closes || now.is_closed() || !now.takes_letters() || now.is_call {
            return Ok(());
        }
        let id = id_of(&format!("fixed {} {}", of.room, commit.id));
        let said = self.say_to(of.room, id, words).await?.message.number;
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

    /// In a room of a conversation, where it is no member.
    async fn say_to(&self, room: RoomId, id: MessageId, body: String) -> Result<Posted> {
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
        if posted.fresh {
            self.announce_message(posted.clone()).await;
            if posted.room.kind == RoomKind::Conversation {
                self.announce_said(room).await;
            }
        }
        Ok(posted)
    }

    async fn say(
        &self,
        room: RoomId,
        id: MessageId,
        telling: Telling,
        thread: Option<u64>,
    ) -> Result<Posted> {
        let body = telling.markdown(limits::MESSAGE_BYTES_MAX);
        let post = Post { id, kind: MessageKind::Text, body, thread, files: Vec::new() };
        self.post(&Principal::Bot { id: TELLER }, room, post).await
    }
}

/// A conversation, and the commits that refer to it, each with whether it fixes it.
struct Subject<'p> {
    at: Where,
    commits: Vec<(&'p Commit, bool)>,
}

enum Where {
    /// Of the room that was told, by the number of its first message.
    Thread(u64),
    Customers(Box<Conversation>),
}

impl Where {
    fn is(&self, other: &Where) -> bool {
        match (self, other) {
            (Where::Thread(one), Where::Thread(other)) => one == other,
            (Where::Customers(one), Where::Customers(other)) => one.room == other.room,
            _ => false,
        }
    }
}

/// What commits that are told as one are told apart by.
fn together(commits: &[(&Commit, bool)]) -> String {
    let ids: Vec<&str> = commits.iter().map(|(commit, _)| commit.id.as_str()).collect();
    ids.join(" ")
}

/// The note of a conversation that is closed by a commit without words for those who asked.
pub fn fixed_by(commit: &NamedCommit) -> String {
    format!("Fixed by {}: {}", short(&commit.id), commit.subject)
}

/// What a commit refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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
