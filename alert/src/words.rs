//! How an incident is said, in a sentence or two of plain text.

use model::Millis;
use model::alert::{Ailing, By, Cause, Condition, Incident, Side, Turn};

/// What became so, with its cause; or that it is over.
pub fn told(incident: &Incident, turn: Turn) -> String {
    match turn {
        Turn::Firing => {
            let mut said = what(incident);
            if !incident.causes.is_empty() {
                let causes: Vec<String> = incident.causes.iter().map(cause).collect();
                said.push_str(&format!(" Mostly {}.", causes.join("; ")));
            }
            said
        }
        Turn::Over => format!("Over after {}.", lasted(incident)),
    }
}

/// The number, and what it was compared with.
pub fn what(incident: &Incident) -> String {
    let value = incident.value;
    let than = |side: &Side, than: &u32| match side {
        Side::Above => format!("more than {than}"),
        Side::Below => format!("fewer than {than}"),
    };
    match &incident.when {
        Condition::Visitors { side, than: number, minutes } => {
            let are = if value == 1 { "visitor is" } else { "visitors are" };
            let lasting = match minutes {
                0 => String::new(),
                minutes => format!(" for {}", count(*minutes, "minute")),
            };
            format!("{value} {are} here: {}{lasting}.", than(side, number))
        }
        Condition::Pageviews { side, than: number, minutes } => {
            format!(
                "{} within {}: {}.",
                count(value, "pageview"),
                count(*minutes, "minute"),
                than(side, number)
            )
        }
        Condition::Events { name, side, than: number, minutes } => format!(
            "{} “{name}” within {}: {}.",
            count(value, "event"),
            count(*minutes, "minute"),
            than(side, number)
        ),
        Condition::Silence { .. } => format!("No hit for {}.", count(value, "minute")),
        Condition::Change { .. } => format!(
            "{} began within {}; {} usual at this hour.",
            count(value, "visit"),
            count(incident.minutes, "minute"),
            match incident.expected.unwrap_or(0) {
                1 => "1 is".to_owned(),
                expected => format!("{expected} are"),
            }
        ),
        Condition::Down { .. } => format!("{}.", pages(incident, value)),
        Condition::Slow { than, minutes: 0, .. } => {
            format!("{}: slower than {} ms.", pages(incident, 0), number(*than))
        }
        Condition::Slow { than, minutes, .. } => format!(
            "{}: slower than {} ms for {}.",
            pages(incident, 0),
            number(*than),
            count(*minutes, "minute")
        ),
    }
}

/// What an alert asks for.
pub fn asked(when: &Condition) -> String {
    let side = |side: &Side, than: &u32, what: &str| match side {
        Side::Above => format!("More than {} {what}", than),
        Side::Below => format!("Fewer than {} {what}", than),
    };
    match when {
        Condition::Visitors { side: is, than, minutes: 0 } => side(is, than, "visitors are here"),
        Condition::Visitors { side: is, than, minutes } => {
            format!("{} for {}", side(is, than, "visitors are here"), count(*minutes, "minute"))
        }
        Condition::Pageviews { side: is, than, minutes } => {
            format!("{} within {}", side(is, than, "pageviews"), count(*minutes, "minute"))
        }
        Condition::Events { name, side: is, than, minutes } => {
            format!("{} within {}", side(is, than, &format!("events “{name}”")), count(*minutes, "minute"))
        }
        Condition::Silence { minutes } => format!("No hit for {}", count(*minutes, "minute")),
        Condition::Change { more: true, fewer: true } => {
            "More or fewer visits than usual at this hour".into()
        }
        Condition::Change { more: true, .. } => "More visits than usual at this hour".into(),
        Condition::Change { .. } => "Fewer visits than usual at this hour".into(),
        Condition::Down { page: None } => "Any watched page is down".into(),
        Condition::Down { .. } => "A watched page is down".into(),
        Condition::Slow { page, than, minutes } => {
            let which = if page.is_none() { "Any" } else { "A" };
            let slower = format!("{which} watched page answers slower than {} ms", number(*than));
            match minutes {
                0 => slower,
                minutes => format!("{slower} for {}", count(*minutes, "minute")),
            }
        }
    }
}

/// `page /launch (+52, 88 %)`
pub fn cause(cause: &Cause) -> String {
    let key = match (cause.key.as_str(), cause.by) {
        ("", By::Source) => "none (direct)",
        ("", _) => "unknown",
        (key, _) => key,
    };
    format!("{} {key} ({:+}, {} %)", cause.by.name(), cause.more, cause.percent)
}

/// How long it was so, or has been until `over`.
fn lasted(incident: &Incident) -> String {
    let over = incident.over.unwrap_or(incident.began);
    span(incident.began, over)
}

/// In the largest unit that says enough.
pub fn span(from: Millis, to: Millis) -> String {
    let seconds = to.since(from).as_secs();
    let minutes = (seconds / 60) as u32;
    match minutes {
        0 => count(seconds as u32, "second"),
        1..120 => count(minutes, "minute"),
        120..2_880 => count(minutes / 60, "hour"),
        _ => count(minutes / 1_440, "day"),
    }
}

/// `https://shop.example/ is down: it answered 503`, and how many more of `all` there are.
fn pages(incident: &Incident, all: u32) -> String {
    let is_down = matches!(incident.when, Condition::Down { .. });
    let one = |page: &Ailing| match is_down {
        true => format!("{} is down: {}", page.url, page.why),
        false => format!("{}: {}", page.url, page.why),
    };
    let named: Vec<String> = incident.pages.iter().map(one).collect();
    let more = all.saturating_sub(incident.pages.len() as u32);
    match more {
        0 => named.join("; "),
        more => format!("{}; {} more", named.join("; "), count(more, "page")),
    }
}

/// `2,340`
pub fn number(number: u32) -> String {
    let digits = number.to_string();
    let lead = digits.len() % 3;
    let threes = digits.as_bytes()[lead..].chunks(3).map(|three| String::from_utf8_lossy(three).into_owned());
    let first = (lead > 0).then(|| digits[..lead].to_owned());
    first.into_iter().chain(threes).collect::<Vec<_>>().join(",")
}

fn count(number: u32, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use model::{AlertId, IncidentId};

    use super::*;

    fn check(when: Condition, value: u32, expected: &str) {
        let is_of_pages = matches!(when, Condition::Down { .. } | Condition::Slow { .. });
        let why = if value > 9 { "it answered in 2,340 ms" } else { "it answered 503" };
        let page = |path: &str| Ailing { url: format!("https://a.example/{path}"), why: why.into() };
        let incident = Incident {
            id: IncidentId::of(1),
            alert: AlertId::of(1),
            name: "name".into(),
            when,
            began: Millis(0),
            value,
            minutes: 5,
            expected: Some(4),
            causes: vec![
                Cause { by: By::Page, key: "/launch".into(), more: 52, percent: 88 },
                Cause { by: By::Source, key: String::new(), more: -9, percent: 30 },
            ],
            pages: if is_of_pages { vec![page(""), page("b")] } else { Vec::new() },
            told: Millis(0),
            over: Some(Millis(61_000)),
        };
        assert_eq!(what(&incident), expected);
        let told_of = told(&incident, Turn::Firing);
        assert_eq!(
            told_of,
            format!("{expected} Mostly page /launch (+52, 88 %); source none (direct) (-9, 30 %).")
        );
        assert_eq!(told(&incident, Turn::Over), "Over after 1 minute.");
    }

    #[test]
    fn an_incident_is_said_in_a_sentence() {
        let above = Side::Above;
        check(
            Condition::Visitors { side: above, than: 9, minutes: 0 },
            12,
            "12 visitors are here: more than 9.",
        );
        check(
            Condition::Visitors { side: Side::Below, than: 2, minutes: 10 },
            1,
            "1 visitor is here: fewer than 2 for 10 minutes.",
        );
        check(
            Condition::Pageviews { side: above, than: 9, minutes: 1 },
            12,
            "12 pageviews within 1 minute: more than 9.",
        );
        let name = "error".to_owned();
        check(
            Condition::Events { name, side: above, than: 0, minutes: 5 },
            1,
            "1 event “error” within 5 minutes: more than 0.",
        );
        check(Condition::Silence { minutes: 15 }, 15, "No hit for 15 minutes.");
        check(
            Condition::Change { more: true, fewer: false },
            63,
            "63 visits began within 5 minutes; 4 are usual at this hour.",
        );
        let down =
            "https://a.example/ is down: it answered 503; https://a.example/b is down: it answered 503";
        check(Condition::Down { page: None }, 2, &format!("{down}."));
        check(Condition::Down { page: None }, 3, &format!("{down}; 1 page more."));
        let slow =
            "https://a.example/: it answered in 2,340 ms; https://a.example/b: it answered in 2,340 ms";
        let when = |minutes| Condition::Slow { page: None, than: 1_500, minutes };
        check(when(0), 2_340, &format!("{slow}: slower than 1,500 ms."));
        check(when(5), 2_340, &format!("{slow}: slower than 1,500 ms for 5 minutes."));
    }

    #[test]
    fn thousands_are_set_apart() {
        for (is, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (9_999, "9,999"), (1_234_567, "1,234,567")]
        {
            assert_eq!(number(is), expected);
        }
    }

    #[test]
    fn a_time_is_said_in_the_unit_that_says_enough() {
        for (seconds, expected) in [
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(Millis(0), Millis(seconds * 1_000)), expected);
        }
    }
}
