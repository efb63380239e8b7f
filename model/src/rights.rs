//! Who may do what: the one table. Everything that decides access ends here.

use serde::{Deserialize, Serialize};

use crate::chat::Who;
use crate::{AccountId, BotId, GuestId, RoomId, SavedId, ShareId, SiteId, TokenId};

/// What an account is on one site. Each includes all below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Viewer,
    /// Answers the site's customers, too.
    Agent,
    Admin,
    Owner,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Agent => "agent",
            Role::Admin => "admin",
            Role::Owner => "owner",
        }
    }
}

/// What can be done to a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Live view, visitors, feed, counts.
    SeeLive,
    /// Reports, as far as the segment of a share link lets see.
    SeeReports,
    /// Whom the site named of its visitors, and what each visitor did.
    SeeProfiles,
    /// Conversations with the site's customers.
    Converse,
    /// The tag page and the site's settings, read only.
    SeeSettings,
    EditSite,
    /// Members, invitations, share links.
    ManagePeople,
    DeleteSite,
}

impl Action {
    /// The first two are what a share link gives, the first three what a viewer has, the first four what an agent has.
    pub const ALL: [Action; 8] = [
        Action::SeeLive,
        Action::SeeReports,
        Action::SeeProfiles,
        Action::Converse,
        Action::SeeSettings,
        Action::EditSite,
        Action::ManagePeople,
        Action::DeleteSite,
    ];
}

/// What the holder of an API token may do, besides its account's own rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Read the live stream, the reports and the profiles of the token's sites.
    Read,
    /// State other people's addresses and agents with hits (replaying logs, server-side senders).
    StateSender,
}

/// Who is asking, once their credential was looked up.
#[derive(Clone, Debug, PartialEq)]
pub enum Principal {
    Stranger,
    /// Signed in. `operator`: the owner of the installation, who is owner of every site.
    Account {
        id: AccountId,
        operator: bool,
    },
    /// An API token: never more than its account may, on its sites, within its scopes.
    Token {
        id: TokenId,
        account: AccountId,
        operator: bool,
        sites: TokenSites,
        scopes: Vec<Scope>,
    },
    /// Somebody with a share link of one site.
    Share {
        id: ShareId,
        site: SiteId,
        /// What of the site's history it is limited to.
        segment: Option<SavedId>,
    },
    /// Somebody who came into one room by its link.
    Guest {
        id: GuestId,
        room: RoomId,
    },
    /// A program that takes part in rooms.
    Bot {
        id: BotId,
    },
}

impl Principal {
    /// Who this is in a room; None: nobody who takes part.
    pub fn who(&self) -> Option<Who> {
        match self {
            Principal::Account { id, .. } => Some(Who::Account(*id)),
            Principal::Guest { id, .. } => Some(Who::Guest(*id)),
            Principal::Bot { id } => Some(Who::Bot(*id)),
            Principal::Stranger | Principal::Token { .. } | Principal::Share { .. } => None,
        }
    }
}

/// The sites a token is good for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenSites {
    /// All that its account may see, now and later.
    All,
    One(SiteId),
}

/// The one decision. `role` is what the principal's account is on `site` now, None for no member.
pub fn may(principal: &Principal, role: Option<Role>, site: SiteId, action: Action) -> bool {
    match principal {
        Principal::Stranger | Principal::Guest { .. } | Principal::Bot { .. } => false,
        // Who is here now is told of all or not at all.
        Principal::Share { site: shared, segment, .. } => {
            *shared == site
                && (action == Action::SeeReports || action == Action::SeeLive && segment.is_none())
        }
        Principal::Account { operator, .. } => *operator || role_may(role, action),
        Principal::Token { operator, sites, scopes, .. } => {
            let within = match sites {
                TokenSites::All => true,
                TokenSites::One(only) => *only == site,
            };
            within
                && matches!(action, Action::SeeLive | Action::SeeReports | Action::SeeProfiles)
                && scopes.contains(&Scope::Read)
                && (*operator || role_may(role, action))
        }
    }
}

fn role_may(role: Option<Role>, action: Action) -> bool {
    let needed = match action {
        Action::SeeLive | Action::SeeReports | Action::SeeProfiles => Role::Viewer,
        Action::Converse => Role::Agent,
        Action::SeeSettings | Action::EditSite | Action::ManagePeople => Role::Admin,
        Action::DeleteSite => Role::Owner,
    };
    role.is_some_and(|held| held >= needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: SiteId = SiteId::of(1);
    const OTHER: SiteId = SiteId::of(2);
    fn allowed(principal: &Principal, role: Option<Role>, site: SiteId) -> Vec<Action> {
        Action::ALL.into_iter().filter(|&action| may(principal, role, site, action)).collect()
    }

    #[test]
    fn the_table() {
        let member = Principal::Account { id: AccountId::of(1), operator: false };
        let operator = Principal::Account { id: AccountId::of(1), operator: true };
        assert_eq!(allowed(&Principal::Stranger, None, SITE), vec![]);
        assert_eq!(allowed(&member, None, SITE), vec![]);
        assert_eq!(allowed(&member, Some(Role::Viewer), SITE), Action::ALL[..3]);
        assert_eq!(allowed(&member, Some(Role::Agent), SITE), Action::ALL[..4]);
        assert_eq!(allowed(&member, Some(Role::Admin), SITE), Action::ALL[..7]);
        assert_eq!(allowed(&member, Some(Role::Owner), SITE), Action::ALL);
        assert_eq!(allowed(&operator, None, SITE), Action::ALL);
        for of_rooms in [
            Principal::Guest { id: GuestId::of(1), room: RoomId::of(1) },
            Principal::Bot { id: BotId::of(1) },
        ] {
            assert_eq!(allowed(&of_rooms, Some(Role::Owner), SITE), vec![]);
        }
        let share = |segment| Principal::Share { id: ShareId::of(1), site: SITE, segment };
        assert_eq!(allowed(&share(None), None, SITE), Action::ALL[..2]);
        assert_eq!(allowed(&share(Some(SavedId::of(1))), None, SITE), [Action::SeeReports]);
        for segment in [None, Some(SavedId::of(1))] {
            assert_eq!(allowed(&share(segment), None, OTHER), vec![]);
        }
    }

    #[test]
    fn a_token_is_never_more_than_its_account_its_sites_and_its_scopes() {
        let token = |operator, sites, scopes: &[Scope]| Principal::Token {
            id: TokenId::of(1),
            account: AccountId::of(1),
            operator,
            sites,
            scopes: scopes.to_vec(),
        };
        let read = token(false, TokenSites::One(SITE), &[Scope::Read]);
        assert_eq!(allowed(&read, Some(Role::Owner), SITE), Action::ALL[..3]);
        assert_eq!(allowed(&read, None, SITE), vec![]);
        assert_eq!(allowed(&read, Some(Role::Owner), OTHER), vec![]);
        let states = token(true, TokenSites::All, &[Scope::StateSender]);
        assert_eq!(allowed(&states, Some(Role::Owner), SITE), vec![]);
        assert_eq!(allowed(&token(true, TokenSites::All, &[Scope::Read]), None, OTHER), Action::ALL[..3]);
    }
}
