//! What somebody is told of while they look elsewhere: room by room here, device by device in the browser.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use door::Refusal;
use model::chat::{Notify, RoomKind};
use model::notice::Digest;

use super::super::Somebody;
use super::super::list::mine;
use super::{mail, shell};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::{Caller, SignedIn};
use crate::shell::{Done, Shell, go_to, page};

#[derive(Template)]
#[template(path = "rooms_notifications.html")]
struct NotificationsPage {
    shell: Shell,
    rooms: Vec<RoomRow>,
    /// None: somebody without an account, whom nothing reaches while they are away.
    away: Option<Away>,
}

struct Away {
    /// That browsers subscribe to.
    key: String,
    /// Where this one is reached; empty: it is not.
    endpoint: String,
    /// None: this installation mails nobody.
    mail: Option<Mailed>,
}

/// How often, and where.
struct Mailed {
    digest: &'static str,
    email: String,
}

struct RoomRow {
    id: String,
    name: String,
    notify: &'static str,
    /// All that is said in it is meant for who is in it.
    is_direct: bool,
}

/// `GET /rooms/notifications`
pub async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    by: Option<Extension<SignedIn>>,
    done: Done,
) -> Answer {
    let rooms = mine(&web, &caller.principal).await?;
    let row = |mine: &super::super::list::Mine| RoomRow {
        id: mine.room.id.to_string(),
        name: mine.name.clone(),
        notify: word_of(mine.member.notify),
        is_direct: mine.room.kind == RoomKind::Direct,
    };
    let shell = shell("Notifications", &caller).saying(&done);
    let away = match by {
        Some(Extension(by)) => Some(away(&web, &by).await?),
        None => None,
    };
    Ok(page(&NotificationsPage { shell, rooms: rooms.iter().map(row).collect(), away }))
}

async fn away(web: &Web, by: &SignedIn) -> Result<Away, Problem> {
    let browser = web.store.notices.browser(by.secret).await?;
    let endpoint = browser.map_or(String::new(), |browser| browser.endpoint);
    let digests = web.store.notices.digests(vec![by.account.id]).await?;
    let digest = digests.first().map_or(Digest::Off, |(_, digest)| *digest);
    let mailed = Mailed { digest: mail::word_of(digest), email: by.account.email.clone() };
    let mail = web.options.mail.is_some().then_some(mailed);
    Ok(Away { key: web.push_key.clone(), endpoint, mail })
}

/// `POST /rooms/notifications`: a field a room, named by its id.
pub async fn submit(State(web): State<Arc<Web>>, Somebody(by): Somebody, fields: Fields) -> Answer {
    for (room, member) in web.chat.my_rooms(&by).await? {
        let wanted = match fields.text(&room.id.to_string()) {
            "" => continue,
            word => Notify::ALL.into_iter().find(|notify| word_of(*notify) == word),
        };
        let wanted = wanted.ok_or_else(|| Refusal::bad_request("field", "There is no such choice."))?;
        if wanted != member.notify {
            web.chat.set_notify(&by, room.id, wanted).await?;
        }
    }
    Ok(go_to("/rooms/notifications?done=saved"))
}

/// As forms and the API say it.
pub(super) fn word_of(notify: Notify) -> &'static str {
    match notify {
        Notify::Everything => "everything",
        Notify::Mentions => "mentions",
        Notify::Nothing => "nothing",
    }
}
