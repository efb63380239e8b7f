//! All of a conversation in one letter to its customer: what both said, and nothing else. What was removed by then is not in it.

use std::fmt::Write;

use async_trait::async_trait;
use chat::{Chat, Refused, ReplyAddress};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::chat::{Conversation, Message, MessageKind};
use model::limits::{MESSAGES_A_PAGE_MAX, TRANSCRIPT_MESSAGES_MAX};
use model::outbox::{Job, JobKind};
use model::{Millis, RoomId, Site};
use std::time::Duration;
use store::chat::Place;
use store::{Store, StoreError};

use super::letter::{answer_above, answer_above_html};
use super::sender::{AT_ONCE_MAX, ATTEMPT_MAX, NAME_CHARS_MAX, WAITS, reply_to};
use crate::digest::letter::{escaped, one_line};
use crate::digest::{Mailer, Sheet};
use crate::missed::beginning;
use crate::{Sender, Sent};

pub struct Transcripts {
    pub store: Store,
    pub chat: Chat,
    pub mailer: Mailer,
    /// Where letters are answered to. None: they are not.
    pub replies: Option<ReplyAddress>,
}

#[async_trait]
impl Sender for Transcripts {
    fn kind(&self) -> JobKind {
        JobKind::Transcript
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    fn attempt_max(&self) -> Duration {
        ATTEMPT_MAX
    }

    fn at_once_max(&self) -> usize {
        AT_ONCE_MAX
    }

    async fn send(&self, job: &Job) -> Sent {
        let Ok(room) = serde_json::from_slice::<RoomId>(&job.body) else {
            return Sent::GivenUp("this job cannot be read".into());
        };
        match self.mail(job, room).await {
            Ok(sent) => sent,
            Err(Refused::Unavailable(_)) => Sent::Again("the conversation could not be read".into()),
            Err(_) => Sent::Gone,
        }
    }
}

impl Transcripts {
    async fn mail(&self, job: &Job, room: RoomId) -> Result<Sent, Refused> {
        let conversation = self.store.conversations.conversation(room).await?;
        let to = conversation.customer.email.clone();
        if to.is_empty() || !conversation.takes_letters() {
            return Ok(Sent::GivenUp("there is nobody to mail it to".into()));
        }
        let site = match self.store.sites.site(conversation.site).await {
            Err(StoreError::NotFound(_)) => return Ok(Sent::Gone),
            site => site?,
        };
        let lines = self.lines(&conversation, &site).await?;
        let reply_to = reply_to(&self.chat, self.replies.as_ref(), &conversation).await?;
        let letter = Letter { site: &site.name, lines: &lines, takes_answers: reply_to.is_some() };
        let sheet = Sheet {
            to,
            id: job.id.to_string(),
            subject: letter.subject(),
            text: letter.text(),
            html: letter.html(),
            off_url: None,
            thread: Some(format!("conversation.{}", conversation.room)),
            answers: None,
            reply_to,
        };
        Ok(match self.mailer.send(sheet).await {
            Ok(()) => Sent::Done(format!("{} messages", lines.len())),
            Err(unsent) => unsent.into(),
        })
    }

    /// The last `TRANSCRIPT_MESSAGES_MAX`, in their order.
    async fn lines(&self, of: &Conversation, site: &Site) -> Result<Vec<Line>, Refused> {
        let zone = TimeZone::get(&site.time_zone).unwrap_or(TimeZone::UTC);
        let mut behind = of.last.saturating_sub(TRANSCRIPT_MESSAGES_MAX as u64);
        let mut lines = Vec::new();
        loop {
            let page = self.store.messages.page(of.room, Place::After(behind), MESSAGES_A_PAGE_MAX).await?;
            let Some(last) = page.last() else {
                return Ok(lines);
            };
            behind = last.number;
            let names = self.chat.names_in(&page).await?;
            lines.extend(page.iter().filter(|message| is_said(message)).map(|message| {
                let author = beginning(chat::told::named(message.author, &names), NAME_CHARS_MAX);
                Line { at: moment(message.at, &zone), author, said: said(message) }
            }));
            if lines.len() >= TRANSCRIPT_MESSAGES_MAX {
                lines.truncate(TRANSCRIPT_MESSAGES_MAX);
                return Ok(lines);
            }
        }
    }
}

fn is_said(message: &Message) -> bool {
    let is_words = !matches!(message.kind, MessageKind::Note(_) | MessageKind::Sound);
    is_words && message.removed.is_none() && !message.unrecorded
}

/// The words as they were written, and what came along by its name.
fn said(message: &Message) -> String {
    let mut said: String =
        message.body.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect();
    for file in &message.files {
        if !said.is_empty() {
            said.push('\n');
        }
        let _ = write!(said, "[{}]", one_line(&file.name));
    }
    said
}

fn moment(at: Millis, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    at.strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// One message: when, who, and what they said.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    at: String,
    author: String,
    said: String,
}

struct Letter<'l> {
    site: &'l str,
    lines: &'l [Line],
    takes_answers: bool,
}

impl Letter<'_> {
    fn subject(&self) -> String {
        format!("Your conversation with {}", one_line(self.site))
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if self.takes_answers {
            text.push_str(&answer_above(self.site));
        }
        for Line { at, author, said } in self.lines {
            let _ = writeln!(text, "{}, {at}:\n{said}\n", one_line(author));
        }
        let _ = write!(text, "-- \nYou, or who answered you, had {} send this.\n", one_line(self.site));
        text
    }

    fn html(&self) -> String {
        let mut html = String::from("<!doctype html><html><head><meta charset=\"utf-8\"></head><body>");
        let site = escaped(&one_line(self.site));
        if self.takes_answers {
            html.push_str(&answer_above_html(self.site));
        }
        for Line { at, author, said } in self.lines {
            let said = escaped(said).replace('\n', "<br>");
            let _ = write!(html, "<p dir=\"auto\"><b>{}</b>, {at}<br>{said}</p>", escaped(&one_line(author)));
        }
        let _ = write!(html, "<hr><p>You, or who answered you, had {site} send this.</p></body></html>");
        html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_becomes_a_header_or_a_tag() {
        let line = Line {
            at: "2025-03-03 10:00 UTC".into(),
            author: "Ann\r\nBcc: x@y".into(),
            said: "<b>a</b>\nb & c".into(),
        };
        let letter = Letter { site: "The\r\nShop", lines: &[line], takes_answers: true };
        assert_eq!(letter.subject(), "Your conversation with The Shop");
        let text = letter.text();
        assert!(
            text.starts_with("--- Write your answer above this line; it goes to The Shop. ---\n\n"),
            "{text}"
        );
        assert!(text.contains("\nAnn Bcc: x@y, 2025-03-03 10:00 UTC:\n<b>a</b>\nb & c\n\n-- \n"), "{text}");
        let html = letter.html();
        assert!(
            html.contains(
                "<b>Ann Bcc: x@y</b>, 2025-03-03 10:00 UTC<br>&lt;b&gt;a&lt;/b&gt;<br>b &amp; c</p>"
            ),
            "{html}"
        );
        assert!(!Letter { takes_answers: false, ..letter }.text().contains("above this line"));
    }

    #[test]
    fn a_moment_is_that_of_the_site() {
        let zone = |name| TimeZone::get(name).unwrap();
        assert_eq!(moment(Millis(1_741_000_000_000), &zone("Europe/Paris")), "2025-03-03 12:06 CET");
        assert_eq!(moment(Millis(1_741_000_000_000), &TimeZone::UTC), "2025-03-03 11:06 UTC");
    }
}
