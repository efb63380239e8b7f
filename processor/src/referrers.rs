//! Referrers taken apart and judged, each once.

use std::sync::Arc;

use model::BotReason;

use crate::pages::Address;
use crate::remembered::Remembered;
use crate::steps::bots::by_referrer;
use crate::strings::Strings;

/// Bytes of referrers remembered at most; past them all are forgotten and learned anew.
pub const REFERRER_BYTES_MAX: usize = 8 << 20;

/// Referrers seen lately.
pub struct Referrers(Remembered<Option<Arc<Referrer>>>);

/// The page that a link was on.
#[derive(Debug, PartialEq)]
pub struct Referrer {
    /// Lower case, without user and port.
    pub hostname: Box<str>,
    pub path: Arc<str>,
    /// What a hit is judged that came from there.
    pub bot: Option<BotReason>,
}

impl Default for Referrers {
    fn default() -> Referrers {
        Referrers(Remembered::new(REFERRER_BYTES_MAX))
    }
}

impl Referrers {
    /// None: the referrer is empty, or no address.
    pub fn referrer(&mut self, referrer: &str, strings: &mut Strings) -> Option<Arc<Referrer>> {
        if referrer.is_empty() {
            return None;
        }
        self.0.of(referrer, || {
            let Address { hostname, path, .. } = Address::of(referrer)?;
            let hostname: Box<str> = hostname.to_ascii_lowercase().into();
            let bot = by_referrer(&hostname);
            let path = strings.share(if path.is_empty() { "/" } else { path });
            Some(Arc::new(Referrer { hostname, path, bot }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn referrer(text: &str) -> Option<(String, String, bool)> {
        let known = Referrers::default().referrer(text, &mut Strings::default())?;
        Some((known.hostname.to_string(), known.path.to_string(), known.bot.is_some()))
    }

    #[test]
    fn a_referrer_is_taken_apart_and_judged() {
        let whole = |host: &str, path: &str, is_bot| Some((host.to_owned(), path.to_owned(), is_bot));
        assert_eq!(referrer("https://Blog.example:8443/tea?x=1#y"), whole("blog.example", "/tea", false));
        assert_eq!(referrer("https://blog.example"), whole("blog.example", "/", false));
        assert_eq!(referrer("https://www.semalt.com/"), whole("www.semalt.com", "/", true));
        assert_eq!(
            (referrer(""), referrer("android-app://com.example"), referrer("tea")),
            (None, None, None)
        );
    }
}
