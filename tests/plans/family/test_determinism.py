"""The same seed gives the same run: what a drill shows comes from the plan and the world, not from the machine."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.record.files import CARD, JOURNAL, NOTEBOOK, PAGE, PARAMETERS
from tests.support.command import drcore
from tests.support.exhaustive import EXHAUSTIVE

# Of the shortest plan, as a drill with its charts takes its time; in tests/notebooks each plan shows what it once did.
SHORTEST = min(map(plans.find, plans.ids()), key=lambda plan: len(plan.steps))
_FAULTS = (SHORTEST.faults[0], *(SHORTEST.faults[-1:] if EXHAUSTIVE else ()))
FAULTS = [(SHORTEST.id, fault) for fault in dict.fromkeys(_FAULTS)]
EVERY_FAULT = pytest.mark.parametrize(("plan", "fault"), FAULTS, ids=["-".join(each) for each in FAULTS])

# What may differ between two drills with one seed and one name. Nothing else may.
HOST_FIELDS = {"host": {"pid", "wall_time"}}  # by event
HOLDER = re.compile(r'(?<=process|.record)(\\*": ?\\*")[0-9a-f]{16}')  # of the lock: another each time a run is opened
TOKEN = re.compile(r'("token": ?)"\\"[0-9a-f]{32}\\""')  # follows from it
LOCK = "locks/"  # the keys of its objects; the ETag with which one is taken over follows from it as well
CHAINED = "prev"  # follows from the above
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")  # a free port, another each time
OF_THE_HOST = {PARAMETERS, NOTEBOOK, PAGE}  # files that hold the world's address or wall times


@dataclass(frozen=True)
class Drilled:
    """The record of one drill."""

    folder: Path
    exit: int

    def lines(self) -> list[dict[str, Any]]:
        """The journal without host facts."""
        return [self._plain(line) for line in (self.folder / JOURNAL).read_text().splitlines()]

    def outputs(self) -> dict[str, list[Any]]:
        """What each code cell of the executed notebook shows, pictures too."""
        cells = json.loads(self._text((self.folder / NOTEBOOK).read_text()))["cells"]
        return {cell["id"]: cell["outputs"] for cell in cells if cell["cell_type"] == "code"}

    def _plain(self, line: str) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self._text(line))
        dropped = {CHAINED} | HOST_FIELDS.get(event["event"], set())
        if event["event"] == "file" and event["name"] in OF_THE_HOST:
            dropped |= {"sha256"}
        if event["event"] == "call" and str(event.get("parameters", {}).get("Key")).startswith(LOCK):
            event["parameters"].pop("IfMatch", None)
        return {name: value for name, value in event.items() if name not in dropped}

    def _text(self, text: str) -> str:
        return TOKEN.sub(r'\1""', HOLDER.sub(r"\1", ADDRESS.sub("WORLD", text)))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@functools.cache
def drilled(records: Path, plan: str, fault: str, seed: int, time: int) -> Drilled:
    """A drill in a process of its own; `time` tells two of the same apart."""
    ended = drcore(
        *("drill", plan, "--fault", fault, "--seed", str(seed), "--json"),
        *(
            "--records",
            records / f"{fault}-{seed}-{time}",
            "-p",
            f"run_id={plan}-again",
        ),  # the lock's digest follows from it
    )
    assert "record" in ended.json, ended.err
    return Drilled(Path(ended.json["record"]), ended.exit)


@EVERY_FAULT
def test_two_drills_with_one_seed_should_have_the_same_journal(records: Path, plan: str, fault: str) -> None:
    one, two = (drilled(records, plan, fault, 1, time) for time in (1, 2))
    assert one.folder != two.folder
    assert one.exit == two.exit
    for first, second in zip_longest(one.lines(), two.lines()):
        assert first == second
    assert len(one.lines()) > 100


@EVERY_FAULT
def test_two_drills_with_one_seed_should_show_the_same(records: Path, plan: str, fault: str) -> None:
    one, two = (drilled(records, plan, fault, 1, time) for time in (1, 2))
    shown, again = one.outputs(), two.outputs()
    assert list(shown) == list(again)
    assert [cell for cell in shown if shown[cell] != again[cell]] == []
    assert any("image/png" in output.get("data", {}) for outputs in shown.values() for output in outputs)
    assert (one.folder / CARD).read_bytes() == (two.folder / CARD).read_bytes()


@pytest.mark.skipif(not EXHAUSTIVE, reason="a third drill of the same plan")
def test_another_seed_should_be_another_run_of_the_same_plan(records: Path) -> None:
    """The family of simulations has other seeds for each plan."""
    plan, fault = FAULTS[0]
    one, other = drilled(records, plan, fault, 1, 1), drilled(records, plan, fault, 2, 1)
    assert one.lines() != other.lines()
    assert one.outputs() != other.outputs()
    assert [each["step"] for each in one.lines() if each["event"] == "step-ended"] == [
        each["step"] for each in other.lines() if each["event"] == "step-ended"
    ]


@pytest.mark.parametrize(("plan", "fault"), FAULTS[:1])
def test_a_cell_should_show_no_fact_of_the_machine(records: Path, plan: str, fault: str) -> None:
    """Else no reference output could be compared anywhere but here."""
    one = drilled(records, plan, fault, 1, 1)
    host = next(
        line for line in map(json.loads, (one.folder / JOURNAL).read_text().splitlines()) if line["event"] == "host"
    )
    address = json.loads((one.folder / PARAMETERS).read_text())["world"]["address"]
    shown = json.dumps([output.get("data") for outputs in json_of(one) for output in outputs])
    facts = [address, str(one.folder.parent), str(Path.home()), host["wall_time"][:10], host["revision"]]
    assert [fact for fact in facts if fact in shown] == []
    words = [host["host"], host["user"], str(host["pid"]), host["python"]]
    assert [word for word in words if re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])", shown)] == []


def json_of(one: Drilled) -> list[list[Any]]:
    """The outputs as they are, nothing replaced, without pictures (base64 may spell anything)."""
    cells = json.loads((one.folder / NOTEBOOK).read_text())["cells"]
    for cell in cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("image/png", None)
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]
