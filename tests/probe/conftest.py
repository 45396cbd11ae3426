"""SyncWell's staging account, emulated in this process: to a probe it is an account like any other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drcore.engine.prepare import HOME
from drcore.parameters import Service, at_world, load, read
from drcore.probe.own import policy as probes_policy
from drcore.probe.probe import AccountProbe
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.syncwell.company.names import RECOVERY_ROLE
from tests.support.in_process_transport import end_in

Ask = Callable[[str], str | None]
Probing = Callable[..., AccountProbe]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    door = InProcess(5, users=20)
    granted = json.dumps(probes_policy())
    door.world.client("iam", "us-east-1").put_role_policy(
        RoleName=RECOVERY_ROLE, PolicyName="drcore-probe", PolicyDocument=granted
    )
    end_in(door, monkeypatch)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr("os.fsync", lambda handle: None)
    # The facts of that account's plans are the sandbox's, too; the files of staging are still to be filled in.
    monkeypatch.setattr(
        "drcore.probe.account_questions.load", lambda folder, _, plan, facts: load(folder, "sandbox", plan, facts)
    )
    return door


@pytest.fixture
def staging() -> Service:
    sandbox = read(HOME / "parameters" / "sandbox" / "service.yaml", Service)
    changed: dict[str, Any] = {"environment": "staging", "drill_policy": None}
    return at_world(sandbox, ENDPOINT).model_copy(update={**changed, "world": None})


@pytest.fixture
def probing(world: InProcess, staging: Service, tmp_path: Path) -> Iterator[Probing]:
    """Open a probe of that account; nobody is at the keyboard if none is given."""
    opened: list[AccountProbe] = []

    def open_(
        approved: Sequence[str] = (), keyboard: Ask = lambda prompt: None, service: Service = staging
    ) -> AccountProbe:
        made = AccountProbe(service, tmp_path, approved=approved, keyboard=keyboard)
        world.attach(made.session.aws.session)
        opened.append(made)
        return made

    yield open_
    for each in opened:
        each.session.record.close()


def own(world: InProcess) -> list[str]:
    """The names of all that is in the account and looks like a probe's."""
    found: list[str] = []
    for region in ("us-east-1", "us-west-2"):
        found += [each["FunctionName"] for each in world.world.client("lambda", region).list_functions()["Functions"]]
        found += world.world.client("dynamodb", region).list_tables()["TableNames"]
        found += world.world.client("sqs", region).list_queues().get("QueueUrls", [])
        found += world.world.client("codedeploy", region).list_applications()["applications"]
    found += [each["RoleName"] for each in world.world.client("iam", "us-east-1").list_roles()["Roles"]]
    return sorted(each for each in found if "drcore-probe-" in each)
