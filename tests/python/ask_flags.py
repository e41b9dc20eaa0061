"""Asks the client of the documentation: `ask_flags.py FOLDER REDIS_URL`, with a JSON list of cases
`{"flag", "variant", "user", "groups"}` on standard input. Prints the list of answers."""

import json
import sys

import redis

sys.path.insert(0, sys.argv[1])
from flags import Flags  # noqa: E402

flags = Flags(redis.Redis.from_url(sys.argv[2]))


def ask(case):
    if case["variant"]:
        return flags.variant(case["flag"], case["user"], default="default")
    return flags.is_enabled(case["flag"], case["user"], case["groups"], default="default")


print(json.dumps([ask(case) for case in json.load(sys.stdin)]))
