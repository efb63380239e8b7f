//! The bytes of a letter (RFC 5322, MIME) become what it says: whom it is for, what was written, which files came along. What is no answer of a person to a
//! letter of ours is told apart here, before anything is looked up.

use std::panic::catch_unwind;

use chat::{Reply, ReplyAddress};
use mail_parser::{HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use model::limits::{FILE_NAME_BYTES_MAX, FILES_A_MESSAGE_MAX, MESSAGE_ID_BYTES_MAX};

use crate::hypertext;
use crate::refusals::{machine, senders};
use crate::written::written;
use crate::{HEAD_BYTES_MAX, PARTS_MAX};

/// Secrets of one letter that are looked up: more than one is a letter to several conversations, or somebody who guesses.
const SECRETS_MAX: usize = 3;
/// Bytes of a picture within the text that is no more than a logo of a signature.
const LOGO_BYTES_MAX: usize = 8 * 1024;

/// Where letters are answered to, and whom they are from.
#[derive(Clone, Debug)]
pub struct Letter {
    pub address: ReplyAddress,
    /// Our own address: what comes from it went out from here.
    pub own: Option<String>,
}

/// Why nothing becomes of a letter. Says nothing of who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotForUs {
    #[error("it cannot be read as a letter")]
    Unreadable,
    #[error("its head is longer than {HEAD_BYTES_MAX} bytes")]
    Head,
    #[error("it has more than {PARTS_MAX} parts")]
    Parts,
    #[error("a machine wrote it")]
    Machine,
    #[error("it is a letter of ours")]
    Own,
    #[error("it is addressed to no conversation")]
    Nobodys,
    #[error("it says nothing")]
    Empty,
}

impl Letter {
    /// What it says. `torn`: it is the beginning of one that had so many bytes.
    pub fn read(&self, raw: &[u8], torn: Option<usize>) -> Result<Reply, NotForUs> {
        refuse_unbounded(raw)?;
        // The parser panics over some broken letters, which are as unreadable the next time.
        catch_unwind(|| self.parsed(raw, torn)).unwrap_or(Err(NotForUs::Unreadable))
    }

    fn parsed(&self, raw: &[u8], torn: Option<usize>) -> Result<Reply, NotForUs> {
        let raw = without_nested(raw);
        let message = MessageParser::default().parse(&raw).ok_or(NotForUs::Unreadable)?;
        if message.parts.len() > PARTS_MAX {
            return Err(NotForUs::Parts);
        }
        let senders = senders(&message);
        if senders.iter().any(|sender| self.is_own(sender)) {
            return Err(NotForUs::Own);
        }
        if let Some(machine) = machine(&message) {
            return Err(machine);
        }
        let secrets = self.secrets(&message);
        if secrets.is_empty() {
            return Err(NotForUs::Nobodys);
        }
        let (said, whole) = said(&message);
        let mut reply =
            Reply { id: id(&message, &raw), secrets, said, whole, files: Vec::new(), left_out: Vec::new() };
        match torn {
            Some(bytes) => {
                reply.left_out.push(format!("The letter has {bytes} bytes: what came with it is left out."))
            }
            None => take_files(&message, &mut reply),
        }
        if reply.said.trim().is_empty() && reply.files.is_empty() && reply.left_out.is_empty() {
            return Err(NotForUs::Empty);
        }
        Ok(reply)
    }

    fn is_own(&self, sender: &str) -> bool {
        self.own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(sender))
            || self.address.is_plain(sender)
            || self.address.secret_in(sender).is_some()
    }

    /// Of all whom it was sent to: a copy, or what the server says of how it came, is as good as the address that was written.
    fn secrets(&self, message: &Message<'_>) -> Vec<String> {
        let named = [HeaderName::To, HeaderName::Cc].into_iter();
        let mut secrets: Vec<String> = Vec::new();
        let mut add = |address: &str| {
            if let Some(secret) = self.address.secret_in(address)
                && !secrets.contains(&secret)
                && secrets.len() < SECRETS_MAX
            {
                secrets.push(secret);
            }
        };
        for name in named {
            for header in message.header_values(name) {
                let addresses = header.as_address().into_iter().flat_map(|all| all.iter());
                addresses.filter_map(|one| one.address()).for_each(&mut add);
            }
        }
        for (name, value) in message.headers_raw() {
            let is_route =
                ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to"]
                    .contains(&name.to_ascii_lowercase().as_str());
            if is_route {
                value.split([' ', ',', '<', '>', '\r', '\n', '\t', ';']).for_each(&mut add);
            }
        }
        secrets
    }
}

/// Bounds that are looked at before anything is taken apart.
fn refuse_unbounded(raw: &[u8]) -> Result<(), NotForUs> {
    let head = &raw[..raw.len().min(HEAD_BYTES_MAX + 4)];
    let ends = |end: &[u8]| head.windows(end.len()).any(|window| window == end);
    if raw.len() > HEAD_BYTES_MAX && !ends(b"\r\n\r\n") && !ends(b"\n\n") {
        return Err(NotForUs::Head);
    }
    if lines(raw).filter(|line| is_content_type(line)).count() > PARTS_MAX {
        return Err(NotForUs::Parts);
    }
    Ok(())
}

fn lines(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.split_inclusive(|byte| *byte == b'\n')
}

fn is_content_type(line: &[u8]) -> bool {
    let name = b"content-type";
    let start = line.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(line.len());
    line[start..].get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
}

/// A letter within a letter is a file, however deep: nothing looks into it.
fn without_nested(raw: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(raw.len());
    let mut is_type = false;
    for line in lines(raw) {
        let goes_on = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        is_type = is_content_type(line) || is_type && goes_on;
        if !is_type {
            plain.extend_from_slice(line);
            continue;
        }
        let mut rest = line;
        while let Some(first) = rest.first() {
            let found = NESTED.iter().find(|(name, _)| {
                rest.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name.as_bytes()))
            });
            match found {
                Some((name, instead)) => {
                    plain.extend_from_slice(instead.as_bytes());
                    rest = &rest[name.len()..];
                }
                None => {
                    plain.push(*first);
                    rest = &rest[1..];
                }
            }
        }
    }
    plain
}

/// What says that a part is a letter itself, and what is read instead.
const NESTED: &[(&str, &str)] =
    &[("message/", "application/x-"), ("rfc822", "letter"), ("global", "letter"), ("digest", "mixed")];

/// What it is the same by, however often it comes: its `Message-ID`, or a hash of all of it.
fn id(message: &Message<'_>, raw: &[u8]) -> String {
    let is_sound = |id: &&str| {
        (3..=MESSAGE_ID_BYTES_MAX).contains(&id.len())
            && id.contains('@')
            && id.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte))
    };
    match message.message_id().filter(is_sound) {
        Some(id) => id.to_owned(),
        None => blake3::hash(raw).to_hex().to_string(),
    }
}

/// What was written, and the letter's whole text where that is more.
fn said(message: &Message<'_>) -> (String, Option<String>) {
    let mut plain = String::new();
    let mut hypertext = String::new();
    for part in message.text_bodies() {
        match &part.body {
            PartType::Text(text) => {
                plain.push_str(&flowed(part, text));
                plain.push('\n');
            }
            PartType::Html(html) => hypertext.push_str(html),
            _ => {}
        }
    }
    let (said, whole) = match plain.trim().is_empty() {
        false => (written(&plain), plain),
        true => (hypertext::written_in(&hypertext), hypertext::plain(&hypertext)),
    };
    let whole = whole.trim().to_owned();
    let has_more = whole.len() > said.len();
    (said, has_more.then_some(whole))
}

/// Lines that were broken for the way are whole again (RFC 3676).
fn flowed(part: &MessagePart<'_>, text: &str) -> String {
    let attribute = |name: &str| {
        let content_type = part.content_type()?;
        content_type.attribute(name).map(str::to_ascii_lowercase)
    };
    if attribute("format").as_deref() != Some("flowed") {
        return text.to_owned();
    }
    let takes_space = attribute("delsp").as_deref() == Some("yes");
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let goes_on = line.ends_with(' ') && line != "-- " && !line.starts_with('>');
        let line = if line.starts_with('>') { line } else { line.strip_prefix(' ').unwrap_or(line) };
        whole.push_str(if goes_on && takes_space { &line[..line.len() - 1] } else { line });
        if !goes_on {
            whole.push('\n');
        }
    }
    whole
}

fn take_files(message: &Message<'_>, reply: &mut Reply) {
    for part in message.attachments() {
        let is_of_signature = part.content_type().is_some_and(|of| {
            matches!(
                of.subtype(),
                Some("pgp-signature" | "pkcs7-signature" | "x-pkcs7-signature" | "pgp-keys")
            )
        });
        let bytes = part.contents();
        let is_logo = part.content_id().is_some()
            && part.attachment_name().is_none_or(|name| name.starts_with("image"))
            && bytes.len() <= LOGO_BYTES_MAX;
        if is_of_signature || is_logo || bytes.is_empty() || is_other_form(message, part) {
            continue;
        }
        let name = cut(part.attachment_name().unwrap_or_else(|| unnamed(part)));
        if reply.files.len() == FILES_A_MESSAGE_MAX {
            reply
                .left_out
                .push(format!("{name} was left out: a message has at most {FILES_A_MESSAGE_MAX} files."));
            // One line of a hundred such is enough.
            break;
        }
        reply.files.push((name, bytes.to_vec().into()));
    }
}

/// The same text in HTML, which says nothing more.
fn is_other_form(message: &Message<'_>, part: &MessagePart<'_>) -> bool {
    let is_text = matches!(part.body, PartType::Text(_) | PartType::Html(_));
    let is_body = || message.text_bodies().chain(message.html_bodies()).any(|body| std::ptr::eq(body, part));
    is_text && part.attachment_name().is_none() && (is_body() || matches!(part.body, PartType::Html(_)))
}

fn unnamed(part: &MessagePart<'_>) -> &'static str {
    match part.content_type().map(|of| (of.ctype(), of.subtype().unwrap_or_default())) {
        Some(("image", "png")) => "picture.png",
        Some(("image", "jpeg")) => "picture.jpg",
        Some(("image", "gif")) => "picture.gif",
        Some(("text", "calendar")) => "invitation.ics",
        Some(("text", _)) => "text.txt",
        Some(("application", "x-letter")) => "letter.eml",
        _ => "file",
    }
}

/// A name that is too long is cut, but for what tells its kind.
fn cut(name: &str) -> String {
    if name.len() <= FILE_NAME_BYTES_MAX {
        return name.to_owned();
    }
    let kind = name.rfind('.').map(|dot| &name[dot..]).filter(|kind| kind.len() <= 10).unwrap_or_default();
    let end = name.floor_char_boundary(FILE_NAME_BYTES_MAX - kind.len());
    format!("{}{kind}", &name[..end])
}

#[cfg(test)]
mod tests;
