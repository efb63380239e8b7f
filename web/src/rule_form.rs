//! A rule by which a site speaks to visitors first, as a form: read, checked, shown again.

use model::chat::{Occasion, Past, Rule};
use model::limits::{NAME_BYTES_MAX, RULE_SECONDS_MAX, RULE_WORDS_BYTES_MAX, URL_BYTES_MAX};
use model::{AccountId, RuleId};

use crate::fields::{Field, Fields, too_long, unprintable};

#[derive(Default)]
pub struct RuleForm {
    /// Empty: it is not there yet.
    pub id: String,
    pub name: Field,
    pub on: bool,
    pub words: Field,
    /// The account that says it; empty: the site.
    pub agent: String,
    pub path: Field,
    pub seconds: Field,
    pub campaign: Field,
    pub source: Field,
    pub country: Field,
    /// `new`, `returning`, or empty.
    pub past: String,
    /// It names nothing that has to be so.
    pub is_bare: bool,
    pub shown: u64,
    pub answered: u64,
    /// What it says was just refused: it stands open.
    pub is_open: bool,
}

impl RuleForm {
    /// One that is to be made.
    pub fn fresh() -> RuleForm {
        RuleForm { on: true, ..RuleForm::default() }
    }

    /// As submitted, each field with what is wrong with it.
    pub fn of(fields: &Fields) -> RuleForm {
        let line = |name: &str, bytes_max: usize| {
            Field::checked(fields.text(name), |text| too_long(text, bytes_max).or_else(|| unprintable(text)))
        };
        let words = Field::checked(fields.text("words"), |text| match text.is_empty() {
            true => Some("Fill this in.".to_owned()),
            false => too_long(text, RULE_WORDS_BYTES_MAX).or_else(|| unprintable(text)),
        });
        let mut form = RuleForm {
            id: fields.text("rule").to_owned(),
            name: fields.name("name"),
            on: fields.is_checked("on"),
            words,
            agent: fields.text("agent").to_owned(),
            path: Field::checked(fields.text("path"), path_problem),
            seconds: Field::checked(fields.text("seconds"), seconds_problem),
            campaign: line("campaign", NAME_BYTES_MAX),
            source: line("source", NAME_BYTES_MAX),
            country: Field::checked(fields.text("country"), country_problem),
            past: fields.text("past").to_owned(),
            is_open: true,
            ..RuleForm::default()
        };
        form.is_bare = form.occasion().is_any();
        form
    }

    /// None where something is wrong with it. `id`: of one that is to be made.
    pub fn rule(&self, id: RuleId) -> Option<Rule> {
        let fields =
            [&self.name, &self.words, &self.path, &self.seconds, &self.campaign, &self.source, &self.country];
        if self.is_bare || fields.iter().any(|field| field.is_bad()) {
            return None;
        }
        let id = if self.id.is_empty() { id } else { self.id.parse().ok()? };
        let agent: Option<AccountId> = match self.agent.as_str() {
            "" => None,
            agent => Some(agent.parse().ok()?),
        };
        let (name, words) = (self.name.value.clone(), self.words.value.clone());
        Some(Rule { id, name, on: self.on, words, agent, when: self.occasion(), shown: 0, answered: 0 })
    }

    fn occasion(&self) -> Occasion {
        let text = |field: &Field| Some(field.value.clone()).filter(|value| !value.is_empty());
        Occasion {
            path: text(&self.path),
            seconds: self.seconds.value.parse().ok(),
            campaign: text(&self.campaign),
            source: text(&self.source),
            country: text(&self.country).map(|country| country.to_uppercase()),
            past: match self.past.as_str() {
                "new" => Some(Past::New),
                "returning" => Some(Past::Returning),
                _ => None,
            },
        }
    }
}

impl From<&Rule> for RuleForm {
    fn from(rule: &Rule) -> RuleForm {
        let text = |text: &Option<String>| Field::of(text.clone().unwrap_or_default());
        let when = &rule.when;
        RuleForm {
            id: rule.id.to_string(),
            name: Field::of(&rule.name),
            on: rule.on,
            words: Field::of(&rule.words),
            agent: rule.agent.map(|agent| agent.to_string()).unwrap_or_default(),
            path: text(&when.path),
            seconds: Field::of(when.seconds.map(|seconds| seconds.to_string()).unwrap_or_default()),
            campaign: text(&when.campaign),
            source: text(&when.source),
            country: text(&when.country),
            past: match when.past {
                Some(Past::New) => "new".to_owned(),
                Some(Past::Returning) => "returning".to_owned(),
                None => String::new(),
            },
            is_bare: false,
            shown: rule.shown,
            answered: rule.answered,
            is_open: false,
        }
    }
}

fn path_problem(text: &str) -> Option<String> {
    let is_path = text.is_empty() || text.starts_with(['/', '*']);
    if !is_path {
        return Some("A path begins with / or *, like /pricing or */checkout.".to_owned());
    }
    too_long(text, URL_BYTES_MAX).or_else(|| unprintable(text))
}

fn seconds_problem(text: &str) -> Option<String> {
    let is_good = text.bytes().all(|digit| digit.is_ascii_digit())
        && text.parse().is_ok_and(|seconds: u32| seconds <= RULE_SECONDS_MAX);
    (!text.is_empty() && !is_good).then(|| format!("A number of seconds, at most {RULE_SECONDS_MAX}."))
}

fn country_problem(text: &str) -> Option<String> {
    let is_good = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic());
    (!text.is_empty() && !is_good).then(|| "Two letters, like FR.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(good: &[&str], bad: &[&str], problem: fn(&str) -> Option<String>) {
        for text in good {
            assert_eq!(problem(text), None, "{text}");
        }
        for text in bad {
            assert!(problem(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_has_to_be_so_is_checked() {
        let (most, beyond) = (RULE_SECONDS_MAX.to_string(), (RULE_SECONDS_MAX + 1).to_string());
        check(&["", "0", "5", &most], &["-1", "+5", "5s", "1.5", &beyond, "99999999999"], seconds_problem);
        check(&["", "FR", "de"], &["F", "FRA", "F1", "ÉÉ"], country_problem);
        let long = format!("/{}", "a".repeat(URL_BYTES_MAX - 1));
        check(&["", "/", "*", "/a*", &long], &["a", "https://x", &format!("{long}a")], path_problem);
    }

    #[test]
    fn a_rule_is_shown_as_it_is() {
        let when = Occasion {
            path: Some("/cart".into()),
            seconds: Some(9),
            campaign: Some("spring".into()),
            source: Some("Google".into()),
            country: Some("FR".into()),
            past: Some(Past::Returning),
        };
        let (name, words) = ("Cart".to_owned(), "Shall I help?".to_owned());
        let agent = Some(AccountId::of(4));
        let rule = Rule { id: RuleId::of(3), name, on: true, words, agent, when, shown: 0, answered: 0 };
        assert_eq!(RuleForm::from(&rule).rule(RuleId::of(9)), Some(rule));
    }
}
