//! Which forge sent a delivery, told by its headers: event, and the delivery's id.

use http::HeaderMap;

use crate::limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forge {
    GitHub,
    GitLab,
    Gitea,
    Forgejo,
    BitbucketCloud,
    BitbucketServer,
    /// A repository without a forge, by our own hook.
    Git,
    Subversion,
}

/// Our own hooks say here what they are of: `git` or `svn`.
pub const HOOK_HEADER: &str = "x-watchfire-hook";

/// Event headers in the order they are asked for: Forgejo sends Gitea's too, and both send GitHub's.
const EVENTS: [(&str, Forge); 4] = [
    ("x-forgejo-event", Forge::Forgejo),
    ("x-gitea-event", Forge::Gitea),
    ("x-gitlab-event", Forge::GitLab),
    ("x-github-event", Forge::GitHub),
];

/// A delivery's id as each forge names it, the best first: sent again it is the same.
const fn id_headers(forge: Forge) -> &'static [&'static str] {
    match forge {
        Forge::GitHub => &["x-github-delivery"],
        Forge::Gitea => &["x-gitea-delivery"],
        Forge::Forgejo => &["x-forgejo-delivery", "x-gitea-delivery"],
        Forge::GitLab => &["webhook-id", "idempotency-key", "x-gitlab-event-uuid"],
        Forge::BitbucketCloud => &["x-request-uuid"],
        Forge::BitbucketServer => &["x-request-id"],
        Forge::Git | Forge::Subversion => &["webhook-id"],
    }
}

impl Forge {
    /// Whose headers these are, and the event they name.
    pub fn told_by(headers: &HeaderMap) -> Option<(Forge, &str)> {
        if let Some((forge, event)) =
            EVENTS.iter().find_map(|(name, forge)| Some((*forge, value(headers, name)?)))
        {
            return Some((forge, event));
        }
        if let Some(event) = value(headers, "x-event-key") {
            // Only the Cloud names its hooks; the server's events are about refs, not pushes.
            let is_cloud = headers.contains_key("x-hook-uuid") || event == "repo:push";
            return Some((if is_cloud { Forge::BitbucketCloud } else { Forge::BitbucketServer }, event));
        }
        match value(headers, HOOK_HEADER)? {
            event @ "git" => Some((Forge::Git, event)),
            event @ "svn" => Some((Forge::Subversion, event)),
            _ => None,
        }
    }

    /// The id that the forge gave the delivery, where it is one.
    pub fn delivery_id(self, headers: &HeaderMap) -> Option<&str> {
        let mut found = id_headers(self).iter().filter_map(|name| value(headers, name));
        found.find(|id| {
            let is_plain = id.bytes().all(|byte| byte.is_ascii_graphic());
            is_plain && !id.is_empty() && id.len() <= limits::DELIVERY_ID_BYTES_MAX
        })
    }

    pub const fn name(self) -> &'static str {
        match self {
            Forge::GitHub => "GitHub",
            Forge::GitLab => "GitLab",
            Forge::Gitea => "Gitea",
            Forge::Forgejo => "Forgejo",
            Forge::BitbucketCloud => "Bitbucket Cloud",
            Forge::BitbucketServer => "Bitbucket Server",
            Forge::Git => "Git",
            Forge::Subversion => "Subversion",
        }
    }
}

/// The one value of a header: of two, nobody knows which was meant.
pub fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let only = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn check(pairs: &[(&'static str, &str)], expected: Option<(Forge, &str)>) {
        assert_eq!(Forge::told_by(&headers(pairs)), expected, "{pairs:?}");
    }

    #[test]
    fn a_forge_is_told_by_its_headers() {
        let (github, gitea, forgejo) =
            (("x-github-event", "push"), ("x-gitea-event", "push"), ("x-forgejo-event", "push"));
        check(&[github], Some((Forge::GitHub, "push")));
        check(&[github, gitea, ("x-gogs-event", "push")], Some((Forge::Gitea, "push")));
        check(&[github, gitea, forgejo], Some((Forge::Forgejo, "push")));
        check(&[("x-gitlab-event", "Push Hook")], Some((Forge::GitLab, "Push Hook")));
        check(&[("x-event-key", "repo:push")], Some((Forge::BitbucketCloud, "repo:push")));
        check(
            &[("x-event-key", "issue:created"), ("x-hook-uuid", "u")],
            Some((Forge::BitbucketCloud, "issue:created")),
        );
        check(&[("x-event-key", "repo:refs_changed")], Some((Forge::BitbucketServer, "repo:refs_changed")));
        check(&[("x-event-key", "diagnostics:ping")], Some((Forge::BitbucketServer, "diagnostics:ping")));
        check(&[(HOOK_HEADER, "git")], Some((Forge::Git, "git")));
        check(&[(HOOK_HEADER, "svn")], Some((Forge::Subversion, "svn")));
        check(&[], None);
        check(&[(HOOK_HEADER, "hg")], None);
        check(&[github, ("x-github-event", "ping")], None);
    }

    #[test]
    fn a_delivery_has_the_id_that_its_forge_gave_it() {
        let id = |forge: Forge, pairs: &[(&'static str, &str)]| {
            forge.delivery_id(&headers(pairs)).map(str::to_owned)
        };
        assert_eq!(
            id(Forge::GitLab, &[("x-gitlab-event-uuid", "u"), ("idempotency-key", "k")]),
            Some("k".into())
        );
        assert_eq!(id(Forge::Forgejo, &[("x-gitea-delivery", "g")]), Some("g".into()));
        assert_eq!(id(Forge::GitHub, &[("x-gitea-delivery", "g")]), None);
        assert_eq!(id(Forge::GitHub, &[("x-github-delivery", "a b")]), None);
        let long = "x".repeat(limits::DELIVERY_ID_BYTES_MAX);
        assert_eq!(id(Forge::GitHub, &[("x-github-delivery", &long)]), Some(long.clone()));
        assert_eq!(id(Forge::GitHub, &[("x-github-delivery", &format!("{long}x"))]), None);
    }
}
