//! A house with people in it: an operator, an owner, a viewer and somebody of another site.

use std::sync::Arc;

use chat::{Chat, NewRoom, Post};
use live::{Live, MemoryLive};
use model::chat::{Message, MessageKind, Room, RoomKind, Who};
use model::rights::Principal;
use model::{AccountId, MessageId, Millis, Role, RoomId, Site, SiteId, TestClock};
use store::accounts::{Invitation, NewAccount, SecretHash};
use store::{Access, Embedded, Store};

/// A Saturday noon in Paris.
pub const NOW: Millis = Millis(1_795_258_800_000);
pub const SITE: SiteId = SiteId::of(1);
pub const OTHER_SITE: SiteId = SiteId::of(2);

pub struct World {
    pub chat: Chat,
    pub store: Store,
    pub access: Access,
    pub live: Arc<dyn Live>,
    pub clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
}

pub fn account(number: u64) -> Principal {
    Principal::Account { id: AccountId::of(number), operator: number == 1 }
}

pub fn who(number: u64) -> Who {
    Who::Account(AccountId::of(number))
}

/// The operator; an admin of site 1; two viewers of it; a viewer of site 2.
pub fn operator() -> Principal {
    account(1)
}
pub fn admin() -> Principal {
    account(2)
}
pub fn ann() -> Principal {
    account(3)
}
pub fn bob() -> Principal {
    account(4)
}
pub fn outsider() -> Principal {
    account(5)
}

pub fn secret(text: &str) -> SecretHash {
    SecretHash::of(text)
}

impl World {
    pub async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let clock = Arc::new(TestClock::at(NOW));
        let live: Arc<dyn Live> = Arc::new(MemoryLive::default());
        let access = Access::new(&store, clock.clone());
        let chat = Chat::new(store.clone(), access.clone(), live.clone(), clock.clone());
        let world = World { chat, store, access, live, clock, _folder: folder };
        world.people().await;
        world
    }

    async fn people(&self) {
        let accounts = &self.store.accounts;
        accounts.offer_set_up(secret("set up")).await.unwrap();
        accounts.set_up(secret("set up"), new_account(1), NOW).await.unwrap();
        for site in [SITE, OTHER_SITE] {
            self.store.sites.add(a_site(site), AccountId::of(1)).await.unwrap();
        }
        for (number, site, role) in [
            (2, SITE, Role::Admin),
            (3, SITE, Role::Viewer),
            (4, SITE, Role::Viewer),
            (5, OTHER_SITE, Role::Viewer),
        ] {
            let code = secret(&format!("invitation {number}"));
            let invitation = Invitation {
                id: model::InvitationId::of(number),
                site,
                role,
                by: AccountId::of(1),
                note: String::new(),
                created: NOW,
                expires: Millis(NOW.0 + 1_000),
            };
            accounts.invite(invitation, code).await.unwrap();
            accounts.accept_as_new(code, new_account(number), NOW).await.unwrap();
        }
    }

    /// A room of site 1 that the admin opened.
    pub async fn room(&self, kind: RoomKind) -> Room {
        let new = NewRoom { site: Some(SITE), kind, name: "Tea".into(), zone: "Europe/Paris".into() };
        self.chat.open_room(&admin(), new).await.unwrap()
    }

    /// An open one that Ann is in, too.
    pub async fn with_ann(&self) -> RoomId {
        let room = self.room(RoomKind::Open).await.id;
        self.chat.enter(&ann(), room).await.unwrap();
        room
    }

    pub async fn says(&self, by: &Principal, room: RoomId, body: &str) -> Message {
        self.chat.post(by, room, text(body)).await.unwrap().message
    }
}

pub fn text(body: &str) -> Post {
    Post {
        id: MessageId(fastrand::u128(..)),
        kind: MessageKind::Text,
        body: body.into(),
        thread: None,
        files: vec![],
    }
}

fn new_account(number: u64) -> NewAccount {
    NewAccount {
        id: AccountId::of(number),
        name: format!("Person {number}"),
        email: format!("{number}@example.org"),
        password_phc: "none".into(),
    }
}

fn a_site(id: SiteId) -> Site {
    Site {
        id,
        name: id.to_string(),
        hostnames: vec![],
        time_zone: "Europe/Paris".into(),
        honour_opt_out: false,
        first_party_id: false,
        ignored_addresses: vec![],
        ignored_paths: vec![],
        keep_days: None,
        chat: model::ChatSettings::default(),
        created: NOW,
    }
}

/// That a call was refused, and how.
macro_rules! assert_refused {
    ($call:expr, $refusal:pat) => {{
        let outcome = $call.await;
        assert!(matches!(outcome, Err($refusal)), "{:?}", outcome.err());
    }};
}
pub(crate) use assert_refused;
