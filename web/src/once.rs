//! Forms that were taken already: a double click or a reload makes nothing twice.

use std::collections::VecDeque;

use tokio::sync::{Mutex, MutexGuard};

/// Forms remembered; the oldest are forgotten.
const FORMS_MAX: usize = 1_000;
/// Bytes of a form's mark; a longer one is none.
const MARK_BYTES_MAX: usize = 64;

/// Remembers each form by the random mark it was given when it was shown, with where its sender was led.
#[derive(Default)]
pub struct Once(Mutex<VecDeque<(String, String)>>);

/// One form's turn; the next form waits until this is dropped, so the second click finds the first one's result.
pub struct Turn<'o> {
    forms: MutexGuard<'o, VecDeque<(String, String)>>,
    mark: String,
}

impl Once {
    /// The turn of a form never seen, or where the sender of the same form was led before.
    /// A form without a mark is always new.
    pub async fn begin(&self, mark: &str) -> Result<Turn<'_>, String> {
        let forms = self.0.lock().await;
        let before = forms.iter().find(|(known, _)| !mark.is_empty() && known == mark);
        match before.map(|(_, led_to)| led_to.clone()) {
            Some(led_to) => Err(led_to),
            None => Ok(Turn { forms, mark: mark.to_owned() }),
        }
    }
}

impl Turn<'_> {
    /// The form did what it should; its sender is led to this path.
    pub fn done(mut self, led_to: &str) {
        if self.mark.is_empty() || self.mark.len() > MARK_BYTES_MAX {
            return;
        }
        if self.forms.len() == FORMS_MAX {
            self.forms.pop_front();
        }
        let mark = std::mem::take(&mut self.mark);
        self.forms.push_back((mark, led_to.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_click_is_led_where_the_first_was() {
        let once = Once::default();
        once.begin("a").await.ok().unwrap().done("/first");
        assert_eq!(once.begin("a").await.err().as_deref(), Some("/first"));
        assert!(once.begin("b").await.is_ok());
    }

    #[tokio::test]
    async fn a_form_that_failed_or_has_no_mark_is_taken_again() {
        let once = Once::default();
        drop(once.begin("a").await.ok().unwrap());
        assert!(once.begin("a").await.is_ok());
        once.begin("").await.ok().unwrap().done("/first");
        assert!(once.begin("").await.is_ok());
    }

    #[tokio::test]
    async fn the_oldest_forms_are_forgotten() {
        let once = Once::default();
        for form in 0..=FORMS_MAX {
            once.begin(&form.to_string()).await.ok().unwrap().done("/x");
        }
        assert!(once.begin("0").await.is_ok());
        assert!(once.begin("1").await.is_err());
        once.begin(&"m".repeat(MARK_BYTES_MAX + 1)).await.ok().unwrap().done("/x");
        assert!(once.begin(&"m".repeat(MARK_BYTES_MAX + 1)).await.is_ok());
    }
}
