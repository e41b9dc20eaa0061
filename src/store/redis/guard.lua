-- First in the transaction of a large commit: do the records still hold what the commit expects?
-- KEYS: the gate, records that must not exist (where nothing makes way, the MSETNX looks at those that it
--       sets itself), records that must hold a value and keep their key for now, records that must hold
--       a value and get another, records that get a value in any case.
-- ARGV: how many there are of the second kind, how many of the third, the values to hold.
-- If all is as expected the gate is open (absent) and the records that get a value are gone, so that
-- an MSETNX of the gate and all values succeeds. Else the gate is shut (present), and it fails.
local STEP = 4000
local absent, kept = tonumber(ARGV[1]), tonumber(ARGV[2])
local valued = #ARGV - 2

local function shut()
  redis.call('MSET', KEYS[1], 'shut')
  return 0
end

redis.call('UNLINK', KEYS[1])
for first = 2, absent + 1, STEP do
  local last = math.min(first + STEP - 1, absent + 1)
  if redis.call('EXISTS', unpack(KEYS, first, last)) > 0 then return shut() end
end
for done = 0, valued - 1, STEP do
  local count = math.min(STEP, valued - done)
  local first = absent + done + 2
  local found = redis.call('MGET', unpack(KEYS, first, first + count - 1))
  for i = 1, count do
    if found[i] ~= ARGV[done + i + 2] then return shut() end
  end
end
for first = absent + kept + 2, #KEYS, STEP do
  redis.call('UNLINK', unpack(KEYS, first, math.min(first + STEP - 1, #KEYS)))
end
return 1
