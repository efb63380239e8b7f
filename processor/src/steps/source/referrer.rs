//! A referrer read: the host or the Android app it names, and how it is shown.

use model::limits::REFERRER_BYTES_MAX;
use url::Url;

use crate::steps::agent::cut;

/// The place a visitor came from, as the browser told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Host and path, without `www.` and a closing slash.
    shown: String,
    host_bytes: usize,
    app: bool,
}

impl Referrer {
    /// Reads an address (`https://…`, `android-app://…`, or a bare `host/path`); None where it names no place.
    pub fn read(referrer: &str) -> Option<Referrer> {
        let referrer = cut(referrer.trim(), REFERRER_BYTES_MAX);
        if referrer.is_empty() {
            return None;
        }
        let address = match Url::parse(referrer) {
            Err(url::ParseError::RelativeUrlWithoutBase) if referrer.contains('.') => {
                Url::parse(&format!("https://{}", referrer.trim_start_matches('/'))).ok()?
            }
            parsed => parsed.ok()?,
        };
        let app = match address.scheme() {
            "http" | "https" => false,
            "android-app" => true,
            _ => return None,
        };
        let host = bare(address.host_str()?);
        if !host.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let path = if app { "" } else { address.path().trim_end_matches('/') };
        let shown = cut(&format!("{host}{path}"), REFERRER_BYTES_MAX).to_owned();
        Some(Referrer { host_bytes: host.len().min(shown.len()), shown, app })
    }

    /// The hostname in lower case without `www.`, or the app's package.
    pub fn host(&self) -> &str {
        &self.shown[..self.host_bytes]
    }

    /// Host and path as shown: no scheme, no query; an app's package alone.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn is_app(&self) -> bool {
        self.app
    }

    /// Whether it lies on the page's own host.
    pub(super) fn is_on(&self, page: &Url) -> bool {
        !self.app && page.host_str().is_some_and(|host| bare(host) == self.host())
    }
}

/// A hostname without the root's dot and without `www.`.
fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix("www.").unwrap_or(host)
}
