-- Answers the number that each key was marked under, or an empty text.
-- KEYS: the set, the newest attempt. ARGV: attempt, keys.
if tonumber(redis.call('GET', KEYS[2]) or '0') > tonumber(ARGV[1]) then
	return 0
end
redis.call('SET', KEYS[2], ARGV[1])
local found = {}
for i = 2, #ARGV do
	found[#found + 1] = redis.call('ZSCORE', KEYS[1], ARGV[i]) or ''
end
return found
