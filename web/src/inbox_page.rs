//! The inbox of a site: its conversations with customers, for its agents. Whole to read before scripts arrive; they take over where they run.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use chat::{Inbox, Question};
use door::Refusal;
use jiff::tz::TimeZone;
use model::chat::{Conversation, ConversationState, Folder, Message, Side, Verdict, Who};
use model::rights::Principal;
use model::{Millis, Role, RoomId};
use store::chat::{Counts, Place};
use url::form_urlencoded::Serializer;

use crate::Web;
use crate::error::{Answer, Problem};
use crate::guard::OnSite;
use crate::inbox::question;
use crate::moment::Moment;
use crate::rooms::{FixRow, MessageRow, day_of, in_zone, message_rows, zone_of};
use crate::shell::{Done, Shell, page};

/// Messages of the first page, of each of a conversation's rooms.
const FIRST: usize = 60;
/// Letters of a visitor's key that tell two apart by eye.
const KEY_LETTERS: usize = 6;

const FOLDERS: [(Folder, &str, &str); 9] = [
    (Folder::Open, "open", "Open"),
    (Folder::Mine, "mine", "Mine"),
    (Folder::Unassigned, "unassigned", "Unassigned"),
    (Folder::Waiting, "waiting", "Waiting"),
    (Folder::Snoozed, "snoozed", "Snoozed"),
    (Folder::Closed, "closed", "Closed"),
    (Folder::All, "all", "All"),
    (Folder::Held, "held", "Held"),
    (Folder::Spam, "spam", "Spam"),
];

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    shell: Shell,
    site_id: String,
    site_name: String,
    time_zone: String,
    /// Who asks.
    me: String,
    may_edit: bool,
    has_chat: bool,
    /// There is no conversation at all.
    is_bare: bool,
    /// The address of the page, of the list without a conversation, and of what is asked for.
    base: String,
    list_href: String,
    here: String,
    folder: &'static str,
    folder_name: &'static str,
    label: String,
    q: String,
    folders: Vec<FolderRow>,
    /// Labels that the list knows of, and whether it is narrowed to that one.
    labels: Vec<(String, bool)>,
    rows: Vec<Row>,
    nothing: &'static str,
    older: Option<String>,
    talk: Option<Talk>,
}

struct FolderRow {
    key: &'static str,
    name: &'static str,
    href: String,
    count: u64,
    is_current: bool,
}

struct Row {
    room: RoomId,
    href: String,
    name: String,
    initial: String,
    /** When something was said last: RFC 3339, and short, in the site's zone. */
    iso: String,
    last: String,
    preview: String,
    /// Said by the team.
    is_ours: bool,
    waits: Option<String>,
    labels: Vec<String>,
    assignee: String,
    is_open: bool,
}

/// The conversation that is looked at.
struct Talk {
    room: RoomId,
    name: String,
    email: String,
    /// How far it is, in words.
    about: String,
    labels: Vec<String>,
    fix: Option<FixRow>,
    said: Vec<SaidRow>,
}

struct SaidRow {
    /// `m7` of what was said, `n7` of a note.
    id: String,
    /// `theirs`, `ours`, `noted`.
    side: &'static str,
    row: MessageRow,
}

/// `GET /sites/{site}/inbox`
pub async fn show(State(web): State<Arc<Web>>, on: OnSite, RawQuery(query): RawQuery, done: Done) -> Answer {
    let question = question(query.as_deref())?;
    let shown = inbox_page(&web, &on, question, None).await?;
    Ok(page(&InboxPage { shell: shown.shell.saying(&done), ..shown }))
}

/// `GET /sites/{site}/inbox/{room}`
pub async fn show_one(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, room)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let room: RoomId = room.parse().map_err(|_| Refusal::not_found())?;
    let question = question(query.as_deref())?;
    let found = web.chat.conversation(&on.by.principal, on.site.id, room).await?;
    Ok(page(&inbox_page(&web, &on, question, Some(found)).await?))
}

async fn inbox_page(
    web: &Web,
    on: &OnSite,
    question: Question,
    talk: Option<Conversation>,
) -> Result<InboxPage, Problem> {
    let by = &on.by.principal;
    let address = Address::of(on, &question, web.clock.now());
    let Inbox { conversations, has_more, counts } = web.chat.inbox(by, on.site.id, question.clone()).await?;
    let told = web.chat.told_conversations(&conversations).await?;
    let names = told.iter().map(|told| told.assignee_name.clone());
    let open = talk.as_ref().map(|talk| talk.room);
    let rows: Vec<Row> = conversations
        .iter()
        .zip(names)
        .map(|(one, assignee)| Row::of(one, assignee, &address, open))
        .collect();
    let mut labels: Vec<String> = conversations.iter().flat_map(|one| one.labels.clone()).collect();
    labels.extend(question.label.clone());
    labels.sort();
    labels.dedup();
    let narrowed = question.label.clone().unwrap_or_default();
    let labels = labels.into_iter().map(|label| (label.clone(), label == narrowed)).collect();
    let (_, folder, folder_name) = named(question.folder);
    let last = conversations.last().filter(|_| has_more);
    let talk = match talk {
        Some(talk) => Some(Talk::of(web, by, &talk, &address).await?),
        None => None,
    };
    let title = match &talk {
        Some(talk) => format!("{} · Inbox of {}", talk.name, on.site.name),
        None => format!("Inbox of {}", on.site.name),
    };
    Ok(InboxPage {
        shell: Shell::on_site(&title, on, "inbox"),
        site_id: on.site.id.to_string(),
        site_name: on.site.name.clone(),
        time_zone: on.site.time_zone.clone(),
        me: by.who().map(|who| who.to_string()).unwrap_or_default(),
        may_edit: on.role >= Role::Admin,
        has_chat: on.site.chat.on,
        is_bare: is_bare(&counts),
        list_href: address.list(question.folder),
        here: talk.as_ref().map_or_else(|| address.list(question.folder), |talk| address.one(talk.room)),
        folders: folders(&address, question.folder, &counts),
        older: last.map(|last| address.behind(question.folder, last)),
        base: address.base,
        folder,
        folder_name,
        label: narrowed,
        q: question.text,
        labels,
        nothing: if rows.is_empty() && last.is_none() { "Nothing stands here." } else { "" },
        rows,
        talk,
    })
}

fn named(folder: Folder) -> (Folder, &'static str, &'static str) {
    FOLDERS.into_iter().find(|(one, ..)| *one == folder).expect("every folder has a name")
}

fn folders(address: &Address, current: Folder, counts: &Counts) -> Vec<FolderRow> {
    let row = |(folder, key, name): (Folder, &'static str, &'static str)| FolderRow {
        key,
        name,
        href: address.list(folder),
        count: count_of(counts, folder),
        is_current: folder == current,
    };
    FOLDERS.into_iter().map(row).collect()
}

/// Of all there is no number: it is the sum of others.
fn count_of(counts: &Counts, folder: Folder) -> u64 {
    match folder {
        Folder::Open => counts.open,
        Folder::Mine => counts.mine,
        Folder::Unassigned => counts.unassigned,
        Folder::Waiting => counts.waiting,
        Folder::Snoozed => counts.snoozed,
        Folder::Closed => counts.closed,
        Folder::Held => counts.held,
        Folder::Spam => counts.spam,
        Folder::All => 0,
    }
}

fn is_bare(counts: &Counts) -> bool {
    let Counts { open, snoozed, closed, held, spam, .. } = *counts;
    open + snoozed + closed + held + spam == 0
}

/// Where lists and conversations are found, with what is asked for; and when it is there.
struct Address {
    base: String,
    label: Option<String>,
    text: String,
    folder: Folder,
    /// The site's, and the day there.
    zone: TimeZone,
    today: String,
}

impl Address {
    fn of(on: &OnSite, question: &Question, now: Millis) -> Address {
        let zone = zone_of(&on.site.time_zone);
        Address {
            base: format!("/sites/{}/inbox", on.site.id),
            label: question.label.clone().filter(|label| !label.is_empty()),
            text: question.text.clone(),
            folder: question.folder,
            today: day_of(now, &zone),
            zone,
        }
    }

    /// Today by the clock, else by the date.
    fn short(&self, moment: Millis) -> String {
        let format = if day_of(moment, &self.zone) == self.today { "%H:%M" } else { "%-d %b %Y" };
        in_zone(moment, &self.zone).strftime(format).to_string()
    }

    fn list(&self, folder: Folder) -> String {
        format!("{}{}", self.base, self.query(folder, None))
    }

    fn one(&self, room: RoomId) -> String {
        format!("{}/{room}{}", self.base, self.query(self.folder, None))
    }

    fn behind(&self, folder: Folder, last: &Conversation) -> String {
        let moment = if folder == Folder::Waiting { last.waiting_since } else { None };
        let before = format!("{}-{}", moment.unwrap_or(last.last_at).0, last.room);
        format!("{}{}", self.base, self.query(folder, Some(&before)))
    }

    fn query(&self, folder: Folder, before: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        if folder != Folder::Open {
            query.append_pair("folder", named(folder).1);
        }
        for (name, value) in
            [("label", self.label.as_deref()), ("q", Some(self.text.as_str())), ("before", before)]
        {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// Who the customer is: by what they say, or else by what tells them apart.
pub fn customer_name(conversation: &Conversation) -> String {
    let customer = &conversation.customer;
    let own = [&customer.name, &customer.email, &customer.identity].into_iter().find(|own| !own.is_empty());
    match (own, conversation.visitor) {
        (Some(own), _) => own.clone(),
        (None, Some(key)) => {
            let key = key.visitor.to_string();
            format!("Visitor {}", &key[..KEY_LETTERS])
        }
        (None, None) => "Visitor".to_owned(),
    }
}

impl Row {
    fn of(one: &Conversation, assignee: String, address: &Address, open: Option<RoomId>) -> Row {
        let name = customer_name(one);
        Row {
            room: one.room,
            href: address.one(one.room),
            initial: name
                .trim()
                .chars()
                .next()
                .map(|first| first.to_uppercase().to_string())
                .unwrap_or_default(),
            name,
            iso: Moment::from(one.last_at).iso,
            last: address.short(one.last_at),
            preview: one.preview.clone(),
            is_ours: one.last_by == Side::Agent,
            waits: one.waiting_since.map(|since| address.short(since)),
            labels: one.labels.clone(),
            assignee,
            is_open: open == Some(one.room),
        }
    }
}

impl Talk {
    async fn of(
        web: &Web,
        by: &Principal,
        conversation: &Conversation,
        address: &Address,
    ) -> Result<Talk, Problem> {
        let name = customer_name(conversation);
        let said = web.chat.page(by, conversation.room, Place::End, FIRST).await?;
        let noted = web.chat.page(by, conversation.notes, Place::End, FIRST).await?;
        let mut messages: Vec<Message> = said.messages.into_iter().chain(noted.messages).collect();
        messages.sort_by_key(|message| message.at);
        let rows = message_rows(web, &said.room, true, &messages).await?;
        let said =
            messages.iter().zip(rows).map(|(message, row)| SaidRow::of(message, row, conversation, &name));
        let mut said: Vec<SaidRow> = said.collect();
        for at in 1..said.len() {
            let is_apart = said[at].side == "noted" || said[at].side != said[at - 1].side;
            said[at].row.follows &= !is_apart;
        }
        Ok(Talk {
            room: conversation.room,
            email: conversation.customer.email.clone(),
            about: about(conversation, address),
            labels: conversation.labels.clone(),
            fix: conversation.fix.as_ref().map(FixRow::of_customer),
            said,
            name,
        })
    }
}

impl SaidRow {
    fn of(message: &Message, row: MessageRow, conversation: &Conversation, name: &str) -> SaidRow {
        let is_note = message.room == conversation.notes;
        let is_customer = matches!(message.author, Who::Guest(_));
        let id = format!("{}{}", if is_note { 'n' } else { 'm' }, message.number);
        let author = if is_customer { name.to_owned() } else { row.author };
        let side = match (is_note, is_customer) {
            (true, _) => "noted",
            (false, true) => "theirs",
            (false, false) => "ours",
        };
        SaidRow { row: MessageRow { href: format!("#{id}"), author, ..row }, id, side }
    }
}

fn about(conversation: &Conversation, address: &Address) -> String {
    let since = |words: &str, at: Millis| format!("{words} {}", address.short(at));
    match (conversation.verdict, conversation.state, conversation.waiting_since) {
        (Verdict::Held, ..) => "Held: the filter takes it for spam".to_owned(),
        (Verdict::Spam, ..) => "Spam".to_owned(),
        (_, ConversationState::Closed(_), _) => "Closed".to_owned(),
        (_, ConversationState::Snoozed(until), _) => since("Snoozed until", until),
        (_, ConversationState::Open, Some(at)) => since("Waiting since", at),
        (_, ConversationState::Open, None) => "Answered".to_owned(),
    }
}
