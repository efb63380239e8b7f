//! A campaign's words: the UTM parameters and click ids of a page's address, and the channel they speak of.

use std::borrow::Cow;
use std::sync::Arc;

use model::Channel;
use url::Url;

use super::known::{Known, Named};
use crate::steps::agent::cut;

/// Bytes of one UTM parameter that are kept.
pub const UTM_BYTES_MAX: usize = 256;
/// Bytes of a `ref` or `source` parameter that is taken for a campaign's source; a longer one is something else.
pub const SHORT_SOURCE_BYTES_MAX: usize = 64;

#[derive(Default)]
pub(super) struct Campaign<'a> {
    pub source: String,
    pub medium: String,
    pub campaign: String,
    pub term: String,
    pub content: String,
    pub click: Option<&'a Named>,
}

impl<'a> Campaign<'a> {
    /// Reads a page's query. The first value of each parameter that is not empty counts. With `short`, `ref` and
    /// `source` stand in for an absent `utm_source`.
    pub(super) fn read(page: &Url, short: bool, known: &'a Known) -> Campaign<'a> {
        let mut campaign = Campaign::default();
        if page.query().is_none_or(str::is_empty) {
            return campaign;
        }
        let mut short_source = String::new();
        for (name, value) in page.query_pairs() {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let name = lower(&name);
            match &*name {
                "utm_source" => keep(&mut campaign.source, value),
                "utm_medium" => keep(&mut campaign.medium, value),
                "utm_campaign" => keep(&mut campaign.campaign, value),
                "utm_term" => keep(&mut campaign.term, value),
                "utm_content" => keep(&mut campaign.content, value),
                "ref" | "source" if short && value.len() <= SHORT_SOURCE_BYTES_MAX => {
                    keep(&mut short_source, value);
                }
                name => campaign.click = campaign.click.or_else(|| known.by_click(name)),
            }
        }
        if campaign.source.is_empty() {
            campaign.source = short_source;
        }
        campaign
    }

    pub(super) fn is_empty(&self) -> bool {
        let words = [&self.source, &self.medium, &self.campaign, &self.term, &self.content];
        self.click.is_none() && words.iter().all(|word| word.is_empty())
    }

    /// The channel that the medium names; `place`: the channel of the place it ran on, where that is known.
    /// None: the medium says nothing of it.
    pub(super) fn channel(&self, place: Option<Channel>) -> Option<Channel> {
        let medium = self.medium.to_lowercase();
        let is = |words: &[&str]| words.contains(&&*medium);
        if is_paid(&medium) {
            return Some(match place {
                _ if medium.contains("social") => Channel::PaidSocial,
                Some(Channel::Social | Channel::PaidSocial) => Channel::PaidSocial,
                _ if medium.contains("search") => Channel::PaidSearch,
                Some(Channel::Search | Channel::PaidSearch) if !is_display(&medium) => Channel::PaidSearch,
                _ => Channel::Paid,
            });
        }
        if medium.contains("mail") || is(&["newsletter"]) || self.source_is_mail() {
            return Some(Channel::Mail);
        }
        if medium.contains("social") || is(&["sm"]) {
            return Some(Channel::Social);
        }
        if is(&["organic"]) && place.is_none() {
            return Some(Channel::Search);
        }
        if is(&["ai", "llm", "ai-assistant", "chatbot"]) {
            return Some(Channel::AiAssistant);
        }
        if is(&["referral", "link"]) && place.is_none() {
            return Some(Channel::Referral);
        }
        None
    }

    fn source_is_mail(&self) -> bool {
        let source = self.source.to_lowercase();
        self.medium.is_empty()
            && (source.contains("newsletter") || ["email", "e-mail", "mail"].contains(&&*source))
    }

    /// The name of a campaign without a source: its own.
    pub(super) fn own_name(&self) -> Arc<str> {
        let words = [&self.campaign, &self.medium, &self.term, &self.content];
        words
            .into_iter()
            .find(|word| !word.is_empty())
            .map_or_else(|| Arc::from("Campaign"), |word| Arc::from(&**word))
    }
}

fn lower<'a>(name: &'a Cow<'a, str>) -> Cow<'a, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Keeps a value as given, less control characters and what is too long, where none was kept before.
fn keep(slot: &mut String, value: &str) {
    if slot.is_empty() {
        slot.extend(value.chars().filter(|letter| !letter.is_control()));
        slot.truncate(cut(slot, UTM_BYTES_MAX).len());
    }
}

/// Media that are paid for: `cpc`, `ppc`, `paid_social`, `display`…
fn is_paid(medium: &str) -> bool {
    const PAID: [&str; 16] = [
        "cpc",
        "cpm",
        "cpv",
        "cpa",
        "cpp",
        "cpl",
        "ppc",
        "sem",
        "ad",
        "ads",
        "advertising",
        "retargeting",
        "remarketing",
        "sponsored",
        "affiliate",
        "affiliates",
    ];
    PAID.contains(&medium) || medium.contains("paid") && !medium.contains("unpaid") || is_display(medium)
}

/// Media that show a picture rather than answer a search.
fn is_display(medium: &str) -> bool {
    ["display", "banner", "cpm", "cpv", "video", "native", "interstitial", "expandable"].contains(&medium)
}
