-- Lists all members with their ages.
-- KEYS[1] said   KEYS[2] times
-- Replies, for each, what it said, and how many ms ago it joined, was seen, and expired
-- (below 0: it is live).
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = redis.call('HGETALL', KEYS[2])
local reply = {}
for i = 1, #all, 2 do
  local said = redis.call('HGET', KEYS[1], all[i])
  local joined, seen, expires = string.match(all[i + 1], '^(%d+) (%d+) (%d+)$')
  if said and joined then
    reply[#reply + 1] = said
    reply[#reply + 1] = now - joined
    reply[#reply + 1] = now - seen
    reply[#reply + 1] = now - expires
  end
end
return reply
