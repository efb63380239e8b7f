//! What share of genuine questions is held and what share of spam is caught, on texts that the judge did not learn from.
//! The texts stand outside the project, and nothing of them is in it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::limits::MESSAGE_BYTES_MAX;
use spam::{Judge, Learned, Verdict};

const PARTS: u64 = 5;

/// The texts stand outside the project; where they are absent the test says so and goes on.
fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/spam");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the texts are not here ({})", folder.display());
    None
}

/// Each text once, in the order of a hash of it: the same in every run, and nothing of their order in the files.
struct Texts {
    spam: Vec<String>,
    questions: Vec<String>,
    /// What people wrote to each other: no questions to a site, and so neither learned nor held to the bar.
    talk: Vec<String>,
}

impl Texts {
    fn read(folder: &Path) -> Texts {
        let messages = std::fs::read_to_string(folder.join("sms-ham-spam.tsv")).expect("messages");
        let of = |verdict: &str| {
            let lines = messages.lines().filter_map(|line| line.split_once('\t'));
            lines.filter(|(said, _)| *said == verdict).map(|(_, text)| text.to_owned()).collect()
        };
        let mut questions =
            csv::Reader::from_path(folder.join("support-questions-ham.csv")).expect("questions");
        let questions = questions.records().map(|record| record.expect("a record")[0].to_owned()).collect();
        Texts { spam: in_order(of("spam")), talk: in_order(of("ham")), questions: in_order(questions) }
    }
}

fn in_order(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_by_key(|text| (hash(text), text.clone()));
    texts.dedup();
    texts
}

fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash ^ (hash >> 29)
}

fn part(text: &str) -> u64 {
    hash(text) % PARTS
}

fn learn(judge: &Judge, learned: &mut Learned, text: &str, verdict: Verdict) {
    learned.add(&judge.learn(text, &[], verdict)).expect("there is room");
}

/// What was held, of how many.
#[derive(Clone, Copy, Default)]
struct Held {
    spam: (usize, usize),
    questions: (usize, usize),
    talk: (usize, usize),
}

impl Held {
    fn of(judge: &Judge, learned: &Learned, texts: &Texts, is_judged: impl Fn(&str) -> bool) -> Held {
        let count = |texts: &[String]| {
            let judged = texts.iter().filter(|text| is_judged(text));
            judged.fold((0, 0), |(held, all), text| {
                (held + usize::from(judge.opinion(text, &[], learned).held), all + 1)
            })
        };
        Held { spam: count(&texts.spam), questions: count(&texts.questions), talk: count(&texts.talk) }
    }

    fn and(self, other: Held) -> Held {
        let sum = |one: (usize, usize), other: (usize, usize)| (one.0 + other.0, one.1 + other.1);
        Held {
            spam: sum(self.spam, other.spam),
            questions: sum(self.questions, other.questions),
            talk: sum(self.talk, other.talk),
        }
    }

    fn tell(self, what: &str) -> Held {
        println!(
            "{what}: {:.1} % of {} spam caught, {:.2} % of {} questions held ({}), {:.1} % of {} of talk held",
            share(self.spam),
            self.spam.1,
            share(self.questions),
            self.questions.1,
            self.questions.0,
            share(self.talk),
            self.talk.1,
        );
        self
    }

    #[track_caller]
    fn keeps(self, caught_min: f64, held_max: f64) {
        let (caught, held) = (share(self.spam), share(self.questions));
        assert!(caught >= caught_min && held <= held_max, "{caught} % caught, {held} % held");
    }
}

fn share((some, all): (usize, usize)) -> f64 {
    100.0 * some as f64 / all as f64
}

/// Each part judged by what is learned of the other parts; told one by one and together.
fn each_part(
    what: &str,
    judge: &Judge,
    texts: &Texts,
    learn: impl Fn(&mut Learned, &dyn Fn(&str) -> bool),
) -> Held {
    let mut all = Held::default();
    for judged in 0..PARTS {
        let mut learned = Learned::new();
        learn(&mut learned, &|text| part(text) != judged);
        let held = Held::of(judge, &learned, texts, |text| part(text) == judged);
        held.keeps(80.0, 1.0);
        let (ham, spam) = (learned.texts(Verdict::Ham), learned.texts(Verdict::Spam));
        let bytes = learned.to_bytes().len();
        all = all.and(
            held.tell(&format!("{what}, part {judged}, {ham} ham and {spam} spam learned in {bytes} bytes")),
        );
    }
    all.tell(&format!("{what}, all parts"))
}

#[test]
fn each_part_is_judged_by_what_was_learned_of_the_others() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    let held = each_part("all learned", &judge, &texts, |learned, is_learned| {
        for text in texts.spam.iter().filter(|text| is_learned(text)) {
            learn(&judge, learned, text, Verdict::Spam);
        }
        for text in texts.questions.iter().filter(|text| is_learned(text)) {
            learn(&judge, learned, text, Verdict::Ham);
        }
    });
    held.keeps(95.0, 0.5);
}

#[test]
fn a_site_that_learned_nothing_catches_most() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    Held::of(&judge, &Learned::new(), &texts, |_| true).tell("nothing learned").keeps(70.0, 0.1);
}

#[test]
fn few_verdicts_go_far() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    for (verdicts, caught_min) in [(50, 85.0), (200, 92.0)] {
        let held = each_part(&format!("{verdicts} verdicts"), &judge, &texts, |learned, is_learned| {
            for text in texts.spam.iter().filter(|text| is_learned(text)).take(verdicts / 2) {
                learn(&judge, learned, text, Verdict::Spam);
            }
            for text in texts.questions.iter().filter(|text| is_learned(text)).take(verdicts / 2) {
                learn(&judge, learned, text, Verdict::Ham);
            }
        });
        held.keeps(caught_min, 0.5);
    }
}

/// Of a site where all sorts of things are said.
#[test]
fn talk_and_questions_are_told_from_spam_together() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    let of = |what, with_questions: bool| {
        each_part(what, &judge, &texts, |learned, is_learned| {
            for text in texts.spam.iter().filter(|text| is_learned(text)) {
                learn(&judge, learned, text, Verdict::Spam);
            }
            let questions = texts.questions.iter().filter(|_| with_questions);
            for text in texts.talk.iter().chain(questions).filter(|text| is_learned(text)) {
                learn(&judge, learned, text, Verdict::Ham);
            }
        })
    };
    of("talk and questions learned", true).keeps(95.0, 0.5);
    // What a site never saw is not taken for spam.
    of("talk alone learned", false).keeps(90.0, 1.0);
}

/// The least that people can do: they only say where it was wrong, as messages come, four questions to one of spam.
#[test]
fn mistakes_alone_teach() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    let held = each_part("only mistakes corrected", &judge, &texts, |learned, is_learned| {
        let mut questions = texts.questions.iter().filter(|text| is_learned(text));
        for text in texts.spam.iter().filter(|text| is_learned(text)) {
            let wrong = |learned: &Learned, text: &str, held| judge.opinion(text, &[], learned).held == held;
            if wrong(learned, text, false) {
                learn(&judge, learned, text, Verdict::Spam);
            }
            for text in questions.by_ref().take(4) {
                if wrong(learned, text, true) {
                    learn(&judge, learned, text, Verdict::Ham);
                }
            }
        }
    });
    held.keeps(85.0, 0.5);
}

/// Somebody says the wrong thing of every question among twenty, or of one when nothing else was learned.
#[test]
fn wrong_verdicts_turn_little() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    for wrong in texts.questions.iter().step_by(997) {
        let mut learned = Learned::new();
        learn(&judge, &mut learned, wrong, Verdict::Spam);
        Held::of(&judge, &learned, &texts, |text| part(text) == 0)
            .tell("one verdict, and wrong")
            .keeps(0.0, 0.1);
    }
    let mut learned = Learned::new();
    for (number, text) in texts.questions.iter().filter(|text| part(text) != 0).enumerate() {
        learn(&judge, &mut learned, text, if number % 20 == 0 { Verdict::Spam } else { Verdict::Ham });
    }
    for text in texts.spam.iter().filter(|text| part(text) != 0) {
        learn(&judge, &mut learned, text, Verdict::Spam);
    }
    let held = Held::of(&judge, &learned, &texts, |text| part(text) == 0);
    held.tell("one of twenty verdicts on questions wrong").keeps(80.0, 0.5);
}

#[test]
fn how_long_a_message_takes_is_told() {
    let judge = Judge::new();
    let usual = "Hello, I ordered two lamps last week (order 10482) and only one of them has arrived. Can you tell me where the other one is?";
    let spam = "Rank your website on the first page of Google! Our agency offers link building, see https://seo.example.top or call 020 7946 0018 today";
    let foreign =
        "Здравствуйте, я заказал две лампы на прошлой неделе, а пришла только одна. Подскажите, где вторая?";
    let unspaced =
        "你好，我上个星期订了两盏灯，但是只收到了一盏。请问另外一盏什么时候可以送到？谢谢你的帮助。";
    let mut learned = Learned::new();
    for text in [usual, foreign, unspaced] {
        learn(&judge, &mut learned, text, Verdict::Ham);
        learn(&judge, &mut learned, text, Verdict::Spam);
    }
    let longest = |part: &str| part.repeat(MESSAGE_BYTES_MAX / part.len());
    let texts = [
        ("a usual message", usual.to_owned()),
        ("spam", spam.to_owned()),
        ("Russian", foreign.to_owned()),
        ("Chinese", unspaced.to_owned()),
        ("the longest of usual words", longest(usual)),
        ("the longest in Chinese", longest(unspaced)),
        ("beginnings of links", longest("http://")),
        ("links without an end", longest("http://a.b.")),
        ("numbers", longest("1 2 ")),
        ("letters", longest("a ")),
        ("digits", longest("0a1")),
        ("brackets", longest("([{")),
        ("emoji", longest("😀")),
        ("what grows", longest("\u{fdfa}")),
        ("accents", longest("\u{301}")),
    ];
    for (what, text) in texts {
        let mut times: Vec<Duration> = (0..100)
            .map(|_| {
                let began = Instant::now();
                std::hint::black_box(judge.opinion(std::hint::black_box(&text), &[], &learned));
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        let median = times[times.len() / 2];
        println!("{what}, {} bytes: {median:?}", text.len());
        // Nothing that can be written takes long.
        assert!(median < Duration::from_millis(50), "{what} takes {median:?}");
    }
}
