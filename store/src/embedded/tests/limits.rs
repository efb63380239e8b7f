//! Maxima too large to reach one call at a time.

use model::{AccountId, Millis, Site, SiteId, limits};

use crate::accounts::{NewAccount, SecretHash};
use crate::{Embedded, StoreError};

#[tokio::test]
async fn an_installation_takes_sites_up_to_the_maximum() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let offer = SecretHash::of("set-up");
    store.accounts.offer_set_up(offer).await.unwrap();
    let owner = NewAccount {
        id: AccountId::of(1),
        name: "owner".into(),
        email: "owner@example.org".into(),
        password_phc: "$".into(),
    };
    store.accounts.set_up(offer, owner, Millis(0)).await.unwrap();
    store.close().await;
    fill(&folder.path().join("watchfire.db"), limits::SITES_MAX - 1);

    let store = Embedded::open(folder.path()).unwrap();
    store.sites.add(site(limits::SITES_MAX as u64), AccountId::of(1)).await.unwrap();
    let refused = store.sites.add(site(limits::SITES_MAX as u64 + 1), AccountId::of(1)).await;
    assert!(matches!(refused, Err(StoreError::Limit { max: limits::SITES_MAX, .. })), "{refused:?}");
    assert_eq!(refused.unwrap_err().to_string(), "at most 100000 sites");
    assert_eq!(store.sites.all().await.unwrap().len(), limits::SITES_MAX);
}

fn site(number: u64) -> Site {
    Site::new(SiteId::of(number), format!("site {number}"), &[], Millis(0))
}

fn fill(file: &std::path::Path, count: usize) {
    let db = rusqlite::Connection::open(file).unwrap();
    let filled = db.execute(
        "WITH RECURSIVE numbers (number) AS (VALUES (1) UNION ALL SELECT number + 1 FROM numbers LIMIT ?1)
         INSERT INTO sites SELECT number, 'site', '[]', 'UTC', 0, 0, '[]', '[]', 0, NULL, '{}' FROM numbers",
        [count],
    );
    assert_eq!(filled.unwrap(), count);
}
