"""Reads the flags that hoist puts into Redis."""

import json

import mmh3

BUCKETS = 100_000


def bucket(text):
    """Where a user falls: 0 to 99,999."""
    return mmh3.hash(text, signed=False) * BUCKETS >> 32


class Flags:
    def __init__(self, redis, prefix="ff"):
        self.redis = redis
        self.prefix = prefix

    def record(self, flag):
        data = self.redis.get(f"{self.prefix}:{flag}")
        return None if data is None else json.loads(data)

    def is_enabled(self, flag, user=None, groups=(), default=False):
        record = self.record(flag)
        if record is None:
            return default
        if not record.get("enabled", False):
            return False
        if user in record.get("allowed_users", []):
            return True
        if set(groups) & set(record.get("allowed_groups", [])):
            return True
        return takes_part(record, flag, user)

    def variant(self, flag, user=None, default=None):
        """The value of the user's variant, which is its name where it has none."""
        record = self.record(flag)
        if record is None:
            return default
        name = draw(record, flag, user)
        return record.get("values", {}).get(name, name)


def takes_part(record, flag, user):
    share = round(record.get("percentage", 100) * 1000)
    if user is None or share == BUCKETS:
        return share == BUCKETS
    return bucket(f"{record.get('salt', flag)}:{user}") < share


def draw(record, flag, user):
    if not record.get("enabled", False):
        return record["control"]
    for name, users in record.get("forced", {}).items():
        if user in users:
            return name
    if user is None or not takes_part(record, flag, user):
        return record["control"]
    drawn = bucket(f"{record.get('salt', flag)}:variant:{user}")
    end = 0
    for name, weight in record["variants"].items():
        end += round(weight * 1000)
        if drawn < end:
            return name
    return record["control"]
