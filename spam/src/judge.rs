//! The judge: weighs what a message has by what is known from the start and what a site learned, and says what it thinks and why.

use crate::feature::{Feature, What};
use crate::learned::{Delta, Learned, Verdict};
use crate::lexicon::Lexicon;
use crate::limits::{BECAUSE_MAX, BECAUSE_WORDS_MAX};
use crate::opinion::{Because, Opinion};
use crate::reading::Reading;

/// The score from which a message waits for a person.
pub const HELD_FROM: f32 = 0.9;

/// What is thought of a message that shows nothing at all, as odds to the base e. Two good reasons are needed to get to `HELD_FROM` from there.
const BEGINNING: f32 = -2.0;
/// How far that goes down where spam is rare among what was learned: by this share of its odds, and at most so far.
const RARE_SHARE: f32 = 0.5;
const RARE_MAX: f32 = 1.5;
/// What the weights count for that are known from the start.
const KNOWN_SHARE: f32 = 1.25;
/// How far what was learned takes their place. Less than all, and less the more words than these there are: words come together, and each by itself
/// says more than it should.
const LEARNED_SHARE: f32 = 0.9;
const FEATURES_USUAL: f32 = 20.0;
/// A word, and one of those that every text has.
const WORD: Before = Before { texts: 4.0, share: 0.01 };
const COMMON_WORD: Before = Before { texts: 40.0, share: 0.1 };
/// Messages of each verdict that are thought to have been learned before the first, so that few of one verdict and many of the other can be compared.
const TEXTS_BEFORE: f32 = 20.0;
/// The share that any word may have of either verdict's messages, however many were learned without it.
const SHARE_MIN: f32 = 0.002;
/// The most that one feature says for or against; the most that all together say against: ordinary words around it hide no spam.
const WEIGHT_MAX: f32 = 4.0;
const AGAINST_MAX: f32 = 8.0;
/// A reason that says less is none.
const REASON_MIN: f32 = 0.3;

/// What is thought of a feature before it was seen.
struct Before {
    /// How many messages what is known counts for, against those that had the feature.
    texts: f32,
    /// The share of messages that have it, among `TEXTS_BEFORE`.
    share: f32,
}

/// Reads its tables once (about a millisecond): keep one.
pub struct Judge {
    lexicon: Lexicon,
}

impl Default for Judge {
    fn default() -> Judge {
        Judge::new()
    }
}

impl Judge {
    pub fn new() -> Judge {
        Judge { lexicon: Lexicon::read() }
    }

    /// What is thought of a message, at most `MESSAGE_BYTES_MAX` of it. Links to `hostnames`, the site's own, are no sign.
    pub fn opinion(&self, text: &str, hostnames: &[String], learned: &Learned) -> Opinion {
        let reading = Reading::of(text, hostnames, &self.lexicon);
        let beginning = beginning(learned);
        let signs: Vec<Weighed> = weighed(&reading.signs, learned);
        let mut worst = (f32::MIN, Vec::new());
        for part in reading.parts() {
            let mut all = weighed(part, learned);
            all.extend_from_slice(&signs);
            let odds = odds(beginning, &all);
            if odds > worst.0 {
                worst = (odds, all);
            }
        }
        let score = 1.0 / (1.0 + (-worst.0).exp());
        Opinion { held: score >= HELD_FROM, score, because: because(worst.1, &reading.plain) }
    }

    /// What a verdict on a message adds to what a site learned. With the same hostnames it is always the same.
    pub fn learn(&self, text: &str, hostnames: &[String], verdict: Verdict) -> Delta {
        Delta::of(Reading::of(text, hostnames, &self.lexicon).features(), verdict)
    }
}

#[derive(Clone, Copy)]
struct Weighed<'a> {
    feature: &'a Feature,
    weight: f32,
}

/// Each feature once.
fn weighed<'a>(features: &'a [Feature], learned: &Learned) -> Vec<Weighed<'a>> {
    let texts = [Verdict::Ham, Verdict::Spam].map(|verdict| learned.texts(verdict) as f32);
    let mut all: Vec<&Feature> = features.iter().collect();
    all.sort_unstable_by_key(|feature| feature.id);
    all.dedup_by_key(|feature| feature.id);
    let share = LEARNED_SHARE * (FEATURES_USUAL / all.len() as f32).sqrt().min(1.0);
    all.into_iter()
        .map(|feature| Weighed {
            feature,
            weight: weight(feature, learned.counts(feature.bucket()), texts, share),
        })
        .collect()
}

/// G. Robinson's estimate (A Statistical Approach to the Spam Problem, 2003): the share of spam among messages with a feature, were there as many of
/// one as of the other, pulled towards what was known before as long as few were seen; as odds.
fn weight(feature: &Feature, [ham, spam]: [f32; 2], texts: [f32; 2], learned_share: f32) -> f32 {
    let known = KNOWN_SHARE * feature.weight;
    let seen = ham + spam;
    if seen == 0.0 {
        return known;
    }
    let before = if feature.common { COMMON_WORD } else { WORD };
    let share_of =
        |count: f32, texts: f32| (count + TEXTS_BEFORE * before.share) / (texts + TEXTS_BEFORE) + SHARE_MIN;
    let (ham, spam) = (share_of(ham, texts[0]), share_of(spam, texts[1]));
    let known_share = 1.0 / (1.0 + (-known).exp());
    let share = (before.texts * known_share + seen * spam / (spam + ham)) / (before.texts + seen);
    let learned = (share / (1.0 - share)).ln().clamp(-WEIGHT_MAX, WEIGHT_MAX);
    known + learned_share * (learned - known)
}

/// Before anything of the message was looked at.
fn beginning(learned: &Learned) -> f32 {
    let [ham, spam] =
        [Verdict::Ham, Verdict::Spam].map(|verdict| learned.texts(verdict) as f32 + TEXTS_BEFORE);
    BEGINNING + (RARE_SHARE * (spam / ham).ln()).clamp(-RARE_MAX, 0.0)
}

fn odds(beginning: f32, all: &[Weighed]) -> f32 {
    let (mut for_it, mut against) = (0.0, 0.0);
    for weighed in all {
        for_it += weighed.weight.max(0.0);
        against -= weighed.weight.min(0.0);
    }
    beginning + for_it - against.min(AGAINST_MAX)
}

/// Signs by themselves, words together; the strongest first, but of words those first that not every text has.
fn because(mut all: Vec<Weighed>, plain: &str) -> Vec<Because> {
    all.retain(|weighed| weighed.weight >= REASON_MIN);
    all.sort_by(|one, other| {
        let by_weight = other.weight.total_cmp(&one.weight);
        one.feature.common.cmp(&other.feature.common).then(by_weight)
    });
    let (mut known, mut learned) = (Vec::new(), Vec::new());
    let (mut known_weight, mut learned_weight) = (0.0, 0.0);
    let mut reasons = Vec::new();
    for Weighed { feature, weight } in all {
        match &feature.what {
            What::Sign(sign) => reasons.push((weight, Because::Sign(*sign))),
            What::Words(place) => {
                let is_known = KNOWN_SHARE * feature.weight * 2.0 >= weight;
                let (words, sum) = if is_known {
                    (&mut known, &mut known_weight)
                } else {
                    (&mut learned, &mut learned_weight)
                };
                *sum += weight;
                let word = &plain[place.start as usize..place.end as usize];
                if words.len() < BECAUSE_WORDS_MAX && !words.iter().any(|other: &String| other.contains(word))
                {
                    words.push(word.to_owned());
                }
            }
        }
    }
    let words = [(known_weight, Because::Words(known)), (learned_weight, Because::Learned(learned))];
    reasons.extend(words.into_iter().filter(|(weight, _)| *weight > 0.0));
    reasons.sort_by(|one, other| other.0.total_cmp(&one.0));
    reasons.truncate(BECAUSE_MAX);
    reasons.into_iter().map(|(_, because)| because).collect()
}
