//! How people are told of what is said while they are away.

use serde::{Deserialize, Serialize};

/// Where a browser is reached by Web Push, as it says itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browser {
    /// At its push service, at most `ENDPOINT_BYTES_MAX`: who knows it can send there.
    pub endpoint: String,
    /// What is for it is encrypted with: its public key and a secret, each in base64url, at most `BROWSER_KEY_BYTES_MAX`.
    pub p256dh: String,
    pub auth: String,
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Browser(…)")
    }
}

/// How often somebody is mailed what they missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    #[default]
    Off,
    Hourly,
    Daily,
}

impl Digest {
    pub const ALL: [Digest; 3] = [Digest::Off, Digest::Hourly, Digest::Daily];

    /// As it is stored.
    pub const fn number(self) -> i64 {
        match self {
            Digest::Off => 0,
            Digest::Hourly => 1,
            Digest::Daily => 2,
        }
    }

    pub fn of_number(number: i64) -> Option<Digest> {
        Digest::ALL.into_iter().find(|digest| digest.number() == number)
    }
}
