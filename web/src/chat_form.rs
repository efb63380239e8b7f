//! How a site talks with its customers, as a form: read, checked, shown again.

use model::limits::{GREETING_BYTES_MAX, HOURS_MAX, NAME_BYTES_MAX};
use model::{ChatSettings, Hours, PageSide};

use crate::fields::{Field, Fields, too_long, unprintable};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY_MINUTES: u16 = 1_440;

pub struct ChatForm {
    pub on: bool,
    pub colour: Field,
    pub side: PageSide,
    pub greeting: Field,
    /// A line a span: `Mon-Fri 09:00-17:00`.
    pub hours: Field,
    pub replies_in: Field,
    pub asks_email: bool,
    pub in_turn: bool,
    pub previews: bool,
}

impl ChatForm {
    /// As submitted, each field with what is wrong with it.
    pub fn of(fields: &Fields) -> ChatForm {
        let side = if fields.text("side") == "left" { PageSide::Left } else { PageSide::Right };
        ChatForm {
            on: fields.is_checked("on"),
            colour: Field::checked(fields.text("colour"), colour_problem),
            side,
            greeting: Field::checked(fields.text("greeting"), |text| {
                too_long(text, GREETING_BYTES_MAX).or_else(|| unprintable(text))
            }),
            hours: Field::checked(&fields.lines("hours").join("\n"), |text| hours(text).err()),
            replies_in: Field::checked(fields.text("replies_in"), |text| {
                too_long(text, NAME_BYTES_MAX).or_else(|| unprintable(text))
            }),
            asks_email: fields.is_checked("asks_email"),
            in_turn: fields.is_checked("in_turn"),
            previews: fields.is_checked("previews"),
        }
    }

    /// None where something is wrong with it.
    pub fn settings(&self) -> Option<ChatSettings> {
        let fields = [&self.colour, &self.greeting, &self.hours, &self.replies_in];
        if fields.iter().any(|field| field.is_bad()) {
            return None;
        }
        Some(ChatSettings {
            on: self.on,
            colour: self.colour.value.to_lowercase(),
            side: self.side,
            greeting: self.greeting.value.clone(),
            hours: hours(&self.hours.value).ok()?,
            replies_in: self.replies_in.value.clone(),
            asks_email: self.asks_email,
            in_turn: self.in_turn,
            previews: self.previews,
        })
    }
}

impl From<&ChatSettings> for ChatForm {
    fn from(chat: &ChatSettings) -> ChatForm {
        ChatForm {
            on: chat.on,
            colour: Field::of(&chat.colour),
            side: chat.side,
            greeting: Field::of(&chat.greeting),
            hours: Field::of(lines(&chat.hours)),
            replies_in: Field::of(&chat.replies_in),
            asks_email: chat.asks_email,
            in_turn: chat.in_turn,
            previews: chat.previews,
        }
    }
}

fn colour_problem(text: &str) -> Option<String> {
    let is_colour = text
        .strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    (!is_colour).then(|| "A colour is # and six hexadecimal digits, as #b8400e.".to_owned())
}

/// Spans of lines, or a sentence about the first line that is none.
fn hours(text: &str) -> Result<Vec<Hours>, String> {
    let mut all = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        all.extend(hours_of(line).ok_or_else(|| {
            format!("“{line}” cannot be understood. Write days and times a line, as Mon-Fri 09:00-17:00 or Sat 10:00-14:00.")
        })?);
    }
    if all.len() > HOURS_MAX {
        return Err(format!("At most {HOURS_MAX} spans fit, each day counted."));
    }
    all.sort_by_key(|hours: &Hours| (hours.day, hours.from, hours.to));
    all.dedup();
    Ok(all)
}

fn hours_of(line: &str) -> Option<Vec<Hours>> {
    let (days, times) = line.split_once(char::is_whitespace)?;
    let (from, to) = times.split_once('-')?;
    let (from, to) = (minutes(from.trim())?, minutes(to.trim())?);
    if from >= to {
        return None;
    }
    let mut all = Vec::new();
    for part in days.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        if first > last {
            return None;
        }
        all.extend((first..=last).map(|day| Hours { day, from, to }));
    }
    Some(all)
}

fn day(name: &str) -> Option<u8> {
    let found = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name.trim()));
    found.map(|place| place as u8 + 1)
}

fn minutes(time: &str) -> Option<u16> {
    let (hour, minute) = time.split_once(':')?;
    let is_number =
        |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let all = hour * 60 + minute;
    (minute < 60 && all <= DAY_MINUTES).then_some(all)
}

/// Days one after the other with the same times are one line.
fn lines(hours: &[Hours]) -> String {
    let mut spans: Vec<(u8, u8, u16, u16)> = Vec::new();
    let mut sorted = hours.to_vec();
    sorted.sort_by_key(|hours| (hours.from, hours.to, hours.day));
    for Hours { day, from, to } in sorted {
        match spans.last_mut() {
            Some(span) if (span.2, span.3) == (from, to) && span.1 + 1 == day => span.1 = day,
            _ => spans.push((day, day, from, to)),
        }
    }
    spans.sort_unstable();
    let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let name = |day: u8| DAYS.get(usize::from(day).wrapping_sub(1)).copied().unwrap_or("?");
    let line = |(first, last, from, to): &(u8, u8, u16, u16)| {
        let days =
            if first == last { name(*first).to_owned() } else { format!("{}-{}", name(*first), name(*last)) };
        format!("{days} {}-{}", clock(*from), clock(*to))
    };
    spans.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_read_back_as_they_were_written() {
        for text in ["", "Mon-Fri 09:00-17:00", "Mon-Thu 09:00-17:00\nFri 09:00-12:30\nSun 00:00-24:00"] {
            assert_eq!(lines(&hours(text).unwrap()), text);
        }
        assert_eq!(
            lines(&hours("mon,tue,sat 9:00-17:00\nwed 9:00-17:00").unwrap()),
            "Mon-Wed 09:00-17:00\nSat 09:00-17:00"
        );
    }

    #[test]
    fn what_are_no_hours_is_named() {
        for line in [
            "Mon",
            "Mon 9-17",
            "Mon 17:00-09:00",
            "Mon 09:00-09:00",
            "Mon 09:60-10:00",
            "Mon 09:00-24:01",
            "Fri-Mon 09:00-17:00",
            "Xyz 09:00-10:00",
            "Mon +9:00-10:00",
            "Mon 09:00",
            "09:00-10:00",
        ] {
            assert!(hours(line).is_err_and(|problem| problem.contains(line)), "{line}");
        }
        let spans = |count: usize| {
            (0..count)
                .map(|at| format!("Mon {:02}:{:02}-24:00", at / 60, at % 60))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(hours(&spans(HOURS_MAX)).unwrap().len(), HOURS_MAX);
        assert!(hours(&spans(HOURS_MAX + 1)).is_err());
    }

    #[test]
    fn a_colour_is_six_digits() {
        for good in ["#b8400e", "#FFFFFF"] {
            assert_eq!(colour_problem(good), None);
        }
        for bad in ["", "red", "#fff", "#b8400", "#b8400e0", "b8400ee", "#b8400g", "#ééé"] {
            assert!(colour_problem(bad).is_some(), "{bad}");
        }
    }
}
