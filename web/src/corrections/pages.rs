//! The page of corrections: those in force, and the form of one more, filled from a filtered report.

use std::sync::Arc;

use archive::{Corrected, CorrectionState};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use history::amend::{Correction, Verdict};
use history::query::Filter;

use super::{checked, correct, counted, edge, known};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::{Caller, OnSite};
use crate::moment::Moment;
use crate::reports::refused;
use crate::shell::{Done, Shell, go_to, page, query_value};

#[derive(Template)]
#[template(path = "corrections.html")]
struct CorrectionsPage {
    shell: Shell,
    site_id: String,
    corrections: Vec<Row>,
    proposed: Option<Proposed>,
}

struct Row {
    id: String,
    name: String,
    by: String,
    at: Moment,
    is_bot: bool,
    from: Option<Moment>,
    to: Option<Moment>,
    what: String,
    visits: usize,
    hits: usize,
    is_under_way: bool,
}

/// What a form is filled with.
struct Proposed {
    name: Field,
    from: i64,
    to: i64,
    first: Option<Moment>,
    end: Option<Moment>,
    filter: String,
    what: String,
    visits: usize,
    hits: usize,
}

/// `GET /sites/{site}/corrections?from=&to=&filter=`: with a filter, and the form of a correction by it.
pub async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    on: OnSite,
    done: Done,
    RawQuery(query): RawQuery,
) -> Answer {
    let value = |name: &str| query_value(query.as_deref(), name).unwrap_or_default();
    let mut shown = corrections_page(&web, &on).await?;
    shown.shell = shown.shell.saying(&done);
    if !value("filter").is_empty() {
        let correction = stated(&value("from"), &value("to"), &value("filter"), "bot")?;
        shown.proposed = Some(proposed(&web, &caller, &on, correction, Field::default()).await?);
    }
    Ok(page(&shown))
}

/// `POST /sites/{site}/corrections`
pub async fn add(State(web): State<Arc<Web>>, caller: Caller, on: OnSite, fields: Fields) -> Answer {
    let text = |name: &str| fields.text(name);
    let correction = stated(text("from"), text("to"), text("filter"), text("verdict"))?;
    let name = fields.name("name");
    if name.is_bad() {
        let mut shown = corrections_page(&web, &on).await?;
        shown.proposed = Some(proposed(&web, &caller, &on, correction, name).await?);
        let mut answer: Response = page(&shown);
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(answer.into_response());
    }
    correct(&web, &on, &name.value, correction).await?;
    Ok(go_to(&format!("/sites/{}/corrections?done=corrected", on.site.id)))
}

/// `POST /sites/{site}/corrections/{saved}/undo`
pub async fn take_back(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    super::take_back(&web, &on, &id).await?;
    Ok(go_to(&format!("/sites/{}/corrections?done=taken-back", on.site.id)))
}

/// A correction as the form and its address state it.
fn stated(from: &str, to: &str, filter: &str, verdict: &str) -> Result<Correction, Problem> {
    let moment = |name: &str, text: &str| {
        text.parse::<i64>().map_err(|_| refused::query(name, "milliseconds since 1970"))
    };
    let filter: Filter = serde_json::from_str(filter).map_err(|error| refused::query("filter", error))?;
    let verdict = refused::worded("verdict", verdict, "bot or human")?;
    let (from, to) = (moment("from", from)?, moment("to", to)?);
    Ok(checked(Correction { from, to, filter, verdict })?)
}

async fn proposed(
    web: &Web,
    caller: &Caller,
    on: &OnSite,
    correction: Correction,
    name: Field,
) -> Result<Proposed, Problem> {
    let (visits, hits) = counted(web, caller, &on.site, correction.clone()).await?;
    let Correction { from, to, filter, .. } = correction;
    Ok(Proposed {
        name,
        from,
        to,
        first: edge(from).map(Moment::from),
        end: edge(to).map(Moment::from),
        what: words(&filter),
        filter: serde_json::to_string(&filter).map_err(|error| refused::query("filter", error))?,
        visits,
        hits,
    })
}

async fn corrections_page(web: &Web, on: &OnSite) -> Result<CorrectionsPage, Problem> {
    let corrections = known(web, &on.site).await?.into_iter().rev().map(row).collect();
    let title = format!("{}, corrections", on.site.name);
    let shell = Shell::on_site(&title, on, "reports");
    Ok(CorrectionsPage { shell, site_id: on.site.id.to_string(), corrections, proposed: None })
}

fn row(corrected: Corrected) -> Row {
    let Correction { from, to, filter, verdict } = &corrected.correction;
    Row {
        id: corrected.id.to_string(),
        at: corrected.at.into(),
        is_bot: *verdict == Verdict::Bot,
        from: edge(*from).map(Moment::from),
        to: edge(*to).map(Moment::from),
        what: words(filter),
        visits: corrected.visits,
        hits: corrected.hits,
        is_under_way: corrected.state != CorrectionState::InForce,
        name: corrected.name,
        by: corrected.by,
    }
}

/// A filter as people read it.
fn words(filter: &Filter) -> String {
    let all = |inner: &[Filter], word: &str| match inner {
        [one] => words(one),
        several => {
            let each: Vec<String> = several.iter().map(|filter| format!("({})", words(filter))).collect();
            each.join(&format!(" {word} "))
        }
    };
    let of = |values: &[String]| {
        let named =
            |value: &String| if value.is_empty() { "unknown".to_owned() } else { format!("“{value}”") };
        values.iter().map(named).collect::<Vec<_>>().join(" or ")
    };
    match filter {
        Filter::And(inner) if inner.is_empty() => "anything".to_owned(),
        Filter::Or(inner) if inner.is_empty() => "nothing".to_owned(),
        Filter::And(inner) => all(inner, "and"),
        Filter::Or(inner) => all(inner, "or"),
        Filter::Not(inner) => format!("not ({})", words(inner)),
        Filter::Visit(inner) => format!("the visit has {}", words(inner)),
        Filter::Visitor(inner) => format!("the visitor has {}", words(inner)),
        Filter::Is { by, values } => format!("{by} is {}", of(values)),
        Filter::Contains { by, values } => format!("{by} contains {}", of(values)),
        Filter::Starts { by, values } => format!("{by} starts with {}", of(values)),
        Filter::Matches { by, pattern } => format!("{by} matches {pattern}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_as_a_sentence() {
        let read = |text: &str| words(&serde_json::from_str::<Filter>(text).unwrap());
        let is = r#"{"is":{"by":"country","values":["FR",""]}}"#;
        assert_eq!(read(is), "country is “FR” or unknown");
        assert_eq!(read(&format!(r#"{{"and":[{is}]}}"#)), "country is “FR” or unknown");
        let both = format!(r#"{{"and":[{is},{{"not":{{"matches":{{"by":"page","pattern":"^/a"}}}}}}]}}"#);
        assert_eq!(read(&both), "(country is “FR” or unknown) and (not (page matches ^/a))");
        assert_eq!(read(r#"{"and":[]}"#), "anything");
    }
}
