//! Letters that machines wrote: answered by nobody, and said to nobody, so that no two machines write to each other for ever.

use mail_parser::{HeaderName, Message};

use crate::letter::NotForUs;

/// What a program says of itself, and what of that is the word of a person. RFC 3834, and what was customary before it.
pub fn machine(message: &Message<'_>) -> Option<NotForUs> {
    let mut is_machine = false;
    for (name, value) in message.headers_raw() {
        let value = value.trim().to_ascii_lowercase();
        let first = value.split([';', ',', ' ', '\r', '\n', '\t']).next().unwrap_or_default();
        is_machine |= match name.to_ascii_lowercase().as_str() {
            "auto-submitted" => first != "no",
            "precedence" => matches!(first, "bulk" | "auto_reply" | "list" | "junk"),
            "return-path" => value == "<>",
            "list-id"
            | "list-post"
            | "x-autoreply"
            | "x-autorespond"
            | "x-autorespond-from"
            | "x-auto-response-suppress"
            | "x-mail-autoreply"
            | "x-failed-recipients"
            | "x-vacation" => true,
            "content-type" => first == "multipart/report" || first == "message/delivery-status",
            _ => false,
        };
    }
    let is_daemon = message.from().is_some_and(|from| {
        from.iter().filter_map(|one| one.address()).any(|address| {
            let local = address.split('@').next().unwrap_or_default().to_ascii_lowercase();
            matches!(local.as_str(), "mailer-daemon" | "postmaster" | "no-reply" | "noreply")
        })
    });
    (is_machine || is_daemon).then_some(NotForUs::Machine)
}

/// Who it says it is from.
pub fn senders(message: &Message<'_>) -> Vec<String> {
    let said = [HeaderName::From, HeaderName::Sender];
    let addresses = said.into_iter().filter_map(|name| message.header(name)?.as_address());
    addresses
        .flat_map(|one| one.iter().filter_map(|one| one.address()).map(str::to_ascii_lowercase))
        .collect()
}
