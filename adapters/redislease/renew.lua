-- Starts the TTL again if the term holds the lease.
-- KEYS[1] the lease   ARGV[1] length:term   ARGV[2] TTL in ms
-- Replies 1 if it does, else 0.
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, #ARGV[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
