"""What a person has seen in JupyterLab on the way through a plan."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from drcore.record.events import Event, read_events
from tests.support.running_lab import Lab


@dataclass
class Story:
    """What was seen on the way, and what is there at the end."""

    lab: Lab
    texts: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    charts: list[int] = field(default_factory=list)
    on_disk: str = ""
    exit: int = -1

    @property
    def events(self) -> list[Event]:
        return read_events(self.lab.folder)

    def of(self, event: str) -> list[Event]:
        return [line for line in self.events if line["event"] == event]

    def done_twice(self) -> list[tuple[str, str]]:
        """The acts that were begun more than once, but for the lock's: step and target."""
        acts = Counter((line["step"], line["target"]) for line in self.of("intent"))
        return [act for act, count in acts.items() if count > 1 and "lock" not in act[1]]

    def sent_twice(self) -> list[str]:
        """The writes that AWS has taken more than once with the same arguments, but for those of records and locks."""
        taken = (line for line in self.of("call") if line["write"] and line["answer"] == "OK")
        sent = Counter(f"{line['call']} {line['region']} {json.dumps(line['parameters'])}" for line in taken)
        return [call for call, count in sent.items() if count > 1 and not call.startswith("s3:")]
