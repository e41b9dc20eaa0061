"""Proves the reader in the README: `read_records.py READER REDIS_URL`, where READER is the file that holds
it and Redis the example flags, applied for development."""

import runpy
import sys

import redis

reader = runpy.run_path(sys.argv[1])
bucket, read = reader["bucket"], reader["read"]
store = redis.Redis.from_url(sys.argv[2])
# The same records at hand, for the many questions.
records = {key.decode(): store.get(key) for key in store.keys("ff:*")}
USERS = [f"user-{number}" for number in range(10_000)]


def users(flag, wanted):
    return {user for user in USERS if read(records, flag, user) == wanted}


def share(flag, wanted):
    return 100 * len(users(flag, wanted)) / len(USERS)


def near(found, wanted):
    # Three standard deviations of a half of so many users.
    assert abs(found - wanted) < 1.5, (found, wanted)


# MurmurHash3 x86_32, seed 0, of these texts is published: 0, 0x248bfa47, 0x149bbb7f, 0x2e4ff723.
for text, of_2_32 in [("", 0), ("hello", 0x248BFA47), ("hello, world", 0x149BBB7F)]:
    assert bucket(text) == of_2_32 * 100_000 // 2**32, text
assert bucket("The quick brown fox jumps over the lazy dog") == 0x2E4FF723 * 100_000 // 2**32

# Nothing there, and flags that are on or off for everyone.
assert read(store, "no_such_flag") is False
assert read(store, "no_such_flag", default="fallback") == "fallback"
assert read(store, "recommendations") is True
assert read(store, "image_resizing", "ana") is False
assert read(store, "maintenance_banner", "ana", ["employees"]) is False

# Shares, and those who have a flag whatever the share.
near(share("new_search", True), 10)
near(share("enable_new_checkout_v2", True), 1)
assert read(store, "new_search", "internal_tester_1") is True
assert read(store, "new_search", "ana", ["guests", "employees"]) is True
assert read(store, "new_search") is False
assert users("new_search", True) == {user for user in USERS if bucket(f"new_search:{user}") < 10_000}

# Experiments: forced users, values, the control for those outside.
assert read(store, "pricing_page", "qa_1") == "higher_price"
assert read(store, "pricing_page", "qa_2") == "lower_price"
assert read(store, "pricing_page") == "control"
for low, high, name in [(0, 34, "control"), (34, 67, "higher_price"), (67, 100, "lower_price")]:
    between = {user for user in USERS if low * 1000 <= bucket(f"pricing_page:variant:{user}") < high * 1000}
    assert users("pricing_page", name) == between, name
    near(share("pricing_page", name), high - low)
assert read(store, "search_page_size") == 20
near(share("search_page_size", 20), 80 + 20 * 0.334)
near(share("search_page_size", 30), 20 * 0.333)
near(share("search_page_size", 50), 20 * 0.333)
assert read(store, "onboarding_tour", "demo_account") == {"steps": 7, "video": True}
near(share("onboarding_tour", {"steps": 3, "video": False}), 50)

# A larger share only adds users.
early = users("new_search", True)
records["ff:new_search"] = records["ff:new_search"].replace(b'"percentage":10', b'"percentage":12.5')
late = users("new_search", True)
assert early < late
near(100 * len(late) / len(USERS), 12.5)

# A salt is what counts, and not the key.
records["ff:another_key"] = records["ff:new_search"][:-1] + b',"salt":"new_search"}'
assert users("another_key", True) == late
