//! Every maximum that more than one part must agree on, by name. Part-private ones stand in that part.

use std::time::Duration;

/// Hits in one request to `POST /v1/hits`.
pub const HITS_A_REQUEST_MAX: usize = 100;
/// Bytes of one request body to `POST /v1/hits`.
pub const HITS_BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a page's address.
pub const URL_BYTES_MAX: usize = 2_048;
/// Bytes of a referrer's address.
pub const REFERRER_BYTES_MAX: usize = 2_048;
/// Bytes of a page's title; a longer one is cut at a character, not refused.
pub const TITLE_BYTES_MAX: usize = 256;
/// Bytes of an agent (the User-Agent header); a longer one is cut, not refused.
pub const AGENT_BYTES_MAX: usize = 512;
/// Bytes of an event's name.
pub const EVENT_NAME_BYTES_MAX: usize = 64;
/// Properties of one event or identity.
pub const PROPS_MAX: usize = 20;
/// Bytes of a property's key.
pub const PROP_KEY_BYTES_MAX: usize = 64;
/// Bytes of a property's value.
pub const PROP_VALUE_BYTES_MAX: usize = 512;
/// Bytes of the id or name a site gives a visitor with `identify`.
pub const IDENTITY_BYTES_MAX: usize = 128;
/// How far a hit's own time may lie before its arrival.
pub const HIT_AGE_MAX: Duration = Duration::from_secs(400 * 86_400);
/// How far a hit's own time may lie after the request's `sent`.
pub const HIT_AHEAD_MAX: Duration = Duration::from_secs(60);
/// The longest a heartbeat may announce until the next one.
pub const DUE_MAX: Duration = Duration::from_secs(60);

/// Hits or arrivals gathered into one bus message, and for how long.
pub const BATCH_HITS_MAX: usize = 500;
pub const BATCH_GATHER_MAX: Duration = Duration::from_millis(5);
/// Bytes of one bus message.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// A visit ends when nothing was heard for longer than this.
pub const VISIT_GAP_MAX: Duration = Duration::from_secs(30 * 60);
/// Minutes in the live chart.
pub const LIVE_MINUTES: usize = 30;
/// How much of the tail is read again to rebuild presence: the chart, and a visit's gap, with a margin.
pub const REBUILD_WINDOW: Duration = Duration::from_secs(35 * 60);
/// A second missed heartbeat is given this long.
pub const HEARTBEAT_GRACE: Duration = Duration::from_secs(5);
/// After the leave of the last open page, how long a next page of the same visitor is waited for.
pub const LEAVE_GRACE: Duration = Duration::from_secs(1);
/// A sender that never beats (pixel, access log) counts as present for this long after a hit.
pub const UNBEATING_PRESENCE: Duration = Duration::from_secs(5 * 60);
/// Steps of a present visitor's trail that are kept; the oldest go first.
pub const TRAIL_STEPS_MAX: usize = 20;
/// Browsers that are told apart among those that share a visitor id (one agent behind one address); further ones count as
/// one together.
pub const BROWSERS_A_VISITOR_MAX: usize = 500;
/// Visitors present on one site at once, in one shard; who comes past it is counted in history only.
pub const PRESENT_A_SITE_MAX: usize = 250_000;
/// The same over all sites of a shard: half a gigabyte.
pub const PRESENT_A_SHARD_MAX: usize = 1_000_000;
/// Open pages of one present visitor; the longest silent goes first.
pub const OPEN_PAGES_MAX: usize = 20;

/// Bytes of a site's name, of an account's name, of a token's name.
pub const NAME_BYTES_MAX: usize = 80;
/// Bytes of an e-mail address.
pub const EMAIL_BYTES_MAX: usize = 254;
/// Characters of a password at least, and its bytes at most.
pub const PASSWORD_CHARS_MIN: usize = 10;
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Hostnames a site lists, and bytes of each (RFC 1035).
pub const HOSTNAMES_MAX: usize = 50;
pub const HOSTNAME_BYTES_MAX: usize = 253;
/// Entries of a site's ignore lists (addresses or networks; path patterns), and bytes of a pattern.
pub const IGNORED_MAX: usize = 100;
pub const IGNORED_BYTES_MAX: usize = 200;
/// Days that a site's history can be told to be kept.
pub const KEEP_DAYS_MAX: u32 = 3_650;
/// What is saved of one site: items of one kind, and bytes of an item's body.
pub const SAVED_MAX: usize = 200;
pub const SAVED_BYTES_MAX: usize = 16 * 1024;
/// Pages of one site that are looked at, and bytes of such a page's address.
pub const WATCHED_PAGES_MAX: usize = 10;
pub const WATCHED_URL_BYTES_MAX: usize = 1_024;
/// Sites of one installation that the embedded size is built for.
pub const SITES_MAX: usize = 100_000;
/// Members, pending invitations, share links of one site; tokens of one account; sign-ins of one account.
pub const MEMBERS_MAX: usize = 200;
pub const INVITATIONS_MAX: usize = 100;
pub const SHARES_MAX: usize = 20;
pub const TOKENS_MAX: usize = 50;
pub const SIGN_INS_MAX: usize = 50;

/// Rooms of one installation; rooms that one person is in.
pub const ROOMS_MAX: usize = 10_000;
pub const ROOMS_A_PERSON_MAX: usize = 500;
/// Rooms that one account made and that are there, direct ones with them.
pub const ROOMS_MADE_MAX: usize = 200;
/// Members of one room at most, whatever the room says; people of a direct one.
pub const ROOM_MEMBERS_MAX: u32 = 5_000;
pub const DIRECT_PEOPLE_MAX: usize = 8;
/// Bytes of a room's topic.
pub const TOPIC_BYTES_MAX: usize = 500;
/// Bytes of a message as it is written, and of a paste.
pub const MESSAGE_BYTES_MAX: usize = 8 * 1024;
pub const PASTE_BYTES_MAX: usize = 64 * 1024;
/// People that one message mentions.
pub const MENTIONS_MAX: usize = 50;
/// Different emoji that one message is answered with, all reactions to it, and bytes of one.
pub const EMOJI_A_MESSAGE_MAX: usize = 20;
pub const REACTIONS_A_MESSAGE_MAX: usize = 500;
pub const EMOJI_BYTES_MAX: usize = 32;
/// Times that one message is edited, decided, closed and taken back, all together.
pub const REVISIONS_MAX: usize = 100;
/// Messages of one locked room: they go when it is unlocked.
pub const UNRECORDED_MAX: usize = 1_000;
/// Messages that one person has a star at.
pub const STARS_MAX: usize = 1_000;
/// Messages of one page, and changes of one page of catching up.
pub const MESSAGES_A_PAGE_MAX: usize = 200;
/// Words that one search asks for, rooms that it looks through, bytes of one word.
pub const SEARCH_WORDS_MAX: usize = 12;
pub const SEARCH_ROOMS_MAX: usize = ROOMS_A_PERSON_MAX;
pub const WORD_BYTES_MAX: usize = 40;
/// Different words of one message that it is found by: the first ones.
pub const WORDS_A_MESSAGE_MAX: usize = 1_000;
/// People and addresses barred from one room, and for how long at most.
pub const BANS_MAX: usize = 500;
pub const BAN_MAX: Duration = Duration::from_secs(30 * 86_400);
/// Guests of one room that are still let in again by their browsers.
pub const GUESTS_MAX: usize = 1_000;
/// A guest's browser is let in again for so long; then their place is free for whoever comes.
pub const GUEST_LASTS: Duration = Duration::from_secs(30 * 86_400);
pub const BOTS_MAX: usize = 100;

/// Bytes of one file, of its name, files of one message, and bytes of all files of one room with what is still coming.
pub const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;
pub const FILE_NAME_BYTES_MAX: usize = 255;
pub const FILES_A_MESSAGE_MAX: usize = 10;
/// Bytes of one person's files in a room that no message names: two messages' worth, as one is sent while another is made ready.
pub const UNPOSTED_BYTES_MAX: usize = 2 * FILES_A_MESSAGE_MAX * FILE_BYTES_MAX;
pub const FILES_A_ROOM_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Bytes of a file that are handed on at once.
pub const FILE_PART_BYTES: usize = 1024 * 1024;
/// Pixels of a picture, and its width or height. Four bytes a pixel: 100 MiB.
pub const PICTURE_PIXELS_MAX: u64 = 25_000_000;
pub const PICTURE_SIDE_MAX: u32 = 16_384;
/// The box that a thumbnail fits into, in pixels.
pub const THUMBNAIL_WIDTH_MAX: u32 = 800;
pub const THUMBNAIL_HEIGHT_MAX: u32 = 600;
/// Uploads under way at once, of one process, of all guests in it, and of one person; pictures that are looked at at once.
pub const UPLOADS_MAX: usize = 16;
pub const UPLOADS_OF_GUESTS_MAX: usize = 8;
pub const UPLOADS_A_PERSON_MAX: usize = 4;
pub const PICTURES_AT_ONCE_MAX: usize = 2;
/// How long one upload may take, and how long one that no message names is kept.
pub const UPLOAD_TIME_MAX: Duration = Duration::from_secs(15 * 60);
pub const UPLOAD_KEPT_MAX: Duration = Duration::from_secs(86_400);
/// Hooks by which one room hears of repositories; bytes of one's patterns of each kind, and of its secret.
pub const HOOKS_A_ROOM_MAX: usize = 20;
pub const HOOK_FILTER_BYTES_MAX: usize = 1_000;
pub const HOOK_SECRET_BYTES_MAX: usize = 256;
/// Deliveries of one hook that are remembered, and bytes of the words about one.
pub const HOOK_DELIVERIES_MAX: usize = 10;
pub const DELIVERY_WORDS_BYTES_MAX: usize = 200;
/// Bytes of the note with which a conversation is closed.
pub const CLOSING_NOTE_BYTES_MAX: usize = 1_000;
/// Conversations of one site; labels of one, bytes of the beginning of its last message that lists show, of what a customer says of it.
pub const CONVERSATIONS_MAX: usize = 1_000_000;
pub const LABELS_MAX: usize = 10;
pub const PREVIEW_BYTES_MAX: usize = 200;
pub const RATING_BYTES_MAX: usize = 1_000;
/// Messages of a conversation that are told again in a public room, bytes of what it is called there, and how long its customer may say yes.
pub const RETOLD_MESSAGES_MAX: usize = 200;
pub const RETOLD_TITLE_BYTES_MAX: usize = 200;
pub const RETELLING_ASKED_MAX: Duration = Duration::from_secs(7 * 86_400);
pub const SCORE_MAX: u8 = 5;
/// Bytes of what a site says to its customers first; spans of time in which somebody is there.
pub const GREETING_BYTES_MAX: usize = 500;
pub const HOURS_MAX: usize = 28;
/// Bytes of what one site's filter of spam learned.
pub const LEARNED_BYTES_MAX: usize = 64 * 1024;
/// Conversations of one page of the inbox, of one customer that are listed.
pub const CONVERSATIONS_A_PAGE_MAX: usize = 50;
pub const EARLIER_MAX: usize = 20;
/// What a customer mails to one conversation in an hour, and bytes of the `Message-ID` of that.
pub const REPLIES_AN_HOUR_MAX: u32 = 30;
pub const MESSAGE_ID_BYTES_MAX: usize = 250;
/// Messages of a conversation that is mailed to its customer: the last ones.
pub const TRANSCRIPT_MESSAGES_MAX: usize = 1_000;
/// Bytes that are seen of what a customer types.
pub const TYPED_BYTES_MAX: usize = 1_024;
/// Bytes that browsers say to each other at once of a screen that is shown, and of an id that one of them made for it.
pub const SCREEN_SIGNAL_BYTES_MAX: usize = 16 * 1024;
pub const SCREEN_ID_BYTES_MAX: usize = 32;
/// Servers by which browsers find each other.
pub const ICE_SERVERS_MAX: usize = 8;
/// An agent who was in the inbox within this is there; how often that is written down; agents of a site of whom it is known.
pub const ON_DUTY: Duration = Duration::from_secs(150);
pub const ON_DUTY_EVERY: Duration = Duration::from_secs(60);
pub const ON_DUTY_MAX: usize = 1_000;
/// Pages of one process that wait to be called, of one network; how long each waits before it asks again.
pub const CALLS_AWAITED_MAX: usize = 10_000;
pub const CALLS_AWAITED_A_NETWORK_MAX: usize = 100;
pub const CALL_AWAITED: Duration = Duration::from_secs(25);
/// Rules of one site, bytes of what one says, and seconds on a page that it may wait for.
pub const RULES_MAX: usize = 20;
pub const RULE_WORDS_BYTES_MAX: usize = 500;
pub const RULE_SECONDS_MAX: u32 = 3_600;
/// Visitors of one site of whom it is known that a rule spoke to them; how long that is known of an id that a browser keeps, and of one of a day.
pub const RULE_MARKS_MAX: usize = 1_000_000;
pub const RULE_KNOWN: Duration = Duration::from_secs(400 * 86_400);
pub const RULE_KNOWN_OF_A_DAY: Duration = Duration::from_secs(3 * 86_400);
/// How often a page that waits to be called is looked at for the rules of its site.
pub const RULES_LOOKED_EVERY: Duration = Duration::from_secs(2);
/// Alerts of one site, people that one tells by each way, and incidents of a site that are kept: the last ones.
pub const ALERTS_MAX: usize = 20;
pub const ALERT_PEOPLE_MAX: usize = 50;
pub const INCIDENTS_KEPT_MAX: usize = 50;
/// Minutes that an alert looks back, and that a site may be silent before one says so; the highest number that one compares with.
pub const ALERT_MINUTES_MAX: u32 = 60;
pub const ALERT_SILENCE_MINUTES_MAX: u32 = 1_440;
pub const ALERT_NUMBER_MAX: u32 = 1_000_000_000;
/// Milliseconds that a page may take before an alert calls it slow: a look ends after ten seconds. Pages that one incident names, and bytes of each address.
pub const ALERT_SLOW_MS_MAX: u32 = 9_999;
pub const AILING_MAX: usize = 3;
pub const AILING_URL_BYTES_MAX: usize = 200;
/// Sites whose alerts are looked after: those with the lowest ids.
pub const ALERTED_SITES_MAX: usize = 10_000;
/// Causes that are named of one change, and bytes of what one is called.
pub const CAUSES_MAX: usize = 3;
pub const CAUSE_BYTES_MAX: usize = 200;
/// Days of one question for figures, and conversations that were begun on them.
pub const FIGURES_DAYS_MAX: usize = 366;
pub const FIGURES_CONVERSATIONS_MAX: usize = 100_000;
/// How soon there is an answer: measured so often, of the conversations of a week, or of four where fewer than the least were answered in one.
pub const ANSWERS_MEASURED_EVERY: Duration = Duration::from_secs(600);
pub const ANSWERS_MEASURED_SHORT: Duration = Duration::from_secs(7 * 86_400);
pub const ANSWERS_MEASURED_LONG: Duration = Duration::from_secs(28 * 86_400);
pub const ANSWERS_MEASURED_MIN: usize = 10;
/// How long a conversation may be put off.
pub const SNOOZE_MAX: Duration = Duration::from_secs(366 * 86_400);
/// Commits on branches, and tags, that one room knows of, all together: the last ones.
pub const ARRIVALS_A_ROOM_MAX: usize = 5_000;
/// Repositories of rooms that are listed at once.
pub const REPOSITORIES_LISTED_MAX: usize = 1_000;
/// Commits that one room knows to have shown: the last ones. And of one call about them.
pub const SHOWN_A_ROOM_MAX: usize = 10_000;
pub const COMMITS_A_CALL_MAX: usize = 2_048;
/// Bytes of what a job holds, and of what its last attempt came to; a longer one of these is cut, not refused.
pub const JOB_BODY_BYTES_MAX: usize = 8 * 1024;
pub const JOB_SAID_BYTES_MAX: usize = 200;
/// Jobs of one call: a message to everybody in the largest room by push and by mail, and to its bots. Jobs that are taken by one call.
pub const JOBS_A_CALL_MAX: usize = 2 * ROOM_MEMBERS_MAX as usize + BOTS_MAX;
pub const JOBS_TAKEN_MAX: usize = 100;
/// Jobs of one kind that wait for one owner, and those that are over and kept: the last ones.
pub const JOBS_WAITING_MAX: usize = 10_000;
pub const JOBS_KEPT_MAX: usize = 50;
/// Browsers that one person is reached in; bytes of where one is reached, and of each of its keys.
pub const BROWSERS_MAX: usize = 10;
pub const ENDPOINT_BYTES_MAX: usize = 1_024;
pub const BROWSER_KEY_BYTES_MAX: usize = 100;
/// Bytes of the address that a bot's events are sent to.
pub const HOOK_URL_BYTES_MAX: usize = 2_048;
