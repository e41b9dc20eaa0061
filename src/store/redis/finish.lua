-- Last in the transaction of a large commit: what is left to do if the new records were written, and if
-- not, what undoes the rest of the transaction.
-- KEYS: the gate, the history, the four hashes of the bookkeeping, the copies of those from before,
--       records to delete.
-- ARGV: for each hash 1 if it existed before and 0 if not, how many entries the history keeps, the
--       channel of the changes, what to say there.
-- Gives 1 once all is written, and 0 where the gate was shut.
local STEP = 4000
local COUNT = 4
local HASHES, BEFORE, RECORDS = 3, 3 + COUNT, 3 + 2 * COUNT

local open = redis.call('MGET', KEYS[1])[1] == 'open'
redis.call('UNLINK', KEYS[1])
if open then
  for first = RECORDS, #KEYS, STEP do
    redis.call('UNLINK', unpack(KEYS, first, math.min(first + STEP - 1, #KEYS)))
  end
  redis.call('UNLINK', unpack(KEYS, BEFORE, RECORDS - 1))
  redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[COUNT + 1])
  redis.call('PUBLISH', ARGV[COUNT + 2], ARGV[COUNT + 3])
  return 1
end
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
