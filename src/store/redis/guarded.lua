-- Compares the store with what a commit expects, then runs the commit's commands, all in one step.
-- KEYS: the four of the bookkeeping, records that must not exist, records that must hold a value,
--       other records that are written.
-- ARGV: lineage, generation and fence as seen (empty where there is none), how many records must not
--       exist, how many must hold a value, those values, then the commands: each its number of
--       words and its words.
-- Gives 1 once all is written and 0 where something has moved and nothing was written.
local STEP = 4000
local HEAD = 4

local seen = redis.call('HMGET', KEYS[1], 'lineage', 'generation', 'fence')
for i = 1, 3 do
  if (seen[i] or '') ~= ARGV[i] then return 0 end
end
local types = { 'hash', 'hash', 'hash', 'stream' }
for i = 1, HEAD do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= types[i] then return 0 end
end

local absent, valued = tonumber(ARGV[4]), tonumber(ARGV[5])
for first = HEAD + 1, HEAD + absent, STEP do
  local last = math.min(first + STEP - 1, HEAD + absent)
  if redis.call('EXISTS', unpack(KEYS, first, last)) > 0 then return 0 end
end
for done = 0, valued - 1, STEP do
  local count = math.min(STEP, valued - done)
  local first = HEAD + absent + done + 1
  local found = redis.call('MGET', unpack(KEYS, first, first + count - 1))
  for i = 1, count do
    if found[i] ~= ARGV[5 + done + i] then return 0 end
  end
end

local at = 6 + valued
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + words))
  at = at + words + 1
end
return 1
