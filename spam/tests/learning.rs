//! What people's verdicts change: counts that add up in any order, that are taken back without a trace, and of which no one weighs much.

use spam::limits::{DELTA_BYTES_MAX, LEARNED_BYTES_MAX};
use spam::{Because, Delta, Judge, Learned, Verdict};

const WORDS: [&str; 24] = [
    "lamp",
    "order",
    "carpet",
    "discount",
    "garden",
    "window",
    "casino",
    "Überweisung",
    "заказ",
    "订单发货",
    "table",
    "http://a.com",
    "http://b.xyz",
    "shelf",
    "prize",
    "delivery",
    "10482",
    "£50",
    "bonus",
    "chair",
    "call 020 7946 0018",
    "please",
    "curtain",
    "!!!",
];

fn text(rng: &mut fastrand::Rng) -> String {
    (0..rng.usize(0..30)).map(|_| WORDS[rng.usize(0..WORDS.len())]).collect::<Vec<_>>().join(" ")
}

fn verdict(rng: &mut fastrand::Rng) -> Verdict {
    if rng.bool() { Verdict::Spam } else { Verdict::Ham }
}

fn of(deltas: &[Delta]) -> Learned {
    let mut learned = Learned::new();
    for delta in deltas {
        learned.add(delta).expect("there is room");
    }
    learned
}

fn deltas(judge: &Judge, rng: &mut fastrand::Rng, count: usize) -> Vec<Delta> {
    (0..count).map(|_| judge.learn(&text(rng), &[], verdict(rng))).collect()
}

#[test]
fn what_is_taken_back_was_never_said() {
    let judge = Judge::new();
    for seed in 0..100 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut learned = of(&deltas(&judge, &mut rng, 20));
        let before = learned.clone();
        let (text, verdict) = (text(&mut rng), verdict(&mut rng));
        learned.add(&judge.learn(&text, &[], verdict)).expect("there is room");
        assert_ne!(learned, before, "seed {seed}");
        learned.add(&-judge.learn(&text, &[], verdict)).expect("there is room");
        assert_eq!((&learned, learned.to_bytes()), (&before, before.to_bytes()), "seed {seed}");
    }
}

#[test]
fn the_order_does_not_matter() {
    let judge = Judge::new();
    for seed in 0..100 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut all = deltas(&judge, &mut rng, 30);
        // Some are taken back, and some of those before they were said.
        for at in 0..10 {
            all.push(-all[at].clone());
        }
        let once = of(&all);
        rng.shuffle(&mut all);
        assert_eq!(of(&all), once, "seed {seed}");

        let (here, there) = all.split_at(rng.usize(0..all.len()));
        let (mut here, there) = (of(here), of(there));
        let mut other_way = there.clone();
        here.merge(&there).expect("there is room");
        other_way.merge(&of(&all[..all.len()])).expect("there is room");
        assert_eq!(here, once, "seed {seed}");
        assert_ne!(other_way, once, "merging twice counts twice");
    }
}

#[test]
fn bytes_are_what_was_learned() {
    let judge = Judge::new();
    for seed in 0..100 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let all = deltas(&judge, &mut rng, 40);
        let learned = of(&all);
        let bytes = learned.to_bytes();
        assert!(bytes.len() <= LEARNED_BYTES_MAX);
        assert_eq!(Learned::from_bytes(&bytes), Ok(learned), "seed {seed}");
        for delta in all.into_iter().flat_map(|delta| [delta.clone(), -delta]) {
            let bytes = delta.to_bytes();
            assert!(bytes.len() <= DELTA_BYTES_MAX);
            assert_eq!(Delta::from_bytes(&bytes), Ok(delta), "seed {seed}");
        }
    }
    assert!(Learned::new().to_bytes().len() < 10);
}

#[test]
fn garbage_is_refused() {
    let judge = Judge::new();
    let mut rng = fastrand::Rng::with_seed(1);
    let delta = judge.learn("Best lamps, best prices", &[], Verdict::Spam);
    let learned = of(&deltas(&judge, &mut rng, 5)).to_bytes();
    for bytes in [&[][..], &[0], &[2, 0, 0, 0], &[255; 100], b"{\"counts\":[]}"] {
        assert!(Learned::from_bytes(bytes).is_err() && Delta::from_bytes(bytes).is_err(), "{bytes:?}");
    }
    let longer = [&learned[..], &[0]].concat();
    assert!(Learned::from_bytes(&longer).is_err());
    for cut in 0..learned.len() {
        assert!(Learned::from_bytes(&learned[..cut]).is_err(), "cut to {cut}");
    }
    // Whatever the bytes: refused, or something whole.
    for seed in 0..5_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = if seed % 2 == 0 { learned.clone() } else { delta.to_bytes() };
        for _ in 0..rng.usize(1..5) {
            let at = rng.usize(0..bytes.len());
            bytes[at] = rng.u8(..);
        }
        if let Ok(learned) = Learned::from_bytes(&bytes) {
            assert!(judge.opinion("Best lamps", &[], &learned).score.is_finite(), "seed {seed}");
            assert_eq!(Learned::from_bytes(&learned.to_bytes()), Ok(learned), "seed {seed}");
        }
        if let Ok(delta) = Delta::from_bytes(&bytes) {
            assert_eq!(Delta::from_bytes(&delta.to_bytes()), Ok(delta), "seed {seed}");
        }
    }
}

#[test]
fn a_message_weighs_no_more_than_one() {
    let judge = Judge::new();
    let once = "curtains for the northern greenhouse";
    let often = format!("{once}\n").repeat(100);
    assert_eq!(judge.learn(once, &[], Verdict::Spam), judge.learn(&often, &[], Verdict::Spam));
    // And the longest is bounded, too.
    let words: String = (0..2_000)
        .map(|number: u32| {
            format!(
                "w{} ",
                String::from(char::from(b'a' + (number % 26) as u8))
                    + &"xy"[..(number % 3) as usize]
                    + &radix(number)
            )
        })
        .collect();
    assert!(judge.learn(&words, &[], Verdict::Spam).to_bytes().len() <= DELTA_BYTES_MAX);
}

/// A number in letters, as digits are all the same word.
fn radix(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

#[test]
fn a_site_learns_its_own_words() {
    let (judge, mut learned) = (Judge::new(), Learned::new());
    let spam = |number: u32| {
        format!(
            "Premium gutter cleaning by Brightspout crew {}, visit brightspout.example.com",
            radix(number)
        )
    };
    let ham =
        |number: u32| format!("Where is the crew for order {}? My gutter is still dirty", radix(number));
    assert!(!judge.opinion(&spam(0), &[], &learned).held);
    for number in 1..=8 {
        learned.add(&judge.learn(&spam(number), &[], Verdict::Spam)).expect("there is room");
        learned.add(&judge.learn(&ham(number), &[], Verdict::Ham)).expect("there is room");
    }
    let opinion = judge.opinion(&spam(0), &[], &learned);
    assert!(opinion.held, "{opinion:?}");
    let because = opinion.because.iter().find(|because| matches!(because, Because::Learned(_)));
    let told = because.map(Because::to_string).unwrap_or_default();
    assert!(told.starts_with("words as in earlier spam: ") && told.contains("brightspout"), "{told}");
    assert!(!judge.opinion(&ham(0), &[], &learned).held);
}

#[test]
fn what_is_known_from_the_start_gives_way() {
    let (judge, mut learned) = (Judge::new(), Learned::new());
    let ask =
        |what: &str| format!("Can I withdraw my casino bonus as bitcoin {what}? The free spins are gone");
    assert!(judge.opinion(&ask("today"), &[], &learned).held);
    for what in ["tomorrow", "by hand", "at night", "in parts", "as a gift", "with a phone"] {
        learned.add(&judge.learn(&ask(what), &[], Verdict::Ham)).expect("there is room");
    }
    assert!(!judge.opinion(&ask("today"), &[], &learned).held);
}

#[test]
fn one_verdict_alone_turns_little() {
    let judge = Judge::new();
    let learned = of(&[judge.learn(
        "Where is my order of two lamps? I have been waiting for the delivery since Monday",
        &[],
        Verdict::Spam,
    )]);
    for text in [
        "Where is my order? I have been waiting for the delivery",
        "I have ordered two lamps and have been waiting since Monday",
        "When is the delivery of my lamps?",
    ] {
        assert!(!judge.opinion(text, &[], &learned).held, "{text}");
    }
}
