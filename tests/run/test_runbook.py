"""Opening a run from a notebook: the record that it lies in, what may be changed there, what is run twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.engine.prepare import prepare
from drcore.errors import BadInput, Refused
from drcore.launcher.notebook import runbook
from drcore.parameters import Mode
from drcore.record.events import read_events
from drcore.record.files import PARAMETERS
from drcore.record.proof import verify
from drcore.run.runbook import Runbook
from tests.support.emulated import world

AS_STARTED: dict[str, Any] = {"environment": "sandbox", "mode": "rehearse", "run_id": "", "release": "", "bug": ""}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with world(seed=11) as address:
        yield address


@pytest.fixture
def record(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that is about to be opened, as the kernel of its notebook stands in it."""
    folder = tmp_path / "f-rehearse-here"
    folder.mkdir()
    setting = prepare(plans.find("f"), "sandbox", Mode.REHEARSE, {"release": "", "bug": ""}, run_id=folder.name)
    replace(setting, world={"address": address, "pid": None}).write(folder)
    monkeypatch.chdir(folder)
    return folder


def opened(**changes: str) -> Runbook:
    return runbook("f", **{**AS_STARTED, **changes})


def test_what_only_the_incident_knows_should_count_as_the_notebook_says_it(record: Path) -> None:
    """A person who writes a release into the parameters cell must not have another one rolled back to."""
    run = opened(release="2025.12.3", bug="preview deletes contacts")
    assert (run.run.incident.release, run.run.incident.bug) == ("2025.12.3", "preview deletes contacts")
    assert json.loads((record / PARAMETERS).read_text())["incident"]["release"] == "2025.12.3"
    run.close()
    assert verify(record).problems == ()


def test_it_should_be_settled_when_the_run_was_opened(record: Path) -> None:
    opened().close()
    with pytest.raises(BadInput, match=r"release: expected '', seen '2025\.12\.3'.*Nothing was changed"):
        opened(release="2025.12.3")


@pytest.mark.parametrize(
    ("name", "value"), [("environment", "production"), ("mode", "execute"), ("run_id", "another-run")]
)
def test_a_notebook_that_asks_for_another_run_than_its_record_should_be_refused(
    record: Path, name: str, value: str
) -> None:
    with pytest.raises(BadInput, match=f"{name}: expected .*, seen '{value}'"):
        opened(**{name: value})
    assert read_events(record) == []


def test_opening_twice_in_one_kernel_should_lose_nothing(record: Path) -> None:
    run = opened()
    run.preflight()
    assert opened() is run
    assert [line["event"] for line in read_events(record) if "opened" in line["event"]] == ["opened", "opened-again"]
    run.close()


def test_a_closed_run_should_say_that_it_is_closed_and_open_again(record: Path) -> None:
    run = opened()
    run.close()
    with pytest.raises(Refused, match="this run is closed"):
        run.preflight()
    again = opened()
    assert again is not run
    again.close()
    assert verify(record).problems == ()
