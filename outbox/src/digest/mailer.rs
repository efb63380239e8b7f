//! How letters leave: by one SMTP server, which the operator names.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use lettre::message::header::{
    ContentType, Header, HeaderName, HeaderValue, InReplyTo, MessageId, References,
};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use url::Url;

use crate::Sent;

/// For one command of the server; the attempt as a whole has its own.
const COMMAND_MAX: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Mailer(from {})", self.from.email)
    }
}

/// One letter to one person.
pub struct Sheet {
    pub to: String,
    /// Before the `@` of its `Message-ID`.
    pub id: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Where one request ends these letters. None: it is an answer to who wrote.
    pub off_url: Option<String>,
    /// Before the `@` of the `Message-ID` that letters of the same conversation refer to.
    pub thread: Option<String>,
    /// The `Message-ID` of what it answers, where that was a letter, too.
    pub answers: Option<String>,
    /// Where it is answered to; None: to whom it is from.
    pub reply_to: Option<String>,
}

/// Why it did not leave. Says nothing of whom it was for.
#[derive(Debug, PartialEq)]
pub enum Unsent {
    Later(String),
    Never(String),
}

impl From<Unsent> for Sent {
    fn from(unsent: Unsent) -> Sent {
        match unsent {
            Unsent::Later(why) => Sent::Again(why),
            Unsent::Never(why) => Sent::GivenUp(why),
        }
    }
}

macro_rules! header {
    ($type:ident, $name:literal) => {
        #[derive(Clone)]
        struct $type(String);

        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok($type(text.into()))
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    };
}

header!(ListUnsubscribe, "List-Unsubscribe");
header!(ListUnsubscribePost, "List-Unsubscribe-Post");
header!(AutoSubmitted, "Auto-Submitted");
header!(AutoResponseSuppress, "X-Auto-Response-Suppress");

impl Mailer {
    /// Whom letters are from.
    pub fn from_address(&self) -> String {
        self.from.email.to_string()
    }

    /// `smtps://USER:PASSWORD@HOST` (TLS), `smtp://…?tls=required` (STARTTLS), or `smtp://…`, which carries a password to this machine alone.
    pub fn new(url: &str, from: &str) -> anyhow::Result<Mailer> {
        // What cannot be read may hold a password: it is not repeated.
        let parsed = Url::parse(url).ok().context("this is no address of an SMTP server")?;
        let host = parsed.host_str().context("the address of the SMTP server names no host")?;
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        // The first one counts; `opportunistic` goes on without where the network says that there is none.
        let tls = parsed.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
        let is_bare = parsed.scheme() == "smtp" && tls.as_deref() != Some("required");
        let has_password = parsed.password().is_some();
        ensure!(
            !(is_bare && has_password) || is_here,
            "the password would go over the network as it is: use smtps://, or ?tls=required behind smtp://"
        );
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .ok()
            .context("the SMTP server is to be named as smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST?tls=required")?;
        let from: Mailbox = from.parse().context("this is no address that mail can come from")?;
        Ok(Mailer { transport: builder.timeout(Some(COMMAND_MAX)).build(), from })
    }

    /// Returns when the server has taken it on.
    pub async fn send(&self, sheet: Sheet) -> Result<(), Unsent> {
        let message = self.message(sheet)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(unsent(&error)),
        }
    }

    fn message(&self, sheet: Sheet) -> Result<Message, Unsent> {
        let never = |why: &str| Unsent::Never(why.to_owned());
        let to: Address = sheet.to.parse().map_err(|_| never("this is no address that can be mailed"))?;
        let named = |id: &str| format!("<{id}@{}>", self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(sheet.subject)
            .header(MessageId::from(named(&sheet.id)))
            .header(AutoSubmitted("auto-generated".into()))
            .header(AutoResponseSuppress("All".into()));
        if let Some(off_url) = &sheet.off_url {
            message = message
                .header(ListUnsubscribe(format!("<{off_url}>")))
                .header(ListUnsubscribePost("List-Unsubscribe=One-Click".into()));
        }
        if let Some(reply_to) = &sheet.reply_to {
            let address: Address = reply_to.parse().map_err(|_| never("this is no address to answer to"))?;
            message = message.reply_to(Mailbox::new(self.from.name.clone(), address));
        }
        if let Some(thread) = &sheet.thread {
            let thread = named(thread);
            // Mail programs go by the last one, or by the first one that they know.
            let answers = sheet.answers.as_ref().map_or_else(|| thread.clone(), |id| format!("<{id}>"));
            let references = if answers == thread { thread } else { format!("{thread} {answers}") };
            message = message.header(References::from(references)).header(InReplyTo::from(answers));
        }
        message
            .multipart(
                MultiPart::alternative()
                    .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(sheet.text))
                    .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(sheet.html)),
            )
            .map_err(|_| never("the letter cannot be written"))
    }
}

/// What a server says of whom it does not take is kept as its number alone. Who may not send at all may tomorrow.
fn unsent(error: &lettre::transport::smtp::Error) -> Unsent {
    let Some(code) = error.status() else {
        return Unsent::Later(
            if error.is_timeout() { "no answer in time" } else { "the SMTP server cannot be reached" }.into(),
        );
    };
    let number: u16 = code.into();
    match number {
        550..=559 => Unsent::Never(number.to_string()),
        _ => Unsent::Later(number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_over_no_network_as_it_is() {
        for good in [
            "smtps://u:p@mail.example",
            "smtp://u:p@mail.example:587?tls=required",
            "smtp://mail.example:25",
            "smtp://u:p@127.0.0.1:2525",
            "smtp://u:p@localhost",
        ] {
            Mailer::new(good, "Watchfire <w@example.org>")
                .unwrap_or_else(|error| panic!("{good}: {error:#}"));
        }
        for bad in [
            "smtp://u:secret@mail.example",
            "https://u:secret@mail.example",
            "mail.example",
            "",
            "smtp://u:secret@mail.example?tls=no",
            "smtp://u:secret@mail.example:587?tls=opportunistic",
            "smtp://u:secret@mail.example?tls=opportunistic&tls=required",
        ] {
            let refused = format!("{:#}", Mailer::new(bad, "w@example.org").unwrap_err());
            assert!(!refused.contains("secret"), "{refused}");
        }
        for from in ["", "w", "w@", "a@example.org\r\nBcc: b@example.org"] {
            Mailer::new("smtps://mail.example", from).unwrap_err();
        }
        let shown = format!("{:?}", Mailer::new("smtps://u:secret@mail.example", "w@example.org").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
