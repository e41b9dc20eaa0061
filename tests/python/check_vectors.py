"""Compares every published case with mmh3, and with the code in the README beside the cases.

    check_vectors.py FOLDER
"""

import json
import pathlib
import re
import sys

import mmh3

folder = pathlib.Path(sys.argv[1])
vectors = json.loads((folder / "bucketing.json").read_text(encoding="utf-8"))
readme = (folder / "README.md").read_text(encoding="utf-8")
formula, by_hand = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)


def check(murmur3):
    names = {"murmur3": murmur3}
    exec(formula, names)
    for case in vectors["cases"]:
        salt, user = case["salt"], case["user"]
        found = {
            "salt": salt,
            "user": user,
            "hash": murmur3(f"{salt}:{user}".encode()),
            "bucket": names["bucket"](f"{salt}:{user}"),
            "variant_bucket": names["bucket"](f"{salt}:variant:{user}"),
            "on": [names["is_on"](salt, user, share) for share in vectors["shares"]],
            "variants": [names["variant"](salt, user, **kind) for kind in vectors["experiments"]],
        }
        assert found == case, f"{found}\n{case}"
    return len(vectors["cases"])


names = {}
exec(by_hand, names)
assert check(lambda data: mmh3.hash(data, signed=False)) == check(names["murmur3"]) >= 1000
for length in range(100):
    data = bytes(range(100, 100 + length))
    assert mmh3.hash(data, signed=False) == names["murmur3"](data), length
