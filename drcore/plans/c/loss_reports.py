"""What users report at the support desk of data that a version of the app has lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Target
from drcore.errors import Rejected, Unknown
from drcore.plans.c.facts import CRun
from drcore.plans.c.stores import PLAY
from drcore.plans.shared.support_desk import read_tickets


@dataclass(frozen=True, slots=True)
class LossReports:
    """The tickets about one version from one store. `missing` says why they could not be read, else empty."""

    tickets: int
    missing: str = field(default="", metadata=label("not known, as"))

    def describe(self) -> str:
        return self.missing or f"{self.tickets} tickets about lost data"

    def are_enough(self, run: CRun) -> bool:
        """Whether so many users report it that it is a trigger."""
        return not self.missing and self.tickets >= run.facts.lost_data.least


def reports_of_loss(run: CRun, store: Target, version: str, since: datetime) -> LossReports:
    """The tickets since a moment that name a version and its store. A desk that does not answer says so."""
    platform = run.facts.crashes.google_play if store == PLAY else run.facts.crashes.app_store
    try:
        tickets = read_tickets(run, run.facts.lost_data, since, run.clock.now())
    except (Rejected, Unknown) as error:
        return LossReports(0, str(error))
    return LossReports(sum(each.platform == platform and each.version == version for each in tickets))
