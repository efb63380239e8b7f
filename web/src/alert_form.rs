//! An alert as a form: read, checked, shown again. The same checks hold for what programs send.

use alert::words::asked;
use model::alert::{Alert, Condition, Quiet, Side};
use model::limits::{
    ALERT_MINUTES_MAX, ALERT_NUMBER_MAX, ALERT_SILENCE_MINUTES_MAX, ALERT_SLOW_MS_MAX, EVENT_NAME_BYTES_MAX,
};
use model::{PageId, WatchedPage};

use crate::fields::{Field, Fields, too_long, unprintable};

#[derive(Default)]
pub struct AlertForm {
    /// Empty: it is not there yet.
    pub id: String,
    pub name: Field,
    pub on: bool,
    /// `visitors`, `pageviews`, `events`, `silence`, `change`, `down` or `slow`.
    pub kind: String,
    /// `above` or `below`.
    pub side: String,
    pub than: Field,
    pub minutes: Field,
    pub event: Field,
    /// The id of a watched page; empty: any.
    pub page: String,
    pub more: bool,
    pub fewer: bool,
    /// What is wrong with the condition as a whole.
    pub problem: Option<String>,
    pub quiet_from: Field,
    pub quiet_to: Field,
    pub url: Field,
    /// Empty: none.
    pub room: String,
    pub room_problem: Option<String>,
    /// What it asks for, in words.
    pub asked: String,
    /// What its webhook is signed with; shown to who may change it.
    pub secret: String,
    pub mails_me: bool,
    pub pushes_me: bool,
    pub is_firing: bool,
    /// What it says was just refused: it stands open.
    pub is_open: bool,
}

impl AlertForm {
    /// One that is to be made.
    pub fn fresh() -> AlertForm {
        AlertForm {
            on: true,
            kind: "visitors".into(),
            side: "above".into(),
            minutes: Field::of("5"),
            more: true,
            mails_me: true,
            ..AlertForm::default()
        }
    }

    /// As submitted, each field with what is wrong with it. `url_problem`: why an address may be no webhook.
    pub fn of(fields: &Fields, url_problem: impl Fn(&str) -> Option<String>) -> AlertForm {
        let kind = fields.text("kind").to_owned();
        let asks = |kinds: &[&str]| kinds.contains(&kind.as_str());
        let number = |name: &str, is_asked: bool, max: u32| match is_asked {
            true => Field::checked(fields.text(name), |text| number_problem(text, max)),
            false => Field::of(fields.text(name).trim()),
        };
        let minutes_max = if kind == "silence" { ALERT_SILENCE_MINUTES_MAX } else { ALERT_MINUTES_MAX };
        let than_max = if kind == "slow" { ALERT_SLOW_MS_MAX } else { ALERT_NUMBER_MAX };
        let mut form = AlertForm {
            id: fields.text("alert").to_owned(),
            name: fields.name("name"),
            on: fields.is_checked("on"),
            side: fields.text("side").to_owned(),
            than: number("than", asks(&["visitors", "pageviews", "events", "slow"]), than_max),
            minutes: number("minutes", !asks(&["change", "down"]), minutes_max),
            event: Field::of(fields.text("event").trim()),
            page: fields.text("page").to_owned(),
            more: fields.is_checked("more"),
            fewer: fields.is_checked("fewer"),
            quiet_from: Field::checked(fields.text("quiet_from"), time_problem),
            quiet_to: Field::checked(fields.text("quiet_to"), time_problem),
            url: Field::checked(fields.text("url"), |url| match url {
                "" => None,
                url => url_problem(url),
            }),
            room: fields.text("room").to_owned(),
            mails_me: fields.is_checked("mail"),
            pushes_me: fields.is_checked("push"),
            is_open: true,
            kind,
            ..AlertForm::default()
        };
        if form.quiet_from.value.is_empty() != form.quiet_to.value.is_empty() {
            form.quiet_to.error.get_or_insert_with(|| "Give both times, or none.".to_owned());
        }
        let has_bad_number = form.than.is_bad() || form.minutes.is_bad();
        form.problem = match form.condition() {
            None if has_bad_number => None,
            None => Some("Choose what it is about.".to_owned()),
            Some(when) => problem(&when),
        };
        form
    }

    pub fn is_bad(&self) -> bool {
        let fields = [&self.name, &self.than, &self.minutes, &self.quiet_from, &self.quiet_to, &self.url];
        self.problem.is_some() || self.room_problem.is_some() || fields.iter().any(|field| field.is_bad())
    }

    /// None: it names nothing that is known.
    pub fn condition(&self) -> Option<Condition> {
        let number = |field: &Field| field.value.parse::<u32>().ok();
        let side = match self.side.as_str() {
            "below" => Side::Below,
            _ => Side::Above,
        };
        let minutes = number(&self.minutes);
        Some(match self.kind.as_str() {
            "visitors" => Condition::Visitors { side, than: number(&self.than)?, minutes: minutes? },
            "pageviews" => Condition::Pageviews { side, than: number(&self.than)?, minutes: minutes? },
            "events" => {
                let name = self.event.value.clone();
                Condition::Events { name, side, than: number(&self.than)?, minutes: minutes? }
            }
            "silence" => Condition::Silence { minutes: minutes? },
            "change" => Condition::Change { more: self.more, fewer: self.fewer },
            "down" => Condition::Down { page: self.page()? },
            "slow" => Condition::Slow { page: self.page()?, than: number(&self.than)?, minutes: minutes? },
            _ => return None,
        })
    }

    /// None: what is chosen is no page's id.
    fn page(&self) -> Option<Option<PageId>> {
        match self.page.as_str() {
            "" => Some(None),
            page => page.parse().ok().map(Some),
        }
    }

    pub fn quiet(&self) -> Option<Quiet> {
        Some(Quiet { from: minute_of(&self.quiet_from.value)?, to: minute_of(&self.quiet_to.value)? })
    }
}

impl From<&Alert> for AlertForm {
    fn from(alert: &Alert) -> AlertForm {
        let time = |minute: Option<u16>| Field::of(minute.map_or_else(String::new, time_of));
        let mut form = AlertForm {
            id: alert.id.to_string(),
            name: Field::of(&alert.name),
            on: alert.on,
            quiet_from: time(alert.quiet.map(|quiet| quiet.from)),
            quiet_to: time(alert.quiet.map(|quiet| quiet.to)),
            url: Field::of(alert.webhook.as_ref().map_or("", |hook| hook.url.as_str())),
            secret: alert.webhook.as_ref().map_or_else(String::new, |hook| hook.secret.0.clone()),
            room: alert.room.map_or_else(String::new, |room| room.to_string()),
            asked: asked(&alert.when),
            ..AlertForm::fresh()
        };
        let mut compared = |kind: &str, side: Side, than: u32, minutes: u32| {
            (form.kind, form.side) = (kind.to_owned(), side.name().to_owned());
            (form.than, form.minutes) = (Field::of(than.to_string()), Field::of(minutes.to_string()));
        };
        match &alert.when {
            Condition::Visitors { side, than, minutes } => compared("visitors", *side, *than, *minutes),
            Condition::Pageviews { side, than, minutes } => compared("pageviews", *side, *than, *minutes),
            Condition::Events { name, side, than, minutes } => {
                compared("events", *side, *than, *minutes);
                form.event = Field::of(name);
            }
            Condition::Silence { minutes } => {
                (form.kind, form.minutes) = ("silence".to_owned(), Field::of(minutes.to_string()));
            }
            Condition::Change { more, fewer } => {
                (form.kind, form.more, form.fewer) = ("change".to_owned(), *more, *fewer);
            }
            Condition::Down { page } => (form.kind, form.page) = ("down".to_owned(), page_field(*page)),
            Condition::Slow { page, than, minutes } => {
                compared("slow", Side::Above, *than, *minutes);
                form.page = page_field(*page);
            }
        }
        form
    }
}

fn page_field(page: Option<PageId>) -> String {
    page.map_or_else(String::new, |page| page.to_string())
}

/// Which watched page a condition names.
pub fn page_of(when: &Condition) -> Option<PageId> {
    match when {
        Condition::Down { page } | Condition::Slow { page, .. } => *page,
        _ => None,
    }
}

/// What is wrong with the page that a condition is about, at a site that has these.
pub fn page_problem(when: &Condition, pages: &[WatchedPage]) -> Option<String> {
    if !matches!(when, Condition::Down { .. } | Condition::Slow { .. }) {
        return None;
    }
    if pages.is_empty() {
        return Some("No page of this site is watched: name one under Availability first.".to_owned());
    }
    let named = page_of(when)?;
    let is_watched = pages.iter().any(|page| page.id == named);
    (!is_watched).then(|| "Choose one of the watched pages.".to_owned())
}

/// What is wrong with a condition.
pub fn problem(when: &Condition) -> Option<String> {
    let compared = |side: Side, than: u32, minutes: u32, minutes_min: u32| {
        if side == Side::Below && than == 0 {
            return Some("No number is below 0: compare with 1 or more.".to_owned());
        }
        if than > ALERT_NUMBER_MAX {
            return Some(format!("The number is at most {ALERT_NUMBER_MAX}."));
        }
        let is_good = (minutes_min..=ALERT_MINUTES_MAX).contains(&minutes);
        (!is_good).then(|| format!("Give from {minutes_min} to {ALERT_MINUTES_MAX} minutes."))
    };
    match when {
        Condition::Visitors { side, than, minutes } => compared(*side, *than, *minutes, 0),
        Condition::Pageviews { side, than, minutes } => compared(*side, *than, *minutes, 1),
        Condition::Events { name, .. } if name.is_empty() => Some("Give the name of the event.".to_owned()),
        Condition::Events { name, side, than, minutes } => too_long(name, EVENT_NAME_BYTES_MAX)
            .or_else(|| unprintable(name))
            .or_else(|| compared(*side, *than, *minutes, 1)),
        Condition::Silence { minutes } => {
            let is_good = (1..=ALERT_SILENCE_MINUTES_MAX).contains(minutes);
            (!is_good).then(|| format!("Give from 1 to {ALERT_SILENCE_MINUTES_MAX} minutes."))
        }
        Condition::Change { more: false, fewer: false } => Some("Choose more, fewer, or both.".to_owned()),
        Condition::Change { .. } | Condition::Down { .. } => None,
        Condition::Slow { than, .. } if !(1..=ALERT_SLOW_MS_MAX).contains(than) => {
            Some(format!("Give from 1 to {ALERT_SLOW_MS_MAX} milliseconds."))
        }
        Condition::Slow { minutes, .. } => {
            (*minutes > ALERT_MINUTES_MAX).then(|| format!("Give from 0 to {ALERT_MINUTES_MAX} minutes."))
        }
    }
}

fn number_problem(text: &str, max: u32) -> Option<String> {
    let is_good = text.bytes().all(|digit| digit.is_ascii_digit())
        && text.parse().is_ok_and(|number: u32| number <= max);
    (!is_good).then(|| format!("A whole number, at most {max}."))
}

fn time_problem(text: &str) -> Option<String> {
    (!text.is_empty() && minute_of(text).is_none()).then(|| "A time of the day, like 22:00.".to_owned())
}

/// Minutes since midnight of `22:00`.
pub fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str, max: u16| {
        let is_plain = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| is_plain && *number <= max)
    };
    Some(digits(hour, 23)? * 60 + digits(minute, 59)?)
}

pub fn time_of(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use model::AlertId;

    use super::*;

    fn check(when: Condition, is_good: bool) {
        assert_eq!(problem(&when).is_none(), is_good, "{when:?}");
    }

    #[test]
    fn a_condition_is_checked_at_its_limits() {
        use Side::{Above, Below};
        for (minutes, is_good) in [(0, true), (ALERT_MINUTES_MAX, true), (ALERT_MINUTES_MAX + 1, false)] {
            check(Condition::Visitors { side: Above, than: 0, minutes }, is_good);
        }
        for (minutes, is_good) in
            [(0, false), (1, true), (ALERT_MINUTES_MAX, true), (ALERT_MINUTES_MAX + 1, false)]
        {
            check(Condition::Pageviews { side: Above, than: 0, minutes }, is_good);
        }
        for (minutes, is_good) in
            [(0, false), (1, true), (ALERT_SILENCE_MINUTES_MAX, true), (ALERT_SILENCE_MINUTES_MAX + 1, false)]
        {
            check(Condition::Silence { minutes }, is_good);
        }
        check(Condition::Visitors { side: Below, than: 0, minutes: 1 }, false);
        check(Condition::Visitors { side: Below, than: 1, minutes: 1 }, true);
        check(Condition::Visitors { side: Above, than: ALERT_NUMBER_MAX, minutes: 1 }, true);
        check(Condition::Visitors { side: Above, than: ALERT_NUMBER_MAX + 1, minutes: 1 }, false);
        let event = |name: &str| Condition::Events { name: name.into(), side: Above, than: 0, minutes: 5 };
        check(event(&"e".repeat(EVENT_NAME_BYTES_MAX)), true);
        check(event(&"e".repeat(EVENT_NAME_BYTES_MAX + 1)), false);
        check(event(""), false);
        check(event("a\nb"), false);
        check(Condition::Change { more: false, fewer: false }, false);
        check(Condition::Change { more: false, fewer: true }, true);
        let slow = |than, minutes| Condition::Slow { page: None, than, minutes };
        for (than, is_good) in
            [(0, false), (1, true), (ALERT_SLOW_MS_MAX, true), (ALERT_SLOW_MS_MAX + 1, false)]
        {
            check(slow(than, 0), is_good);
        }
        check(slow(1, ALERT_MINUTES_MAX), true);
        check(slow(1, ALERT_MINUTES_MAX + 1), false);
    }

    #[test]
    fn a_page_is_one_that_is_watched() {
        let page =
            WatchedPage { id: PageId::of(1), url: "https://a.example/".into(), created: model::Millis(0) };
        let down = |page: Option<u64>| Condition::Down { page: page.map(PageId::of) };
        let said = |when: &Condition, pages: &[WatchedPage]| page_problem(when, pages).is_some();
        assert!(said(&down(None), &[]) && said(&down(Some(1)), &[]));
        let pages = [page];
        assert!(!said(&down(None), &pages) && !said(&down(Some(1)), &pages) && said(&down(Some(2)), &pages));
        assert!(said(&Condition::Slow { page: Some(PageId::of(2)), than: 1, minutes: 0 }, &pages));
        assert!(!said(&Condition::Silence { minutes: 1 }, &[]));
    }

    #[test]
    fn times_of_the_day_are_read_as_they_are_written() {
        for (text, minute) in [("00:00", Some(0)), ("22:05", Some(1_325)), ("23:59", Some(1_439))] {
            assert_eq!(minute_of(text), minute);
            assert_eq!(minute.map(time_of).as_deref(), Some(text));
        }
        for bad in ["24:00", "12:60", "1:00", "+1:00", "12", "12:00:00", "aa:bb"] {
            assert_eq!(minute_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_alert_is_shown_as_it_is() {
        let conditions = [
            Condition::Visitors { side: Side::Below, than: 3, minutes: 0 },
            Condition::Pageviews { side: Side::Above, than: 3, minutes: 9 },
            Condition::Events { name: "error".into(), side: Side::Above, than: 0, minutes: 5 },
            Condition::Silence { minutes: 90 },
            Condition::Change { more: false, fewer: true },
            Condition::Down { page: None },
            Condition::Down { page: Some(PageId::of(7)) },
            Condition::Slow { page: Some(PageId::of(7)), than: 2_000, minutes: 0 },
        ];
        for when in conditions {
            let quiet = Some(Quiet { from: 1_320, to: 0 });
            let alert = Alert {
                id: AlertId::of(1),
                name: "a".into(),
                on: true,
                when,
                asked_since: model::Millis(0),
                quiet,
                mail: vec![],
                push: vec![],
                webhook: None,
                room: None,
            };
            let form = AlertForm::from(&alert);
            assert_eq!((form.condition(), form.quiet()), (Some(alert.when), quiet));
            assert!(!form.is_bad());
        }
    }
}
