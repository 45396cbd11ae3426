"""Whether the rules of a policy match anything at all among the items that differ.

A rule whose attribute or writer is misspelt decides every item alike, and nothing in the answer shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.diff.items import Item
from drcore.diff.policy import Policy, writers_of


@dataclass(slots=True)
class Matching:
    """What the rules have met so far, item by item."""

    policy: Policy
    changed: int = 0
    timed: int = 0
    live: int = 0
    signed: int = 0
    faulty: set[str] = field(default_factory=set)

    def see(self, restored: Item | None, live: Item | None) -> None:
        """One item that differs."""
        if live is None:
            return
        self.live += 1
        self.changed += restored is not None
        if self.timed and self.signed and len(self.faulty) == len(self.policy.faulty):
            return  # everything has been met
        writers = writers_of(live, self.policy.writer)
        self.signed += bool(writers)
        self.faulty.update(name for name in writers if name in self.policy.faulty)
        if restored is not None:
            self.timed += self.policy.modified in live

    def add(self, more: Matching) -> None:
        """What the rules have met among others."""
        self.changed += more.changed
        self.timed += more.timed
        self.live += more.live
        self.signed += more.signed
        self.faulty |= more.faulty

    def unmatched(self) -> list[str]:
        """The rules that match nothing, in words. Where nothing differs there is nothing to match."""
        policy, rules = self.policy, []
        if policy.point is not None and self.changed and not self.timed:
            rules.append(f"none of the {self.changed:,} items that were changed has an attribute {policy.modified}")
        if policy.faulty and policy.writer and self.live:
            if not self.signed:
                rules.append(f"none of the {self.live:,} live items that differ names a writer in {policy.writer}")
            elif not self.faulty:
                names = ", ".join(policy.faulty)
                rules.append(f"none of the {self.live:,} live items that differ was written by {names}")
        return rules

    def remarks(self) -> list[str]:
        """Of several writers those that are met nowhere, while others are."""
        missing = [name for name in self.policy.faulty if name not in self.faulty]
        if not self.faulty or not missing:
            return []
        return [f"no live item that differs was written by {', '.join(missing)}"]
