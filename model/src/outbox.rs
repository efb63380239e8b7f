//! What goes out: jobs that wait until they are done, given up, or pointless.

use serde::{Deserialize, Serialize};

use crate::chat::Who;
use crate::{JobId, Millis};

/// By which way something goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// To the address of a bot.
    Webhook,
    /// To the browsers of a person.
    Push,
    /// To the mailbox of a person.
    Mail,
    /// To the mailbox of a customer: what an agent answered while they were away.
    Answer,
    /// No letter, but who looks after the mailbox that letters are answered to: whoever took the job, as long as they have it.
    Mailbox,
    /// To the mailbox of a customer: all of their conversation.
    Transcript,
    /// No letter either: a site's filter learns a question that was answered.
    Lesson,
    /// That an alert is so, or is over: to the address of its webhook, to a mailbox, to browsers, into a room.
    AlertHook,
    AlertMail,
    AlertPush,
    AlertRoom,
    /// Nothing that goes out, but who looks after the alerts of all sites: whoever took the job, as long as they have it.
    Lookout,
    /// Nor this: a site's pages are looked at by whoever took the job.
    Look,
}

impl JobKind {
    /// As it is stored.
    pub const fn number(self) -> i64 {
        match self {
            JobKind::Webhook => 1,
            JobKind::Push => 2,
            JobKind::Mail => 3,
            JobKind::Answer => 4,
            JobKind::Mailbox => 5,
            JobKind::Transcript => 6,
            JobKind::Lesson => 7,
            JobKind::AlertHook => 8,
            JobKind::AlertMail => 9,
            JobKind::AlertPush => 10,
            JobKind::AlertRoom => 11,
            JobKind::Lookout => 12,
            JobKind::Look => 13,
        }
    }

    /// As metrics have it.
    pub const fn name(self) -> &'static str {
        match self {
            JobKind::Webhook => "webhook",
            JobKind::Push => "push",
            JobKind::Mail => "mail",
            JobKind::Answer => "answer",
            JobKind::Mailbox => "mailbox",
            JobKind::Transcript => "transcript",
            JobKind::Lesson => "lesson",
            JobKind::AlertHook => "alert_hook",
            JobKind::AlertMail => "alert_mail",
            JobKind::AlertPush => "alert_push",
            JobKind::AlertRoom => "alert_room",
            JobKind::Lookout => "lookout",
            JobKind::Look => "look",
        }
    }

    pub const fn of_number(number: i64) -> Option<JobKind> {
        match number {
            1 => Some(JobKind::Webhook),
            2 => Some(JobKind::Push),
            3 => Some(JobKind::Mail),
            4 => Some(JobKind::Answer),
            5 => Some(JobKind::Mailbox),
            6 => Some(JobKind::Transcript),
            7 => Some(JobKind::Lesson),
            8 => Some(JobKind::AlertHook),
            9 => Some(JobKind::AlertMail),
            10 => Some(JobKind::AlertPush),
            11 => Some(JobKind::AlertRoom),
            12 => Some(JobKind::Lookout),
            13 => Some(JobKind::Look),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    pub id: JobId,
    pub kind: JobKind,
    /// For whom: a bot, a person.
    pub owner: Who,
    /// What its sender needs, at most `JOB_BODY_BYTES_MAX`. It names messages rather than repeat them, so that what is
    /// removed meanwhile is sent to nobody.
    pub body: Vec<u8>,
    pub created: Millis,
    /// Not before.
    pub due: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub owner: Who,
    pub body: Vec<u8>,
    pub created: Millis,
    /// When it may be taken, or may be taken again; once it is over, when that was.
    pub due: Millis,
    /// How often it was taken.
    pub attempts: u32,
    /// What the last attempt came to, at most `JOB_SAID_BYTES_MAX`; empty before the first.
    pub said: String,
    pub state: JobState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Waiting,
    Done,
    GivenUp,
}

impl JobState {
    /// As it is stored.
    pub const fn number(self) -> i64 {
        match self {
            JobState::Waiting => 0,
            JobState::Done => 1,
            JobState::GivenUp => 2,
        }
    }

    pub const fn of_number(number: i64) -> Option<JobState> {
        match number {
            0 => Some(JobState::Waiting),
            1 => Some(JobState::Done),
            2 => Some(JobState::GivenUp),
            _ => None,
        }
    }
}

impl NewJob {
    /// As it is kept from its first moment on.
    pub fn job(self) -> Job {
        let NewJob { id, kind, owner, body, created, due } = self;
        Job {
            id,
            kind,
            owner,
            body,
            created,
            due,
            attempts: 0,
            said: String::new(),
            state: JobState::Waiting,
        }
    }
}
