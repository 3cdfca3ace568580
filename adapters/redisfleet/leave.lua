-- Says that a member is gone, if it is live.
-- KEYS[1] times   ARGV[1] term
local times = redis.call('HGET', KEYS[1], ARGV[1])
if not times then
  return 0
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local before, expires = string.match(times, '^(%d+ %d+) (%d+)$')
if tonumber(expires) <= now then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], before .. string.format(' %d', now))
return 1
