//! What a message shows beside its words, and what each is worth before anybody corrected anything. Written from what spam is in general.

use std::fmt;

/// What a message shows beside its words. The weights are of the same kind as those of `words.tsv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sign {
    Link,
    TwoLinks,
    ManyLinks,
    Shortener,
    Messenger,
    CheapHost,
    AddressHost,
    Markup,
    Number,
    NumberToCall,
    PremiumNumber,
    NumberToText,
    Money,
    MoneyDrawn,
    Shouting,
    Exclaiming,
    Emoji,
    Masked,
    Unseen,
    Disguised,
    Question,
}

impl Sign {
    pub const ALL: [Sign; 21] = [
        Sign::Link,
        Sign::TwoLinks,
        Sign::ManyLinks,
        Sign::Shortener,
        Sign::Messenger,
        Sign::CheapHost,
        Sign::AddressHost,
        Sign::Markup,
        Sign::Number,
        Sign::NumberToCall,
        Sign::PremiumNumber,
        Sign::NumberToText,
        Sign::Money,
        Sign::MoneyDrawn,
        Sign::Shouting,
        Sign::Exclaiming,
        Sign::Emoji,
        Sign::Masked,
        Sign::Unseen,
        Sign::Disguised,
        Sign::Question,
    ];

    /// Of a link that is not the site's own.
    pub(crate) fn of_links(links: usize) -> Option<Sign> {
        match links {
            0 => None,
            1 => Some(Sign::Link),
            2 => Some(Sign::TwoLinks),
            _ => Some(Sign::ManyLinks),
        }
    }

    pub(crate) fn weight(self) -> f32 {
        match self {
            Sign::Link => 0.8,
            Sign::TwoLinks => 1.4,
            Sign::ManyLinks => 2.2,
            Sign::Shortener => 1.5,
            Sign::Messenger => 1.6,
            Sign::CheapHost => 1.4,
            Sign::AddressHost => 1.2,
            Sign::Markup => 2.5,
            Sign::Number => 0.6,
            Sign::NumberToCall => 1.8,
            Sign::PremiumNumber => 2.2,
            Sign::NumberToText => 2.8,
            Sign::Money => 0.5,
            Sign::MoneyDrawn => 1.5,
            Sign::Shouting => 0.7,
            Sign::Exclaiming => 0.5,
            Sign::Emoji => 0.6,
            Sign::Masked => 1.6,
            Sign::Unseen => 1.2,
            Sign::Disguised => 1.8,
            Sign::Question => -0.5,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Sign::Link => "a link",
            Sign::TwoLinks => "two links",
            Sign::ManyLinks => "three links or more",
            Sign::Shortener => "a link that hides where it leads",
            Sign::Messenger => "a link to a messenger",
            Sign::CheapHost => "a link to a kind of host that spam likes",
            Sign::AddressHost => "a link to a bare address",
            Sign::Markup => "markup of other places' comments",
            Sign::Number => "a telephone number",
            Sign::NumberToCall => "a number to call",
            Sign::PremiumNumber => "a number that costs",
            Sign::NumberToText => "a number to send a text to",
            Sign::Money => "an amount of money",
            Sign::MoneyDrawn => "signs of money in a row",
            Sign::Shouting => "many words in capitals",
            Sign::Exclaiming => "many exclamation marks",
            Sign::Emoji => "many emoji",
            Sign::Masked => "letters of another alphabet that look alike",
            Sign::Unseen => "unseen characters within words",
            Sign::Disguised => "words written so as not to be found",
            Sign::Question => "a question",
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.words())
    }
}
