//! A report on a terminal: columns as wide as they need, numbers to the right.

use std::io::Write;

use unicode_width::UnicodeWidthStr;
use web::reports::{Answer, Cell, Table, Told, metric_name};

/// Characters of one text that are shown.
const TEXT_CHARS_MAX: usize = 60;

pub fn print(out: &mut impl Write, told: &Told) -> std::io::Result<()> {
    let table = Table::of(&told.answer);
    let cells: Vec<Vec<(String, bool)>> = table
        .rows
        .iter()
        .map(|row| row.iter().zip(&table.header).map(|(cell, name)| shown(cell, name)).collect())
        .collect();
    let widths: Vec<usize> = (0..table.header.len())
        .map(|place| {
            let widest = cells.iter().map(|row| row[place].0.width()).max().unwrap_or(0);
            widest.max(table.header[place].width())
        })
        .collect();
    let is_number: Vec<bool> =
        (0..widths.len()).map(|place| cells.first().is_some_and(|row| row[place].1)).collect();
    let range = range(&told.answer);
    writeln!(out, "{range} ({})\n", told.time_zone)?;
    let header: Vec<(String, bool)> =
        table.header.iter().zip(&is_number).map(|(name, number)| (name.clone(), *number)).collect();
    for row in std::iter::once(&header).chain(&cells) {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|((text, is_number), width)| padded(text, *is_number, *width))
            .collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    for line in more(&told.answer).into_iter().chain(imported(&told.answer)) {
        writeln!(out, "\n{line}")?;
    }
    Ok(())
}

/// As wide as that on a terminal, where some letters take two places.
fn padded(text: &str, is_number: bool, width: usize) -> String {
    let blank = " ".repeat(width.saturating_sub(text.width()));
    if is_number { blank + text } else { text.to_owned() + &blank }
}

/// Of which days only totals are known, and whether they are in it.
fn imported(answer: &Answer) -> Option<String> {
    let imported = answer.imported()?;
    let days = format!("{} days of daily totals, {} to {}", imported.days, imported.first, imported.last);
    let without: Vec<String> = imported.without.iter().map(|metric| metric_name(*metric)).collect();
    Some(match &imported.because {
        Some(because) => format!("Without {days}: {because}"),
        None if without.is_empty() => format!("With {days}, whose visitors are added up"),
        None => format!("With {days}, whose visitors are added up; they are not in {}", without.join(", ")),
    })
}

fn range(answer: &Answer) -> String {
    let range = answer.range();
    format!("{} to {}", range.begin, range.end)
}

fn more(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Breakdown(said) => {
            let groups = said.groups;
            said.next.map(|next| format!("{} of {groups} rows; --limit shows more", next - said.offset))
        }
        Answer::Funnel(_) | Answer::Retention(_) | Answer::Journeys(_) => None,
    }
}

/// What is shown, and whether it is a number.
fn shown(cell: &Cell, name: &str) -> (String, bool) {
    match cell {
        Cell::Nothing => (String::new(), true),
        Cell::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap_or_default();
            let is_rate = name.ends_with("-rate") || name.ends_with("scroll-depth");
            (if is_rate { format!("{:.1} %", value * 100.0) } else { format!("{value:.2}") }, true)
        }
        Cell::Number(number) => (number.to_string(), true),
        Cell::Text(text) => {
            // What moves the cursor or turns the direction would draw other lines than these.
            let plain = |letter: char| match letter {
                '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
                letter if letter.is_control() => '\u{FFFD}',
                letter => letter,
            };
            let mut short: String = text.chars().take(TEXT_CHARS_MAX).map(plain).collect();
            if text.chars().nth(TEXT_CHARS_MAX).is_some() {
                short.push('…');
            }
            (if short.is_empty() { "(none)".to_owned() } else { short }, false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_look() {
        assert_eq!(padded("/茶", false, 6), "/茶   ");
        assert_eq!(padded("12", true, 6), "    12");
        assert_eq!(padded("longer", false, 3), "longer");
    }

    #[test]
    fn a_text_of_a_visitor_stays_in_its_cell() {
        let (text, _) = shown(&Cell::Text("tea\u{1B}[2J\u{202E}\u{2066}\n".into()), "page");
        assert_eq!(text, "tea\u{FFFD}[2J\u{FFFD}\u{FFFD}\u{FFFD}");
    }
}
