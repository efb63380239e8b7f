//! Forms as they arrive: bounded in bytes and time, read leniently, each value checked by its named limit.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use door::Refusal;
use model::limits;
use serde_json::Value;

use crate::error::Problem;

/// Bytes of a form or JSON body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// A body must arrive within this.
const BODY_WAIT_MAX: Duration = Duration::from_secs(10);

const OURS: &str = "Watchfire itself speaks under that name, or one that looks like it. Choose another.";

/// A submitted form.
pub struct Fields(Vec<(String, String)>);

/// A value of a form as it is shown again, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    pub value: String,
    pub error: Option<String>,
}

impl Field {
    pub fn of(value: impl Into<String>) -> Field {
        Field { value: value.into(), error: None }
    }

    pub fn is_bad(&self) -> bool {
        self.error.is_some()
    }

    /// The value without the spaces around it, where `check` finds nothing wrong with that.
    pub fn checked(value: &str, check: impl FnOnce(&str) -> Option<String>) -> Field {
        let value = value.trim();
        Field { value: value.to_owned(), error: check(value) }
    }
}

impl Fields {
    /// The first value of that name; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn is_checked(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Every line of a text area that says something.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        self.text(name).lines().map(str::trim).filter(|line| !line.is_empty()).collect()
    }

    /// The name of a person, site, token or share link.
    pub fn name(&self, name: &str) -> Field {
        Field::checked(self.text(name), name_problem)
    }

    /// The name of an account: none of our own.
    pub fn own_name(&self, name: &str) -> Field {
        Field::checked(self.text(name), |value| {
            name_problem(value).or_else(|| chat::is_ours(value).then(|| OURS.to_owned()))
        })
    }

    /// A note of the same length as a name; may be empty.
    pub fn note(&self, name: &str) -> Field {
        Field::checked(self.text(name), |value| if value.is_empty() { None } else { name_problem(value) })
    }

    pub fn email(&self, name: &str) -> Field {
        Field::checked(self.text(name), email_problem)
    }

    /// A new password, as typed: spaces count.
    pub fn new_password(&self, name: &str) -> Field {
        let value = self.text(name);
        Field { value: value.to_owned(), error: password_problem(value) }
    }
}

/// What is wrong with a name.
pub fn name_problem(value: &str) -> Option<String> {
    if value.is_empty() {
        return Some("Fill this in.".to_owned());
    }
    too_long(value, limits::NAME_BYTES_MAX).or_else(|| unprintable(value))
}

pub fn email_problem(value: &str) -> Option<String> {
    let looks_right = value.split_once('@').is_some_and(|(person, host)| {
        !person.is_empty() && !host.is_empty() && !host.contains('@') && !value.contains(char::is_whitespace)
    });
    if !looks_right {
        return Some("Give an e-mail address, like ada@example.org.".to_owned());
    }
    too_long(value, limits::EMAIL_BYTES_MAX).or_else(|| unprintable(value))
}

fn password_problem(value: &str) -> Option<String> {
    if value.chars().count() < limits::PASSWORD_CHARS_MIN {
        return Some(format!("Use at least {} characters.", limits::PASSWORD_CHARS_MIN));
    }
    too_long(value, limits::PASSWORD_BYTES_MAX)
}

/// Says the limit where a value passes it.
pub fn too_long(value: &str, bytes_max: usize) -> Option<String> {
    let bytes = value.len();
    (bytes > bytes_max)
        .then(|| format!("This is too long: {bytes} bytes, and at most {bytes_max} fit. Make it shorter."))
}

pub fn unprintable(value: &str) -> Option<String> {
    let refused = |letter: char| letter.is_control() || turns_text(letter);
    if value.contains(refused) {
        return Some("Leave out line breaks, control characters and marks that turn text around.".to_owned());
    }
    let is_blank =
        !value.is_empty() && value.chars().all(|letter| letter.is_whitespace() || is_unseen(letter));
    is_blank.then(|| "Use letters that can be seen.".to_owned())
}

/// Line separators, and the embeddings, overrides and isolates by which one name can be shown as another. Marks that
/// right-to-left writing needs within a name (U+200E, U+200F, U+061C) are none of them.
fn turns_text(letter: char) -> bool {
    matches!(letter, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Nothing is drawn for it; joiners and selectors belong within words and emoji, but are no name.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}')
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Fields, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_form = content_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        if !is_form {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type",
                "A form is sent as application/x-www-form-urlencoded.",
            )
            .into());
        }
        let body = body(request).await?;
        Ok(Fields(url::form_urlencoded::parse(&body).into_owned().collect()))
    }
}

/// The whole body, within `BODY_BYTES_MAX` and in time.
pub async fn body(request: Request) -> Result<Bytes, Problem> {
    let read = to_bytes(request.into_body(), BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_WAIT_MAX, read).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("A body holds at most {BODY_BYTES_MAX} bytes; send less at once."),
        )
        .into()),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            "The form did not arrive in time; try again.",
        )
        .into()),
    }
}

/// As [`body`], and JSON.
pub async fn json(request: Request) -> Result<Value, Problem> {
    let body = body(request).await?;
    serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request("malformed", format!("The body is not JSON: {error}.")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: fn(&str) -> Option<String>, good: &str, bad: &str) {
        assert_eq!(problem(good), None, "{good}");
        assert!(problem(bad).is_some(), "{bad}");
    }

    #[test]
    fn each_value_is_taken_at_its_limit_and_refused_past_it() {
        check(name_problem, &"n".repeat(limits::NAME_BYTES_MAX), &"n".repeat(limits::NAME_BYTES_MAX + 1));
        check(name_problem, "é", &"é".repeat(limits::NAME_BYTES_MAX / 2 + 1));
        let email = |bytes: usize| format!("{}@example.org", "a".repeat(bytes - 12));
        check(email_problem, &email(limits::EMAIL_BYTES_MAX), &email(limits::EMAIL_BYTES_MAX + 1));
        let least = limits::PASSWORD_CHARS_MIN;
        check(password_problem, &"é".repeat(least), &"é".repeat(least - 1));
        check(
            password_problem,
            &"p".repeat(limits::PASSWORD_BYTES_MAX),
            &"p".repeat(limits::PASSWORD_BYTES_MAX + 1),
        );
    }

    #[test]
    fn odd_values_are_refused() {
        check(name_problem, "Ada <script>", "");
        check(name_problem, "Ada \"Q\"", "a\nb");
        check(name_problem, "עדה", "\u{202E}nimda");
        check(name_problem, "👩\u{200D}💻 نامه\u{200C}ها", "\u{200B}\u{2060}");
        check(email_problem, "a@b", "a@b@c");
        check(email_problem, "ada+x@example.org", "ada example.org");
        check(email_problem, "ada@example.org", "@example.org");
        check(email_problem, "ada@example.org", "ada@");
        check(email_problem, "ada@example.org", "a da@example.org");
    }

    #[test]
    fn lines_of_a_text_area_are_trimmed_and_empty_ones_left_out() {
        let fields = Fields(vec![("list".into(), " a \r\n\r\nb\n".into())]);
        assert_eq!(fields.lines("list"), ["a", "b"]);
        assert_eq!(fields.lines("none"), Vec::<&str>::new());
    }
}
