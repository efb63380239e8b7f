//! A message read: its signs, and its words and pairs of words in their order.

use crate::feature::{Feature, What, id_of_host, id_of_pair, id_of_sign, id_of_word};
use crate::lexicon::Lexicon;
use crate::limits::{FEATURES_MAX, HOST_BYTES_MAX, PART_WORDS_MAX, WORD_BYTES_MAX};
use crate::links::{self, AROUND, HostKind, Link};
use crate::lookalikes::{is_emoji, is_unspaced};
use crate::machine::Machine;
use crate::numbers::Numbers;
use crate::plain::{Plain, cut};
use crate::sign::Sign;

/// From so many on they are a sign.
const SHOUTED_MIN: usize = 3;
const EXCLAIMED_MIN: usize = 3;
const EMOJI_MIN: usize = 4;
/// Letters of a word that is looked for behind a disguise, and what a word must weigh to be one that hides.
const DISGUISED_MIN: usize = 4;
const HIDING_WEIGHT_MIN: f32 = 0.7;
/// What a known word is worth in what a machine wrote.
const PASTED_SHARE: f32 = 0.5;
const SMALL_NUMBER_DIGITS: usize = 4;
const MARKUP: [&str; 5] = ["[url", "[link=", "<a href", "</a>", "[/url"];

#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub plain: String,
    pub signs: Vec<Feature>,
    pub words: Vec<Feature>,
    /// Where in `words` each half of a part begins.
    halves: Vec<usize>,
}

impl Reading {
    /// The site's own hosts are no sign.
    pub(crate) fn of(text: &str, hostnames: &[String], lexicon: &Lexicon) -> Reading {
        let plain = Plain::of(text);
        let mut reader = Reader::new(&plain.text, hostnames, lexicon);
        let mut machine = Machine::default();
        for line in plain.text.lines() {
            reader.line(line, machine.wrote(line));
        }
        let signs = reader.signs(&plain);
        let Reader { words, halves, .. } = reader;
        Reading { signs, words, halves, plain: plain.text }
    }

    /// The words of each part: at most `PART_WORDS_MAX`, each beginning in the middle of the one before.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[Feature]> {
        let end_of = |half: usize| self.halves.get(half).copied().unwrap_or(self.words.len());
        let parts = self.halves.len().saturating_sub(1).max(1);
        (0..parts).map(move |half| &self.words[self.halves.get(half).copied().unwrap_or(0)..end_of(half + 2)])
    }

    pub(crate) fn features(&self) -> impl Iterator<Item = &Feature> {
        self.signs.iter().chain(&self.words)
    }
}

struct Reader<'a> {
    text: &'a str,
    hostnames: &'a [String],
    lexicon: &'a Lexicon,
    words: Vec<Feature>,
    halves: Vec<usize>,
    words_of_half: usize,
    /// The word before, in the same line: as it is hashed, where it begins, whether every text has it.
    before: Option<Before>,
    /// Letters that stand alone, and where they begin.
    spelled: String,
    spelled_from: usize,
    is_machine: bool,
    found: Found,
}

struct Before {
    word: String,
    at: usize,
    is_common: bool,
}

#[derive(Default)]
struct Found {
    links: usize,
    pasted_link: bool,
    pasted: bool,
    kinds: Vec<HostKind>,
    numbers: Numbers,
    exclaimed: usize,
    emoji: usize,
    asks: bool,
    disguised: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, hostnames: &'a [String], lexicon: &'a Lexicon) -> Reader<'a> {
        Reader {
            text,
            hostnames,
            lexicon,
            words: Vec::new(),
            halves: vec![0],
            words_of_half: 0,
            before: None,
            spelled: String::new(),
            spelled_from: 0,
            is_machine: false,
            found: Found::default(),
        }
    }

    fn line(&mut self, line: &str, is_machine: bool) {
        (self.is_machine, self.before) = (is_machine, None);
        self.found.pasted |= is_machine;
        if !is_machine {
            self.found.numbers.read(line);
        }
        for piece in line.split_whitespace() {
            self.piece(piece);
        }
        self.spelled_out();
    }

    fn piece(&mut self, piece: &str) {
        if links::is_mail(piece) {
            self.before = None;
            return;
        }
        let mut from = 0;
        for Link { whole, host } in links::links(piece) {
            self.run(&piece[from..whole.start]);
            self.link(&piece[host.clone()], &piece[host.end..whole.end]);
            from = whole.end;
        }
        let rest = &piece[from..];
        if from == 0 && self.disguised_by_signs(rest) {
            return;
        }
        if !self.is_machine {
            self.found.exclaimed += rest.matches('!').count();
            self.found.asks |= rest.trim_end_matches(['"', ')', '!']).ends_with(['?', '؟', '՞']);
        }
        self.run(rest);
    }

    /// A foreign host is a feature, and so are the words of its path; one of the site's own is nothing.
    fn link(&mut self, host: &str, path: &str) {
        self.before = None;
        if links::is_own(host, self.hostnames) {
            return;
        }
        let kind = links::kind(host);
        if kind == HostKind::Private {
            return;
        }
        let name = cut(host.strip_prefix("www.").unwrap_or(host), HOST_BYTES_MAX);
        self.add(id_of_host(name), 0.0, host);
        let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
        self.run(name);
        self.before = None;
        // Neither the port nor what is asked for.
        let path = path.find('/').map_or("", |begin| &path[begin..]);
        self.run(path.split(['?', '#']).next().unwrap_or_default());
        self.before = None;
        if self.is_machine {
            self.found.pasted_link = true;
            return;
        }
        self.found.links += 1;
        if kind != HostKind::Usual && !self.found.kinds.contains(&kind) {
            self.found.kinds.push(kind);
        }
    }

    /// The words of a piece without spaces.
    fn run(&mut self, run: &str) {
        let mut rest = run;
        while let Some(start) = rest.find(|letter| is_of_word(letter) || is_emoji(letter)) {
            rest = &rest[start..];
            let first = rest.chars().next().unwrap_or_default();
            let belongs = |letter: char| match () {
                () if is_unspaced(first) => is_unspaced(letter),
                () if is_emoji(first) => false,
                () => {
                    (is_of_word(letter) || is_apostrophe(letter)) && !is_unspaced(letter) && !is_emoji(letter)
                }
            };
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, letter)| !belongs(*letter))
                .map_or(rest.len(), |(at, _)| at);
            let (word, after) = rest.split_at(end);
            match () {
                () if is_unspaced(first) => self.unspaced(word),
                () if is_emoji(first) => self.emoji(word),
                () => self.word(word),
            }
            rest = after;
        }
    }

    fn emoji(&mut self, emoji: &str) {
        self.found.emoji += 1;
        let id = id_of_word(emoji);
        self.add(id, self.lexicon.exact(id), emoji);
        self.count();
    }

    /// Two neighbours at a time; one that stands alone by itself.
    fn unspaced(&mut self, run: &str) {
        self.spelled_out();
        self.before = None;
        let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).chain([run.len()]).collect();
        for pair in starts.windows(starts.len().min(3)) {
            let pair = &run[pair[0]..pair[pair.len() - 1]];
            let id = id_of_word(pair);
            self.add(id, self.lexicon.exact(id), pair);
            self.count();
        }
    }

    fn word(&mut self, shown: &str) {
        let shown = cut(shown.trim_end_matches(is_apostrophe), WORD_BYTES_MAX);
        let word: String = shown.chars().filter(|&letter| !is_apostrophe(letter)).collect();
        let at = self.place(shown);
        self.spell(&word, at);
        let id = id_of_word(&word);
        let is_common = self.lexicon.is_common(id) || is_small_number(&word);
        if is_common {
            self.push(id, self.lexicon.exact(id), true, shown);
        } else {
            self.known_or_disguised(&word, id, shown);
        }
        if let Some(before) = self.before.take() {
            let id = id_of_pair(&before.word, &word);
            let weight = self.lexicon.exact(id);
            if weight != 0.0 || !(before.is_common || is_common) {
                self.add(id, weight, &self.text[before.at..at + shown.len()]);
            }
        }
        self.before = Some(Before { word, at, is_common });
        self.count();
    }

    fn known_or_disguised(&mut self, word: &str, id: u64, shown: &str) {
        let weight = self.lexicon.weight(id, word);
        if weight == 0.0 {
            let mut hidden = [2, 1].into_iter().filter(|_| is_drawn_out(word));
            if let Some((id, weight)) = hidden.find_map(|times| self.hiding(&squeezed(word, times))) {
                return self.add(id, weight, shown);
            }
        }
        self.add(id, weight, shown);
    }

    /// A known word of spam behind another way of writing it.
    fn hiding(&mut self, word: &str) -> Option<(u64, f32)> {
        let id = id_of_word(word);
        let weight = self.lexicon.weight(id, word);
        let hides = weight >= HIDING_WEIGHT_MIN && word.len() >= DISGUISED_MIN;
        self.found.disguised |= hides;
        hides.then_some((id, weight))
    }

    /// `c@sh`, `pr1ze`, `fr€€`: digits and signs for letters.
    fn disguised_by_signs(&mut self, piece: &str) -> bool {
        let bare = piece.trim_matches(AROUND);
        let letters = bare.bytes().filter(u8::is_ascii_alphabetic).count();
        let is_candidate = letters >= 2
            && letters < bare.len()
            && (DISGUISED_MIN..=WORD_BYTES_MAX).contains(&bare.len())
            && !bare.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !is_candidate || self.lexicon.weight(id_of_word(bare), bare) != 0.0 {
            return false;
        }
        let found = ['i', 'l'].into_iter().find_map(|one| self.hiding(&written_plainly(bare, one)?));
        if let Some((id, weight)) = found {
            self.add(id, weight, bare);
            self.before = None;
            self.count();
        }
        found.is_some()
    }

    /// `v i a g r a`, `f.r.e.e`: letters that stand alone.
    fn spell(&mut self, word: &str, at: usize) {
        if word.chars().nth(1).is_some() {
            return self.spelled_out();
        }
        if self.spelled.is_empty() {
            self.spelled_from = at;
        }
        if self.spelled.len() < WORD_BYTES_MAX {
            self.spelled.push_str(word);
        }
    }

    fn spelled_out(&mut self) {
        let word = std::mem::take(&mut self.spelled);
        if word.is_empty() {
            return;
        }
        if let Some((id, weight)) = self.hiding(&word) {
            let shown = &self.text[self.spelled_from..];
            self.add(id, weight, cut(shown, 2 * word.len() - 1));
        }
    }

    fn add(&mut self, id: u64, weight: f32, shown: &str) {
        self.push(id, weight, false, shown);
    }

    fn push(&mut self, id: u64, weight: f32, common: bool, shown: &str) {
        if self.words.len() < FEATURES_MAX {
            let weight = if self.is_machine { weight * PASTED_SHARE } else { weight };
            let at = self.place(shown) as u32;
            self.words.push(Feature { id, weight, common, what: What::Words(at..at + shown.len() as u32) });
        }
    }

    /// A word more in this half of a part.
    fn count(&mut self) {
        self.words_of_half += 1;
        if self.words_of_half == PART_WORDS_MAX / 2 {
            self.words_of_half = 0;
            self.halves.push(self.words.len());
        }
    }

    /// Where a slice of the text begins in it.
    fn place(&self, slice: &str) -> usize {
        slice.as_ptr() as usize - self.text.as_ptr() as usize
    }

    fn signs(&self, plain: &Plain) -> Vec<Feature> {
        let found = &self.found;
        let links = found.links + usize::from(found.pasted_link);
        let kind = |kind: HostKind| found.kinds.contains(&kind);
        let numbers = found.numbers;
        let shown = [
            (kind(HostKind::Shortener), Sign::Shortener),
            (kind(HostKind::Messenger), Sign::Messenger),
            (kind(HostKind::Cheap), Sign::CheapHost),
            (kind(HostKind::Address), Sign::AddressHost),
            (MARKUP.iter().any(|markup| plain.text.contains(markup)), Sign::Markup),
            (numbers.called, Sign::Number),
            (numbers.asked, Sign::NumberToCall),
            (numbers.premium, Sign::PremiumNumber),
            (numbers.short, Sign::NumberToText),
            (numbers.money, Sign::Money),
            (numbers.money_drawn, Sign::MoneyDrawn),
            (
                !found.pasted && plain.shouted >= SHOUTED_MIN && plain.shouted * 4 >= plain.words,
                Sign::Shouting,
            ),
            (found.exclaimed >= EXCLAIMED_MIN, Sign::Exclaiming),
            (found.emoji >= EMOJI_MIN, Sign::Emoji),
            (plain.masked > 0, Sign::Masked),
            (plain.unseen > 0, Sign::Unseen),
            (found.disguised, Sign::Disguised),
            (found.asks, Sign::Question),
        ];
        let shown = shown.into_iter().filter_map(|(is_shown, sign)| is_shown.then_some(sign));
        Sign::of_links(links).into_iter().chain(shown).map(feature).collect()
    }
}

fn feature(sign: Sign) -> Feature {
    Feature { id: id_of_sign(sign), weight: sign.weight(), common: false, what: What::Sign(sign) }
}

/// Letters and digits, and the marks that words of India are written with.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '\u{900}'..='\u{dff}')
}

/// Amounts, days and years say as little as the words that every text has.
fn is_small_number(word: &str) -> bool {
    word.len() <= SMALL_NUMBER_DIGITS && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | '`')
}

/// Letters drawn out (`freeeee`, `viiiagra`) as often as told.
fn squeezed(word: &str, times: usize) -> String {
    let mut all = String::with_capacity(word.len());
    let (mut last, mut run) = (None, 0);
    for letter in word.chars() {
        run = if last == Some(letter) { run + 1 } else { 1 };
        last = Some(letter);
        if run <= times {
            all.push(letter);
        }
    }
    all
}

fn is_drawn_out(word: &str) -> bool {
    word.as_bytes().windows(3).any(|three| three[0] == three[1] && three[1] == three[2])
}

fn written_plainly(word: &str, one: char) -> Option<String> {
    word.chars()
        .map(|letter| {
            Some(match letter {
                'a'..='z' => letter,
                '0' => 'o',
                '1' | '!' | '|' => one,
                '3' | '€' => 'e',
                '4' | '@' => 'a',
                '5' | '$' => 's',
                '7' | '+' => 't',
                '8' => 'b',
                '9' => 'g',
                _ => return None,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::limits::MESSAGE_BYTES_MAX;

    use super::*;

    fn read(text: &str) -> Reading {
        Reading::of(text, &[], &Lexicon::read())
    }

    fn words(reading: &Reading) -> Vec<&str> {
        let shown = |feature: &Feature| match &feature.what {
            What::Words(place) => Some(&reading.plain[place.start as usize..place.end as usize]),
            What::Sign(_) => None,
        };
        reading.words.iter().filter_map(shown).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(&read(text)), expected, "{text}");
    }

    #[test]
    fn words_and_pairs_are_read() {
        check("Blue lamps, please!", &["blue", "lamps", "blue lamps", "please", "lamps, please"]);
        // Words that every text has make no pairs but known ones.
        check("the lamp and you", &["the", "lamp", "and", "you"]);
        check("Don't", &["don't"]);
        check("新しいlamp", &["新し", "しい", "lamp"]);
        check("灯", &["灯"]);
        check("lamp\nblue", &["lamp", "blue"]);
        check(
            "https://lamps.example.org/blue/sale?a=b",
            &["lamps.example.org", "lamps", "example", "lamps.example", "blue", "sale", "blue/sale"],
        );
        check("ada@example.com http://localhost/x", &[]);
        check("👍👍", &["👍", "👍"]);
    }

    #[test]
    fn a_long_word_counts_by_its_beginning() {
        let longest = "x".repeat(WORD_BYTES_MAX);
        check(&longest, &[&longest]);
        check(&format!("{longest}y"), &[&longest]);
    }

    #[test]
    fn the_longest_message_has_so_many_features() {
        let features = |text: &str| read(text).words.len();
        assert_eq!(features(&"b c ".repeat(MESSAGE_BYTES_MAX / 4)), FEATURES_MAX - 1);
        for text in ["\u{fdfa}", "博", "😀", "b-", "½", "ﷲ ", "㎯ "] {
            assert!(features(&text.repeat(MESSAGE_BYTES_MAX / text.len())) <= FEATURES_MAX, "{text}");
        }
    }

    #[test]
    fn parts_overlap_and_leave_nothing_out() {
        for count in [0, 1, PART_WORDS_MAX / 2, PART_WORDS_MAX, PART_WORDS_MAX + 1, 10 * PART_WORDS_MAX] {
            let reading = read(&"灯 ".repeat(count));
            let parts: Vec<&[Feature]> = reading.parts().collect();
            assert!(parts.iter().all(|part| part.len() <= PART_WORDS_MAX), "{count} words");
            assert_eq!(parts.len(), (count / (PART_WORDS_MAX / 2)).max(1), "{count} words");
            let last = parts.last().map_or(0, |part| part.len());
            assert_eq!((parts.len() - 1) * PART_WORDS_MAX / 2 + last, count);
        }
    }
}
