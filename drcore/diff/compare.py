"""The comparison of two states of a table, from sources to report."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from drcore.diff.keys import key_bytes
from drcore.diff.policy import Class, Policy, judge
from drcore.diff.report import DETAILS, Report
from drcore.diff.source import Source
from drcore.errors import BadInput

# What is being done, how many items of it are done, how many there are (None: not known).
Progress = Callable[[str, int, int | None], None]


def compare(
    restored: Source,
    live: Source,
    policy: Policy,
    *,
    out: Path,
    engine: str = "duckdb",
    progress: Progress | None = None,
) -> Report:
    """Compare everything. Raises BadInput (wrong data, nothing to trust) or RunnerFailed (not completed)."""
    schema = restored.schema() or live.schema()
    if schema is None:
        raise BadInput("key: expected the names of the key attributes")
    sides = [{key_bytes(schema.of(item)): item for item in side.items()} for side in (restored, live)]
    out.mkdir(parents=True, exist_ok=True)
    counts: Counter[Class] = Counter()
    with gzip.open(out / DETAILS, "wt") as details:
        for key in sides[0] | sides[1]:
            old, new = sides[0].get(key), sides[1].get(key)
            kind, reason = judge(old, new, policy)
            counts[kind] += 1
            told = {"class": kind, "key": schema.of(old or new or {}), "reason": reason, "restored": old, "live": new}
            if kind is not Class.UNCHANGED:
                details.write(json.dumps(told) + "\n")
    return Report({kind: counts[kind] for kind in Class}, 0, 0, 0, out)
