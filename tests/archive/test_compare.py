"""Two runs beside each other: matched by step key, times from the begin of harm, what really differs first."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drcore.archive.compare import ComparedRuns, Differs, compared
from drcore.archive.reader import ReadRun, read
from drcore.engine.outcome import Outcome, StepName
from tests.support.command import in_process

GOLDEN = Path(__file__).parents[1] / "record" / "golden"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    below = tmp_path_factory.mktemp("golden")
    for name in ("f-golden-sealed", "f-golden-gone-back", "f-golden-killed", "g-golden-killed"):
        with tarfile.open(GOLDEN / f"{name}.tgz") as archive:
            archive.extractall(below, filter="data")
    return below


@pytest.fixture(scope="module")
def run(records: Path) -> ReadRun:
    return read(records / "f-golden-sealed")


def weights(found: ComparedRuns) -> dict[str, Differs]:
    return {step.key: step.weight for step in found.steps if step.weight is not Differs.NOTHING}


def changed(run: ReadRun, number: int, **fields: object) -> ReadRun:
    steps = list(run.steps)
    steps[number] = replace(steps[number], **fields)  # type: ignore[arg-type]  # of whatever field
    return replace(run, steps=tuple(steps))


def test_a_run_should_not_differ_from_itself(run: ReadRun) -> None:
    found = compared(run, run)
    assert (found.whole, weights(found), found.differs) == ((), {}, False)


def test_a_run_that_began_at_another_time_should_not_differ_for_that(run: ReadRun) -> None:
    """A fault that is noticed as fast is no other for the day on which it struck."""
    day = timedelta(days=3, hours=2)
    later = replace(
        run,
        moments={name: at + day for name, at in run.moments.items()},
        steps=tuple(replace(step, began=step.began + day, ended=step.ended and step.ended + day) for step in run.steps),
    )
    assert not compared(run, later).differs
    assert compared(run, replace(later, moments=run.moments)).differs


def test_what_weighs_most_should_come_first(run: ReadRun) -> None:
    slow = run.steps[2].seconds
    other = changed(run, 2, seconds=replace(slow, human=slow.human + 60))
    other = changed(other, 5, outcome=Outcome.FAILED)
    found = compared(run, other)
    assert [step.key for step in found.steps[:2]] == [run.steps[5].key, run.steps[2].key]
    assert [step.weight for step in found.steps[:2]] == [Differs.OUTCOME, Differs.TIME]
    (people,) = found.steps[1].differences
    assert (people.what, people.right) == ("seconds of people", f"{slow.human + 60:.0f} s")


@pytest.mark.parametrize(("more", "differs"), [(4.9, False), (5.1, True)])
def test_a_little_more_time_should_be_no_difference(run: ReadRun, more: float, differs: bool) -> None:
    number = next(n for n, step in enumerate(run.steps) if step.seconds.cloud < 1)
    seconds = run.steps[number].seconds
    other = changed(run, number, seconds=replace(seconds, cloud=seconds.cloud + more))
    assert compared(run, other).differs is differs


def test_another_version_of_the_plan_should_show_new_gone_and_moved_steps(run: ReadRun) -> None:
    steps = list(run.steps)
    gone = steps.pop(3)
    new = replace(steps[0], name=StepName("a-new-step", "A new step", "F.9"))
    moved = steps.pop(6)
    steps = [*steps[:2], moved, *steps[2:], new]
    renamed = replace(steps[0], name=replace(steps[0].name, title="By another title"))
    found = compared(run, replace(run, steps=(renamed, *steps[1:]), planned={"a-new-step": "x"}))
    told = {step.key: step for step in found.steps}
    assert (told[gone.key].right, told["a-new-step"].left) == (None, None)
    assert any(each.what == "place in the plan" for each in told[moved.key].differences)
    assert [key for key, weight in weights(found).items() if weight is Differs.PLACE] == [moved.key]
    assert told[renamed.key].weight is Differs.SEEN, "a title may change: the step is the same"


def test_the_command_should_tell_it_on_the_terminal_as_json_and_as_a_page(records: Path, tmp_path: Path) -> None:
    page = tmp_path / "compared.html"
    names = ("f-golden-sealed", "f-golden-gone-back")
    ended = in_process("compare", *names, "--records", records, "--html", page, "--json")
    assert (ended.exit, ended.json["differs"], ended.json["left"]) == (1, True, names[0])
    assert ended.json["differences"][0]["what"] == "verdict"
    assert "gone back" in ended.err and "Something really differs." in ended.err
    text = page.read_text()
    assert all(name in text for name in names) and "<script" not in text and "://" not in text
    assert in_process("compare", names[0], names[0], "--records", records).exit == 0


def test_a_killed_run_should_be_compared_as_far_as_it_went(records: Path) -> None:
    ended = in_process("compare", "f-golden-sealed", "f-golden-killed", "--records", records, "--json")
    assert ended.exit == 1
    assert any("INCOMPLETE" in note for note in ended.json["notes"])


def test_runs_of_two_plans_should_be_bad_input(records: Path, tmp_path: Path) -> None:
    ended = in_process("compare", "f-golden-sealed", "g-golden-killed", "--records", records)
    assert (ended.exit, "expected two runs of one plan" in ended.err) == (2, True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "parameters.json").write_text("{}")
    assert in_process("compare", "f-golden-sealed", tmp_path / "empty", "--records", records).exit == 2
    lost = records / "nowhere" / "x.html"
    assert in_process("compare", "f-golden-sealed", "f-golden-killed", "--records", records, "--html", lost).exit == 2
