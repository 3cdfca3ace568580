-- Frees the lease if the term holds it.
-- KEYS[1] the lease   ARGV[1] length:term
-- Replies 1 if it did, else 0.
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, #ARGV[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
