//! Each kind's row as a document, there and back; the key is the caller's.

use anyhow::Context;
use model::{Millis, Site, SiteId};
use mongodb::bson::{Bson, Document, doc};

use super::super::chat::json;
use super::super::columns::{binary, date};
use super::super::notices::parse;
use super::super::people::email_key;
use crate::moving::{
    AccountRow, InvitationRow, MemberRow, PageDayRow, PageRow, SaltRow, SavedRow, ServiceDayRow, ShareRow,
    SignInRow, TokenRow, TotalRow,
};

pub fn bytes32(row: &Document, field: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = row.get_binary_generic(field)?.as_slice();
    bytes.try_into().with_context(|| format!("`{field}` has not 32 bytes"))
}

fn text(row: &Document, field: &str) -> anyhow::Result<String> {
    Ok(row.get_str(field)?.to_owned())
}

fn texts(row: &Document, field: &str) -> anyhow::Result<Vec<String>> {
    let text = |item: &Bson| item.as_str().map(str::to_owned);
    let texts: Option<Vec<String>> = row.get_array(field)?.iter().map(text).collect();
    texts.with_context(|| format!("`{field}` is no list of words"))
}

fn moment(row: &Document, field: &str) -> anyhow::Result<i64> {
    Ok(row.get_datetime(field)?.timestamp_millis())
}

pub fn account(row: &Document) -> anyhow::Result<AccountRow> {
    Ok(AccountRow {
        id: row.get_i64("_id")?,
        name: text(row, "name")?,
        email: text(row, "email")?,
        password_phc: text(row, "password_phc")?,
        operator: row.get_bool("operator")?,
        created: row.get_i64("created")?,
        digest: row.get("digest").and_then(Bson::as_i64).unwrap_or(0),
    })
}

pub fn of_account(row: &AccountRow) -> Document {
    doc! {
        "name": &row.name,
        "email": &row.email,
        "email_key": email_key(&row.email),
        "password_phc": &row.password_phc,
        "operator": row.operator,
        "created": row.created,
        "turn": 0_i64,
        "digest": row.digest,
    }
}

pub fn site(row: &Document) -> anyhow::Result<Site> {
    Ok(Site {
        id: SiteId::of(row.get_i64("_id")? as u64),
        name: text(row, "name")?,
        hostnames: texts(row, "hostnames")?,
        time_zone: text(row, "time_zone")?,
        honour_opt_out: row.get_bool("honour_opt_out")?,
        first_party_id: row.get_bool("first_party_id")?,
        ignored_addresses: texts(row, "ignored_addresses")?,
        ignored_paths: texts(row, "ignored_paths")?,
        keep_days: row.get("keep_days").and_then(Bson::as_i64).and_then(|days| u32::try_from(days).ok()),
        chat: serde_json::from_str(row.get_str("chat").unwrap_or("{}"))?,
        created: Millis(row.get_i64("created")?),
    })
}

pub fn of_site(site: &Site) -> Document {
    doc! {
        "name": &site.name,
        "hostnames": &site.hostnames,
        "time_zone": &site.time_zone,
        "honour_opt_out": site.honour_opt_out,
        "first_party_id": site.first_party_id,
        "ignored_addresses": &site.ignored_addresses,
        "ignored_paths": &site.ignored_paths,
        "keep_days": site.keep_days.map(i64::from),
        "chat": json(&site.chat),
        "created": site.created.0,
        "turn": 0_i64,
    }
}

pub fn member(row: &Document) -> anyhow::Result<MemberRow> {
    Ok(MemberRow { site: row.get_i64("site")?, account: row.get_i64("account")?, role: row.get_i64("role")? })
}

pub fn sign_in(row: &Document) -> anyhow::Result<SignInRow> {
    Ok(SignInRow {
        secret: bytes32(row, "_id")?,
        account: row.get_i64("account")?,
        created: row.get_i64("created")?,
        expires: moment(row, "expires")?,
        agent: text(row, "agent")?,
        browser: row.get("browser").and_then(Bson::as_str).map(parse).transpose()?,
        marks: row.get_binary_generic("marks").cloned().unwrap_or_default(),
    })
}

/// Its number is lower than that of any that is opened later.
pub fn of_sign_in(row: &SignInRow) -> Document {
    let mut document = doc! {
        "account": row.account,
        "created": row.created,
        "expires": date(Millis(row.expires)),
        "agent": &row.agent,
        "number": 0_i64,
        "marks": binary(&row.marks),
    };
    if let Some(browser) = &row.browser {
        document.insert("endpoint", &browser.endpoint);
        document.insert("browser", serde_json::to_string(browser).expect("where a browser is encodes"));
    }
    document
}

pub fn token(row: &Document) -> anyhow::Result<TokenRow> {
    Ok(TokenRow {
        id: row.get_i64("_id")?,
        secret: bytes32(row, "secret")?,
        account: row.get_i64("account")?,
        name: text(row, "name")?,
        site: row.get("site").and_then(Bson::as_i64),
        scopes: texts(row, "scopes")?,
        created: row.get_i64("created")?,
    })
}

pub fn of_token(row: &TokenRow) -> Document {
    doc! {
        "secret": binary(&row.secret),
        "account": row.account,
        "name": &row.name,
        "site": row.site,
        "scopes": &row.scopes,
        "created": row.created,
    }
}

pub fn invitation(row: &Document) -> anyhow::Result<InvitationRow> {
    Ok(InvitationRow {
        id: row.get_i64("_id")?,
        secret: bytes32(row, "secret")?,
        site: row.get_i64("site")?,
        role: row.get_i64("role")?,
        by: row.get_i64("by")?,
        note: text(row, "note")?,
        created: row.get_i64("created")?,
        expires: moment(row, "expires")?,
    })
}

pub fn of_invitation(row: &InvitationRow) -> Document {
    doc! {
        "secret": binary(&row.secret),
        "site": row.site,
        "role": row.role,
        "by": row.by,
        "note": &row.note,
        "created": row.created,
        "expires": date(Millis(row.expires)),
    }
}

pub fn share(row: &Document) -> anyhow::Result<ShareRow> {
    Ok(ShareRow {
        id: row.get_i64("_id")?,
        secret: bytes32(row, "secret")?,
        site: row.get_i64("site")?,
        name: text(row, "name")?,
        created: row.get_i64("created")?,
        segment: row.get("segment").and_then(Bson::as_i64),
    })
}

pub fn of_share(row: &ShareRow) -> Document {
    doc! { "secret": binary(&row.secret), "site": row.site, "name": &row.name, "created": row.created, "segment": row.segment }
}

pub fn saved(row: &Document) -> anyhow::Result<SavedRow> {
    Ok(SavedRow {
        id: row.get_i64("_id")?,
        site: row.get_i64("site")?,
        kind: row.get_i64("kind")?,
        name: text(row, "name")?,
        body: text(row, "body")?,
        at: row.get("at").and_then(Bson::as_i64),
        created: row.get_i64("created")?,
    })
}

pub fn of_saved(row: &SavedRow) -> Document {
    doc! {
        "site": row.site,
        "kind": row.kind,
        "name": &row.name,
        "body": &row.body,
        "at": row.at,
        "created": row.created,
    }
}

pub fn salt(row: &Document) -> anyhow::Result<SaltRow> {
    Ok(SaltRow { name: text(row, "_id")?, salt: bytes32(row, "salt")?, expires: moment(row, "expires")? })
}

pub fn of_salt(row: &SaltRow) -> Document {
    doc! { "salt": binary(&row.salt), "expires": date(Millis(row.expires)) }
}

pub fn page(row: &Document) -> anyhow::Result<PageRow> {
    Ok(PageRow {
        id: row.get_i64("_id")?,
        site: row.get_i64("site")?,
        url: text(row, "url")?,
        created: row.get_i64("created")?,
    })
}

pub fn page_day(row: &Document) -> anyhow::Result<PageDayRow> {
    Ok(PageDayRow {
        site: row.get_i64("site")?,
        page: row.get_i64("page")?,
        day: row.get_i64("day")?,
        version: row.get_i64("version")?,
        body: text(row, "body")?,
    })
}

pub fn service_day(row: &Document) -> anyhow::Result<ServiceDayRow> {
    Ok(ServiceDayRow { day: row.get_i64("_id")?, version: row.get_i64("version")?, body: text(row, "body")? })
}

pub fn total(row: &Document) -> anyhow::Result<TotalRow> {
    Ok(TotalRow { site: row.get_i64("site")?, slot: row.get_i64("slot")?, body: text(row, "body")? })
}
