//! Figures of a site's conversations, for its agents: as a page, and as JSON. What each is stands in docs/definitions.md.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::response::IntoResponse;
use chat::figures::{Figures, Judged, Service, day_of};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::Site;

use crate::Web;
use crate::error::{Answer, Problem};
use crate::guard::{Caller, OnSite};
use crate::reports::refused;
use crate::shell::{Shell, page, query_value};

/// Days that are shown where none are asked for, and that are offered.
const DAYS: i32 = 28;
const OFFERED: [i32; 3] = [7, 28, 90];

#[derive(Template)]
#[template(path = "figures.html")]
struct FiguresPage {
    shell: Shell,
    site_id: String,
    time_zone: String,
    from: String,
    to: String,
    /// What the range may not be behind.
    today: String,
    offered: Vec<Offered>,
    tiles: Vec<Tile>,
    days: Vec<Row>,
    agents: Vec<Row>,
    judged: Vec<JudgedRow>,
    judged_all: JudgedRow,
}

/// A range that ends today.
struct Offered {
    name: String,
    from: String,
    is_shown: bool,
}

struct Tile {
    name: &'static str,
    value: String,
    more: String,
}

/// A day's, or an agent's.
struct Row {
    name: String,
    begun: u64,
    answered: u64,
    first_answer: String,
    first_answer_p90: String,
    closed: u64,
    resolution: String,
    stars: String,
}

struct JudgedRow {
    name: String,
    judged: Judged,
}

/// `GET /sites/{site}/inbox/figures?from=&to=`
pub async fn show(State(web): State<Arc<Web>>, on: OnSite, RawQuery(query): RawQuery) -> Answer {
    let (from, to, today) = range(&web, &on.site, query.as_deref())?;
    let figures = web.chat.figures(&on.by.principal, &on.site, from, to).await?;
    Ok(page(&figures_page(&on, figures, today)))
}

/// `GET /api/watchfire/sites/{site}/figures?from=&to=`
pub async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
) -> Answer {
    let (from, to, _) = range(&web, &site, query.as_deref())?;
    Ok(Json(web.chat.figures(&caller.principal, &site, from, to).await?).into_response())
}

/// The days that are asked for, and today.
fn range(web: &Web, site: &Site, query: Option<&str>) -> Result<(Date, Date, Date), Problem> {
    let zone = TimeZone::get(&site.time_zone).unwrap_or(TimeZone::UTC);
    let today = day_of(web.clock.now(), &zone);
    let day = |name: &str| -> Result<Option<Date>, Problem> {
        let Some(text) = query_value(query, name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let day = text.parse().map_err(|_| refused::query(name, "a day, like 2026-11-22"))?;
        Ok(Some(day))
    };
    let to = day("to")?.unwrap_or(today);
    let from = match day("from")? {
        Some(from) => from,
        None => to.checked_sub((DAYS - 1).days()).unwrap_or(to),
    };
    Ok((from, to, today))
}

fn figures_page(on: &OnSite, figures: Figures, today: Date) -> FiguresPage {
    let Figures { from, to, all, judged, days, agents } = figures;
    let offered = OFFERED.map(|days| {
        let first = today.checked_sub((days - 1).days()).unwrap_or(today);
        let is_shown = (first, today) == (from, to);
        Offered { name: format!("{days} days"), from: first.to_string(), is_shown }
    });
    let judged_rows = days.iter().rev().filter(|of| of.judged != Judged::default());
    let judged_rows =
        judged_rows.map(|of| JudgedRow { name: of.day.to_string(), judged: of.judged }).collect();
    let agent = |name: String| if name.is_empty() { "Nobody".to_owned() } else { name };
    FiguresPage {
        shell: Shell::on_site(&format!("Figures of {}", on.site.name), on, "inbox"),
        site_id: on.site.id.to_string(),
        time_zone: on.site.time_zone.clone(),
        from: from.to_string(),
        to: to.to_string(),
        today: today.to_string(),
        offered: offered.into(),
        tiles: tiles(&all),
        // The latest first.
        days: days.iter().rev().map(|of| row(of.day.to_string(), &of.service)).collect(),
        agents: agents.into_iter().map(|of| row(agent(of.name), &of.service)).collect(),
        judged: judged_rows,
        judged_all: JudgedRow { name: "All".into(), judged },
    }
}

fn tiles(all: &Service) -> Vec<Tile> {
    let tile = |name, value, more| Tile { name, value, more };
    let nine =
        |ms: Option<i64>| ms.map(|ms| format!("nine of ten within {}", long(Some(ms)))).unwrap_or_default();
    vec![
        tile("Begun", all.begun.to_string(), String::new()),
        tile("Answered", all.answered.to_string(), String::new()),
        tile("First answer", long(all.first_answer_median_ms), nine(all.first_answer_p90_ms)),
        tile("Closed", all.closed.to_string(), String::new()),
        tile("From begin to close", long(all.resolution_median_ms), nine(all.resolution_p90_ms)),
        tile("Stars", stars(all), format!("of {} who said so", all.rated)),
    ]
}

fn row(name: String, of: &Service) -> Row {
    Row {
        name,
        begun: of.begun,
        answered: of.answered,
        first_answer: long(of.first_answer_median_ms),
        first_answer_p90: long(of.first_answer_p90_ms),
        closed: of.closed,
        resolution: long(of.resolution_median_ms),
        stars: match of.rated {
            0 => "–".to_owned(),
            rated => format!("{} ({rated})", stars(of)),
        },
    }
}

fn stars(of: &Service) -> String {
    of.stars_mean.map_or("–".to_owned(), |mean| format!("{mean:.1}"))
}

/// `12 s`, `4 min`, `3 h 20 min`, `2 d 5 h`.
fn long(ms: Option<i64>) -> String {
    let Some(ms) = ms else {
        return "–".to_owned();
    };
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |first: String, rest: i64, unit: &str| match rest {
        0 => first,
        rest => format!("{first} {rest} {unit}"),
    };
    match () {
        () if minutes == 0 => format!("{seconds} s"),
        () if hours == 0 => format!("{minutes} min"),
        () if days == 0 => two(format!("{hours} h"), minutes % 60, "min"),
        () => two(format!("{days} d"), hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_people_say_them() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (12_000, "3 h 20 min"),
            (86_400, "1 d"),
            (190_800, "2 d 5 h"),
        ] {
            assert_eq!(long(Some(seconds * 1_000)), expected);
        }
        assert_eq!(long(None), "–");
    }
}
