//! An alert told to a program: posted to the address that the alert has, signed as Standard Webhooks define.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::StatusCode;
use model::alert::{Ailing, Cause, Condition, Turn};
use model::outbox::{Job, JobKind};
use model::{AlertId, Clock, IncidentId, SiteId};
use serde::Serialize;
use store::Store;

use super::{LOOKS_EVERY, NotNow, Told, WAITS, about, told};
use crate::dial::Dial;
use crate::webhook::{moment, signed};
use crate::{Sender, Sent};

pub struct AlertHooks {
    pub store: Store,
    pub dial: Dial,
    pub clock: Arc<dyn Clock>,
    /// Where people reach this server, for links. None: deliveries have none.
    pub public_url: Option<String>,
}

/// As Standard Webhooks recommend it: type, moment, data.
#[derive(Serialize)]
struct Payload<'p> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'p>,
}

#[derive(Serialize)]
struct Data<'p> {
    site: Named<'p, SiteId>,
    alert: Named<'p, AlertId>,
    incident: IncidentId,
    when: &'p Condition,
    value: u32,
    minutes: u32,
    expected: Option<u32>,
    causes: &'p [Cause],
    pages: &'p [Ailing],
    began: String,
    over: Option<String>,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<String>,
}

#[derive(Serialize)]
struct Named<'p, Id> {
    id: Id,
    name: &'p str,
}

#[async_trait]
impl Sender for AlertHooks {
    fn kind(&self) -> JobKind {
        JobKind::AlertHook
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    fn looks_every(&self) -> Duration {
        LOOKS_EVERY
    }

    async fn send(&self, job: &Job) -> Sent {
        self.deliver(job).await.unwrap_or_else(Sent::from)
    }
}

impl AlertHooks {
    async fn deliver(&self, job: &Job) -> Result<Sent, NotNow> {
        let told = told(&self.store, &about(job)?).await?;
        let hook = told.alert.webhook.as_ref().ok_or(NotNow::Pointless)?;
        let body = self.payload(&told);
        let Some(headers) = signed(&hook.secret, None, job.id, self.clock.now(), &body) else {
            return Ok(Sent::GivenUp("the secret of the webhook cannot sign".into()));
        };
        Ok(match self.dial.post(&hook.url, headers, body.into()).await {
            Err(error) => Sent::Again(error.to_string()),
            Ok(answer) => answered(answer.status),
        })
    }

    fn payload(&self, told: &Told) -> Vec<u8> {
        let Told { site, alert, incident, turn } = told;
        let at = match turn {
            Turn::Firing => incident.began,
            Turn::Over => incident.over.unwrap_or(incident.began),
        };
        let payload = Payload {
            kind: match turn {
                Turn::Firing => "alert.firing",
                Turn::Over => "alert.over",
            },
            timestamp: moment(at),
            data: Data {
                site: Named { id: site.id, name: &site.name },
                alert: Named { id: alert.id, name: &incident.name },
                incident: incident.id,
                when: &incident.when,
                value: incident.value,
                minutes: incident.minutes,
                expected: incident.expected,
                causes: &incident.causes,
                pages: &incident.pages,
                began: moment(incident.began),
                over: incident.over.filter(|_| *turn == Turn::Over).map(moment),
                text: told.said(),
                href: self.public_url.as_ref().map(|url| format!("{url}{}", told.path())),
            },
        };
        serde_json::to_vec(&payload).expect("what is told encodes")
    }
}

fn answered(status: StatusCode) -> Sent {
    let said = status.as_u16().to_string();
    match status {
        _ if status.is_success() => Sent::Done(said),
        StatusCode::GONE => Sent::GivenUp(said),
        _ if status.is_redirection() => Sent::Again(format!("{said}; redirects are not followed")),
        _ => Sent::Again(said),
    }
}
