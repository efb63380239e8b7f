//! Filters as they are typed: `page is /a`, `country not is FR`, or JSON.

use anyhow::{Context, bail};
use serde_json::{Value, json};

pub fn read(text: &str) -> anyhow::Result<Value> {
    let text = text.trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).with_context(|| format!("--filter: `{text}` is no JSON"));
    }
    let usage = || format!("--filter: `{text}` is not DIMENSION [not] is|contains|starts|matches VALUE");
    let (by, rest) = text.split_once(' ').with_context(usage)?;
    let (is_not, rest) = match rest.trim_start().strip_prefix("not ") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    // An empty value: unknown or none.
    let (word, value) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
    let (is_not, value) = match value.trim_start().strip_prefix("not ") {
        Some(value) if word == "is" && !is_not => (true, value),
        _ => (is_not, value),
    };
    let value = value.trim();
    let filter = match word {
        "is" | "contains" | "starts" => json!({ word: {"by": by, "values": [value]} }),
        "matches" => json!({ "matches": {"by": by, "pattern": value} }),
        _ => bail!(usage()),
    };
    Ok(if is_not { json!({ "not": filter }) } else { filter })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_typed_as_they_are_said() {
        let check = |text: &str, expected: Value| assert_eq!(read(text).unwrap(), expected, "{text}");
        check("page is /a b", json!({"is": {"by": "page", "values": ["/a b"]}}));
        check("page is not /a", json!({"not": {"is": {"by": "page", "values": ["/a"]}}}));
        check("page not starts /a", json!({"not": {"starts": {"by": "page", "values": ["/a"]}}}));
        check("title contains not now", json!({"contains": {"by": "title", "values": ["not now"]}}));
        check("page matches ^/[0-9]+$", json!({"matches": {"by": "page", "pattern": "^/[0-9]+$"}}));
        check("country is", json!({"is": {"by": "country", "values": [""]}}));
        check(r#"{"not": {}}"#, json!({"not": {}}));
        for bad in ["", "page", "page equals /a", "{page}"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
