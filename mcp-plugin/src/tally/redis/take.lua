-- Counts a call for all of its limits, or for none of them. Times are microseconds, by the clock of this server alone.
--
-- KEYS: one for each limit; then one for each place that is free again.
-- ARGV: how many limits, the id of the call, how long its places are kept; for each limit its kind and two numbers; for each place that is
--       free again the id of its call.
-- Gives {1, what is left of each limit}, or {0, which limit stands against it (from 0), how long}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limits, call, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local DAY = 86400000000

for index = limits + 1, #KEYS do
  redis.call('ZREM', KEYS[index], ARGV[3 + 3 * limits + index - limits])
end

local answer, after = {1}, {}
for index = 1, limits do
  local key, kind = KEYS[index], ARGV[3 * index + 1]
  local first, second = tonumber(ARGV[3 * index + 2]), tonumber(ARGV[3 * index + 3])
  if kind == 'rate' then
    -- GCRA: `at` is when the next call would be due, were they spread evenly. Further away than a whole burst it cannot be, unless the clock was
    -- set back.
    local at = tonumber(redis.call('GET', key)) or now
    at = math.min(math.max(at, now), now + first * second)
    local due = at + first
    local early = due - first * second - now
    if early > 1 then
      return {0, index - 1, math.ceil(early)}
    end
    answer[index + 1] = math.floor(-early / first + 0.001)
    after[index] = due
  elseif kind == 'day' then
    local today = math.floor(now / DAY)
    local day, calls = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
    -- A day that is tomorrow's was counted before the clock was set back over midnight, and is not forgotten for that.
    local counted = tonumber(day)
    if counted == today or counted == today + 1 then
      calls = tonumber(calls)
    else
      counted, calls = today, 0
    end
    if calls >= first then
      return {0, index - 1, (counted + 1) * DAY - now}
    end
    answer[index + 1] = first - calls - 1
    after[index] = string.format('%.0f %.0f', counted, calls + 1)
  else
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    local calls = redis.call('ZCARD', key)
    if calls >= first then
      return {0, index - 1, 1000000}
    end
    answer[index + 1] = first - calls - 1
  end
end

for index = 1, limits do
  local key, kind = KEYS[index], ARGV[3 * index + 1]
  if kind == 'rate' then
    local millis = math.ceil((after[index] - now) / 1000) + 1000
    redis.call('SET', key, string.format('%.17g', after[index]), 'PX', string.format('%.0f', millis))
  elseif kind == 'day' then
    redis.call('SET', key, after[index], 'EX', 2 * 86400)
  else
    redis.call('ZADD', key, string.format('%.0f', now + lease), call)
    redis.call('PEXPIRE', key, string.format('%.0f', lease / 1000))
  end
end
return answer
