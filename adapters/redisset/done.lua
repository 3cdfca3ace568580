-- Answers, for each key, 1 if it was marked under a number up to the one given,
-- and not taken back after that, else 0.
-- KEYS: the set, what was taken back of it, the newest attempt.
-- ARGV: attempt, number, keys.
if tonumber(redis.call('GET', KEYS[3]) or '0') > tonumber(ARGV[1]) then
	return 0
end
redis.call('SET', KEYS[3], ARGV[1])
local last = tonumber(ARGV[2])
local reverts = redis.call('EXISTS', KEYS[2]) == 1
local found = {}
for i = 3, #ARGV do
	local marked = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or nil)
	local done = marked and marked <= last
	if done and reverts then
		local taken = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[i]) or nil)
		done = not (taken and taken <= last and taken > marked)
	end
	found[i - 2] = done and 1 or 0
end
return found
