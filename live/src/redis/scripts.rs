//! The scripts that run inside Redis, and the keys they touch, all behind the installation's name. Every key of a site
//! carries `{site}`, every key of a shard `{shard-N}`: one slot each.

use model::SiteId;

/// A script with the name that a server which knows it has for it.
#[derive(Clone)]
pub struct Script {
    pub code: &'static str,
    pub hash: String,
}

impl Script {
    fn new(code: &'static str) -> Script {
        Script { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }
}

/// The next term of a shard, above all before by the server's clock, even where they are forgotten. Answers the term,
/// whether the shard is whole, and its sites. KEYS: owner, sites. ARGV: keep ('1': a whole shard stays so), seconds to live.
const TAKE: &str = "
local time = redis.call('TIME')
local now = tonumber(time[1])
local known = redis.call('HMGET', KEYS[1], 'term', 'whole')
local term = math.max(now * 1000 + math.floor(tonumber(time[2]) / 1000), tonumber(known[1] or 0) + 1)
local is_whole = ARGV[1] == '1' and known[2] == '1' and '1' or '0'
local written = string.format('%.0f', term)
redis.call('HSET', KEYS[1], 'term', written, 'taken', written, 'whole', is_whole)
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[2]))
return {written, is_whole, redis.call('ZRANGE', KEYS[2], 0, -1)}";

/// The shard works on these sites. 0: in a newer term it does not. KEYS: owner, sites. ARGV: term, seconds to live, site…
const ENROL: &str = "
if tonumber(redis.call('HGET', KEYS[1], 'term') or 0) > tonumber(ARGV[1]) then return 0 end
local now, values = redis.call('TIME')[1], {}
for i = 3, #ARGV do
  values[#values + 1] = now
  values[#values + 1] = ARGV[i]
end
for from = 1, #values, 500 do
  redis.call('ZADD', KEYS[2], unpack(values, from, math.min(from + 499, #values)))
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', tonumber(now) - tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'term', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1";

/// Sites that the shard has not said to work on for some seconds leave the set, unless a newer term began.
/// KEYS: owner, sites. ARGV: term, seconds, site…
const DISMISS: &str = "
if redis.call('HGET', KEYS[1], 'term') ~= ARGV[1] then return 0 end
local since = tonumber(redis.call('TIME')[1]) - tonumber(ARGV[2])
local is_quiet = {}
for _, site in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', since, 'BYSCORE')) do is_quiet[site] = true end
for i = 3, #ARGV do
  if is_quiet[ARGV[i]] then redis.call('ZREM', KEYS[2], ARGV[i]) end
end
return 1";

/// Only where nothing was lost since the shard was taken. 2: a newer term began. KEYS: owner. ARGV: term.
const RECOVERED: &str = "
local known = redis.call('HMGET', KEYS[1], 'term', 'taken')
if tonumber(known[1] or 0) > tonumber(ARGV[1]) then return 2 end
if known[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'whole', '1')
return 1";

/// A site's states of one shard, whose older terms are refused from now on, its mark, and whether the shard was known there.
/// A mark is of the commit that wrote it: behind one of a program that wrote none, nobody knows how far the states are.
/// KEYS: states, site. ARGV: shard, term, seconds to live.
const LOAD: &str = "
local field, mark_field = 'shard:' .. ARGV[1], 'mark:' .. ARGV[1]
local found = redis.call('HMGET', KEYS[2], field, mark_field)
local known, is_forgotten = found[1] or '', string.find(found[1] or '', ' forgotten', 1, true)
local commit, mark = string.match(found[2] or '', '^(%d+ %d+) (.+)$')
if is_forgotten then mark = '-' elseif not commit or commit ~= string.match(known, '^(%d+ %d+) ') then mark = false end
if tonumber(string.match(known, '^(%d+) ') or 0) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], field, ARGV[2] .. (is_forgotten and ' forgotten' or ' 0 0'))
  if mark then redis.call('HSET', KEYS[2], mark_field, ARGV[2] .. ' 0 ' .. mark) end
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
local states = {}
for _, state in ipairs(redis.call('HVALS', KEYS[1])) do
  if struct.unpack('<I2', state, 3) == tonumber(ARGV[1]) then states[#states + 1] = state end
end
return {found[1] and 1 or 0, mark or '', states}";

/// KEYS: states, site, minutes, hours.
const SNAPSHOT: &str = "
local known = redis.call('HMGET', KEYS[2], 'epoch', 'version')
return {known[1] or '0', known[2] or '0', redis.call('HVALS', KEYS[1]), redis.call('HGETALL', KEYS[3]),
  redis.call('HGETALL', KEYS[4])}";

/// KEYS: hours. ARGV: hour, count, seconds to live.
const RESTORE_PEAK: &str = "
if tonumber(ARGV[2]) > tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return 1";

/// Of each shard's term nothing but itself stays: whoever had it before still is refused.
/// KEYS: states, site, minutes, hours. ARGV: channel, seconds to live.
const FORGET: &str = "
local epoch, known = redis.call('HGET', KEYS[2], 'epoch') or '0', redis.call('HGETALL', KEYS[2])
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
for i = 1, #known, 2 do
  local term = string.match(known[i], '^shard:') and string.match(known[i + 1], '^(%d+) ')
  if term then redis.call('HSET', KEYS[2], known[i], term .. ' forgotten') end
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('PUBLISH', ARGV[1], struct.pack('<BI8', 0, tonumber(epoch)))
return 1";

/// KEYS: the topic's count of messages. ARGV: channel, message.
const TELL: &str = "
local number = redis.call('INCR', KEYS[1])
redis.call('PUBLISH', ARGV[1], struct.pack('<I8', number) .. ARGV[2])
return number";

pub struct Scripts {
    pub commit: Script,
    pub take: Script,
    pub enrol: Script,
    pub dismiss: Script,
    pub recovered: Script,
    pub load: Script,
    pub snapshot: Script,
    pub restore_peak: Script,
    pub forget: Script,
    pub tell: Script,
}

impl Default for Scripts {
    fn default() -> Scripts {
        Scripts {
            commit: Script::new(include_str!("commit.lua")),
            take: Script::new(TAKE),
            enrol: Script::new(ENROL),
            dismiss: Script::new(DISMISS),
            recovered: Script::new(RECOVERED),
            load: Script::new(LOAD),
            snapshot: Script::new(SNAPSHOT),
            restore_peak: Script::new(RESTORE_PEAK),
            forget: Script::new(FORGET),
            tell: Script::new(TELL),
        }
    }
}

/// The names of one installation.
#[derive(Clone)]
pub struct Names(String);

/// What a channel tells of.
pub enum Channel<'n> {
    Commits(SiteId),
    Topic(&'n str),
}

impl Names {
    pub fn of(installation: &str) -> Names {
        Names(installation.to_owned())
    }

    /// States (hash: visitor key → state), site (hash: epoch, version, present, …), minutes, hours.
    pub fn of_site(&self, site: SiteId) -> [String; 4] {
        ["states", "site", "minutes", "hours"].map(|kind| format!("{}:{{{site}}}:{kind}", self.0))
    }

    /// Owner (hash: term, taken, whole), and the sites that the shard works on (by when it last said so).
    pub fn of_shard(&self, shard: u16) -> [String; 2] {
        ["owner", "sites"].map(|kind| format!("{}:{{shard-{shard}}}:{kind}", self.0))
    }

    /// Where a site's commits are published.
    pub fn commits_channel(&self, site: SiteId) -> String {
        format!("{}:{{{site}}}:commits", self.0)
    }

    pub fn topic_count(&self, topic: &str) -> String {
        format!("{}:topic:{topic}:count", self.0)
    }

    pub fn topic_channel(&self, topic: &str) -> String {
        format!("{}:topic:{topic}", self.0)
    }

    /// A key that is there while the server is examined.
    pub fn examined(&self, kind: &str) -> String {
        format!("{}:{{examined}}:{kind}", self.0)
    }

    /// A key that is never there.
    pub fn asked(&self) -> String {
        format!("{}:asked", self.0)
    }

    pub fn read<'n>(&self, channel: &'n str) -> Option<Channel<'n>> {
        let rest = channel.strip_prefix(&*self.0)?.strip_prefix(':')?;
        if let Some(topic) = rest.strip_prefix("topic:") {
            return Some(Channel::Topic(topic));
        }
        let site = rest.strip_prefix('{')?.strip_suffix("}:commits")?;
        site.parse().ok().map(Channel::Commits)
    }
}
