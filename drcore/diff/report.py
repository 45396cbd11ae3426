"""What a comparison found: counts by class, every difference with its reason."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcore.diff.items import Item
from drcore.diff.policy import Class

DETAILS = "differences.jsonl.gz"
SUMMARY = "report.json"


@dataclass(frozen=True, slots=True)
class Difference:
    """One item that differs: its class, its key, why it is of that class, both images (None: absent)."""

    kind: Class
    key: Item
    reason: str
    restored: Item | None
    live: Item | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found. `details` is a folder; one line of JSON a difference lies in it, sorted by nothing.

    `remarks`: what a person must know beside the counts, a sentence each. `lines`: how many lines were equal as text,
    so that they were not parsed (empty: there was nothing to be compared as text).
    """

    counts: Mapping[Class, int]
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    details: Path
    remarks: tuple[str, ...] = ()
    lines: str = ""

    @property
    def differs(self) -> int:
        """How many items are not unchanged."""
        return sum(count for kind, count in self.counts.items() if kind is not Class.UNCHANGED)

    def differences(self, *kinds: Class) -> Iterator[Difference]:
        """Every difference, or those of some classes, read from disk one by one."""
        with gzip.open(self.details / DETAILS, "rb") as lines:
            for line in lines:
                fields = json.loads(line)
                if not kinds or fields["class"] in kinds:
                    kind = Class(fields["class"])
                    yield Difference(kind, fields["key"], fields["reason"], fields["restored"], fields["live"])

    def as_data(self) -> dict[str, Any]:
        """The JSON object that `drcore diff --json` prints. `expired` is among the counts where something has."""
        always = [kind for kind in self.counts if kind is not Class.EXPIRED or self.counts[kind]]
        return {
            "counts": {str(kind): self.counts[kind] for kind in always},
            "differences": self.differs,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_rss_mb": round(self.peak_rss_mb, 1),
            "details": str(self.details),
            "remarks": list(self.remarks),
            "lines": self.lines,
        }
