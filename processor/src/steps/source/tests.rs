//! Tables of pages and referrers, and the source and channel of each.

use model::limits::REFERRER_BYTES_MAX;

use super::*;
use crate::steps::agent::tests::mutated;

/// Columns: channel, name, page, referrer. A dash: empty.
const CASES: &str = include_str!("cases.tsv");

fn cases() -> impl Iterator<Item = [&'static str; 4]> {
    let row = |line: &'static str| {
        let mut fields = line.split('\t').map(|field| if field == "-" { "" } else { field });
        std::array::from_fn(|_| fields.next().unwrap_or_else(|| panic!("four fields: {line}")))
    };
    super::super::rules::lines(CASES).map(row)
}

fn source(page: &str, referrer: &str) -> Source {
    Sources::new().source(&Url::parse(page).unwrap(), referrer)
}

#[test]
fn sources_are_named_as_listed() {
    let sources = Sources::new();
    let mut wrong = Vec::new();
    for [channel, name, page, referrer] in cases() {
        let page = Url::parse(page).unwrap_or_else(|_| panic!("an address: {page}"));
        let found = sources.source(&page, referrer);
        if (found.channel.name(), &*found.name) != (channel, name) {
            wrong
                .push(format!("{page} {referrer}: {:?} {}, not {channel} {name}", found.channel, found.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_campaigns_words_are_kept_as_given() {
    let page = "https://shop.example/?UTM_Source=Spring+News&utm_medium=Email&utm_campaign=a%20b&utm_term=t&utm_content=c&utm_source=second";
    let found = source(page, "https://www.example.org/path/?q=secret#part");
    assert_eq!(found.channel, Channel::Mail);
    assert_eq!(&*found.name, "Spring News");
    let words = [found.utm_source, found.utm_medium, found.utm_campaign, found.utm_term, found.utm_content];
    assert_eq!(words.each_ref().map(|word| &**word), ["Spring News", "Email", "a b", "t", "c"]);
    assert_eq!(&*found.referrer, "example.org/path");
}

#[test]
fn a_campaigns_word_is_cut_at_its_maximum() {
    let of_bytes =
        |bytes| source(&format!("https://shop.example/?utm_source={}", "a".repeat(bytes)), "").utm_source;
    assert_eq!(of_bytes(campaign::UTM_BYTES_MAX).len(), campaign::UTM_BYTES_MAX);
    assert_eq!(of_bytes(campaign::UTM_BYTES_MAX + 1).len(), campaign::UTM_BYTES_MAX);
}

#[test]
fn a_short_source_is_one_only_up_to_its_maximum() {
    let of_bytes = |bytes| source(&format!("https://shop.example/?ref={}", "a".repeat(bytes)), "").channel;
    assert_eq!(of_bytes(campaign::SHORT_SOURCE_BYTES_MAX), Channel::Campaign);
    assert_eq!(of_bytes(campaign::SHORT_SOURCE_BYTES_MAX + 1), Channel::Direct);
}

#[test]
fn control_characters_do_not_stay() {
    assert_eq!(&*source("https://shop.example/?utm_source=a%00%0A%1Bb", "").utm_source, "ab");
    assert_eq!(source("https://shop.example/?utm_source=%00", ""), Source::direct());
}

#[test]
fn a_referrer_is_shown_as_host_and_path() {
    let check = |referrer, shown| assert_eq!(&*source("https://shop.example/", referrer).referrer, shown);
    check("https://www.google.com/", "google.com");
    check("https://news.ycombinator.com/item?id=1", "news.ycombinator.com/item");
    check("https://user:secret@example.org:8443/a/b/?token=1#x", "example.org/a/b");
    check("http://EXAMPLE.org./A", "example.org/A");
    check("android-app://com.google.android.gm/", "com.google.android.gm");
    check("android-app://com.example.app/https/shop.example/x", "com.example.app");
    check("https://www.shop.example/cart", "");
    check("https://bücher.example/é", "xn--bcher-kva.example/%C3%A9");
    check("example.org/blog/", "example.org/blog");
}

#[test]
fn a_referrer_is_cut_at_its_maximum() {
    let of_bytes = |bytes: usize| {
        let start = "https://example.org/";
        let referrer = format!("{start}{}", "é".repeat((bytes - start.len()) / 2));
        source("https://shop.example/", &referrer).referrer
    };
    for bytes in [REFERRER_BYTES_MAX, REFERRER_BYTES_MAX + 2, 10 * REFERRER_BYTES_MAX] {
        let shown = of_bytes(bytes);
        assert!(shown.starts_with("example.org/%C3") && shown.len() <= REFERRER_BYTES_MAX);
    }
}

#[test]
fn a_visit_without_any_source_is_direct() {
    assert_eq!(source("https://shop.example/tea?colour=green", ""), Source::direct());
    assert_eq!(source("https://shop.example/tea?ref=menu", "https://shop.example/"), Source::direct());
}

#[test]
fn no_mutation_makes_it_fail() {
    const SEED: u64 = 0x0050_4143;
    let mut random = fastrand::Rng::with_seed(SEED);
    let sources = Sources::new();
    let texts: Vec<_> = cases().flat_map(|[_, _, page, referrer]| [page, referrer]).collect();
    let mut pages = 0;
    for _ in 0..20_000 {
        let (page, referrer) = (mutated(&mut random, &texts), mutated(&mut random, &texts));
        let Ok(page) = Url::parse(&page) else { continue };
        pages += 1;
        let found = sources.source(&page, &referrer);
        assert!(!found.name.is_empty(), "seed {SEED}: {page} {referrer:?}");
        let _ = crate::steps::bots::by_referrer(&referrer);
    }
    assert!(pages > 5_000, "{pages}");
}
