//! An alert told to people who asked for it: by mail, and in their browsers. What is over by then they do not hear of, nor who may not see the site any more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::alert::Turn;
use model::outbox::{Job, JobKind};
use model::rights::Principal;
use model::{AccountId, Action, Clock};
use store::access::Denied;
use store::accounts::Account;
use store::{Access, Store};

use super::letter::Letter;
use super::{About, LASTS, LOOKS_EVERY, NotNow, Told, WAITS, about, told};
use crate::digest::{Mailer, Sheet};
use crate::missed::account_of;
use crate::push::{Parcel, Pushing, Shown};
use crate::{Sender, Sent};

/// What mail may take.
const MAIL_MAX: Duration = Duration::from_secs(60);
const MAILS_AT_ONCE_MAX: usize = 4;

/// Who may be told.
#[derive(Clone)]
pub struct People {
    pub store: Store,
    pub access: Access,
    pub clock: Arc<dyn Clock>,
}

/// By mail.
pub struct AlertMails {
    pub people: People,
    /// By what letters leave, and where people reach this server. None: nobody is mailed, and what is for mailboxes goes.
    pub post: Option<(Mailer, String)>,
}

/// In browsers.
pub struct AlertPushes {
    pub people: People,
    pub pushing: Arc<Pushing>,
}

#[async_trait]
impl Sender for AlertMails {
    fn kind(&self) -> JobKind {
        JobKind::AlertMail
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    fn attempt_max(&self) -> Duration {
        MAIL_MAX
    }

    fn at_once_max(&self) -> usize {
        MAILS_AT_ONCE_MAX
    }

    fn looks_every(&self) -> Duration {
        LOOKS_EVERY
    }

    async fn send(&self, job: &Job) -> Sent {
        self.mail(job).await.unwrap_or_else(Sent::from)
    }
}

#[async_trait]
impl Sender for AlertPushes {
    fn kind(&self) -> JobKind {
        JobKind::AlertPush
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    fn looks_every(&self) -> Duration {
        LOOKS_EVERY
    }

    async fn send(&self, job: &Job) -> Sent {
        self.push(job).await.unwrap_or_else(Sent::from)
    }
}

impl AlertMails {
    async fn mail(&self, job: &Job) -> Result<Sent, NotNow> {
        let Some((mailer, public_url)) = &self.post else {
            return Err(NotNow::Pointless);
        };
        let (account, told) =
            self.people.theirs(job, &about(job)?, |told, account| told.alert.mail.contains(&account)).await?;
        let url = format!("{}{}", public_url.trim_end_matches('/'), told.path());
        let (title, said) = (told.title(), told.said());
        let letter = Letter { title: &title, said: &said, url: &url };
        let sheet = Sheet {
            to: account.email,
            id: job.id.to_string(),
            subject: letter.subject(),
            text: letter.text(),
            html: letter.html(),
            off_url: None,
            thread: Some(format!("alert.{}", told.incident.id)),
            answers: None,
            reply_to: None,
        };
        Ok(match mailer.send(sheet).await {
            Ok(()) => Sent::Gone,
            Err(unsent) => unsent.into(),
        })
    }
}

impl AlertPushes {
    async fn push(&self, job: &Job) -> Result<Sent, NotNow> {
        let about = about(job)?;
        let (account, told) =
            self.people.theirs(job, &about, |told, account| told.alert.push.contains(&account)).await?;
        let shown = Shown {
            title: told.title(),
            body: told.said(),
            tag: format!("alert/{}/{}", told.incident.id, told.turn.name()),
            url: told.path(),
        };
        let parcel = Parcel::urgent(&shown, told.incident.id.to_string());
        let alone = |mark: String| {
            let alone = About { browser: Some(mark), ..about.clone() };
            serde_json::to_vec(&alone).expect("what a job is about encodes")
        };
        let only = about.browser.as_deref();
        self.pushing.to_all(job, account.id, only, &parcel, alone).await.map_err(|_| NotNow::Unavailable)
    }
}

impl People {
    /// Who is told, and what; pointless where they chose otherwise, may not see it any more, or it is over, or long past, before they heard of it.
    async fn theirs(
        &self,
        job: &Job,
        about: &About,
        is_wanted: impl Fn(&Told, AccountId) -> bool,
    ) -> Result<(Account, Told), NotNow> {
        let account = account_of(job.owner).ok_or(NotNow::Unreadable)?;
        let told = told(&self.store, about).await?;
        let (turned, is_past) = match told.turn {
            Turn::Firing => (told.incident.told, told.incident.over.is_some()),
            Turn::Over => (told.incident.over.unwrap_or(told.incident.told), false),
        };
        if is_past || self.clock.now().since(turned) > LASTS || !is_wanted(&told, account) {
            return Err(NotNow::Pointless);
        }
        let account = self.store.accounts.account(account).await?;
        let me = Principal::Account { id: account.id, operator: account.operator };
        match self.access.authorise(&me, about.site, Action::SeeProfiles).await {
            Ok(()) => Ok((account, told)),
            Err(Denied::Store(_)) => Err(NotNow::Unavailable),
            Err(_) => Err(NotNow::Pointless),
        }
    }
}
