"""What plan A cannot tell is UNKNOWN: where DNS leads, what is lost, whether users are well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drcore.plans import a
from drcore.plans.a.dns_and_levers import Answers
from drcore.plans.a.facts import ARun
from drcore.plans.a.p4_continuity import Replicated
from drcore.plans.a.p4_users_well import MarketsServed
from drcore.plans.a.region_health import Load, UserFailures
from drcore.plans.a.replication import Canary, RecentItems
from drcore.plans.shared.good_minutes import GoodMinutes
from tests.support.lone_run import EAST, NINE, WEST, Look, lone_run, must_not_be_told

MOVED = Answers(((WEST.region, 100.0),), (WEST.region,))
HELD = Replicated(Canary(5, NINE), 0.0, None, None, RecentItems((), True))
LOAD = Load(10_000, 0.0, 100.0)
SERVED = MarketsServed(UserFailures((("us", 0.0), ("eu", 0.0))), LOAD, GoodMinutes(NINE, NINE, None, NINE))

LOOKS = {
    "failover, addresses of nobody": Look(
        a.FAILOVER.expect, MOVED, replace(MOVED, unknown=("192.0.2.1",), unknown_percent=20.0), "20 % of them"
    ),
    "replication, no canary": Look(
        a.REPLICATION.expect, HELD, replace(HELD, canary=Canary(0, None), bound_s=None), "cannot be bounded"
    ),
    "replication, the time of the fault": Look(
        a.REPLICATION.expect, HELD, replace(HELD, bound_s=None), "cannot be bounded"
    ),
    "users, a market without a probe": Look(
        a.USERS.expect, SERVED, replace(SERVED, users=UserFailures((("us", 0.0), ("eu", None)))), "no probe from eu"
    ),
    "users, no traffic": Look(
        a.USERS.expect, SERVED, replace(SERVED, load=Load(0, None, None)), "0 requests in the last whole minute"
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ARun]:
    with lone_run(a.PLAN, tmp_path_factory.mktemp("a"), failed_region=EAST.region) as run:
        yield run


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_cannot_be_told_should_be_unknown(run: ARun, look: Look) -> None:
    must_not_be_told(run, look)
