//! An archive into a store: a room is there as a whole or not at all. Whoever is not known here comes as a former guest of the room, by name, and
//! is let in by nothing; whoever is known is who they are. A conversation with a customer is there with both of its rooms or not at all, and the customer's
//! browser and letters open it no more.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use model::chat::{Conversation, File, Guest, Member, Message, Replies, Room, RoomKind, Was, Who};
use model::limits::{FILE_PART_BYTES, NAME_BYTES_MAX, ROOMS_A_PERSON_MAX};
use model::{GuestId, Millis, RoomId, SiteId, UploadId};
use sha2::{Digest, Sha256};
use store::chat::hooks::arrival_mark;
use store::chat::rooms::direct_key;
use store::moving::{
    ArrivalRow, FilePart, FileRow, GuestRow, PAGE_MESSAGES_MAX, PAGE_ROWS_MAX, Row, StarRow,
};
use store::{Store, StoreError};

use super::line::{FileLine, Line};
use super::read::{Archive, parse};
use super::{PEOPLE_MAX, people};

/// Bytes of lines that are taken in one step.
const STEP_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Where rooms come to.
pub struct Target<'s> {
    pub store: &'s Store,
    /// Of which site rooms become whose own is not here.
    pub site: Option<SiteId>,
    pub now: Millis,
}

/// What became of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub rooms: u64,
    pub conversations: u64,
    pub messages: u64,
    pub files: u64,
    /// Rooms that are here already with all that the archive has of them.
    pub known: u64,
}

/// Refuses what does not fit before anything is taken. `tell` hears of each room that is there now.
pub async fn unpack(archive: &Archive, target: &Target<'_>, mut tell: impl FnMut(RoomId)) -> Result<Outcome> {
    let (mut outcome, mut coming) = (Outcome::default(), Vec::new());
    for id in archive.rooms() {
        let plan = Plan::of(archive, target, id).await.with_context(|| format!("{id}"))?;
        match plan {
            None => outcome.known += 1,
            Some(_) => coming.push(id),
        }
    }
    for id in coming {
        let Some(plan) = Plan::of(archive, target, id).await? else { continue };
        let brought = bring(archive, target, &plan).await;
        if brought.is_err()
            && let Err(error) = target.store.carrying.give_up(id).await
        {
            tracing::warn!(%error, "what came of a room goes before it comes again");
        }
        let files = brought.with_context(|| format!("{id}"))?;
        outcome.rooms += 1;
        outcome.conversations += u64::from(plan.conversation.is_some());
        outcome.messages += plan.room.last;
        outcome.files += files;
        tell(id);
    }
    Ok(outcome)
}

/// A room that is to come, and who is who.
struct Plan {
    room: Room,
    conversation: Option<Box<Conversation>>,
    direct: Option<String>,
    renamed: HashMap<Who, Who>,
    guests: Vec<Guest>,
    members: Vec<Member>,
}

impl Plan {
    /// None: it is here. An error where another room has its place, or where it cannot come.
    async fn of(archive: &Archive, target: &Target<'_>, id: RoomId) -> Result<Option<Plan>> {
        let Read { room, conversation, last, names, members } = Read::of(archive, id)?;
        if is_here(target.store, &room, last.as_ref()).await? {
            return Ok(None);
        }
        let people: Vec<Member> = members.values().cloned().collect();
        let room = Room { site: site(target, &room).await?, by: None, ..room };
        let direct = direct_key(&room, &people);
        let mut plan = Plan {
            room,
            conversation,
            direct,
            renamed: HashMap::new(),
            guests: Vec::new(),
            members: Vec::new(),
        };
        let everybody: BTreeMap<Who, String> = names;
        let bots = target.store.rooms.bots().await?;
        for (who, name) in everybody {
            let is_known = match who {
                Who::Account(account) => match target.store.accounts.account(account).await {
                    Ok(_) => true,
                    Err(StoreError::NotFound(_)) => false,
                    Err(error) => return Err(error.into()),
                },
                Who::Bot(id) => bots.iter().any(|bot| bot.id == id),
                Who::Guest(_) => false,
            };
            let member = members.get(&who).cloned();
            match (is_known, member) {
                (true, None) => {}
                (true, Some(member)) => {
                    let rooms = target.store.rooms.rooms_of(who).await?.len();
                    ensure!(rooms < ROOMS_A_PERSON_MAX, "{who} is in {ROOMS_A_PERSON_MAX} rooms already");
                    plan.members.push(member);
                }
                (false, member) => plan.former(target.store, who, name, member).await?,
            }
        }
        plan.settle_conversation();
        let most = plan.room.members_max.max(1) as usize;
        ensure!(
            plan.members.len() <= most || plan.room.kind == RoomKind::Direct,
            "it has more members than it may"
        );
        Ok(Some(plan))
    }

    /// Nobody proved here who the customer is, no letter goes out, and no filter learned of it.
    fn settle_conversation(&mut self) {
        let Some(of) = &mut self.conversation else { return };
        people::rename_conversation(of, &self.renamed);
        of.site = self.room.site.unwrap_or(of.site);
        of.customer.proven = false;
        of.retelling = None;
        (of.is_revoked, of.visitor, of.replies, of.learned) = (true, None, Replies::default(), None);
        for guest in &mut self.guests {
            guest.is_revoked = true;
        }
    }

    async fn former(&mut self, store: &Store, who: Who, name: String, member: Option<Member>) -> Result<()> {
        let mut id = match who {
            Who::Guest(id) => id,
            _ => drawn(self.room.id, who),
        };
        // A guest is of one room: of another one it would be somebody else.
        if store.rooms.guests(vec![id]).await?.iter().any(|guest| guest.room != self.room.id) {
            id = drawn(self.room.id, who);
            ensure!(store.rooms.guests(vec![id]).await?.is_empty(), "the place of {who} is taken");
        }
        let now = Who::Guest(id);
        if now != who {
            self.renamed.insert(who, now);
        }
        let was = (now != who || member.is_some()).then_some(Was { who, member });
        debug_assert!(name.len() <= NAME_BYTES_MAX);
        self.guests.push(Guest {
            id,
            room: self.room.id,
            name,
            created: self.room.created,
            marks: vec![],
            was,
            is_revoked: false,
        });
        Ok(())
    }
}

/// The same for the same one, whenever the room comes.
fn drawn(room: RoomId, who: Who) -> GuestId {
    let hash = Sha256::digest(format!("former {room} {who}"));
    let bytes = hash.first_chunk().copied().unwrap_or_default();
    GuestId::of(u64::from_be_bytes(bytes))
}

/// The room's lines but for its messages.
struct Read {
    room: Room,
    conversation: Option<Box<Conversation>>,
    last: Option<Message>,
    /// Whoever comes with the room; nameless where nobody says how they are called.
    names: BTreeMap<Who, String>,
    members: BTreeMap<Who, Member>,
}

impl Read {
    fn of(archive: &Archive, id: RoomId) -> Result<Read> {
        let (mut room, mut conversation, mut last) = (None, None, None);
        let (mut names, mut members) = (BTreeMap::new(), BTreeMap::new());
        archive.each_line(id, |text| {
            match parse(text)? {
                Line::Room(is) => room = Some(is),
                Line::Conversation(of) => {
                    for who in people::of_conversation(&of) {
                        names.entry(who).or_default();
                    }
                    conversation = Some(of);
                }
                Line::Message(message) => {
                    // Guests are somebody by their id alone.
                    let guests = people::of(&message).filter(|who| matches!(who, Who::Guest(_)));
                    for who in guests {
                        names.entry(who).or_default();
                    }
                    ensure!(names.len() <= PEOPLE_MAX, "at most {PEOPLE_MAX} people of a room");
                    last = Some(*message);
                }
                Line::Member(member) => {
                    names.entry(member.who).or_default();
                    members.insert(member.who, member);
                }
                Line::Person(person) => drop(names.insert(person.who, person.name)),
                _ => {}
            }
            Ok(())
        })?;
        let room = room.context("there is no room in its lines")?;
        Ok(Read { room, conversation, last, names, members })
    }
}

/// With all that the archive has of it. An error where the one that is here is another one, or does not know the end of this one.
async fn is_here(store: &Store, room: &Room, last: Option<&Message>) -> Result<bool> {
    match store.rooms.room(room.id).await {
        Err(StoreError::NotFound(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    let Some(last) = last else { return Ok(true) };
    match store.messages.message(room.id, last.number).await {
        Ok(message) if message.id == last.id => Ok(true),
        Ok(_) => bail!("another room with that id is here: nothing of the archive was taken"),
        Err(StoreError::NotFound(_)) => bail!(
            "it is here already, and with fewer messages than the archive has: demolish that one first, and import again"
        ),
        Err(error) => Err(error.into()),
    }
}

async fn site(target: &Target<'_>, room: &Room) -> Result<Option<SiteId>> {
    let Some(site) = room.site else { return Ok(None) };
    match (target.store.sites.site(site).await, target.site) {
        (Ok(_), _) => Ok(Some(site)),
        (Err(StoreError::NotFound(_)), Some(instead)) => Ok(Some(instead)),
        (Err(StoreError::NotFound(_)), None) => {
            bail!(
                "it is a room of the site {site}, which is not here: name with --site the one that it becomes a room of"
            )
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// How many files came.
async fn bring(archive: &Archive, target: &Target<'_>, plan: &Plan) -> Result<u64> {
    let (store, room, began) = (target.store, plan.room.id, target.now);
    store.carrying.begin(plan.room.clone(), plan.direct.clone(), began).await?;
    // What an earlier coming of it left is out of the way.
    store.files.sweep_files(began).await?;
    let mut steps = Steps { store, room, began, rows: Vec::new(), bytes: 0 };
    for guest in &plan.guests {
        steps.put(Row::Guest(GuestRow { guest: guest.clone(), secret: None }), 0, PAGE_ROWS_MAX).await?;
    }
    steps.flush().await?;
    for member in &plan.members {
        steps.put(Row::RoomMember(member.clone()), 0, PAGE_ROWS_MAX).await?;
    }
    let (mut lines, mut files, mut named) = (archive.lines(room)?, 0, HashMap::new());
    let mut places = 0;
    while let Some(text) = lines.next()? {
        let bytes = text.len();
        let who = |who: Who| plan.renamed.get(&who).copied().unwrap_or(who);
        match parse(text)? {
            Line::Message(mut message) => {
                people::rename(&mut message, &plan.renamed);
                message.retold = None;
                message.files.retain(|file| archive.has(room, file.id));
                for file in &message.files {
                    named.insert(file.id, (message.author, message.at, file.clone()));
                }
                steps.put(Row::Message(message), bytes, PAGE_MESSAGES_MAX).await?;
            }
            Line::Revision(mut revision) => {
                people::rename_revision(&mut revision, &plan.renamed);
                steps.put(Row::Revision(revision), bytes, PAGE_MESSAGES_MAX).await?;
            }
            Line::Star(star) => {
                let row = StarRow {
                    who: who(star.who).number(),
                    room: room.value() as i64,
                    number: star.number as i64,
                };
                steps.put(Row::Star(row), bytes, PAGE_ROWS_MAX).await?;
            }
            Line::Arrival(arrival) => {
                places += 1;
                let mark = arrival_mark(&arrival);
                let row = ArrivalRow { room: room.value() as i64, mark, place: places, arrival: *arrival };
                steps.put(Row::Arrival(row), bytes, PAGE_ROWS_MAX).await?;
            }
            Line::File(line) => {
                let of = named.remove(&line.id).context("a file is no message's")?;
                steps.flush().await?;
                steps.file(archive, &line, of).await?;
                files += 1;
            }
            Line::Room(_) | Line::Conversation(_) | Line::Member(_) | Line::Person(_) => {}
        }
    }
    steps.flush().await?;
    match &plan.conversation {
        Some(conversation) => store.carrying.end_conversation((**conversation).clone(), began).await?,
        None => store.carrying.end(room, began).await?,
    }
    Ok(files)
}

/// Rows of one kind on their way.
struct Steps<'s> {
    store: &'s Store,
    room: RoomId,
    began: Millis,
    rows: Vec<Row>,
    bytes: usize,
}

impl Steps<'_> {
    async fn put(&mut self, row: Row, bytes: usize, rows_max: usize) -> Result<()> {
        let is_other =
            self.rows.last().is_some_and(|last| std::mem::discriminant(last) != std::mem::discriminant(&row));
        if is_other {
            self.flush().await?;
        }
        self.rows.push(row);
        self.bytes += bytes;
        if self.rows.len() >= rows_max || self.bytes >= STEP_BYTES_MAX { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        Ok(self.store.carrying.take(self.room, self.began, rows).await?)
    }

    async fn file(
        &mut self,
        archive: &Archive,
        line: &FileLine,
        (who, since, file): (Who, Millis, File),
    ) -> Result<()> {
        let row = FileRow {
            room: self.room,
            who: who.number(),
            upload: UploadId(line.id.0),
            since,
            message: line.message as i64,
            file,
        };
        let mut start = 0;
        loop {
            let length = (line.bytes - start).min(FILE_PART_BYTES as u64) as usize;
            let body = Bytes::from(archive.part(self.room, line.id, start, length)?);
            let part = FilePart { row: row.clone(), start, body };
            let is_last = part.is_last();
            self.store.carrying.take(self.room, self.began, vec![Row::File(part)]).await?;
            if is_last {
                return Ok(());
            }
            start += length as u64;
        }
    }
}
