//! Whose hits they are: a request's hits by sender. Nearly always that is who sent the request.

use std::borrow::Cow;
use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use model::Hit;

use crate::options::LANGUAGE_BYTES_MAX;
use crate::request::{Judged, Stated};

/// Hits of one request with one sender, in the order sent.
#[derive(Clone)]
pub(crate) struct Group<'a> {
    pub(crate) address: IpAddr,
    pub(crate) agent: Cow<'a, str>,
    /// As in Accept-Language.
    pub(crate) language: Cow<'a, str>,
    pub(crate) hits: Vec<Hit<'a>>,
}

impl<'a> Group<'a> {
    /// Of who sent the request, without hits yet.
    pub(crate) fn of_sender(address: IpAddr, headers: &'a HeaderMap) -> Group<'a> {
        let text = |name| {
            let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
            value.unwrap_or_default()
        };
        Group {
            address,
            agent: text(header::USER_AGENT),
            language: text(header::ACCEPT_LANGUAGE),
            hits: Vec::new(),
        }
    }

    /// Of whom the sender stated; what was not stated of somebody else is unknown, but for the address.
    fn stated(stated: Stated<'a>, address: IpAddr) -> Group<'a> {
        Group {
            address: stated.address.unwrap_or(address),
            agent: stated.agent.unwrap_or_default(),
            language: stated.language.unwrap_or_default(),
            hits: Vec::new(),
        }
    }

    fn is_of(&self, other: &Group<'_>) -> bool {
        self.address == other.address && self.agent == other.agent && self.language == other.language
    }
}

/// By sender; a sender's hits in the order sent.
pub(crate) fn groups<'a>(judged: Vec<Judged<'a>>, address: IpAddr, headers: &'a HeaderMap) -> Vec<Group<'a>> {
    let sender = Group::of_sender(address, headers);
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(1);
    for Judged { hit, stated } in judged {
        let stated = stated.map(|stated| Group::stated(*stated, address));
        let of = stated.as_ref().unwrap_or(&sender);
        match groups.iter().position(|group| group.is_of(of)) {
            Some(known) => groups[known].hits.push(hit),
            None => groups.push(Group { hits: vec![hit], ..stated.unwrap_or_else(|| sender.clone()) }),
        }
    }
    groups
}

/// `fr-FR,fr;q=0.9` is `fr-fr`. Anything that is no language tag is unknown.
pub(crate) fn first_language(accepted: &str) -> String {
    let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
    let is_tag = first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_tag || first.len() > LANGUAGE_BYTES_MAX {
        return String::new();
    }
    first.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{HitId, HitKind, Millis};

    #[test]
    fn the_first_language_counts_and_nonsense_is_unknown() {
        let check =
            |accepted: &str, expected: &str| assert_eq!(first_language(accepted), expected, "{accepted}");
        check("fr-FR,fr;q=0.9", "fr-fr");
        check("de", "de");
        check("pt-BR;q=0.8", "pt-br");
        check("", "");
        check("*", "");
        check("<script>", "");
        check(&"a".repeat(35), &"a".repeat(35));
        check(&"a".repeat(36), "");
    }

    #[test]
    fn hits_are_grouped_by_sender_in_the_order_sent() {
        let by = |id, stated: Option<(&'static str, &str)>| Judged {
            hit: Hit {
                id: HitId(id),
                at: Millis(0),
                url: "".into(),
                kind: HitKind::Identify { identity: "i".into(), props: vec![] },
            },
            stated: stated.map(|(agent, address)| {
                Box::new(Stated { address: address.parse().ok(), agent: Some(agent.into()), language: None })
            }),
        };
        let judged = vec![
            by(1, Some(("a", "192.0.2.1"))),
            by(2, Some(("b", "192.0.2.1"))),
            by(3, None),
            by(4, Some(("a", "192.0.2.1"))),
            by(5, Some(("a", "192.0.2.2"))),
            by(6, None),
        ];
        let headers = HeaderMap::new();
        let groups = groups(judged, "198.51.100.1".parse().unwrap(), &headers);
        let ids: Vec<Vec<u128>> =
            groups.iter().map(|group| group.hits.iter().map(|hit| hit.id.0).collect()).collect();
        assert_eq!(ids, vec![vec![1, 4], vec![2], vec![3, 6], vec![5]]);
    }
}
