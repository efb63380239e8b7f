//! Tables of agents and referrers, and the verdict on each.

use super::*;
use BotReason::{Automated, NamesItself, NoBrowser, ReferrerSpam};

fn check(agents: &[&str], expected: Option<BotReason>) {
    let bots = Bots::new().unwrap();
    for agent in agents {
        assert_eq!(bots.by_agent(agent), expected, "{agent}");
    }
}

#[test]
fn programs_that_name_themselves() {
    check(
        &[
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
            "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
            "CCBot/2.0 (https://commoncrawl.org/faq/)",
            "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
            "WhatsApp/2.23.20.0 A",
            "Twitterbot/1.0",
            "TelegramBot (like TwitterBot)",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
            "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 3 subscribers; feed-id=1)",
            "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)",
            "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
            "Tiny Tiny RSS/1.11 (http://tt-rss.org/)",
            "checks.panopta.com",
            "Apache/2.2.17 (Ubuntu) (internal dummy connection)",
            "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
            "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
            "curl/7.22.0 (i686-pc-linux-gnu) libcurl/7.22.0 OpenSSL/1.0.1",
            "Wget/1.14 (linux-gnu)",
            "python-requests/2.32.3",
            "Python-urllib/2.7",
            "python-httpx/0.27.0",
            "Python/3.11 aiohttp/3.9.5",
            "Java/1.7.0_40",
            "Apache-HttpClient/4.5.14 (Java/17.0.9)",
            "okhttp/4.12.0",
            "Go-http-client/2.0",
            "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
            "axios/1.7.2",
            "Ruby",
            "LWP::Simple/5.827 libwww-perl/5.833",
            "PostmanRuntime/7.39.0",
            "Scrapy/2.11.2 (+https://scrapy.org)",
            "Xenu Link Sleuth/1.3.8",
            "Mozilla/5.0 (compatible; archive.org_bot +http://www.archive.org/details/archive.org_bot)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/78.0.3904.97 Safari/537.36 Chrome-Lighthouse",
            "Mozilla/5.0 (compatible; Ezooms/1.0; ezooms.bot@gmail.com)",
            "Mozilla/5.0 (compatible; Plukkie/1.5; http://www.botje.com/plukkie.htm)",
            "ZmEu",
            "Morfeus Scanner",
        ],
        Some(NamesItself),
    );
}

#[test]
fn browsers_driven_by_programs() {
    check(
        &[
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.6478.55 Safari/537.36",
            "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) PhantomJS/1.9.2 Safari/534.34",
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Cypress/13.6.0 Chrome/114.0.5735.289 Electron/25.8.4 Safari/537.36",
            "Mozilla/5.0 (Windows NT 6.1; rv:22.0) Gecko/20100101 Firefox/22.0 Selenium",
        ],
        Some(Automated),
    );
}

#[test]
fn agents_that_no_browser_sends() {
    check(
        &[
            "",
            " ",
            "-",
            "Mozilla",
            "Mozilla/4.0",
            "Mozilla/5.0",
            "Mozilla/4.0 (compatible;)",
            "Mozilla/5.0 (",
            "Mozilla/5.0 Gecko/20100115 Firefox/3.6",
            "Dalvik/2.1.0 (Linux; U; Android 8.0.0; SM-G930F Build/R16NW)",
            "some app",
        ],
        Some(NoBrowser),
    );
}

#[test]
fn browsers_of_people() {
    check(
        &[
            "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0.3987.87 Safari/537.36 SE 2.X MetaSr 1.0",
            "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0; QQDownload 718)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/28.0.1500.71 Chrome/28.0.1500.71 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [Pinterest/iOS]",
            "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0; Embedded Web Browser from: http://bsalsa.com/; .NET CLR 2.0.50727)",
            "Midori/0.2 (X11; Linux; U; fr-fr) WebKit/531.2+",
            "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/34.1244; U; en) Presto/2.8.119 Version/11.10",
            "SAMSUNG-GT-E2232/1.0 Openwave/6.2.3 Profile/MIDP-2.0 Configuration/CLDC-1.1 UP.Browser/6.2.3.3.c.1.101 (GUI) MMP/2.0",
            "Lynx/2.8.7rel.2 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/1.0.1f",
            "Links (2.7; CYGWIN_NT-5.1 1.7.15(0.260/5/3) i686; GNU C 4.5.3; text)",
        ],
        None,
    );
}

#[test]
fn referrer_spam_is_known_by_its_domain_and_all_below() {
    let check = |host: &str, expected| assert_eq!(by_referrer(host), expected, "{host}");
    check("semalt.com", Some(ReferrerSpam));
    check("95.semalt.com", Some(ReferrerSpam));
    check("a.b.semalt.com.", Some(ReferrerSpam));
    check("darodar.com", Some(ReferrerSpam));
    check("buttons-for-website.com", Some(ReferrerSpam));
    check("notsemalt.com", None);
    check("semalt.com.example", None);
    check("semalt", None);
    check("com", None);
    check("example.org", None);
    check("google.com", None);
    check("", None);
    check(".", None);
    check("...", None);
    check("\n", None);
    check(&"a.".repeat(1_000), None);
    check("bücher.example", None);
}

#[test]
fn every_listed_domain_is_found() {
    assert!(SPAM.lines().is_sorted(), "the list is searched by bisection");
    for domain in SPAM.lines() {
        assert_eq!(by_referrer(domain), Some(ReferrerSpam), "{domain}");
    }
}
