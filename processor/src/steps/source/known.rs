//! The sources that have a name: by hostname, Android app, campaign word and click id.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use model::Channel;

use crate::steps::bots::parents;
use crate::steps::rules::lines;

const REFERRERS: &str = include_str!("../data/referrers.tsv");
const APPS: &str = include_str!("../data/apps.tsv");
const ALIASES: &str = include_str!("../data/aliases.tsv");
const CLICKS: &str = include_str!("../data/clicks.tsv");

/// Second-level domains under which countries register names: `google.co.uk`, `google.com.br`.
const SECOND_LEVELS: [&str; 5] = ["ac", "co", "com", "net", "org"];

/// A source that people know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub channel: Channel,
    pub name: Arc<str>,
}

pub(super) struct Known {
    hosts: HashMap<&'static str, Named>,
    /// Names that stand under every country's domain, by their label.
    countries: HashMap<&'static str, Named>,
    apps: HashMap<&'static str, Named>,
    clicks: HashMap<&'static str, Named>,
    /// What campaigns call a source, in lower case.
    words: HashMap<String, Named>,
}

impl Known {
    pub(super) fn read() -> Known {
        let mut names = HashSet::new();
        let mut hosts = table(REFERRERS, &mut names);
        let (apps, clicks) = (table(APPS, &mut names), table(CLICKS, &mut names));
        let words = words(&hosts);
        let countries = hosts.extract_if(|host, _| host.ends_with(".*"));
        let countries = countries.map(|(host, named)| (host.trim_end_matches(".*"), named)).collect();
        Known { hosts, countries, apps, clicks, words }
    }

    /// By hostname, in lower case: the longest listed parent decides.
    pub(super) fn by_host(&self, host: &str) -> Option<&Named> {
        parents(host).find_map(|parent| self.hosts.get(parent)).or_else(|| self.by_country(host))
    }

    fn by_country(&self, host: &str) -> Option<&Named> {
        let (rest, country) = host.rsplit_once('.')?;
        if country.len() != 2 {
            return None;
        }
        let rest = match rest.rsplit_once('.') {
            Some((rest, second)) if SECOND_LEVELS.contains(&second) => rest,
            _ => rest,
        };
        self.countries.get(rest.rsplit('.').next()?)
    }

    pub(super) fn by_app(&self, package: &str) -> Option<&Named> {
        self.apps.get(package)
    }

    /// By a query parameter's name.
    pub(super) fn by_click(&self, parameter: &str) -> Option<&Named> {
        self.clicks.get(parameter).or_else(|| self.clicks.get(&*parameter.to_ascii_lowercase()))
    }

    /// By a `utm_source`: a name (`Hacker News`), an alias (`fb`), or a hostname (`chatgpt.com`).
    pub(super) fn by_campaign(&self, source: &str) -> Option<&Named> {
        if source.is_empty() {
            return None;
        }
        let word = source.to_lowercase();
        self.words.get(&word).or_else(|| word.contains('.').then(|| self.by_host(&word)).flatten())
    }
}

/// Reads a table of key, channel, name; equal names are held once.
fn table(text: &'static str, names: &mut HashSet<Arc<str>>) -> HashMap<&'static str, Named> {
    let row = |line: &'static str| {
        let mut fields = line.split('\t');
        let (key, channel, name) = (fields.next()?, channel(fields.next()?)?, fields.next()?);
        Some((key, Named { channel, name: names.get_or_insert_with(name, |name| Arc::from(name)).clone() }))
    };
    lines(text).filter_map(row).collect()
}

fn channel(name: &str) -> Option<Channel> {
    const ALL: [Channel; 10] = [
        Channel::Direct,
        Channel::Search,
        Channel::PaidSearch,
        Channel::Social,
        Channel::PaidSocial,
        Channel::Mail,
        Channel::Paid,
        Channel::AiAssistant,
        Channel::Referral,
        Channel::Campaign,
    ];
    ALL.into_iter().find(|channel| channel.name() == name)
}

/// Every name in lower case, with and without its spaces, and the aliases. Where a name has several channels
/// (Google sells too), the one that costs nothing counts: the medium says whether it was paid.
fn words(hosts: &HashMap<&'static str, Named>) -> HashMap<String, Named> {
    let mut words: HashMap<String, Named> = HashMap::new();
    for named in hosts.values() {
        let word = named.name.to_lowercase();
        for word in [word.replace(' ', ""), word.replace(' ', "-"), word.replace(' ', "_"), word] {
            let held = words.entry(word).or_insert_with(|| named.clone());
            if named.channel < held.channel {
                *held = named.clone();
            }
        }
    }
    for line in lines(ALIASES) {
        let Some((alias, name)) = line.split_once('\t') else { continue };
        if let Some(named) = words.get(&name.to_lowercase()).cloned() {
            words.insert(alias.to_owned(), named);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_reads_and_no_key_stands_twice() {
        for text in [REFERRERS, APPS, CLICKS] {
            let read = table(text, &mut HashSet::new());
            let keys: Vec<_> = lines(text).map(|line| line.split('\t').next().unwrap()).collect();
            assert_eq!(keys.len(), read.len(), "{:?}", keys.iter().find(|key| !read.contains_key(**key)));
            assert!(lines(text).all(|line| line.split('\t').count() == 3));
        }
    }

    #[test]
    fn every_alias_leads_to_a_name() {
        let known = Known::read();
        for line in lines(ALIASES) {
            let (alias, name) = line.split_once('\t').unwrap();
            assert_eq!(known.by_campaign(alias).map(|named| &*named.name), Some(name), "{alias}");
        }
    }
}
