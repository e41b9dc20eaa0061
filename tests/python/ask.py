"""Calls the client in client.py: `ask.py REDIS_URL`. Each line of standard input is a JSON object with
the time, `now`, and a list of `calls`, each [method, argument, …]; the answer is a line with the list of
what they gave."""

import json
import sys

import redis

from client import Clock, FeatureFlags, FlagLifecycle, RolloutManager, VariantFlag

clock = Clock(0)
flags = FeatureFlags(redis.Redis.from_url(sys.argv[1]))
parts = [flags, RolloutManager(flags, clock), VariantFlag(flags), FlagLifecycle(flags, clock)]


def call(name, *arguments):
    method = next(getattr(part, name) for part in parts if hasattr(part, name))
    return method(*arguments)


for line in sys.stdin:
    request = json.loads(line)
    clock.now = request["now"]
    print(json.dumps([call(*words) for words in request["calls"]]), flush=True)
