-- Says that a member is there for a while.
-- KEYS[1] said   KEYS[2] times
-- ARGV[1] term   ARGV[2] what it says   ARGV[3] TTL in ms   ARGV[4] retention in ms
-- Replies 1 if it was not known before, else 0.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local joined = string.format('%d', now)
local times = redis.call('HGET', KEYS[2], ARGV[1])
if times then
  joined = string.match(times, '^%d+')
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], joined .. string.format(' %d %d', now, now + ARGV[3]))
local keep = string.format('%d', ARGV[3] + ARGV[4])
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('PEXPIRE', KEYS[2], keep)
if times then
  return 0
end
return 1
