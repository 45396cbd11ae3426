"""Rollbacks are told oldest first, in whatever order and on however many pages CodeDeploy lists them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drcore.calls.aws import Aws
from drcore.services import codedeploy
from drcore.services.codedeploy import Deployment
from tests.services.conftest import Edit

SINCE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_rollbacks_are_sorted_by_their_time(aws: Aws, edit: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {
        f"d-{number}": Deployment(f"d-{number}", "Succeeded", undoes, SINCE + timedelta(minutes=number))
        for number, undoes in ((1, ""), (2, "d-1"), (3, "d-1"), (4, "d-1"))
    }
    edit("codedeploy.ListDeployments", lambda answer: answer.update(deployments=["d-3", "d-1", "d-4", "d-2"]))
    monkeypatch.setattr(codedeploy, "deployment", lambda aws, region, id_: made[id_])

    found = codedeploy.rollbacks(aws, "us-east-1", "syncwell-backend", "syncwell-backend-live", SINCE)

    assert [each.id for each in found] == ["d-2", "d-3", "d-4"]
