//! What share of genuine questions is held and what share of spam is caught, on texts that the judge did not learn from.
//! The texts stand outside the project, and nothing of them is in it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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

/// How many are held, of how many.
fn held<'a>(judge: &Judge, learned: &Learned, texts: impl Iterator<Item = &'a String>) -> (usize, usize) {
    texts.fold((0, 0), |(held, all), text| {
        (held + usize::from(judge.opinion(text, &[], learned).held), all + 1)
    })
}

fn share((some, all): (usize, usize)) -> f64 {
    100.0 * some as f64 / all as f64
}

fn told(
    what: &str,
    judge: &Judge,
    learned: &Learned,
    texts: &Texts,
    is_judged: impl Fn(&str) -> bool,
) -> (f64, f64) {
    let spam = held(judge, learned, texts.spam.iter().filter(|text| is_judged(text)));
    let questions = held(judge, learned, texts.questions.iter().filter(|text| is_judged(text)));
    let talk = held(judge, learned, texts.talk.iter().filter(|text| is_judged(text)));
    println!(
        "{what}: {} of {} spam caught ({:.1} %), {} of {} questions held ({:.2} %), {:.1} % of talk held",
        spam.0,
        spam.1,
        share(spam),
        questions.0,
        questions.1,
        share(questions),
        share(talk)
    );
    (share(spam), share(questions))
}

#[test]
fn each_part_is_judged_by_what_was_learned_of_the_others() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    for judged in 0..PARTS {
        let mut learned = Learned::new();
        for text in texts.spam.iter().filter(|text| part(text) != judged) {
            learn(&judge, &mut learned, text, Verdict::Spam);
        }
        for text in texts.questions.iter().filter(|text| part(text) != judged) {
            learn(&judge, &mut learned, text, Verdict::Ham);
        }
        let what = format!("part {judged} of {PARTS}");
        let (caught, held) = told(&what, &judge, &learned, &texts, |text| part(text) == judged);
        assert!(caught >= 95.0 && held <= 0.5, "{what}: {caught} % caught, {held} % held");
    }
}

#[test]
fn a_site_that_learned_nothing_holds_no_questions() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    for half in 0..2 {
        told(&format!("nothing learned, half {half}"), &judge, &Learned::new(), &texts, |text| {
            (hash(text) >> 8) % 2 == half
        });
    }
    let (caught, held) = told("nothing learned", &judge, &Learned::new(), &texts, |_| true);
    assert!(caught >= 50.0 && held <= 0.5, "{caught} % caught, {held} % held");
}

#[test]
fn few_verdicts_go_far() {
    let Some(folder) = data() else { return };
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    for verdicts in [10, 50, 200] {
        for judged in 0..PARTS {
            let mut learned = Learned::new();
            let learning = |texts: &'_ [String]| -> Vec<String> {
                texts.iter().filter(|text| part(text) != judged).take(verdicts / 2).cloned().collect()
            };
            for text in learning(&texts.spam) {
                learn(&judge, &mut learned, &text, Verdict::Spam);
            }
            for text in learning(&texts.questions) {
                learn(&judge, &mut learned, &text, Verdict::Ham);
            }
            told(&format!("{verdicts} verdicts, part {judged}"), &judge, &learned, &texts, |text| {
                part(text) == judged
            });
        }
    }
}

#[test]
fn a_message_is_judged_in_no_time() {
    let judge = Judge::new();
    let usual = "Hello, I ordered two lamps last week (order 10482) and only one of them has arrived. Can you tell me where the other one is?";
    let longest = usual.repeat(model::limits::MESSAGE_BYTES_MAX / usual.len() + 1);
    let foreign =
        "Здравствуйте, я заказал две лампы на прошлой неделе, а пришла только одна. Подскажите, где вторая?"
            .repeat(2);
    for (what, text) in [("usual", usual), ("foreign", &foreign), ("longest", &longest)] {
        let learned = Learned::new();
        let mut times: Vec<Duration> = (0..200)
            .map(|_| {
                let began = Instant::now();
                std::hint::black_box(judge.opinion(std::hint::black_box(text), &[], &learned));
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("a {what} message of {} bytes is judged in {:?}", text.len(), times[times.len() / 2]);
    }
}

#[test]
fn zz_missed() {
    let folder = data().unwrap();
    let (texts, judge) = (Texts::read(&folder), Judge::new());
    for judged in 0..PARTS {
        let mut learned = Learned::new();
        for text in texts.spam.iter().filter(|text| part(text) != judged) {
            learn(&judge, &mut learned, text, Verdict::Spam);
        }
        for text in texts.questions.iter().filter(|text| part(text) != judged) {
            learn(&judge, &mut learned, text, Verdict::Ham);
        }
        println!("state {} bytes", learned.to_bytes().len());
        for text in texts.spam.iter().filter(|text| part(text) == judged) {
            let o = judge.opinion(text, &[], &learned);
            if !o.held {
                println!(
                    "MISS {:.2} {text} {:?}",
                    o.score,
                    o.because.iter().map(|b| b.to_string()).collect::<Vec<_>>()
                );
            }
        }
        for text in texts.questions.iter().filter(|text| part(text) == judged) {
            let o = judge.opinion(text, &[], &learned);
            if o.held {
                println!(
                    "HELD {:.2} {text} {:?}",
                    o.score,
                    o.because.iter().map(|b| b.to_string()).collect::<Vec<_>>()
                );
            }
        }
    }
}
