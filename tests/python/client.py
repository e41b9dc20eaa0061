"""An application's own flag client: it reads records, advances rollouts and stops flags, and knows
nothing of hoist. Users are put into buckets by a hash of its own."""

import json
import zlib


class Clock:
    """Tells a time that can be set, in seconds since the epoch."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


class FeatureFlags:
    """Reads and writes the records below a prefix."""

    def __init__(self, store, prefix="ff"):
        self.store = store
        self.prefix = prefix

    def get_flag_config(self, flag):
        data = self.store.get(f"{self.prefix}:{flag}")
        return None if data is None else json.loads(data)

    def set_flag(self, flag, config):
        self.store.set(f"{self.prefix}:{flag}", json.dumps(config))

    def is_enabled(self, flag, user_id=None, user_groups=None, default=False):
        config = self.get_flag_config(flag)
        if not config:
            return default
        if not config.get("enabled", False):
            return False
        if user_id and user_id in config.get("allowed_users", []):
            return True
        if set(user_groups or ()).intersection(config.get("allowed_groups", [])):
            return True
        share = config.get("percentage", 100)
        return share >= 100 or bool(user_id) and place(flag, user_id) < share


class RolloutManager:
    """Moves rollouts from stage to stage, and stops flags."""

    def __init__(self, flags, clock):
        self.flags = flags
        self.clock = clock

    def advance_rollout(self, flag):
        """Goes on to the next stage if this one has lasted long enough; says whether it did."""
        config = self.flags.get_flag_config(flag)
        stages = (config or {}).get("rollout_stages")
        if not stages:
            return False
        stage = config.get("current_stage", 0)
        if stage + 1 >= len(stages):
            return False
        since = config["stage_started"] if "stage_started" in config else config["rollout_started"]
        hours = stages[stage].get("duration_hours")
        if hours and self.clock() < since + hours * 3600:
            return False
        config.update(
            current_stage=stage + 1,
            percentage=stages[stage + 1]["percentage"],
            stage_started=self.clock(),
        )
        self.flags.set_flag(flag, config)
        return True

    def emergency_rollback(self, flag):
        config = self.flags.get_flag_config(flag) or {}
        config.update(enabled=False, rolled_back_at=self.clock())
        self.flags.set_flag(flag, config)


class VariantFlag:
    """Reads experiments."""

    def __init__(self, flags):
        self.flags = flags

    def get_variant(self, flag, user_id):
        config = self.flags.get_flag_config(flag) or {}
        if config.get("enabled"):
            reached = 0
            for variant, weight in config.get("variants", {"control": 100}).items():
                reached += weight
                if place(flag, user_id) < reached:
                    return variant
        return "control"


class FlagLifecycle:
    """Finds flags that have been on for everyone for long."""

    def __init__(self, flags, clock):
        self.flags = flags
        self.clock = clock

    def get_stale_flags(self, days=30):
        stale = []
        for key in self.flags.store.scan_iter(f"{self.flags.prefix}:*"):
            flag = key.decode().split(":")[1]
            config = self.flags.get_flag_config(flag)
            if not config or not config.get("enabled") or config.get("percentage", 0) != 100:
                continue
            since = config.get("stage_started", config.get("rollout_started", 0))
            if since and self.clock() - since > days * 86400:
                stale.append(flag)
        return stale


def place(flag, user_id):
    """Where a user stands, from 0 to below 100."""
    return zlib.crc32(f"{flag}:{user_id}".encode()) % 100_000 / 1000
