"""Calls the client in client.py: `ask.py REDIS_URL NOW`, with a JSON list of [method, argument, …]
on standard input. Answers with the JSON list of what each call gave."""

import json
import sys

import redis

from client import Clock, FeatureFlags, FlagLifecycle, RolloutManager, VariantFlag

store = redis.Redis.from_url(sys.argv[1])
clock = Clock(float(sys.argv[2]))
flags = FeatureFlags(store)
parts = [flags, RolloutManager(flags, clock), VariantFlag(flags), FlagLifecycle(flags, clock)]


def call(name, *arguments):
    method = next(getattr(part, name) for part in parts if hasattr(part, name))
    return method(*arguments)


json.dump([call(*words) for words in json.load(sys.stdin)], sys.stdout)
