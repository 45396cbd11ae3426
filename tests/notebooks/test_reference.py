"""What a notebook shows is compared with its reference, output by output, by nbval."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import papermill
import pytest

from drcore import plans
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.headless.nbformat_light import nbformat
from drcore.record.files import NOTEBOOK
from tests.support.reference import PICTURES, about_to_begin, reference_of

PLANS = [plans.find(name) for name in plans.ids()]
EVERY_PLAN = pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.notebook)
READ_BY_PEOPLE = ("text/plain", "text/html")
INJECTED = "injected-parameters"


def reference(plan: Plan[Any]) -> Any:
    return nbformat.read(reference_of(plan), as_version=4)


def code(notebook: Any) -> dict[str, Any]:
    """The code cells by their ids; papermill gives its own cell another one each time."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return {INJECTED if INJECTED in cell.metadata.get("tags", ()) else cell.id: cell for cell in cells}


@contextmanager
def prepared(plan: Plan[Any], records: Path) -> Iterator[Path]:
    """The notebook of a drill that is about to begin, in its record, with its parameters."""
    with about_to_begin(plan, records) as (setting, folder):
        source, notebook = HOME / "notebooks" / plan.notebook, folder / NOTEBOOK
        papermill.execute_notebook(source, notebook, setting.as_parameters(), prepare_only=True, progress_bar=False)
        yield notebook


def compared(notebook: Path, expected: Any) -> dict[str, bool]:
    """Put the expected outputs into a notebook and have nbval run it: by cell, whether it showed the same."""
    given, wanted = nbformat.read(notebook, as_version=4), code(expected)
    for name, cell in code(given).items():
        cell.outputs, cell.execution_count = wanted[name].outputs, wanted[name].execution_count
    nbformat.write(given, notebook)
    # A configuration of its own: what the tests of drcore forbid (a warning) is nbval's own business.
    settings, report = notebook.with_name("nbval.ini"), notebook.with_name("nbval.xml")
    settings.write_text("[pytest]\n")
    options = ["-c", str(settings), "-p", "no:cacheprovider", "-p", "no:xdist", "--junitxml", str(report)]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--nbval", "--nbval-current-env", str(notebook)],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        cwd=notebook.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))  # noqa: S314 - written by pytest, just now
    sys.stdout.writelines(problem.text or "" for case in cases for problem in case)  # seen when the test fails
    return dict(zip(code(given), [not list(case.iter("failure")) for case in cases], strict=True))


@EVERY_PLAN
def test_a_reference_should_be_that_of_the_notebook_as_it_is(plan: Plan[Any]) -> None:
    now = nbformat.read(HOME / "notebooks" / plan.notebook, as_version=4)
    made = [(cell.id, cell.source) for cell in reference(plan).cells if cell.id != INJECTED]
    assert made == [(cell.id, cell.source) for cell in now.cells], "make reference"


@EVERY_PLAN
def test_a_reference_should_have_counts_without_which_nothing_is_compared(plan: Plan[Any]) -> None:
    """Nbval compares no cell whose stored execution_count is missing, whatever it prints."""
    counts = [cell.execution_count for cell in code(reference(plan)).values()]
    assert counts == list(range(1, len(counts) + 1))


@EVERY_PLAN
def test_a_reference_should_hold_what_people_read_and_no_picture(plan: Plan[Any]) -> None:
    silent = {name for name, cell in code(reference(plan)).items() if not cell.outputs}
    assert silent == {"parameters", INJECTED}
    forms = {form for cell in code(reference(plan)).values() for output in cell.outputs for form in output.data}
    assert forms == {*READ_BY_PEOPLE} and not forms & {*PICTURES}


@EVERY_PLAN
def test_a_drill_should_show_what_its_reference_shows(plan: Plan[Any], tmp_path: Path) -> None:
    with prepared(plan, tmp_path) as notebook:
        same = compared(notebook, reference(plan))
    assert [name for name, alike in same.items() if not alike] == [], "if the change is meant: make reference"


def test_any_output_that_is_not_the_reference_should_be_noticed(tmp_path: Path) -> None:
    """Of one plan, the shortest: it is nbval that is looked at."""
    plan = min(PLANS, key=lambda plan: len(plan.steps))
    changed, speaking = reference(plan), set()
    for index, (name, cell) in enumerate(code(changed).items()):
        for output in cell.outputs[-1:]:
            forms = [form for form in READ_BY_PEOPLE if form in output.data]
            form = forms[index % len(forms)]
            output.data[form] = output.data[form].replace("e", "3", 1)
            speaking.add(name)
    with prepared(plan, tmp_path) as notebook:
        same = compared(notebook, changed)
    assert {name for name, alike in same.items() if not alike} == speaking
