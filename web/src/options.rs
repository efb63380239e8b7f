//! What the pages can be told when they start.

use std::time::Duration;

use chat::ReplyAddress;
use mailroom::Mailbox;
use outbox::address::Reach;
use outbox::digest::Mailer;
use store::accounts::SecretHash;

use crate::ice::IceServers;

#[derive(Clone, Debug)]
pub struct Options {
    /// Where people and tags reach this server, as `https://stats.example.org`. None: as each request
    /// says in its `Host`.
    pub public_url: Option<String>,
    /// How long a sign-in lasts.
    pub sign_in_lasts: Duration,
    /// How long an invitation can be accepted.
    pub invitation_lasts: Duration,
    /// Where hooks of bots and push services of browsers may be.
    pub hooks: Reach,
    /// How mail leaves. None: nobody is mailed. It needs `public_url`.
    pub mail: Option<Mailer>,
    /// How letters to customers are answered. None: they are not. It needs `mail`.
    pub replies: Option<Replies>,
    /// By which servers the browsers of a customer who shows their screen and of an agent find each other.
    pub ice: IceServers,
    /// Whether anybody may read how this installation is.
    pub public_status: bool,
    /// All services are this one process.
    pub is_alone: bool,
}

/// Where answers to letters come in.
#[derive(Clone, Debug)]
pub struct Replies {
    pub address: ReplyAddress,
    /// Of the secret in the address of the hook that a mail server hands letters to.
    pub hook: Option<SecretHash>,
    pub mailbox: Option<Mailbox>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            public_url: None,
            sign_in_lasts: Duration::from_secs(30 * 86_400),
            invitation_lasts: Duration::from_secs(7 * 86_400),
            hooks: Reach::Public,
            mail: None,
            replies: None,
            ice: IceServers::default(),
            public_status: false,
            is_alone: false,
        }
    }
}

impl Options {
    /// Cookies travel only over https where the server is reached that way.
    pub fn cookie_is_secure(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}
