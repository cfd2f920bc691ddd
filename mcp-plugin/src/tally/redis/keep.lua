-- Keeps places for another while, by the clock of this server.
--
-- KEYS: one for each place. ARGV: how long, in microseconds; for each place the id of its call.
local time = redis.call('TIME')
local now, lease = time[1] * 1000000 + time[2], tonumber(ARGV[1])
for index = 1, #KEYS do
  redis.call('ZADD', KEYS[index], string.format('%.0f', now + lease), ARGV[index + 1])
  redis.call('PEXPIRE', KEYS[index], string.format('%.0f', lease / 1000))
end
return #KEYS
