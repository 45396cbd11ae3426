"""SyncWell's users: two markets, each with its day, each served by its region.

Simplified: a market is served by one region, whatever DNS says (DNS comes with the regional outage).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Market:
    """`rate`: requests per second to the API over the day; `peak`: hour of the day, UTC, with the most."""

    name: str
    region: str
    rate: float
    peak: float

    def demand(self, at: datetime) -> float:
        """Requests per second wanted at that moment; the quietest hour has a third of the busiest."""
        seconds = at.hour * 3600 + at.minute * 60 + at.second
        phase = 2 * math.pi * (seconds - self.peak * 3600) / DAY
        return self.rate * (1 + 0.5 * math.cos(phase))


MARKETS = (
    Market("europe", "us-east-1", 34.0, 17.0),
    Market("americas", "us-west-2", 38.0, 23.0),
)

SHARES: Mapping[str, float] = {"syncwell-api": 1.0, "syncwell-worker": 0.8, "syncwell-webhook": 0.3}
"""Invocations of each function for one request to the API."""


def demand(region: str, at: datetime) -> float:
    """Requests per second that reach the region."""
    return sum(market.demand(at) for market in MARKETS if market.region == region)
