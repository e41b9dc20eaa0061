-- Last in the transaction of a large commit: what is left to do if the new records were written, and if
-- not, what undoes the rest of the transaction.
-- KEYS: the gate, the history, the specs, those laid aside, the hashes that the transaction has written,
--       the copies of those from before, records to delete.
-- ARGV: for each hash 1 if it existed before and 0 if not, in how many pieces specs were laid aside
--       (0: they stay as they are), how many entries the history keeps, the channel of the changes,
--       what to say there.
-- Gives 1 once all is written, and 0 where the gate was shut.
local STEP = 4000
local COUNT = 3
local SPECS, ASIDE = 3, 4
local HASHES, BEFORE, RECORDS = 5, 5 + COUNT, 5 + 2 * COUNT

local open = redis.call('MGET', KEYS[1])[1] == 'open'
redis.call('UNLINK', KEYS[1])
if open then
  local pieces = tonumber(ARGV[COUNT + 1])
  if pieces > 0 then
    for i = 1, pieces do redis.call('HDEL', KEYS[ASIDE], ':' .. i) end
    -- Beforehand: a RENAME would take its time to free what it replaces.
    redis.call('UNLINK', KEYS[SPECS])
    -- Without a flag in it, it went with its last mark.
    if redis.call('EXISTS', KEYS[ASIDE]) == 1 then
      redis.call('RENAME', KEYS[ASIDE], KEYS[SPECS])
    end
  end
  for first = RECORDS, #KEYS, STEP do
    redis.call('UNLINK', unpack(KEYS, first, math.min(first + STEP - 1, #KEYS)))
  end
  redis.call('UNLINK', unpack(KEYS, BEFORE, RECORDS - 1))
  redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[COUNT + 2])
  redis.call('PUBLISH', ARGV[COUNT + 3], ARGV[COUNT + 4])
  return 1
end
redis.call('UNLINK', KEYS[ASIDE])
for i = 0, COUNT - 1 do
  if ARGV[i + 1] == '1' then
    redis.call('RENAME', KEYS[BEFORE + i], KEYS[HASHES + i])
  else
    redis.call('UNLINK', KEYS[HASHES + i])
  end
end
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
redis.call('XDEL', KEYS[2], newest[1][1])
return 0
