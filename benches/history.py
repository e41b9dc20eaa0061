#!/usr/bin/env python3
"""`hoist diff` over a long history, against a plain `git log` over the same path, in turn.

Usage: cargo build --release && benches/history.py [HOIST]

Makes a repository of 1,000 commits that change one flag each, with 10,000 flags in 100 files, and
prints medians and their ratio. Needs git.
"""

import os
import random
import subprocess
import sys
import tempfile
import time

FILES, FLAGS, COMMITS, ROUNDS = 100, 100, 1_000, 15


def flag(number, percentage, expires):
    return f"""\
  flag_{number:05}:
    description: Route search traffic of number {number} to the new ranking service
    owner: team-{number % 37}
    created: 2026-08-02
    expires: {expires}
    tags: [search, web]
    enabled: true
    percentage: {percentage}
    allowed_users: [internal_tester_{number % 7}, qa_{number % 11}]
    allowed_groups: [employees]
    environments:
      staging: {{ percentage: 100 }}

"""


def make(folder):
    """A history, made by `git fast-import`: the same at every run."""
    chance = random.Random(1)
    subprocess.run(["git", "init", "--quiet", "-b", "main", folder], check=True)
    importer = subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE)
    say = importer.stdin.write
    state = [[(f * FLAGS + i, 10, "2026-12-31") for i in range(FLAGS)] for f in range(FILES)]

    def file(index):
        text = "flags:\n" + "".join(flag(*each) for each in state[index] if each)
        path = f"flags/team{index % 20:02}/file{index:04}.yaml"
        say(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n".encode())

    for commit in range(COMMITS):
        said = f"change {commit}"
        when = 1_700_000_000 + commit * 3_600
        say(f"commit refs/heads/main\ncommitter A <a@example.com> {when} +0000\n".encode())
        say(f"data {len(said)}\n{said}\n".encode())
        if commit == 0:
            for index in range(FILES):
                file(index)
            continue
        index, place = chance.randrange(FILES), chance.randrange(FLAGS)
        if chance.random() < 0.05:
            state[index][place] = None
        else:
            later = chance.random() < 0.1
            expires = f"2027-{chance.randrange(1, 13):02}-01" if later else "2026-12-31"
            state[index][place] = (index * FLAGS + place, chance.randrange(101), expires)
        file(index)
    importer.stdin.close()
    if importer.wait():
        sys.exit("git fast-import failed")
    subprocess.run(["git", "-C", folder, "gc", "--quiet"], check=True)
    subprocess.run(["git", "-C", folder, "reset", "--quiet", "--hard"], check=True)


def seconds(command, folder):
    began = time.perf_counter()
    run = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if run.returncode > 1:
        sys.exit(run.stderr.decode())
    return time.perf_counter() - began


def median(values):
    return sorted(values)[len(values) // 2]


def main():
    hoist = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/hoist")
    with tempfile.TemporaryDirectory() as folder:
        make(folder)
        print(f"{COMMITS:,} commits, {FILES * FLAGS:,} flags in {FILES} files; medians of {ROUNDS}\n")
        for revisions in (["HEAD~1"], ["HEAD~10"], ["HEAD~50"]):
            plain, ours = [], []
            for _ in range(ROUNDS):
                plain.append(seconds(["git", "log", "--", "flags"], folder))
                ours.append(seconds([hoist, "diff", "--quiet", *revisions, "HEAD"], folder))
            git, diff = median(plain) * 1e3, median(ours) * 1e3
            name = " ".join(["hoist diff", *revisions, "HEAD"])
            print(f"{name:24} {diff:7.1f} ms   git log {git:6.1f} ms   ratio {diff / git:5.2f}")


if __name__ == "__main__":
    main()
