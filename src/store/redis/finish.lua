-- Last in the transaction of a large commit: everything but the new records, if those were written.
-- KEYS: the gate, then the keys that the commands touch.
-- ARGV: commands, each as its number of words and its words.
-- Gives 1 once all is written, and 0 where the gate was shut.
local open = redis.call('MGET', KEYS[1])[1] == 'open'
redis.call('UNLINK', KEYS[1])
if not open then return 0 end
local at, words = 1, #ARGV
while at <= words do
  local count = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + count))
  at = at + count + 1
end
return 1
