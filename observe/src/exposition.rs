//! Prometheus' text format, as this program's own exporter writes it.

/// One reading of all metrics of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrape {
    pub samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

impl Sample {
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Scrape {
    /// Lines that are no samples are passed over.
    pub fn of(text: &str) -> Scrape {
        Scrape { samples: text.lines().filter_map(sample).collect() }
    }

    pub fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }
}

/// `name{key="value",…} number`, of which the braces may be missing.
fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let name_end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_end);
    let mut labels = Vec::new();
    let rest = match rest.strip_prefix('{') {
        Some(inside) => of_labels(inside, &mut labels)?,
        None => rest,
    };
    Some(Sample { name: name.to_owned(), labels, value: rest.trim().parse().ok()? })
}

/// Reads up to the closing brace; what follows it is left.
fn of_labels<'t>(mut text: &'t str, labels: &mut Vec<(String, String)>) -> Option<&'t str> {
    loop {
        text = text.trim_start_matches(',');
        if let Some(rest) = text.strip_prefix('}') {
            return Some(rest);
        }
        let (key, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.push((key.to_owned(), value));
        text = rest;
    }
}

/// Up to the closing quote, escapes taken back.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            letter => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_values_are_read() {
        let scrape = Scrape::of(concat!(
            "# HELP hits Hits\n# TYPE hits counter\n",
            "hits{outcome=\"accepted\",why=\"a \\\"b\\\" \\\\ \\n\"} 12\n",
            "bytes 1.5e3\n\nbroken{a=\"b\nhalf{a=\"b\"}\n",
        ));
        let hits = Sample {
            name: "hits".into(),
            labels: vec![("outcome".into(), "accepted".into()), ("why".into(), "a \"b\" \\ \n".into())],
            value: 12.0,
        };
        let bytes = Sample { name: "bytes".into(), labels: Vec::new(), value: 1_500.0 };
        assert_eq!(scrape.samples, [hits, bytes]);
        assert_eq!(scrape.named("hits").next().and_then(|hit| hit.label("outcome")), Some("accepted"));
    }
}
