//! The page of a site's availability: how each page is, its last outages, and the form of one more.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::limits::WATCHED_PAGES_MAX;
use model::{Millis, Role, WatchedPage};
use patrol::{Now, PageUptime};

use super::{checked, seen, unwatch, watch};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::OnSite;
use crate::moment::Moment;
use crate::reports::range::{Preset, Range};
use crate::shell::{Done, Shell, go_to, page};

/// Days that the page is about.
const DAYS: i64 = 28;
/// Outages of each page that stand in its list.
const OUTAGES_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "availability.html")]
struct AvailabilityPage {
    shell: Shell,
    site_id: String,
    time_zone: String,
    days: i64,
    rows: Vec<Row>,
    may_edit: bool,
    /// None: there are as many as may be.
    url: Option<Field>,
    pages_max: usize,
}

struct Row {
    id: String,
    url: String,
    /// `up`, `down` or `unknown`.
    state: &'static str,
    state_name: &'static str,
    /// Where it is down: since when, and why.
    since: Option<(Moment, String)>,
    /// How long the last answer took, where one came.
    took: Option<String>,
    uptime: Option<String>,
    down: String,
    outages: Vec<OutageRow>,
    more: usize,
}

struct OutageRow {
    from: Moment,
    to: Moment,
    lasted: String,
    why: String,
    began_before: bool,
    is_open: bool,
}

/// `GET /sites/{site}/availability`
pub async fn show(State(web): State<Arc<Web>>, on: OnSite, done: Done) -> Answer {
    let mut shown = availability_page(&web, &on, Field::default()).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /sites/{site}/availability`
pub async fn add(State(web): State<Arc<Web>>, on: OnSite, fields: Fields) -> Answer {
    let typed = fields.text("url");
    let refused = match checked(&web, &on.site, typed) {
        Err(said) => said,
        Ok(url) => match watch(&web, &on, url).await {
            Ok(_) => return Ok(go_to(&format!("/sites/{}/availability?done=watched", on.site.id))),
            Err(problem) if problem.0.status == StatusCode::CONFLICT => problem.0.message,
            Err(problem) => return Err(problem),
        },
    };
    let field = Field { value: typed.to_owned(), error: Some(refused) };
    let mut answer: Response = page(&availability_page(&web, &on, field).await?);
    *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer.into_response())
}

/// `POST /sites/{site}/availability/{page}/remove`
pub async fn remove(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    unwatch(&web, &on, &id).await?;
    Ok(go_to(&format!("/sites/{}/availability?done=unwatched", on.site.id)))
}

async fn availability_page(web: &Web, on: &OnSite, url: Field) -> Result<AvailabilityPage, Problem> {
    let (_, seen) = seen(web, &on.site, Range::Preset(Preset::Days(DAYS))).await?;
    let is_full = seen.len() >= WATCHED_PAGES_MAX;
    Ok(AvailabilityPage {
        shell: Shell::on_site(&format!("{}, availability", on.site.name), on, "reports"),
        site_id: on.site.id.to_string(),
        time_zone: on.site.time_zone.clone(),
        days: DAYS,
        rows: seen.into_iter().map(|(page, uptime)| row(page, &uptime)).collect(),
        may_edit: on.role >= Role::Admin,
        url: (!is_full || url.is_bad()).then_some(url),
        pages_max: WATCHED_PAGES_MAX,
    })
}

fn row(page: WatchedPage, uptime: &PageUptime) -> Row {
    // The latest first.
    let outages = uptime.outages.iter().rev().take(OUTAGES_SHOWN).map(|outage| OutageRow {
        from: Millis(outage.from).into(),
        to: Millis(outage.to).into(),
        lasted: lasted(outage.to - outage.from),
        why: outage.reason.sentence(),
        began_before: outage.began_before,
        is_open: outage.is_open,
    });
    let (state, state_name, since) = match uptime.now {
        Now::Up => ("up", "up", None),
        Now::Down { since, reason } => ("down", "down", Some((since.into(), reason.sentence()))),
        Now::Unknown => ("unknown", "not known", None),
    };
    Row {
        id: page.id.to_string(),
        url: page.url,
        state,
        state_name,
        since,
        took: uptime.took_ms.filter(|_| uptime.now == Now::Up).map(alert::words::number),
        uptime: uptime.share().map(percent),
        down: lasted(uptime.down_ms),
        outages: outages.collect(),
        more: uptime.outages.len().saturating_sub(OUTAGES_SHOWN),
    }
}

/// Never rounded up to all, where it was not all.
pub fn percent(share: f64) -> String {
    if share >= 1.0 {
        return "100 %".to_owned();
    }
    format!("{:.2} %", (share * 10_000.0).floor() / 100.0)
}

/// `45 s`, `3 min 5 s`, `2 h 5 min`, `3 d 4 h`
pub fn lasted(ms: i64) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |whole: i64, unit: &str, rest: i64, of: &str| match rest {
        0 => format!("{whole} {unit}"),
        rest => format!("{whole} {unit} {rest} {of}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => two(minutes, "min", seconds % 60, "s"),
        (0, _, _) => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_in_its_two_largest_units() {
        for (ms, words) in [
            (0, "0 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (185_000, "3 min 5 s"),
            (7_500_000, "2 h 5 min"),
            (86_400_000, "1 d"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(lasted(ms), words);
        }
    }

    #[test]
    fn what_was_not_all_of_the_time_is_never_said_to_be() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.999_999), "99.99 %");
        assert_eq!(percent(0.995), "99.50 %");
        assert_eq!(percent(0.0), "0.00 %");
    }
}
