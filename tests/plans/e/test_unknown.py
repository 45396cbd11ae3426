"""What plan E cannot tell is UNKNOWN: an empty list proves neither that no old token is left nor that none was used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drcore.plans import e
from drcore.plans.e.facts import ERun
from drcore.plans.e.p4_copies import Copies
from drcore.plans.e.p4_invalidate import IssuerRevocation
from drcore.plans.e.reach import InReach
from drcore.plans.e.stolen_uses import Uses
from tests.support.lone_run import EAST, Look, decided, lone_run, must_not_be_told

SWEPT = Copies(3, ())
OF_NOBODY = (("arn:aws:secretsmanager:us-east-1:999999999999:secret:x", "InSync"),)

LOOKS = {
    "reach, no region answers": Look(e.REACH.expect, InReach(()), InReach(("us-east-1", "us-west-2")), "more than one"),
    "copies, no secret": Look(e.COPIES.expect, SWEPT, Copies(0, ()), "not the same as no old token"),
    "copies, an account that is not named": Look(
        e.COPIES.expect,
        SWEPT,
        Copies(3, (), other_accounts=OF_NOBODY),
        "account 999999999999 in us-east-1, which e.yaml does not name",
        at=EAST,
    ),
    "issuers, a new status": Look(
        e.ISSUERS.expect, IssuerRevocation("SUCCEEDED", "token", 5, 5), IssuerRevocation("PAUSED"), "PAUSED"
    ),
    "audit, an empty log": Look(e.AUDIT.expect, Uses(0, 3, 0, None), Uses(0, 0, 0, None), "not the same as none"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ERun]:
    with lone_run(e.PLAN, tmp_path_factory.mktemp("e")) as run:
        decided(run, e.DECIDE.name, "read-only")
        yield run


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_cannot_be_told_should_be_unknown(run: ERun, look: Look) -> None:
    must_not_be_told(run, look)
