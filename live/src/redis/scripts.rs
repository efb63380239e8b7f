//! The scripts that run inside Redis, and the keys they touch. Every key of a site carries `{site}`: one slot.

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

/// A site's states of one shard. KEYS: states. ARGV: shard.
const OF_SHARD: &str = "
local states = {}
for _, state in ipairs(redis.call('HVALS', KEYS[1])) do
  if struct.unpack('<I2', state, 3) == tonumber(ARGV[1]) then states[#states + 1] = state end
end
return states";

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

/// KEYS: states, site, minutes, hours. ARGV: channel.
const FORGET: &str = "
local epoch = redis.call('HGET', KEYS[2], 'epoch') or '0'
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('PUBLISH', ARGV[1], struct.pack('<BI8', 0, tonumber(epoch)))
return 1";

/// KEYS: the topic's count of messages. ARGV: channel, message.
const TELL: &str = "
local number = redis.call('INCR', KEYS[1])
redis.call('PUBLISH', ARGV[1], struct.pack('<I8', number) .. ARGV[2])
return number";

pub struct Scripts {
    pub commit: Script,
    pub of_shard: Script,
    pub snapshot: Script,
    pub restore_peak: Script,
    pub forget: Script,
    pub tell: Script,
}

impl Default for Scripts {
    fn default() -> Scripts {
        Scripts {
            commit: Script::new(include_str!("commit.lua")),
            of_shard: Script::new(OF_SHARD),
            snapshot: Script::new(SNAPSHOT),
            restore_peak: Script::new(RESTORE_PEAK),
            forget: Script::new(FORGET),
            tell: Script::new(TELL),
        }
    }
}

/// States (hash: visitor key → state), site (hash: epoch, version, present, …), minutes, hours.
pub fn of_site(site: SiteId) -> [String; 4] {
    ["states", "site", "minutes", "hours"].map(|kind| format!("wf:{{{site}}}:{kind}"))
}

/// Where a site's commits are published.
pub fn commits_channel(site: SiteId) -> String {
    format!("wf:{{{site}}}:commits")
}

/// The set of sites on which a shard committed.
pub fn of_shard(shard: u16) -> String {
    format!("wf:shard:{shard}")
}

pub fn topic_count(topic: &str) -> String {
    format!("wf:topic:{topic}:count")
}

pub fn topic_channel(topic: &str) -> String {
    format!("wf:topic:{topic}")
}
