"""Compares hoist's answers with those of the reader in the README.

    check_answers.py READER REDIS_URL ANSWERS

ANSWERS is a JSON list of [flag, user or null, groups, value].
"""

import json
import pathlib
import runpy
import sys

import redis

read = runpy.run_path(sys.argv[1])["read"]
store = redis.Redis.from_url(sys.argv[2])
records = {key.decode(): store.get(key) for key in store.keys("ff:*")}
answers = json.loads(pathlib.Path(sys.argv[3]).read_text(encoding="utf-8"))
for flag, user, groups, value in answers:
    found = read(records, flag, user, groups)
    assert found == value and type(found) is type(value), (flag, user, groups, found, value)
