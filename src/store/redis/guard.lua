-- First in the transaction of a large commit: do the records still hold what the commit expects, and is
-- what was laid aside for it all there?
-- KEYS: the gate, the specs laid aside, records that must not exist (where nothing makes way, the MSETNX
--       looks at those that it sets itself), records that must hold a value and keep their key for now,
--       records that must hold a value and get another, records that get a value in any case.
-- ARGV: how many there are of the second kind, how many of the third, how many pieces were laid aside
--       (0: none had to be), the values to hold.
-- If all is as expected the gate is open (absent) and the records that get a value are gone, so that
-- an MSETNX of the gate and all values succeeds. Else the gate is shut (present), and it fails.
local STEP = 4000
local absent, kept, pieces = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local FIXED = 3
local valued = #ARGV - FIXED

local function shut()
  redis.call('MSET', KEYS[1], 'shut')
  return 0
end

redis.call('UNLINK', KEYS[1])
if pieces > 0 then
  local marks = {}
  for i = 1, pieces do marks[i] = ':' .. i end
  -- A key of another type has no marks.
  local found = redis.pcall('HMGET', KEYS[2], unpack(marks))
  for i = 1, pieces do
    if found[i] ~= 'laid' then return shut() end
  end
  -- It is not to expire before the transaction is over.
  redis.call('PERSIST', KEYS[2])
end
for first = 3, absent + 2, STEP do
  local last = math.min(first + STEP - 1, absent + 2)
  if redis.call('EXISTS', unpack(KEYS, first, last)) > 0 then return shut() end
end
for done = 0, valued - 1, STEP do
  local count = math.min(STEP, valued - done)
  local first = absent + done + 3
  local found = redis.call('MGET', unpack(KEYS, first, first + count - 1))
  for i = 1, count do
    if found[i] ~= ARGV[FIXED + done + i] then return shut() end
  end
end
for first = absent + kept + 3, #KEYS, STEP do
  redis.call('UNLINK', unpack(KEYS, first, math.min(first + STEP - 1, #KEYS)))
end
return 1
