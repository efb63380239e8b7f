//! What can be said about a site, as a form: read, checked, shown again.

use door::address::Network;
use jiff::tz::TimeZone;
use model::limits::{HOSTNAMES_MAX, IGNORED_BYTES_MAX, IGNORED_MAX, KEEP_DAYS_MAX};
use model::{ChatSettings, Millis, Site, SiteId};

use crate::fields::{Field, Fields, name_problem, too_long, unprintable};
use crate::hostname;

/// Bytes of a time zone's name that is looked up.
const TIME_ZONE_BYTES_MAX: usize = 64;

/// A form about a site. Lists are shown a line each.
pub struct SiteForm {
    pub name: Field,
    pub hostnames: Field,
    pub time_zone: Field,
    pub honour_opt_out: bool,
    pub first_party_id: bool,
    pub ignored_addresses: Field,
    pub ignored_paths: Field,
    /// Empty: for ever.
    pub keep_days: Field,
}

impl SiteForm {
    /// For a site that is not there yet.
    pub fn empty() -> SiteForm {
        SiteForm {
            name: Field::default(),
            hostnames: Field::default(),
            time_zone: Field::of("UTC"),
            honour_opt_out: false,
            first_party_id: false,
            ignored_addresses: Field::default(),
            ignored_paths: Field::default(),
            keep_days: Field::default(),
        }
    }

    /// As submitted, each field with what is wrong with it.
    pub fn of(fields: &Fields) -> SiteForm {
        SiteForm {
            name: fields.name("name"),
            hostnames: hostnames(&fields.lines("hostnames")),
            time_zone: time_zone(fields.text("time_zone")),
            honour_opt_out: fields.is_checked("honour_opt_out"),
            first_party_id: fields.is_checked("first_party_id"),
            ignored_addresses: list(&fields.lines("ignored_addresses"), IGNORED_MAX, ignored_address),
            ignored_paths: list(&fields.lines("ignored_paths"), IGNORED_MAX, ignored_path),
            keep_days: keep_days(fields.text("keep_days")),
        }
    }

    /// As a program states it.
    pub fn stated(name: &str, hostnames_: &[&str], time_zone_: &str) -> SiteForm {
        let name = Field { value: name.trim().to_owned(), error: name_problem(name.trim()) };
        SiteForm {
            name,
            hostnames: hostnames(hostnames_),
            time_zone: time_zone(time_zone_),
            ..SiteForm::empty()
        }
    }

    /// The first thing that is wrong: the field's name and a sentence.
    pub fn problem(&self) -> Option<(&'static str, &str)> {
        let fields = [
            ("name", &self.name),
            ("hostnames", &self.hostnames),
            ("time_zone", &self.time_zone),
            ("ignored_addresses", &self.ignored_addresses),
            ("ignored_paths", &self.ignored_paths),
            ("keep_days", &self.keep_days),
        ];
        fields.into_iter().find_map(|(name, field)| Some((name, field.error.as_deref()?)))
    }

    /// The site that the form describes, with what it says of chat elsewhere; None where something is wrong with it.
    pub fn site(&self, id: SiteId, chat: ChatSettings, created: Millis) -> Option<Site> {
        let lines = |field: &Field| field.value.lines().map(str::to_owned).collect();
        self.problem().is_none().then(|| Site {
            id,
            name: self.name.value.clone(),
            hostnames: lines(&self.hostnames),
            time_zone: self.time_zone.value.clone(),
            honour_opt_out: self.honour_opt_out,
            first_party_id: self.first_party_id,
            ignored_addresses: lines(&self.ignored_addresses),
            ignored_paths: lines(&self.ignored_paths),
            keep_days: self.keep_days.value.parse().ok(),
            chat,
            created,
        })
    }
}

impl From<&Site> for SiteForm {
    fn from(site: &Site) -> SiteForm {
        SiteForm {
            name: Field::of(&site.name),
            hostnames: Field::of(site.hostnames.join("\n")),
            time_zone: Field::of(&site.time_zone),
            honour_opt_out: site.honour_opt_out,
            first_party_id: site.first_party_id,
            ignored_addresses: Field::of(site.ignored_addresses.join("\n")),
            ignored_paths: Field::of(site.ignored_paths.join("\n")),
            keep_days: Field::of(site.keep_days.map(|days| days.to_string()).unwrap_or_default()),
        }
    }
}

/// Every time zone to choose from, for browsers to complete.
pub fn time_zones() -> Vec<String> {
    jiff::tz::db().available().map(|name| name.to_string()).filter(|name| is_common(name)).collect()
}

/// The names of places and UTC, without the old abbreviations.
fn is_common(name: &str) -> bool {
    name == "UTC"
        || (name.contains('/')
            && !["Etc/", "SystemV/", "US/", "posix/", "right/"].iter().any(|old| name.starts_with(old)))
}

fn hostnames(lines: &[&str]) -> Field {
    let mut field = list(lines, HOSTNAMES_MAX, hostname::read);
    if field.value.is_empty() {
        field.error = Some("Add at least one hostname, or * to take hits from any.".to_owned());
    }
    field
}

fn time_zone(name: &str) -> Field {
    let name = name.trim();
    let known = (name.len() <= TIME_ZONE_BYTES_MAX).then(|| TimeZone::get(name).ok()).flatten();
    match known.as_ref().and_then(TimeZone::iana_name) {
        Some(known) => Field::of(known),
        None => Field {
            value: name.to_owned(),
            error: Some("Choose a time zone from the list, like Europe/Paris or UTC.".to_owned()),
        },
    }
}

fn keep_days(text: &str) -> Field {
    let text = text.trim();
    let is_good = text.is_empty() || text.parse().is_ok_and(|days: u32| (1..=KEEP_DAYS_MAX).contains(&days));
    let error = format!("Give a number of days from 1 to {KEEP_DAYS_MAX}, or nothing to keep all of it.");
    Field { value: text.to_owned(), error: (!is_good).then_some(error) }
}

/// Each line read, doubles left out; shown as typed where one of them, or their number, is wrong.
fn list(lines: &[&str], lines_max: usize, read: impl Fn(&str) -> Result<String, String>) -> Field {
    let mut good: Vec<String> = Vec::new();
    for line in lines {
        match read(line) {
            Ok(entry) if good.contains(&entry) => {}
            Ok(entry) => good.push(entry),
            Err(problem) => return Field { value: lines.join("\n"), error: Some(problem) },
        }
        if good.len() > lines_max {
            let error = Some(format!("At most {lines_max} lines fit here; take some out."));
            return Field { value: lines.join("\n"), error };
        }
    }
    Field::of(good.join("\n"))
}

fn ignored_address(line: &str) -> Result<String, String> {
    match line.parse::<Network>() {
        Ok(_) => Ok(line.to_owned()),
        Err(_) => Err(format!(
            "“{}” is no address or network; write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32.",
            line.chars().take(60).collect::<String>()
        )),
    }
}

fn ignored_path(line: &str) -> Result<String, String> {
    if let Some(problem) = too_long(line, IGNORED_BYTES_MAX).or_else(|| unprintable(line)) {
        return Err(problem);
    }
    match line.starts_with(['/', '*']) {
        true => Ok(line.to_owned()),
        false => Err("A path begins with /, as /admin/*.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("h{number}.example")).collect()
    }

    fn error_of(field: &Field) -> &str {
        field.error.as_deref().unwrap_or_default()
    }

    #[test]
    fn lists_are_taken_at_their_limit_and_refused_past_it() {
        let check = |count: usize, fits: bool| {
            let lines = lines(count);
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(hostnames(&lines).error.is_none(), fits, "{count}");
        };
        check(0, false);
        check(1, true);
        check(HOSTNAMES_MAX, true);
        check(HOSTNAMES_MAX + 1, false);
        let networks: Vec<String> = (0..=IGNORED_MAX).map(|number| format!("10.0.{number}.0/24")).collect();
        let networks: Vec<&str> = networks.iter().map(String::as_str).collect();
        assert!(!list(&networks[..IGNORED_MAX], IGNORED_MAX, ignored_address).is_bad());
        assert!(error_of(&list(&networks, IGNORED_MAX, ignored_address)).contains("100 lines"));
        let path = format!("/{}", "p".repeat(IGNORED_BYTES_MAX - 1));
        assert!(ignored_path(&path).is_ok());
        assert!(ignored_path(&format!("{path}p")).is_err());
    }

    #[test]
    fn history_is_kept_for_some_days_or_for_ever() {
        let check = |text: &str, good: bool| assert_eq!(!keep_days(text).is_bad(), good, "{text}");
        check("", true);
        check(" 1 ", true);
        check(&KEEP_DAYS_MAX.to_string(), true);
        check(&(KEEP_DAYS_MAX + 1).to_string(), false);
        check("0", false);
        check("-1", false);
        check("a year", false);
    }

    #[test]
    fn a_double_counts_once() {
        assert_eq!(hostnames(&["Shop.example", "https://shop.example/"]).value, "shop.example");
    }

    #[test]
    fn what_was_typed_stays_beside_what_is_wrong() {
        let field = hostnames(&["shop.example", "not a host"]);
        assert_eq!(field.value, "shop.example\nnot a host");
        assert!(error_of(&field).contains("not a host"));
    }

    #[test]
    fn time_zones_are_iana_names() {
        let check = |name: &str, expected: Option<&str>| {
            let field = time_zone(name);
            assert_eq!((!field.is_bad()).then_some(field.value.as_str()), expected, "{name}");
        };
        check("Europe/Paris", Some("Europe/Paris"));
        check(" europe/paris ", Some("Europe/Paris"));
        check("UTC", Some("UTC"));
        check("", None);
        check("Europe/Atlantis", None);
        check("../../etc/passwd", None);
        check(&"a".repeat(TIME_ZONE_BYTES_MAX + 1), None);
        let all = time_zones();
        assert!(all.len() > 300 && all.iter().any(|name| name == "UTC"), "{}", all.len());
        assert!(all.iter().all(|name| !time_zone(name).is_bad()));
    }

    #[test]
    fn ignored_addresses_are_networks_and_paths_begin_with_a_slash() {
        for good in ["203.0.113.7", "203.0.113.0/24", "2001:db8::/32"] {
            assert_eq!(ignored_address(good).as_deref(), Ok(good));
        }
        for bad in ["203.0.113", "203.0.113.0/33", "office"] {
            assert!(ignored_address(bad).is_err(), "{bad}");
        }
        assert!(ignored_path("*/print").is_ok());
        assert!(ignored_path("admin").is_err());
    }
}
