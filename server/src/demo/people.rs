//! Who comes: places, agents, screens, and where they came from.

use std::net::{IpAddr, Ipv4Addr};

use fastrand::Rng;

use super::shop::weighted;

/// Addresses kept for each country.
const ADDRESSES_A_COUNTRY: usize = 400;
/// Random addresses looked at to find them; some countries have few.
const ADDRESSES_TRIED: usize = 400_000;

/// Country, its languages, and its part of the crowd.
const COUNTRIES: [(&str, &str, u32); 30] = [
    ("US", "en-us", 240),
    ("GB", "en-gb", 90),
    ("DE", "de-de", 110),
    ("FR", "fr-fr", 80),
    ("JP", "ja", 55),
    ("CA", "en-ca", 45),
    ("NL", "nl", 40),
    ("IN", "en-in", 60),
    ("BR", "pt-br", 40),
    ("AU", "en-au", 35),
    ("ES", "es-es", 35),
    ("IT", "it", 35),
    ("SE", "sv", 22),
    ("PL", "pl", 25),
    ("CH", "de-ch", 20),
    ("AT", "de-at", 16),
    ("BE", "nl-be", 15),
    ("DK", "da", 14),
    ("NO", "nb", 13),
    ("FI", "fi", 12),
    ("KR", "ko", 20),
    ("MX", "es-mx", 20),
    ("TR", "tr", 16),
    ("ZA", "en-za", 12),
    ("IE", "en-ie", 12),
    ("PT", "pt-pt", 12),
    ("NZ", "en-nz", 10),
    ("IL", "he", 9),
    ("EG", "ar", 9),
    ("AR", "es-ar", 10),
];

/// Agents as browsers send them, and their part of the crowd.
const AGENTS: [(&str, &str, u32); 14] = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "1920x1080",
        240,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "1440x900",
        110,
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        "393x852",
        210,
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
        "412x915",
        190,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
        "1512x982",
        70,
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0", "1920x1080", 50),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "2560x1440", 22),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
        "1536x864",
        60,
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1",
        "820x1180",
        25,
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        "360x780",
        40,
    ),
    ("Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0", "412x915", 14),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "1366x768",
        12,
    ),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "1024x768", 12),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "1024x768", 8),
];

/// Referrer, query of the first page, and its part of the crowd.
const SOURCES: [(&str, &str, u32); 22] = [
    ("", "", 330),
    ("https://www.google.com/", "", 260),
    ("https://www.google.com/", "?gclid=demo&utm_source=google&utm_medium=cpc&utm_campaign=autumn-teas", 45),
    ("https://www.bing.com/", "", 30),
    ("https://duckduckgo.com/", "", 35),
    ("https://search.brave.com/", "", 8),
    ("https://news.ycombinator.com/", "", 45),
    ("https://www.reddit.com/r/tea/", "", 40),
    ("https://t.co/abc", "", 20),
    ("https://bsky.app/", "", 14),
    ("https://mastodon.social/", "", 9),
    ("https://l.instagram.com/", "?utm_source=instagram&utm_medium=social", 34),
    ("https://www.facebook.com/", "", 22),
    ("https://www.pinterest.com/", "", 18),
    ("https://www.youtube.com/", "", 18),
    ("https://chatgpt.com/", "?utm_source=chatgpt.com", 38),
    ("https://www.perplexity.ai/", "", 14),
    ("https://claude.ai/", "", 10),
    ("https://mail.google.com/", "?utm_source=newsletter&utm_medium=email&utm_campaign=november", 60),
    ("", "?utm_source=newsletter&utm_medium=email&utm_campaign=november", 40),
    ("https://steepster.example/reviews/matcha", "", 22),
    ("https://bakingblog.example/recipes/matcha-cookies", "", 18),
];

/// One person, before they act.
pub struct Person {
    pub address: IpAddr,
    pub language: &'static str,
    pub agent: &'static str,
    pub screen: &'static str,
    pub referrer: &'static str,
    pub query: &'static str,
}

/// Addresses by country, as the built-in table places them.
pub struct People {
    addresses: Vec<Vec<Ipv4Addr>>,
}

impl People {
    pub fn new(rng: &mut Rng) -> People {
        let mut addresses = vec![Vec::new(); COUNTRIES.len()];
        for _ in 0..ADDRESSES_TRIED {
            let address = Ipv4Addr::from(rng.u32(0x0100_0000..0xE000_0000));
            let Some(country) = iptocc::country_code(IpAddr::V4(address)) else { continue };
            let found = COUNTRIES.iter().position(|(code, _, _)| *code == country);
            if let Some(known) = found.map(|index| &mut addresses[index])
                && known.len() < ADDRESSES_A_COUNTRY
            {
                known.push(address);
            }
        }
        People { addresses }
    }

    pub fn person(&self, rng: &mut Rng) -> Person {
        let country = weighted(rng, &COUNTRIES, |(_, _, part)| *part);
        let agent = weighted(rng, &AGENTS, |(_, _, part)| *part);
        let source = weighted(rng, &SOURCES, |(_, _, part)| *part);
        let known = &self.addresses[country];
        let address = match known.len() {
            0 => Ipv4Addr::from(rng.u32(0x0100_0000..0xE000_0000)),
            count => known[rng.usize(0..count)],
        };
        Person {
            address: IpAddr::V4(address),
            language: COUNTRIES[country].1,
            agent: AGENTS[agent].0,
            screen: AGENTS[agent].1,
            referrer: SOURCES[source].0,
            query: SOURCES[source].1,
        }
    }
}
