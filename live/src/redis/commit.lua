-- One commit of one site, all or nothing: the same rules as memory/site.rs. Answers, and publishes, the frame that frame.rs reads.
-- KEYS: states, site, minutes, hours. ARGV: shard, at, seconds to live, a fresh epoch, channel, grace of states,
-- states swept at most, what is said besides, term, number, mark, number of pageviews, (minute, count)…,
-- (key, claims before, state or empty)…
local states, site, minutes, hours = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local shard, at, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local shard_field, mark_field = 'shard:' .. ARGV[1], 'mark:' .. ARGV[1]
local function whole(number) return string.format('%.0f', number) end
-- unpack() holds some thousands of values at most.
local CHUNK = 500
local function in_chunks(command, key, values)
  local sum = 0
  for from = 1, #values, CHUNK do
    sum = sum + redis.call(command, key, unpack(values, from, math.min(from + CHUNK - 1, #values)))
  end
  return sum
end

local known = redis.call('HMGET', site, 'epoch', 'version', 'present', 'minute', 'cursor', shard_field)
local epoch, version = known[1] or ARGV[4], tonumber(known[2] or 0) + 1
local present_before, newest = tonumber(known[3] or 0), tonumber(known[4] or 0)
local cursor, last = known[5] or '0', known[6] or ''
local present = present_before
local term, number = tonumber(ARGV[9]), tonumber(ARGV[10])
-- As an older program wrote it, it says none of this; of a forgotten site it says the term.
local is_held = last ~= '' and not string.find(last, ' forgotten', 1, true)
local is_first = is_held and 0 or 1
local last_number, was_first = string.match(last, '^%d+ (%d+) (%d)$')
local last_term = tonumber(string.match(last, '^(%d+) ') or 0)
last_number = tonumber(last_number or 0)
if last_term > term then return struct.pack('<B', 2) end

local told = {}
local function frame(number_told, in_hour, highest, first)
  return struct.pack('<BI8I8I4i8I4BI4', 1, tonumber(epoch), number_told, present, in_hour, highest, first, #ARGV[8])
    .. ARGV[8] .. struct.pack('<I4', #told) .. table.concat(told)
end
if number > 0 and is_held and last_term == term and number <= last_number then
  local in_hour = math.floor(at / 3600000) * 3600000
  local highest = tonumber(redis.call('HGET', hours, whole(in_hour)) or 0)
  return frame(version - 1, in_hour, highest, last_number == number and tonumber(was_first) or 0)
end
-- Held since an older term that nobody loaded: what the shard had here is gone, and who watches must watch again.
local is_cleared = is_held and last_term < term
if is_cleared then epoch = ARGV[4] end
if last_term < term then is_first = 1 end
local now = math.floor(at / 60000)

local views = tonumber(ARGV[12])
local changes = 13 + 2 * views
local held, touched = {}, {}
local asked = {}
for i = changes, #ARGV, 3 do asked[#asked + 1] = ARGV[i] end
for from = 1, #asked, CHUNK do
  local to = math.min(from + CHUNK - 1, #asked)
  local found = redis.call('HMGET', states, unpack(asked, from, to))
  for i = from, to do held[asked[i]] = found[i - from + 1] end
end

local function counted(state)
  if state and state ~= '' and string.byte(state, 2) % 2 == 0 then return 1 end
  return 0
end
local function put(key, before, after)
  present = present + counted(after) - counted(before)
  held[key] = after ~= '' and after
  touched[key] = true
  before = before or ''
  told[#told + 1] = struct.pack('<c16I4', key, #before) .. before .. struct.pack('<I4', #after) .. after
end
for i = changes, #ARGV, 3 do
  local key, after = ARGV[i], ARGV[i + 2]
  local before = held[key]
  local is_foreign = before and ARGV[i + 1] == '1' and struct.unpack('<I2', before, 3) ~= shard
  if not is_foreign and (before or after ~= '') then put(key, before, after) end
end
if is_cleared then
  local all = redis.call('HGETALL', states)
  for i = 1, #all, 2 do
    if not touched[all[i]] and struct.unpack('<I2', all[i + 1], 3) == shard then put(all[i], all[i + 1], '') end
  end
  local views_of_shard, suffix = {}, ':' .. ARGV[1]
  for _, field in ipairs(redis.call('HKEYS', minutes)) do
    if string.sub(field, -#suffix) == suffix then views_of_shard[#views_of_shard + 1] = field end
  end
  in_chunks('HDEL', minutes, views_of_shard)
end
if now > newest then
  local swept = redis.call('HSCAN', states, cursor, 'COUNT', ARGV[7])
  cursor = swept[1]
  for i = 1, #swept[2], 2 do
    local key, state = swept[2][i], swept[2][i + 1]
    local is_old = struct.unpack('<i8', state, 5) + tonumber(ARGV[6]) < at
    if not touched[key] and is_old and struct.unpack('<I2', state, 3) ~= shard then put(key, state, '') end
  end
end
local kept, gone = {}, {}
for key in pairs(touched) do
  if held[key] then
    kept[#kept + 1] = key
    kept[#kept + 1] = held[key]
  else
    gone[#gone + 1] = key
  end
end
-- Once a minute every key is given its time; a key that may be a new one, at once.
local added = in_chunks('HSET', states, kept)
local is_new_key = { present_before == 0 and added > 0, is_first == 1, false, false }
in_chunks('HDEL', states, gone)

local is_new_minute, is_past = now > newest, now < newest
if is_new_minute then
  local oldest, old, silent = now - 29, {}, {}
  for _, field in ipairs(redis.call('HKEYS', minutes)) do
    local minute = tonumber(string.match(field, '^.(%d+)'))
    if minute and minute < oldest then old[#old + 1] = field end
  end
  in_chunks('HDEL', minutes, old)
  if present_before > 0 then
    for minute = math.max(newest + 1, oldest), now do
      silent[#silent + 1] = 'v' .. whole(minute)
      silent[#silent + 1] = whole(present_before)
    end
  end
  in_chunks('HSET', minutes, silent)
  newest = now
end
if present > 0 and not is_past then
  local field = 'v' .. whole(newest)
  if present > tonumber(redis.call('HGET', minutes, field) or 0) then
    is_new_key[3] = redis.call('HSET', minutes, field, whole(present)) == 1
  end
end
for i = 13, 12 + 2 * views, 2 do
  local minute = tonumber(ARGV[i])
  if minute > newest - 30 then
    local field = 'p' .. whole(math.min(minute, newest)) .. ':' .. ARGV[1]
    local counted_up = redis.call('HINCRBY', minutes, field, ARGV[i + 1])
    is_new_key[3] = is_new_key[3] or counted_up == tonumber(ARGV[i + 1])
  end
end

local hour = math.floor(at / 3600000) * 3600000
local peak = redis.call('HGET', hours, whole(hour))
if not peak then
  local old = {}
  for _, known_hour in ipairs(redis.call('HKEYS', hours)) do
    if tonumber(known_hour) < hour - 167 * 3600000 then old[#old + 1] = known_hour end
  end
  in_chunks('HDEL', hours, old)
end
local together = is_past and 0 or math.max(present, present_before)
local highest = math.max(tonumber(peak or 0), together)
is_new_key[4] = not peak
if not peak or highest > tonumber(peak) then redis.call('HSET', hours, whole(hour), whole(highest)) end

redis.call('HSET', site, 'epoch', epoch, 'version', whole(version), 'present', whole(present),
  'minute', whole(newest), 'cursor', cursor, shard_field, whole(term) .. ' ' .. whole(number) .. ' ' .. is_first,
  mark_field, whole(term) .. ' ' .. whole(number) .. ' ' .. ARGV[11])
for i = 1, 4 do
  if is_new_minute or is_new_key[i] then redis.call('EXPIRE', KEYS[i], ttl) end
end
local said = frame(version, hour, highest, is_first)
redis.call('PUBLISH', ARGV[5], said)
return said
