"""Flag sets on disk for benches/compare, and the same number of features as a project of Featurevisor."""

import json
import pathlib
import random
import re
import subprocess

# Every rule is on; that of the style of keys looks for one.
CONFIG = """\
flags = "flags"

[lint]
key_style = '[a-z][a-z0-9]*(_[a-z0-9]+)*'

[environments.staging]
store = "sqlite:staging.db"

[environments.production]
store = "sqlite:production.db"
"""

# For each kind of mistake what is put in the place of the last match in the last file.
MISTAKES = {
    "twice": (r"(owner: [\w-]+(?:, |\n +))", r"\1\1"),
    "type": (r"owner: [\w-]+", "owner: 12"),
    "range": (r"percentage: \d+", "percentage: 101"),
}


def flag_set(generator, folder, flags, layout):
    """Writes a set with its hoist.toml into `folder`, unless it is there."""
    if (folder / "hoist.toml").exists():
        return
    per_file = {"grouped": "100", "files": "1", "one": "short"}[layout]
    subprocess.run([generator, folder / "flags", str(flags), per_file], check=True)
    (folder / "hoist.toml").write_text(CONFIG)


def lenient_schema(text):
    """hoist's schema for programs that take dates for something else than strings, as YAML 1.1 has them, and
    divide by 0.001 in binary: without these two they find mistakes where there are none."""
    schema = json.loads(text)
    for name in ("created", "expires"):
        schema["$defs"][name] = {}

    def prune(node):
        if isinstance(node, dict):
            node.pop("multipleOf", None)
            for value in node.values():
                prune(value)

    prune(schema)
    return json.dumps(schema)


def last_file(folder):
    files = [*folder.glob("flags/**/*.yaml"), *folder.glob("features/*.yml")]
    return max(files)


def broken(folder, mistake):
    """Puts a mistake into the last file; gives the text that it had."""
    path = last_file(folder)
    text = path.read_text()
    pattern, replacement = MISTAKES[mistake]
    *_, match = re.finditer(pattern, text)
    path.write_text(text[: match.start()] + match.expand(replacement) + text[match.end() :])
    return path, text


FEATURE = """\
description: Use the new {thing} of the {area} pages, as agreed in the review of change {index}
tags: [{area}, {thing}]
bucketBy: userId
"""
RULE = """\
      - key: "{key}"
        segments: {segments}
        percentage: {percentage}
"""


def feature(index, chance):
    """One feature, of the kinds and the length that the flags have."""
    area = chance.choice("search checkout pricing profile mailing billing catalog support".split())
    thing = chance.choice("ranking layout cache form export upload summary reminder".split())
    text = FEATURE.format(area=area, thing=thing, index=index)
    kind = chance.randrange(3)
    if kind == 2:
        first = chance.randrange(20, 40)
        for value, weight in (("control", first), ("wide", 60 - first), ("dense", 40)):
            text += "variations:\n" if value == "control" else ""
            text += f"  - value: {value}\n    weight: {weight}\n"
    text += "environments:\n"
    for environment in ("staging", "production"):
        text += f"  {environment}:\n"
        if kind == 0:
            users = ", ".join(f"user_{chance.randrange(1_000_000)}" for _ in range(chance.randrange(3, 9)))
            text += "    force:\n      - conditions:\n          - attribute: userId\n            operator: in\n"
            text += f"            value: [{users}]\n        enabled: true\n"
        text += "    rules:\n"
        text += RULE.format(key=1, segments="employees", percentage=100)
        text += RULE.format(key=2, segments='"*"', percentage=chance.randrange(1, 60))
    return f"{area}_{thing}_{index}", text


def featurevisor(folder, features):
    """A project of Featurevisor, which keeps one feature a file, unless it is there."""
    config = folder / "featurevisor.config.js"
    if config.exists():
        return
    for name in ("attributes", "segments", "features"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "attributes/userId.yml").write_text("type: string\ndescription: Who asks\n")
    (folder / "segments/employees.yml").write_text(
        "description: Who works here\nconditions:\n  - attribute: userId\n    operator: startsWith\n    value: staff_\n"
    )
    chance = random.Random(7)
    for index in range(features):
        name, text = feature(index, chance)
        (folder / f"features/{name}.yml").write_text(text)
    config.write_text('module.exports = { environments: ["staging", "production"], tags: ["all"] };\n')


def repository(folder):
    """Commits the set, and then changes one flag, as before a pull request."""
    if (folder / ".git").exists():
        return
    git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "--quiet", "-b", "main"], ["add", "."], ["commit", "--quiet", "-m", "flags"]):
        subprocess.run([*git, *command], check=True)
    path = last_file(folder)
    path.write_text(path.read_text().replace("2027-01-", "2027-02-", 1))


def count_files(folder):
    return sum(1 for _ in pathlib.Path(folder).glob("flags/**/*.yaml"))
