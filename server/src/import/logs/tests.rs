//! Lines of access logs: what becomes a hit, under which id and visitor.

use super::*;

const NOW: Millis = Millis(1_800_000_000_000);

pub fn rules(hostnames: &[&str], ignored_paths: &[&str]) -> Rules {
    let site = Site {
        ignored_addresses: vec!["203.0.113.0/24".into()],
        ignored_paths: ignored_paths.iter().map(|&path| path.to_owned()).collect(),
        ..Site::new(SiteId::of(1), "s", hostnames, Millis(0))
    };
    Rules {
        ignored: Ignored::of(&site),
        site,
        hostname: "shop.example".into(),
        salt: [7; 32],
        places: Places::open(None).unwrap(),
        now: NOW,
    }
}

fn line(address: &str, target: &str) -> Line {
    Line {
        address: address.into(),
        at: Millis(1_431_849_903_000),
        method: "GET".into(),
        target: target.into(),
        status: 200,
        referrer: "https://www.google.com/".into(),
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0".into(),
        host: String::new(),
    }
}

fn hits(rules: &Rules, lines: &[Line]) -> Vec<EnrichedHit> {
    let mut file = LogFile::new(rules);
    let read = lines.iter().map(|line| match file.read(line.clone()) {
        Read::Hit(hit) => *hit,
        other => panic!("{line:?} is {other:?}"),
    });
    read.collect()
}

#[test]
fn a_page_becomes_a_pageview_as_if_it_came_by_the_door() {
    let rules = rules(&["shop.example"], &[]);
    let hit = &hits(&rules, &[line("8.8.8.8", "/tea?utm_source=news")])[0];
    assert_eq!((&*hit.page.hostname, &*hit.page.path), ("shop.example", "/tea"));
    assert_eq!((&*hit.source.name, &*hit.agent.browser), ("news", "Firefox"));
    assert_eq!((hit.place.country.as_str(), hit.bot, hit.received), ("US", None, hit.at));
}

#[test]
fn a_line_read_again_is_the_same_hit_and_equal_lines_are_several() {
    let rules = rules(&["shop.example"], &[]);
    let lines = [line("8.8.8.8", "/"), line("8.8.4.4", "/"), line("8.8.8.8", "/b")];
    let (first, again) = (hits(&rules, &lines), hits(&rules, &lines[..2]));
    assert_eq!(first[..2], again);
    let ids: std::collections::HashSet<_> = first.iter().map(|hit| hit.id).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(first[0].visitor, first[2].visitor);
    assert_ne!(first[0].visitor, first[1].visitor);
}

#[test]
fn an_id_says_nothing_about_the_address_and_another_salt_makes_other_visitors() {
    let (mine, theirs) = (rules(&["shop.example"], &[]), rules(&["shop.example"], &[]));
    let theirs = Rules { salt: [8; 32], ..theirs };
    let hit = |rules, address| hits(rules, &[line(address, "/")]).remove(0);
    assert_eq!(hit(&mine, "8.8.8.8").id, hit(&theirs, "192.0.2.1").id);
    assert_ne!(hit(&mine, "8.8.8.8").visitor, hit(&theirs, "8.8.8.8").visitor);
    assert_eq!(hit(&mine, "8.8.8.8").visitor, hit(&mine, "::ffff:8.8.8.8").visitor);
}

#[test]
fn what_the_site_does_not_want_is_told_apart() {
    let rules = rules(&["shop.example"], &["/admin/*"]);
    let mut file = LogFile::new(&rules);
    let on = |host: &str, target: &str| Line { host: host.into(), ..line("8.8.8.8", target) };
    assert_eq!(file.read(line("203.0.113.9", "/")), Read::Ignored);
    assert_eq!(file.read(line("8.8.8.8", "/admin/users?x=1")), Read::Ignored);
    assert_eq!(file.read(on("other.example", "/")), Read::Elsewhere);
    assert_eq!(file.read(line("8.8.8.8", "/a.css")), Read::NoPage);
    assert_eq!(
        file.read(Line { at: NOW.plus(Duration::from_millis(1)), ..line("8.8.8.8", "/") }),
        Read::Misdated
    );
    assert_eq!(file.read(Line { at: Millis(-1), ..line("8.8.8.8", "/") }), Read::Misdated);
    for good in [Line { at: NOW, ..line("8.8.8.8", "/") }, on("shop.example", "/")] {
        assert!(matches!(file.read(good), Read::Hit(_)));
    }
}

#[test]
fn targets_that_are_whole_addresses_or_too_long_are_pages_of_the_site() {
    let rules = rules(&["shop.example"], &[]);
    let long = format!("/{}", "x".repeat(3_000));
    let lines =
        [line("8.8.8.8", "http://shop.example/tea"), line("8.8.8.8", "http://a"), line("8.8.8.8", &long)];
    let paths: Vec<usize> = hits(&rules, &lines).iter().map(|hit| hit.page.path.len()).collect();
    assert_eq!(paths, [4, 1, limits::URL_BYTES_MAX - "http://shop.example".len()]);
}
