-- Marks keys under a number, or takes marks back, once what was marked or taken
-- back under it or a higher one is gone: those transactions were not committed.
-- KEYS: the set, what was taken back of it, the newest attempt.
-- ARGV: attempt, which of the two sets to write, number, keys.
if tonumber(redis.call('GET', KEYS[3]) or '0') > tonumber(ARGV[1]) then
	return 0
end
redis.call('SET', KEYS[3], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], ARGV[3], '+inf')
redis.call('ZREMRANGEBYSCORE', KEYS[2], ARGV[3], '+inf')
local set = KEYS[tonumber(ARGV[2])]
for i = 4, #ARGV do
	redis.call('ZADD', set, ARGV[3], ARGV[i])
end
return 1
