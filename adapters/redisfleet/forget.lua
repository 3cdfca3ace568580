-- Forgets members that are not live.
-- KEYS[1] said   KEYS[2] times   ARGV terms
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, term in ipairs(ARGV) do
  local times = redis.call('HGET', KEYS[2], term)
  if times and tonumber(string.match(times, '%d+$')) <= now then
    redis.call('HDEL', KEYS[1], term)
    redis.call('HDEL', KEYS[2], term)
  end
end
return 1
