//! Strings that repeat, each held once and shared. Bounded by bytes: what nobody else holds goes first.

use std::sync::Arc;

use hashbrown::HashSet;

/// Bytes of strings held at most.
pub const INTERNED_BYTES_MAX: usize = 16 << 20;

/// Shared strings by their content.
#[derive(Default)]
pub struct Strings {
    known: HashSet<Arc<str>>,
    bytes: usize,
}

impl Strings {
    /// The one shared string of this content.
    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        if self.bytes + text.len() > INTERNED_BYTES_MAX {
            self.make_room();
        }
        let shared: Arc<str> = Arc::from(text);
        self.bytes += text.len();
        self.known.insert(shared.clone());
        shared
    }

    /// Lets go of what nobody else holds, and of everything where that does not make half the room.
    fn make_room(&mut self) {
        self.known.retain(|text| Arc::strong_count(text) > 1);
        self.bytes = self.known.iter().map(|text| text.len()).sum();
        if self.bytes > INTERNED_BYTES_MAX / 2 {
            *self = Strings::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_are_one() {
        let mut strings = Strings::default();
        assert!(Arc::ptr_eq(&strings.share("tea"), &strings.share("tea")));
    }

    #[test]
    fn past_the_maximum_what_nobody_holds_goes_and_what_is_held_stays() {
        let mut strings = Strings::default();
        let held = strings.share("held");
        let long = "x".repeat(INTERNED_BYTES_MAX - held.len());
        strings.share(&long);
        assert_eq!(strings.known.len(), 2, "at the maximum");
        strings.share("y");
        assert_eq!(strings.known.len(), 2, "past it");
        assert!(Arc::ptr_eq(&strings.share("held"), &held));
    }

    #[test]
    fn strings_that_are_all_held_are_let_go_too() {
        let mut strings = Strings::default();
        let _held = strings.share(&"x".repeat(INTERNED_BYTES_MAX));
        strings.share("y");
        assert_eq!(strings.bytes, 1);
    }
}
