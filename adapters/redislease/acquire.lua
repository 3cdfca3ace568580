-- Takes the lease unless another term holds it.
-- KEYS[1] the lease   ARGV[1] length:term   ARGV[2] holder   ARGV[3] TTL in ms
-- ARGV[4] ms left of a lease above which it is not believed: the clock was set back
-- Replies {} if the term holds the lease now, else {value, ms left}.
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[1])
  if left <= tonumber(ARGV[4]) then
    return {value, left}
  end
end
-- One command for value and expiry: a lease must never exist without its expiry.
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
return {}
