//! The jobs that tell of an incident: one for each receiver, by an id that is the same each time.

use model::alert::{Alert, Incident, Turn};
use model::chat::Who;
use model::outbox::{JobKind, NewJob};
use model::{BotId, Millis, SiteId};

use super::About;
use crate::job_id;

/// That it is so: programs and rooms are told at once, people when they are no longer left in peace.
pub fn began(site: SiteId, alert: &Alert, incident: &Incident) -> Vec<NewJob> {
    jobs(site, alert, incident, Turn::Firing, incident.began, Some(incident.told))
}

/// That it is over, at `at`; people hear of it where they heard that it was so, not before `told`.
pub fn ended(site: SiteId, alert: &Alert, incident: &Incident, at: Millis, told: Millis) -> Vec<NewJob> {
    let people = (incident.told <= at).then_some(told);
    jobs(site, alert, incident, Turn::Over, at, people)
}

fn jobs(
    site: SiteId,
    alert: &Alert,
    incident: &Incident,
    turn: Turn,
    created: Millis,
    people: Option<Millis>,
) -> Vec<NewJob> {
    let about = About { site, incident: incident.id, turn, browser: None };
    let body = serde_json::to_vec(&about).expect("what a job is about encodes");
    let job = |kind: JobKind, owner: Who, due: Millis| NewJob {
        id: job_id(&[kind.name(), &owner.to_string(), &incident.id.to_string(), turn.name()]),
        kind,
        owner,
        body: body.clone(),
        created,
        due,
    };
    // A receiver that does not answer holds up nobody but itself: each has an owner of its own.
    let hook =
        alert.webhook.iter().map(|_| job(JobKind::AlertHook, Who::Bot(BotId::of(alert.id.value())), created));
    let room =
        alert.room.iter().map(|room| job(JobKind::AlertRoom, Who::Bot(BotId::of(room.value())), created));
    let mut all: Vec<NewJob> = hook.chain(room).collect();
    if let Some(due) = people {
        all.extend(alert.mail.iter().map(|account| job(JobKind::AlertMail, Who::Account(*account), due)));
        all.extend(alert.push.iter().map(|account| job(JobKind::AlertPush, Who::Account(*account), due)));
    }
    all
}

#[cfg(test)]
mod tests {
    use model::alert::{AlertHook, Condition};
    use model::chat::HookSecret;
    use model::{AccountId, AlertId, IncidentId, RoomId, limits};

    use super::*;

    fn alert() -> Alert {
        Alert {
            id: AlertId::of(1),
            name: "quiet site".into(),
            on: true,
            when: Condition::Silence { minutes: 5 },
            asked_since: Millis(0),
            quiet: None,
            mail: vec![AccountId::of(1), AccountId::of(2)],
            push: vec![AccountId::of(1)],
            webhook: Some(AlertHook { url: "https://h.example/".into(), secret: HookSecret("s".into()) }),
            room: Some(RoomId::of(1)),
        }
    }

    fn incident(told: i64) -> Incident {
        Incident {
            id: IncidentId::of(7),
            alert: AlertId::of(1),
            name: "quiet site".into(),
            when: Condition::Silence { minutes: 5 },
            began: Millis(100),
            value: 5,
            minutes: 5,
            expected: None,
            causes: Vec::new(),
            pages: Vec::new(),
            told: Millis(told),
            over: None,
        }
    }

    fn due(jobs: &[NewJob]) -> Vec<(&'static str, i64)> {
        jobs.iter().map(|job| (job.kind.name(), job.due.0)).collect()
    }

    #[test]
    fn each_receiver_has_a_job_and_people_are_left_in_peace() {
        let site = SiteId::of(1);
        let began = began(site, &alert(), &incident(900));
        let expected = [
            ("alert_hook", 100),
            ("alert_room", 100),
            ("alert_mail", 900),
            ("alert_mail", 900),
            ("alert_push", 900),
        ];
        assert_eq!(due(&began), expected);
        assert_eq!(began, super::began(site, &alert(), &incident(900)), "the same each time");
        let early = ended(site, &alert(), &incident(900), Millis(500), Millis(900));
        assert_eq!(due(&early), [("alert_hook", 500), ("alert_room", 500)], "nobody had heard of it");
        let late = ended(site, &alert(), &incident(900), Millis(950), Millis(990));
        assert_eq!(late.len(), 5);
        assert!(late.iter().all(|job| began.iter().all(|other| other.id != job.id)));
        assert_eq!(late[2].due, Millis(990));
    }

    #[test]
    fn all_that_an_alert_tells_is_one_call() {
        let people: Vec<AccountId> = (0..limits::ALERT_PEOPLE_MAX as u64).map(AccountId::of).collect();
        let all = Alert { mail: people.clone(), push: people, ..alert() };
        let jobs = began(SiteId::of(1), &all, &incident(100));
        assert_eq!(jobs.len(), 2 * limits::ALERT_PEOPLE_MAX + 2);
        assert!(jobs.len() <= limits::JOBS_A_CALL_MAX);
        assert!(jobs.iter().all(|job| job.body.len() <= limits::JOB_BODY_BYTES_MAX));
    }
}
