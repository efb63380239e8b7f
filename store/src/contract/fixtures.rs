//! The smallest of everything, numbered; what a test is about it states itself.

use bytes::Bytes;
use model::rights::{Scope, TokenSites};
use model::{
    AccountId, BatchId, ChatSettings, InvitationId, Millis, Role, SavedId, SegmentId, ShareId, Site, SiteId,
    TokenId,
};

use super::World;
use crate::accounts::{Account, Invitation, NewAccount, SecretHash, Share, SignIn, Token};
use crate::history::{NewSegment, TailBatch};

/// In 2096: no server whose own clock removes what expired removes it during a test.
pub const NOW: Millis = Millis(4_000_000_000_000);
pub const LATER: Millis = Millis(NOW.0 + 3_600_000);

pub fn site(number: u64) -> Site {
    Site {
        id: SiteId::of(number),
        name: format!("site {number}"),
        hostnames: vec![format!("{number}.example.org"), "*.example.net".into()],
        time_zone: "Europe/Paris".into(),
        honour_opt_out: false,
        first_party_id: true,
        ignored_addresses: vec!["192.0.2.0/24".into()],
        ignored_paths: vec!["/admin/*".into()],
        keep_days: Some(number as u32),
        chat: ChatSettings {
            on: number % 2 == 1,
            greeting: format!("hello from {number}"),
            ..ChatSettings::default()
        },
        created: NOW,
    }
}

pub fn new_account(number: u64) -> NewAccount {
    NewAccount {
        id: AccountId::of(number),
        name: format!("account {number:03}"),
        email: format!("{number}@example.org"),
        password_phc: format!("$argon2id$v=19$m=8,t=1,p=1${number}"),
    }
}

pub fn secret(number: u64) -> SecretHash {
    SecretHash::of(&format!("secret {number}"))
}

pub fn batch(number: u128, site: u64, received: Millis) -> TailBatch {
    TailBatch {
        id: BatchId(number),
        site: SiteId::of(site),
        received,
        hits: 3,
        body: Bytes::from(format!("body {number} of {site}")),
    }
}

/// Of day `number`; its bytes are different at each place.
pub fn segment(number: u128, bytes: usize) -> NewSegment {
    let mut rng = fastrand::Rng::with_seed(number as u64);
    NewSegment {
        id: SegmentId(number),
        day_start: Millis(number as i64 * 86_400_000 - 3_600_000),
        head: Bytes::from(format!("{{\"day\":{number}}}")),
        body: std::iter::repeat_with(|| rng.u8(..)).take(bytes).collect(),
    }
}

pub fn sign_in(number: u64, account: AccountId, created: Millis, expires: Millis) -> SignIn {
    let marks = (0..number as u8 % 5).map(|mark| [mark; 32]).collect();
    SignIn { secret: secret(number), account, created, expires, agent: "Firefox on Linux".into(), marks }
}

pub fn token(number: u64, account: AccountId, sites: TokenSites) -> Token {
    Token {
        id: TokenId::of(number),
        account,
        name: format!("token {number}"),
        sites,
        scopes: vec![Scope::Read, Scope::StateSender],
        created: Millis(NOW.0 + number as i64),
    }
}

pub fn invitation(number: u64, site: SiteId, by: AccountId, role: Role) -> Invitation {
    Invitation {
        id: InvitationId::of(number),
        site,
        role,
        by,
        note: format!("for {number}"),
        created: Millis(NOW.0 + number as i64),
        expires: LATER,
    }
}

pub fn share(number: u64, site: SiteId) -> Share {
    Share {
        id: ShareId::of(number),
        site,
        name: format!("share {number}"),
        created: Millis(NOW.0 + number as i64),
        segment: number.is_multiple_of(2).then_some(SavedId::of(number)),
    }
}

impl World {
    /// Sets the installation up: account 1 is the operator and owns site 1.
    pub async fn founded(&self) -> (Account, Site) {
        let operator = self.operator().await;
        let site = site(1);
        self.store.sites.add(site.clone(), operator.id).await.unwrap();
        (operator, site)
    }

    /// Account 1, the operator.
    pub async fn operator(&self) -> Account {
        let offer = SecretHash::of("set-up");
        self.store.accounts.offer_set_up(offer).await.unwrap();
        self.store.accounts.set_up(offer, new_account(1), NOW).await.unwrap()
    }

    /// One more account, a viewer of the site, by way of an invitation.
    pub async fn viewer(&self, number: u64, site: SiteId, by: AccountId) -> Account {
        let code = SecretHash::of(&format!("invitation for {number}"));
        let invitation = invitation(1_000_000 + number, site, by, Role::Viewer);
        self.store.accounts.invite(invitation, code).await.unwrap();
        self.store.accounts.accept_as_new(code, new_account(number), NOW).await.unwrap()
    }
}
