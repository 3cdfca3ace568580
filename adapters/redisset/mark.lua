-- Marks keys under a number, once what was marked under it or a higher one is
-- gone: those transactions were not committed.
-- KEYS: the set, the newest attempt. ARGV: attempt, number, keys.
if tonumber(redis.call('GET', KEYS[2]) or '0') > tonumber(ARGV[1]) then
	return 0
end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], ARGV[2], '+inf')
for i = 3, #ARGV do
	redis.call('ZADD', KEYS[1], ARGV[2], ARGV[i])
end
return 1
