//! Who gets what: each persona before every action on two sites, also when a right ends in between.

use std::sync::Arc;
use std::time::Duration;

use model::rights::{Principal, Scope, TokenSites};
use model::{
    AccountId, Action, Clock, InvitationId, Millis, Role, SavedId, ShareId, Site, SiteId, TestClock, TokenId,
};

use super::{
    Access, Credential, Denied, REPLY_SECRET_BYTES, Standing, letter_secret, replied_to, reply_secret,
};
use crate::accounts::{Invitation, NewAccount, SecretHash, Share, SignIn, Token};
use crate::chat::{ConversationChange, NewConversation};
use crate::contract::conversations::opening;
use crate::contract::fixtures::NOW;
use crate::{Embedded, Store};

const OURS: SiteId = SiteId::of(1);
const OTHER: SiteId = SiteId::of(2);
const NOWHERE: SiteId = SiteId::of(3);
const OPERATOR: AccountId = AccountId::of(1);
const OWNER: AccountId = AccountId::of(2);
const ADMIN: AccountId = AccountId::of(3);
const VIEWER: AccountId = AccountId::of(4);
/// A member of the other site alone.
const OUTSIDER: AccountId = AccountId::of(5);
const AGENT: AccountId = AccountId::of(6);

const NOTHING: &[Action] = &[];
const LIVE: &[Action] = &[Action::SeeLive, Action::SeeReports];
const READING: &[Action] = &[Action::SeeLive, Action::SeeReports, Action::SeeProfiles];
const ANSWERING: &[Action] = &[Action::SeeLive, Action::SeeReports, Action::SeeProfiles, Action::Converse];
const ADMINISTRATION: &[Action] = &[
    Action::SeeLive,
    Action::SeeReports,
    Action::SeeProfiles,
    Action::Converse,
    Action::SeeSettings,
    Action::EditSite,
    Action::ManagePeople,
];
const EVERYTHING: &[Action] = &Action::ALL;

/// A founded installation with a person in each role. Signed in, each has its number as the secret.
struct House {
    store: Store,
    access: Access,
    clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
}

#[tokio::test]
async fn a_person_gets_what_the_role_gives() {
    let house = House::founded().await;
    for (account, on_ours, on_other) in [
        (OPERATOR, EVERYTHING, EVERYTHING),
        (OWNER, EVERYTHING, NOTHING),
        (ADMIN, ADMINISTRATION, NOTHING),
        (AGENT, ANSWERING, NOTHING),
        (VIEWER, READING, NOTHING),
        (OUTSIDER, NOTHING, EVERYTHING),
    ] {
        let credential = signed_in(account);
        assert_eq!(house.allowed(&credential, OURS).await, on_ours, "{account} on ours");
        assert_eq!(house.allowed(&credential, OTHER).await, on_other, "{account} on the other");
    }
}

#[tokio::test]
async fn a_token_gets_the_live_view_of_its_sites_within_its_accounts_rights_and_its_scopes() {
    let house = House::founded().await;
    let read: &[Scope] = &[Scope::Read];
    let state: &[Scope] = &[Scope::StateSender];
    let both: &[Scope] = &[Scope::Read, Scope::StateSender];
    let table = [
        (OPERATOR, TokenSites::All, read, READING, READING),
        (OPERATOR, TokenSites::One(OURS), read, READING, NOTHING),
        (OPERATOR, TokenSites::All, state, NOTHING, NOTHING),
        (OPERATOR, TokenSites::All, &[], NOTHING, NOTHING),
        (OWNER, TokenSites::All, read, READING, NOTHING),
        (OWNER, TokenSites::One(OURS), both, READING, NOTHING),
        (OWNER, TokenSites::One(OTHER), read, NOTHING, NOTHING),
        (VIEWER, TokenSites::All, both, READING, NOTHING),
        (AGENT, TokenSites::All, both, READING, NOTHING),
        (OUTSIDER, TokenSites::All, read, NOTHING, READING),
        (OUTSIDER, TokenSites::One(OURS), read, NOTHING, NOTHING),
    ];
    for (number, (account, sites, scopes, on_ours, on_other)) in table.into_iter().enumerate() {
        let credential = house.token(number as u64, account, sites, scopes).await;
        assert_eq!(house.allowed(&credential, OURS).await, on_ours, "token {number} on ours");
        assert_eq!(house.allowed(&credential, OTHER).await, on_other, "token {number} on the other");
    }
}

#[tokio::test]
async fn only_an_operators_token_with_that_scope_may_state_senders() {
    let house = House::founded().await;
    let read: &[Scope] = &[Scope::Read];
    let state: &[Scope] = &[Scope::StateSender];
    let table = [
        (OPERATOR, TokenSites::All, state, true, true),
        (OPERATOR, TokenSites::One(OURS), state, true, false),
        (OPERATOR, TokenSites::All, read, false, false),
        (OWNER, TokenSites::All, state, false, false),
        (VIEWER, TokenSites::One(OURS), state, false, false),
    ];
    for (number, (account, sites, scopes, on_ours, on_other)) in table.into_iter().enumerate() {
        let token = house.token(number as u64, account, sites, scopes).await;
        let principal = house.access.principal(&token).await.unwrap();
        assert_eq!(house.access.may_state_sender(&principal, OURS), on_ours, "token {number}");
        assert_eq!(house.access.may_state_sender(&principal, OTHER), on_other, "token {number}");
    }
    let share = house.share(OURS, None).await;
    for credential in [Credential::None, signed_in(OPERATOR), share] {
        let principal = house.access.principal(&credential).await.unwrap();
        assert!(!house.access.may_state_sender(&principal, OURS), "{principal:?}");
    }
}

/// Whoever answers the site's customers is no member of these rooms, and of nobody else's conversation is its customer anything.
#[tokio::test]
async fn rooms_of_conversations_are_for_who_answers_and_for_its_customer() {
    let house = House::founded().await;
    let (one, two) = (opening(1), opening(2));
    for new in [&one, &two] {
        house.store.conversations.open_conversation(new.clone()).await.unwrap();
    }
    let standings = async |credential: Credential| {
        let principal = house.access.principal(&credential).await.unwrap();
        let of_room = house.access.standing(&principal, &one.room).await.unwrap();
        (of_room, house.access.standing(&principal, &one.notes).await.unwrap())
    };
    for (account, standing) in [
        (OPERATOR, Standing::Keeper),
        (OWNER, Standing::Keeper),
        (ADMIN, Standing::Keeper),
        (AGENT, Standing::Agent),
        (VIEWER, Standing::Stranger),
        (OUTSIDER, Standing::Stranger),
    ] {
        assert_eq!(standings(signed_in(account)).await, (standing, standing), "{account}");
    }
    let letter = async |of: &NewConversation| {
        Credential::Token(letter_secret(house.store.salts.as_ref(), of.guest.id, 0).await.unwrap())
    };
    assert_eq!(standings(letter(&one).await).await, (Standing::Guest, Standing::Stranger), "no notes");
    assert_eq!(standings(letter(&two).await).await, (Standing::Stranger, Standing::Stranger));
    house
        .store
        .conversations
        .change_conversation(one.room.id, ConversationChange::RevokeReplies, NOW)
        .await
        .unwrap();
    let before = house.access.principal(&letter(&one).await).await;
    assert!(matches!(before, Err(Denied::Unknown)), "its link is taken back: {before:?}");
    let again = letter_secret(house.store.salts.as_ref(), one.guest.id, 1).await.unwrap();
    assert_eq!(standings(Credential::Token(again)).await, (Standing::Guest, Standing::Stranger));
    assert_eq!(standings(Credential::None).await, (Standing::Stranger, Standing::Stranger));
    house.store.accounts.grant(OURS, AGENT, Role::Viewer).await.unwrap();
    assert_eq!(standings(signed_in(AGENT)).await.0, Standing::Stranger, "as the roles stand now");
}

#[tokio::test]
async fn what_letters_are_answered_to_is_of_one_conversation_until_it_is_taken_back() {
    let house = House::founded().await;
    let (one, two) = (opening(1), opening(2));
    for new in [&one, &two] {
        house.store.conversations.open_conversation(new.clone()).await.unwrap();
    }
    let found = async |secret: &str| {
        replied_to(&house.store, secret).await.unwrap().map(|conversation| conversation.room)
    };
    let of = async |new: &NewConversation, revoked| {
        reply_secret(house.store.salts.as_ref(), new.guest.id, revoked).await.unwrap()
    };
    let (first, second) = (of(&one, 0).await, of(&two, 0).await);
    assert_eq!((first.len(), found(&first).await), (REPLY_SECRET_BYTES, Some(one.room.id)));
    assert_eq!(found(&first.to_uppercase()).await, Some(one.room.id), "servers change the size of letters");
    assert_eq!(found(&second).await, Some(two.room.id));
    let of_another = format!("{}{}", &first[..10], &second[10..]);
    let last = if first.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{last}", &first[..REPLY_SECRET_BYTES - 1]);
    let nobodys = of(&opening(9), 0).await;
    for bad in [
        &of_another,
        &forged,
        &nobodys,
        "",
        &first[1..],
        &format!("{first}0"),
        &"é".repeat(21),
        &of(&one, 1).await,
    ] {
        assert_eq!(found(bad).await, None, "{bad}");
    }
    let revoke = ConversationChange::RevokeReplies;
    house.store.conversations.change_conversation(one.room.id, revoke, Millis(9)).await.unwrap();
    assert_eq!(found(&first).await, None);
    assert_eq!(found(&of(&one, 1).await).await, Some(one.room.id), "the next letter has another one");
    assert_eq!(found(&second).await, Some(two.room.id), "those of others stay");
}

#[tokio::test]
async fn a_share_link_gets_the_live_view_of_its_site() {
    let house = House::founded().await;
    let credential = house.share(OURS, None).await;
    assert_eq!(house.allowed(&credential, OURS).await, LIVE);
    assert_eq!(house.allowed(&credential, OTHER).await, NOTHING);
}

#[tokio::test]
async fn a_share_link_of_a_segment_gets_reports_alone_and_not_who_is_here() {
    let house = House::founded().await;
    let credential = house.share(OURS, Some(SavedId::of(7))).await;
    let Principal::Share { segment, .. } = house.access.principal(&credential).await.unwrap() else {
        panic!("it is a share link");
    };
    assert_eq!(segment, Some(SavedId::of(7)));
    assert_eq!(house.allowed(&credential, OURS).await, [Action::SeeReports]);
    assert_eq!(house.allowed(&credential, OTHER).await, NOTHING);
}

#[tokio::test]
async fn a_stranger_gets_nothing_and_is_asked_to_sign_in() {
    let house = House::founded().await;
    let stranger = house.access.principal(&Credential::None).await.unwrap();
    assert_eq!(stranger, Principal::Stranger);
    for site in [OURS, OTHER, NOWHERE] {
        for action in Action::ALL {
            let denied = house.access.authorise(&stranger, site, action).await;
            assert!(matches!(denied, Err(Denied::Unknown)), "{denied:?}");
        }
    }
}

#[tokio::test]
async fn who_has_no_right_cannot_tell_a_foreign_site_from_none() {
    let house = House::founded().await;
    let token = house.token(1, VIEWER, TokenSites::All, &[Scope::Read]).await;
    for credential in [signed_in(VIEWER), token, house.share(OURS, None).await] {
        let principal = house.access.principal(&credential).await.unwrap();
        for site in [OTHER, NOWHERE] {
            let denied = house.access.authorise(&principal, site, Action::SeeLive).await;
            assert!(matches!(denied, Err(Denied::Forbidden)), "{denied:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_is_good_as_the_kind_it_is_and_no_other() {
    let house = House::founded().await;
    let token = house.token(1, OPERATOR, TokenSites::All, &[Scope::Read]).await;
    let share = house.share(OURS, None).await;
    house.access.principal(&token).await.unwrap();
    house.access.principal(&share).await.unwrap();
    let (Credential::Token(token), Credential::Share(share)) = (token, share) else {
        unreachable!("they were made so");
    };
    let signed_in = OPERATOR.to_string();
    for bad in [
        Credential::SignIn(token.clone()),
        Credential::SignIn(share.clone()),
        Credential::SignIn(String::new()),
        Credential::Token(signed_in.clone()),
        Credential::Token(share),
        Credential::Token(String::new()),
        Credential::Share(signed_in),
        Credential::Share(token),
        Credential::Share(String::new()),
    ] {
        let denied = house.access.principal(&bad).await;
        assert!(matches!(denied, Err(Denied::Unknown)), "{denied:?}");
    }
}

#[tokio::test]
async fn a_changed_or_revoked_role_counts_at_the_next_check_of_the_same_principal() {
    let house = House::founded().await;
    let token = house.token(1, ADMIN, TokenSites::All, &[Scope::Read]).await;
    let person = house.access.principal(&signed_in(ADMIN)).await.unwrap();
    let program = house.access.principal(&token).await.unwrap();
    let accounts = &house.store.accounts;

    house.access.authorise(&person, OURS, Action::EditSite).await.unwrap();
    accounts.grant(OURS, ADMIN, Role::Viewer).await.unwrap();
    assert!(house.access.authorise(&person, OURS, Action::EditSite).await.is_err());
    house.access.authorise(&person, OURS, Action::SeeLive).await.unwrap();
    house.access.authorise(&program, OURS, Action::SeeLive).await.unwrap();
    accounts.revoke(OURS, ADMIN).await.unwrap();
    for principal in [person, program] {
        let denied = house.access.authorise(&principal, OURS, Action::SeeLive).await;
        assert!(matches!(denied, Err(Denied::Forbidden)), "{denied:?}");
    }
}

#[tokio::test]
async fn a_credential_that_ended_is_unknown() {
    let house = House::founded().await;
    let accounts = &house.store.accounts;
    let token = house.token(1, OWNER, TokenSites::All, &[Scope::Read]).await;
    let share = house.share(OURS, None).await;
    let all = [signed_in(OWNER), signed_in(ADMIN), token.clone(), share.clone()];
    for credential in &all {
        house.access.principal(credential).await.unwrap();
    }
    accounts.close_sign_in(SecretHash::of(&OWNER.to_string())).await.unwrap();
    accounts.change_password(ADMIN, "$new", None).await.unwrap();
    accounts.revoke_token(OWNER, TokenId::of(1)).await.unwrap();
    accounts.unshare(OURS, ShareId::of(OURS.value())).await.unwrap();
    for credential in &all {
        let denied = house.access.principal(credential).await;
        assert!(matches!(denied, Err(Denied::Unknown)), "{denied:?}");
    }
}

#[tokio::test]
async fn a_sign_in_ends_when_its_time_has_come() {
    let house = House::founded().await;
    house.clock.advance(Duration::from_millis(999));
    house.access.principal(&signed_in(OWNER)).await.unwrap();
    house.clock.advance(Duration::from_millis(1));
    assert!(matches!(house.access.principal(&signed_in(OWNER)).await, Err(Denied::Unknown)));
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_no_yes_and_no_no() {
    let house = House::founded().await;
    let owner = house.access.principal(&signed_in(OWNER)).await.unwrap();
    house.store.close().await;
    assert!(matches!(house.access.principal(&signed_in(OWNER)).await, Err(Denied::Store(_))));
    let denied = house.access.authorise(&owner, OURS, Action::SeeLive).await;
    assert!(matches!(denied, Err(Denied::Store(_))));
}

impl House {
    async fn founded() -> House {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let clock = Arc::new(TestClock::at(Millis(1_000)));
        let access = Access::new(&store, clock.clone());
        let house = House { store, access, clock, _folder: folder };
        house.people().await;
        house
    }

    async fn people(&self) {
        let accounts = &self.store.accounts;
        let offer = SecretHash::of("set-up");
        accounts.offer_set_up(offer).await.unwrap();
        accounts.set_up(offer, person(OPERATOR), self.clock.now()).await.unwrap();
        self.store.sites.add(site(OURS), OPERATOR).await.unwrap();
        self.store.sites.add(site(OTHER), OPERATOR).await.unwrap();
        for (account, site, role) in [
            (OWNER, OURS, Role::Owner),
            (ADMIN, OURS, Role::Admin),
            (AGENT, OURS, Role::Agent),
            (VIEWER, OURS, Role::Viewer),
            (OUTSIDER, OTHER, Role::Owner),
        ] {
            self.invite(account, site, role).await;
        }
        // An operator needs no membership.
        accounts.revoke(OURS, OPERATOR).await.unwrap();
        accounts.revoke(OTHER, OPERATOR).await.unwrap();
        for account in [OPERATOR, OWNER, ADMIN, AGENT, VIEWER, OUTSIDER] {
            self.sign_in(account).await;
        }
    }

    async fn invite(&self, account: AccountId, site: SiteId, role: Role) {
        let code = SecretHash::of(&format!("invitation of {account}"));
        let invitation = Invitation {
            id: InvitationId::of(account.value()),
            site,
            role,
            by: OPERATOR,
            note: String::new(),
            created: self.clock.now(),
            expires: Millis(2_000),
        };
        self.store.accounts.invite(invitation, code).await.unwrap();
        self.store.accounts.accept_as_new(code, person(account), self.clock.now()).await.unwrap();
    }

    async fn sign_in(&self, account: AccountId) {
        let sign_in = SignIn {
            secret: SecretHash::of(&account.to_string()),
            account,
            created: self.clock.now(),
            expires: Millis(2_000),
            agent: String::new(),
            marks: Vec::new(),
        };
        self.store.accounts.open_sign_in(sign_in).await.unwrap();
    }

    async fn token(
        &self,
        number: u64,
        account: AccountId,
        sites: TokenSites,
        scopes: &[Scope],
    ) -> Credential {
        let token = Token {
            id: TokenId::of(number),
            account,
            name: String::new(),
            sites,
            scopes: scopes.to_vec(),
            created: self.clock.now(),
        };
        let secret = format!("token {number}");
        self.store.accounts.mint_token(token, SecretHash::of(&secret)).await.unwrap();
        Credential::Token(secret)
    }

    async fn share(&self, site: SiteId, segment: Option<SavedId>) -> Credential {
        let id = ShareId::of(site.value() + 10 * segment.map_or(0, SavedId::value));
        let share = Share { id, site, name: String::new(), created: self.clock.now(), segment };
        let secret = format!("share {id} of {site}");
        self.store.accounts.share(share, SecretHash::of(&secret)).await.unwrap();
        Credential::Share(secret)
    }

    async fn allowed(&self, credential: &Credential, site: SiteId) -> Vec<Action> {
        let principal = self.access.principal(credential).await.unwrap();
        let mut allowed = vec![];
        for action in Action::ALL {
            if self.access.authorise(&principal, site, action).await.is_ok() {
                allowed.push(action);
            }
        }
        allowed
    }
}

fn signed_in(account: AccountId) -> Credential {
    Credential::SignIn(account.to_string())
}

fn person(id: AccountId) -> NewAccount {
    NewAccount { id, name: id.to_string(), email: format!("{id}@example.org"), password_phc: "$".into() }
}

fn site(id: SiteId) -> Site {
    Site::new(id, id.to_string(), &[], Millis(0))
}
