-- What one worker may do at a provider now. All workers share one hash a provider, by Redis's clock.
--   r, t       GCRA: when the next request, the next token, would be due at the plain rate ("theoretical arrival time")
--   b          no call before this time (Retry-After)
--   c, g       the share (0 to 1) of the most calls at a time that may be open now, and when that last changed
--   n, l       refusals (429) in a row, and when the last one was
--   o, why     the breaker is open: when the next probe is due, and the reason
--   w:<id>     calls that a worker has open, and when it said so
-- KEYS[1] the hash.  ARGV[1] what to do:
--   take <requests a minute> <tokens a minute> <most at a time> <worker> <its open calls> <owed tokens> <tokens of each>
--     -> {how many of the calls may go, seconds to wait for the next, state, why, calls at a time over all workers}
--   refused <seconds> <most at a time>
--   open <why>   close   gone <worker>
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local key, verb = KEYS[1], ARGV[1]
local BURST, PROBE_EVERY, SILENT_AFTER, GROW_EVERY, IN_A_ROW = 0.2, 30, 15, 5, 3

if verb == 'open' then
  redis.call('HSET', key, 'o', tostring(now + PROBE_EVERY), 'why', ARGV[2])
elseif verb == 'close' then
  redis.call('HDEL', key, 'o', 'why')
elseif verb == 'gone' then
  redis.call('HDEL', key, 'w:' .. ARGV[2])
elseif verb == 'refused' then
  local most = tonumber(ARGV[3])
  local row = redis.call('HMGET', key, 'b', 'c', 'g', 'n', 'l')
  local until_ = math.max(tonumber(row[1] or 0), now + tonumber(ARGV[2]))
  local share = tonumber(row[2] or 1)
  local n = (now - tonumber(row[5] or 0) > 10) and 1 or tonumber(row[4] or 0) + 1
  local changed = tonumber(row[3] or 0)
  if n >= IN_A_ROW and now - changed >= 2 then  -- what was under way at the first refusal comes back refused as well
    share, changed, n = math.max(1 / most, share / 2), now, 0
  end
  redis.call('HSET', key, 'b', tostring(until_), 'c', tostring(share), 'g', tostring(changed), 'n', n, 'l', tostring(now))
elseif verb == 'take' then
  local rpm, tpm, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
  local me, mine = 'w:' .. ARGV[5], tonumber(ARGV[6])
  local flat, row = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do row[flat[i]] = flat[i + 1] end

  local others, workers = 0, 1
  for name, value in pairs(row) do
    if string.sub(name, 1, 2) == 'w:' and name ~= me then
      local open, at = string.match(value, '(%S+) (%S+)')
      if now - tonumber(at) > SILENT_AFTER then redis.call('HDEL', key, name)
      else others, workers = others + tonumber(open), workers + 1 end
    end
  end

  local share, changed = tonumber(row.c or 1), tonumber(row.g or 0)
  if share < 1 and now - math.max(changed, tonumber(row.l or 0)) >= GROW_EVERY then
    share, changed = math.min(1, share + math.max(1 / most, 1 / 16)), now
  end
  local c = math.max(1, math.floor(share * most))

  local asked, granted, wait, state = #ARGV - 7, 0, 0, 'ok'
  local r, t = math.max(tonumber(row.r or now), now), math.max(tonumber(row.t or now), now)
  if tpm > 0 then t = math.max(now, t + tonumber(ARGV[7]) * 60 / tpm) end
  if row.o and now < tonumber(row.o) then
    state, wait = 'open', tonumber(row.o) - now
  elseif now < tonumber(row.b or 0) then
    state, wait = 'blocked', tonumber(row.b) - now
  else
    -- A worker's share, or what the others leave of the whole.
    local room = math.max(math.floor(c / workers), c - others, 1) - mine
    if row.o then  -- one call, by one worker, tries whether the provider is back
      state, room = 'probe', 1
      redis.call('HSET', key, 'o', tostring(now + PROBE_EVERY))
    end
    if room <= 0 then state, wait = 'full', 0.1 end
    for i = 8, 7 + math.min(asked, math.max(room, 0)) do
      local due = math.max(rpm > 0 and r - BURST or 0, tpm > 0 and t - BURST or 0)
      if due > now and state ~= 'probe' then
        wait = due - now
        break
      end
      if rpm > 0 then r = r + 60 / rpm end
      if tpm > 0 then t = t + tonumber(ARGV[i]) * 60 / tpm end
      granted = granted + 1
    end
  end
  redis.call('HSET', key, 'r', tostring(r), 't', tostring(t), 'c', tostring(share), 'g', tostring(changed),
    me, (mine + granted) .. ' ' .. tostring(now))
  redis.call('EXPIRE', key, 3600)
  return {granted, tostring(wait), state, row.why or '', tostring(c)}
end
redis.call('EXPIRE', key, 3600)
return {}
