//! GoatCounter's CSV export into hits: a row a pageview or event. Columns go by their names, so that versions 1 to 3 are read.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use history::{EnrichedHit, EnrichedKind};
use jiff::Timestamp;
use model::{
    Agent, Arrival, BotReason, BrowserId, Channel, Hit, HitId, HitKind, Millis, Place, Screen, Source,
    VisitorId, limits,
};
use parking_lot::Mutex;
use processor::pipeline::{Known, Pipeline};

use super::batches::first_128_bits;
use super::logs::{Rules, cut};
use super::ordinals::Ordinals;

const VERSIONS: [char; 3] = ['1', '2', '3'];
/// Key of the hash of a row.
const ROW_CONTEXT: &str = "watchfire 2026-11 hit of goatcounter";
/// In its numbers for why a hit is a bot's, those below say that it is none.
const BOTS_FROM: u32 = 3;

/// One file under way.
pub struct Export<'r, R> {
    rules: &'r Rules,
    reader: csv::Reader<R>,
    columns: Arc<[String]>,
    known: Arc<Mutex<Known>>,
    pipeline: Pipeline,
    ordinals: Ordinals,
    latest: Millis,
}

/// Whether a file begins as an export does.
pub fn begins(line: &str) -> bool {
    let first = line.trim_start_matches('\u{feff}').split(',').next().unwrap_or_default();
    first.strip_prefix(VERSIONS) == Some("Path")
}

impl<'r, R: Read> Export<'r, R> {
    pub fn open(rules: &'r Rules, reader: R) -> anyhow::Result<Export<'r, R>> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        let header = reader.headers().context("it has no header")?;
        ensure!(
            begins(header.get(0).unwrap_or_default()),
            "it is no export of GoatCounter of version 1, 2 or 3"
        );
        let columns = header.iter().map(|name| name.trim_start_matches(['\u{feff}', '1', '2', '3']));
        let columns: Arc<[String]> = columns.map(str::to_lowercase).collect();
        for needed in ["path", "event", "session", "date"] {
            if !columns.iter().any(|name| name == needed) {
                bail!("its header has no column `{needed}`");
            }
        }
        let known = Arc::new(Mutex::new(Known::default()));
        let pipeline = Pipeline::new(known.clone());
        let (ordinals, latest) = (Ordinals::default(), Millis(0));
        Ok(Export { rules, reader, columns, known, pipeline, ordinals, latest })
    }

    /// The next row. None: that was the last. Some(None): it does not read.
    pub fn next(&mut self) -> anyhow::Result<Option<Option<EnrichedHit>>> {
        let mut record = csv::StringRecord::new();
        match self.reader.read_record(&mut record) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(self.hit(&record))),
            Err(error) if error.is_io_error() => Err(error.into()),
            Err(_) => Ok(Some(None)),
        }
    }

    fn hit(&mut self, record: &csv::StringRecord) -> Option<EnrichedHit> {
        let columns = self.columns.clone();
        let row = Row { columns: &columns, record };
        let at = Millis(row.text("date").parse::<Timestamp>().ok()?.as_millisecond());
        if at.0 < 0 || at > self.rules.now || row.text("path").is_empty() {
            return None;
        }
        let content = row.content();
        let ordinal = self.ordinals.next(at, content);
        let is_event = matches!(row.text("event"), "true" | "1");
        let path = if is_event { "/" } else { row.text("path") };
        let slash = if path.starts_with('/') { "" } else { "/" };
        let url = format!("http://{}{slash}{path}", self.rules.hostname);
        let referrer = row.referrer();
        let (name, title) = (row.text("path"), row.text("title"));
        let kind = match is_event {
            true => HitKind::Event {
                name: Cow::Borrowed(cut(name, limits::EVENT_NAME_BYTES_MAX)),
                props: Vec::new(),
                pageview: None,
            },
            false => HitKind::Pageview {
                referrer: Cow::Borrowed(cut(&referrer, limits::REFERRER_BYTES_MAX)),
                title: Cow::Borrowed(cut(title, limits::TITLE_BYTES_MAX)),
                due_ms: None,
            },
        };
        let hit =
            Hit { id: hit_id(content, ordinal), at, url: cut(&url, limits::URL_BYTES_MAX).into(), kind };
        let mut enriched = self.enrich(&row, hit)?;
        row.correct(&mut enriched);
        Some(enriched)
    }

    fn enrich(&mut self, row: &Row<'_>, hit: Hit<'_>) -> Option<EnrichedHit> {
        let mut hasher = blake3::Hasher::new_keyed(&self.rules.salt);
        hasher.update(&self.rules.site.id.value().to_le_bytes()).update(b"session");
        hasher.update(row.text("session").as_bytes());
        let arrival = Arrival {
            site: self.rules.site.id,
            received: hit.at,
            visitor: VisitorId(first_128_bits(&hasher) as u64),
            visitor_before: None,
            browser: BrowserId::default(),
            agent: Cow::Borrowed(cut(row.agent(), limits::AGENT_BYTES_MAX)),
            language: Cow::Borrowed(""),
            screen: row.screen(),
            place: row.place(),
            hits: vec![hit],
        };
        self.latest = self.latest.max(arrival.received);
        self.known.lock().advance(self.latest);
        let mut enriched = None;
        self.pipeline.run(vec![arrival], |_, outcome| enriched = outcome.ok().map(|sighting| sighting.hit));
        enriched
    }
}

struct Row<'c> {
    columns: &'c [String],
    record: &'c csv::StringRecord,
}

impl Row<'_> {
    /// Empty where there is no such column.
    fn text(&self, name: &str) -> &str {
        let column = self.columns.iter().position(|column| column == name);
        column.and_then(|column| self.record.get(column)).unwrap_or_default()
    }

    fn content(&self) -> u128 {
        let mut hasher = blake3::Hasher::new_derive_key(ROW_CONTEXT);
        for cell in self.record {
            hasher.update(&(cell.len() as u64).to_le_bytes()).update(cell.as_bytes());
        }
        first_128_bits(&hasher)
    }

    /// The whole User-Agent header, which version 1 has under `browser`.
    fn agent(&self) -> &str {
        match self.text("useragent") {
            "" if self.text("browser").starts_with("Mozilla/") => self.text("browser"),
            agent => agent,
        }
    }

    fn referrer(&self) -> String {
        match (self.text("referrer"), self.text("referrer scheme")) {
            ("", _) => String::new(),
            (referrer, "h") => format!("https://{referrer}"),
            _ => String::new(),
        }
    }

    fn screen(&self) -> Option<Screen> {
        let mut sides = self.text("screen size").split(',').map(|side| side.trim().parse::<f64>().ok());
        let (width, height) = (sides.next()??, sides.next()??);
        let side = |side: f64| (1.0..=f64::from(u16::MAX)).contains(&side).then_some(side as u16);
        Some(Screen { width: side(width)?, height: side(height)? })
    }

    fn place(&self) -> Place {
        let country = self.text("location").split('-').next().unwrap_or_default();
        let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        Place { country: if is_code { country.to_owned() } else { String::new() }, ..Place::default() }
    }

    /// What GoatCounter knows itself, where its rows no longer say from what.
    fn correct(&self, hit: &mut EnrichedHit) {
        let is_bot = self.text("bot").parse::<u32>().is_ok_and(|bot| bot >= BOTS_FROM);
        hit.bot = match (is_bot, self.agent()) {
            (true, "") => Some(BotReason::NamesItself),
            (true, _) => Some(hit.bot.unwrap_or(BotReason::NamesItself)),
            (false, "") => None,
            (false, _) => hit.bot,
        };
        if self.agent().is_empty() {
            let (browser, browser_version) = named(self.text("browser"));
            let (os, os_version) = named(self.text("system"));
            let device = hit.agent.device;
            hit.agent = Arc::new(Agent { browser, browser_version, os, os_version, device });
        }
        let name = self.text("referrer");
        let is_pageview = matches!(hit.kind, EnrichedKind::Pageview { .. });
        let channel = match self.text("referrer scheme") {
            "c" => Channel::Campaign,
            "g" | "o" => Channel::Referral,
            _ => return,
        };
        if is_pageview && !name.is_empty() {
            let name: Arc<str> = Arc::from(cut(name, limits::REFERRER_BYTES_MAX));
            hit.source = Arc::new(Source { channel, name, ..Source::direct() });
        }
    }
}

/// `Firefox 131` is Firefox, version 131.
fn named(text: &str) -> (Arc<str>, Arc<str>) {
    let (name, version) = match text.rsplit_once(' ') {
        Some((name, version)) if version.starts_with(|first: char| first.is_ascii_digit()) => (name, version),
        _ => (text, ""),
    };
    (Arc::from(if name.is_empty() { "Unknown" } else { name }), Arc::from(version))
}

fn hit_id(content: u128, ordinal: u32) -> HitId {
    let mut hasher = blake3::Hasher::new_derive_key(ROW_CONTEXT);
    hasher.update(&content.to_le_bytes()).update(&ordinal.to_le_bytes());
    HitId(first_128_bits(&hasher))
}

#[cfg(test)]
mod tests {
    use super::super::logs::tests::rules;
    use super::*;

    const VERSION_2: &str = "\
2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date
/tea?utm_source=news,Tea,false,,Firefox 131,Linux,1a,0,,,\"1440,900,2\",FR-IDF,true,2024-05-01T10:00:00Z
/tea?utm_source=news,Tea,false,,Firefox 131,Linux,1a,0,,,\"1440,900,2\",FR-IDF,true,2024-05-01T10:00:00Z
buy,,true,,Firefox 131,Linux,1a,0,,,,FR,false,2024-05-01T10:01:00Z
/,,false,,Chrome 99,Windows 10,2b,7,www.google.com/search,h,,,true,2024-05-01T10:02:00+02:00
/,,false,,Safari,macOS 14,3c,0,Hacker News,g,,DE,true,2024-05-01T11:00:00Z
/,,false,,Safari,macOS 14,3c,0,,,,DE,true,soon
";

    fn read(text: &str) -> Vec<Option<EnrichedHit>> {
        let rules = rules(&["shop.example"], &[]);
        let mut export = Export::open(&rules, text.as_bytes()).unwrap();
        std::iter::from_fn(|| export.next().unwrap()).collect()
    }

    #[test]
    fn rows_become_hits_once_each() {
        let hits = read(VERSION_2);
        assert_eq!(
            hits.iter().map(Option::is_some).collect::<Vec<_>>(),
            [true, true, true, true, true, false]
        );
        let hits: Vec<EnrichedHit> = hits.into_iter().flatten().collect();
        let first = &hits[0];
        assert_eq!((&*first.page.path, &*first.source.name, &*first.place.country), ("/tea", "news", "FR"));
        assert_eq!(
            (&*first.agent.browser, &*first.agent.browser_version, &*first.agent.os),
            ("Firefox", "131", "Linux")
        );
        assert_eq!(first.screen, Some(Screen { width: 1_440, height: 900 }));
        assert!(matches!(&first.kind, EnrichedKind::Pageview { title, .. } if &**title == "Tea"));
        assert!(matches!(&hits[2].kind, EnrichedKind::Event { name, .. } if &**name == "buy"));
        assert_eq!((hits[0].visitor, hits[0].bot), (hits[2].visitor, None));
        assert_ne!(hits[0].id, hits[1].id, "equal rows are several");
        assert_ne!(hits[0].visitor, hits[3].visitor);
        assert_eq!((hits[3].bot, hits[3].at.0), (Some(BotReason::NamesItself), 1_714_550_520_000));
        assert_eq!((&*hits[3].source.name, &*hits[4].source.name), ("Google", "Hacker News"));
        let again: Vec<EnrichedHit> = read(VERSION_2).into_iter().flatten().collect();
        assert_eq!(hits, again);
    }

    #[test]
    fn version_1_has_the_agent_under_browser() {
        let hits = read(
            "1Path,Title,Event,Bot,Session,FirstVisit,Referrer,Referrer scheme,Browser,Screen size,Location,Date\n\
             /,T,false,0,1a,true,,,Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0,,US,2024-05-01T10:00:00Z\n",
        );
        assert_eq!(&*hits[0].as_ref().unwrap().agent.browser, "Firefox");
    }

    #[test]
    fn another_file_is_refused() {
        let rules = rules(&["shop.example"], &[]);
        for text in ["", "Path,Title\n", "9Path,Event,Session,Date\n", "2Path,Title\n"] {
            assert!(Export::open(&rules, text.as_bytes()).is_err(), "{text}");
        }
    }
}
