//! What a report is going to read of segments, said before it reads: the store can fetch all of it at once, while the first
//! columns are decoded.

use std::cell::RefCell;
use std::sync::Arc;

use super::columns::Column;
use super::part::Part;
use super::wants::Wants;
use crate::query::{Dimension, Filter, Query};
use crate::table::HitText;

/// Says what this query reads of each part.
pub(super) fn expect(parts: &[Arc<Part>], query: &Query) {
    let mut columns = Vec::new();
    query.by.iter().for_each(|by| of_dimension(by, &mut columns));
    query.filter.iter().chain(&query.goal).for_each(|filter| of_filter(filter, &mut columns));
    of_wants(Wants::of(query), &mut columns);
    expect_columns(parts, &columns);
}

/// Says what a funnel of these steps reads.
pub(super) fn expect_steps(parts: &[Arc<Part>], steps: &[Filter]) {
    let mut columns = vec![Column::Visitor, Column::At, Column::HitText(HitText::Path)];
    steps.iter().for_each(|step| of_filter(step, &mut columns));
    expect_columns(parts, &columns);
}

fn expect_columns(parts: &[Arc<Part>], columns: &[Column]) {
    parts.iter().for_each(|part| part.expect(columns));
}

fn of_filter(filter: &Filter, columns: &mut Vec<Column>) {
    let found = RefCell::new(Vec::new());
    filter.names(&|by| {
        found.borrow_mut().push(by.clone());
        false
    });
    for by in found.into_inner() {
        of_dimension(&by, columns);
        if !by.is_of_visit() {
            columns.push(Column::Starts);
        }
    }
}

fn of_dimension(by: &Dimension, columns: &mut Vec<Column>) {
    match by {
        Dimension::Visit(text) => columns.push(Column::VisitText(*text)),
        Dimension::Hit(HitText::Title) => {
            columns.extend([Column::HitText(HitText::Title), Column::Kind]);
        }
        Dimension::Hit(text) => columns.push(Column::HitText(*text)),
        Dimension::EntryPage | Dimension::ExitPage => columns.push(Column::EntryPage),
        Dimension::Event => columns.extend([Column::HitText(HitText::Name), Column::Kind]),
        Dimension::Prop(_) => columns.extend([Column::HitText(HitText::Props), Column::Kind]),
        Dimension::Hour | Dimension::Weekday => columns.push(Column::At),
        Dimension::NewOrReturning => columns.extend([Column::First, Column::Visitor]),
    }
}

fn of_wants(wants: Wants, columns: &mut Vec<Column>) {
    let by_visit = wants.pageviews || wants.events || wants.conversions;
    let asked = [
        (wants.visitors || wants.converted, Column::Visitor),
        (by_visit, Column::VisitPageviews),
        (wants.bounces, Column::Bounce),
        (wants.duration, Column::Last),
        (wants.engaged, Column::Engaged),
        (wants.scroll, Column::Scroll),
        (wants.revenue || wants.goal_revenue, Column::HitText(HitText::Props)),
    ];
    columns.extend(asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, column)| column));
}
