"""What every notebook keeps to. A new one is found here by itself."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.engine.step import Plan, Reversibility
from drcore.headless.nbformat_light import nbformat
from drcore.headless.parameters_cell import parameter_names
from drcore.launcher.request import GIVEN

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PLANS = [plans.find(name) for name in plans.ids()]
EVERY_PLAN = pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.notebook)

BEFORE, AFTER = ("Open", "Preflight", "Steps"), ("Are we there?", "Going back", "Record", "Related")
ALWAYS = ("verify", "go_back", "close")  # what is also done after a failure
IN_THE_TITLE = ("Use when", "Do not use when", "Who decides", "RTO", "RPO", "Point of no return")
IN_A_STEP = ("What", "Why", "Expect", "If it fails", "Undo")
LINES = 5
LOGIC = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef),
    *(ast.If, ast.IfExp, ast.Match, ast.For, ast.AsyncFor, ast.While, ast.comprehension),
    *(ast.Try, ast.TryStar, ast.With, ast.AsyncWith, ast.Delete, ast.Global),
)


def read(plan: Plan[Any]) -> Any:
    return nbformat.read(NOTEBOOKS / plan.notebook, as_version=4)


def code(plan: Plan[Any]) -> list[Any]:
    return [cell for cell in read(plan).cells if cell.cell_type == "code"]


def words(plan: Plan[Any]) -> list[str]:
    return [cell.source for cell in read(plan).cells if cell.cell_type == "markdown"]


def tags(cell: Any) -> list[str]:
    found: list[str] = cell.metadata.get("tags", [])
    return found


def headings(plan: Plan[Any]) -> list[str]:
    return [line.removeprefix("## ") for text in words(plan) for line in text.splitlines() if line.startswith("## ")]


def calls(plan: Plan[Any]) -> list[tuple[str, ast.Call]]:
    """The calls of a notebook in their order, each with its name: `runbook`, `run.step`."""
    nodes = [node for cell in code(plan) for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    return [(ast.unparse(node.func), node) for node in nodes]


def marked(text: str) -> list[str]:
    """The bold words of a text that something is said after: `**Why.** …` or `**RTO:** …`."""
    return re.findall(r"\*\*([^*]+?)[.:]?\*\*[.:]? +\S", text)


def test_every_plan_should_have_a_notebook_and_every_notebook_a_plan() -> None:
    assert sorted(plan.notebook for plan in PLANS) == sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    assert all(plan.notebook.startswith(f"{plan.id}_") for plan in PLANS), "they are listed in the order of the letters"


@EVERY_PLAN
def test_a_notebook_should_be_valid_with_a_language(plan: Plan[Any]) -> None:
    """Papermill refuses a notebook without one, and ruff silently skips it."""
    notebook = read(plan)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.kernelspec.language == notebook.metadata.language_info.name == "python"


@EVERY_PLAN
def test_a_notebook_should_be_clean_of_what_a_run_leaves(plan: Plan[Any]) -> None:
    notebook = read(plan)
    assert [cell.id for cell in code(plan) if cell.outputs or cell.execution_count is not None] == []
    assert [cell.id for cell in notebook.cells if set(cell.metadata) - {"tags"}] == []
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert set(notebook.metadata.language_info) == {"name"}, "a version in it changes with whoever saves it"


@EVERY_PLAN
def test_every_cell_should_have_a_readable_id_of_its_own(plan: Plan[Any]) -> None:
    """They are seen in the progress of a run, in its journal, in links to its page."""
    ids = [cell.id for cell in read(plan).cells]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert [name for name in ids if not re.fullmatch(r"[a-z]{2,}(-[a-z]{2,})*", name)] == []


@EVERY_PLAN
def test_the_parameters_should_be_the_first_code_cell_and_the_only_one(plan: Plan[Any]) -> None:
    assert [cell.id for cell in code(plan) if "parameters" in tags(cell)] == [code(plan)[0].id]
    statements = ast.parse(code(plan)[0].source).body
    assert all(isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant) for each in statements), (
        "the cell runs before the parameters that are injected after it: no side effects"
    )


@EVERY_PLAN
def test_the_parameters_should_be_those_of_the_plan_with_a_comment_each(plan: Plan[Any]) -> None:
    found = parameter_names(NOTEBOOKS / plan.notebook)
    assert list(found) == [*GIVEN, *plan.incident.model_fields]
    assert [name for name, parameter in found.items() if not parameter.help] == []


@EVERY_PLAN
def test_the_parameters_should_be_harmless_until_somebody_chooses(plan: Plan[Any]) -> None:
    defaults = {
        name: ast.literal_eval(each.default) for name, each in parameter_names(NOTEBOOKS / plan.notebook).items()
    }
    incident = plan.incident().model_dump(mode="json")
    harmless = {"environment": "sandbox", "mode": "rehearse", "run_id": "", "fault": "", "seed": 1}
    assert defaults == harmless | incident


@EVERY_PLAN
def test_a_code_cell_should_be_short_and_without_logic(plan: Plan[Any]) -> None:
    own = [cell for cell in code(plan) if "parameters" not in tags(cell)]
    long = [cell for cell in own if sum(bool(line.strip()) for line in cell.source.splitlines()) > LINES]
    assert [cell.id for cell in long] == []
    assert [cell.id for cell in own for node in ast.walk(ast.parse(cell.source)) if isinstance(node, LOGIC)] == []
    assert [cell.id for cell in own if re.search(r"^\s*[!%]", cell.source, re.MULTILINE)] == []


@EVERY_PLAN
def test_the_run_should_be_opened_with_every_parameter(plan: Plan[Any]) -> None:
    name, opening = calls(plan)[0]
    assert name == "runbook"
    assert [ast.unparse(argument) for argument in opening.args] == [repr(plan.id)]
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in opening.keywords}
    assert given == {name: name for name in parameter_names(NOTEBOOKS / plan.notebook)}


@EVERY_PLAN
def test_a_notebook_should_call_every_step_once_and_in_order(plan: Plan[Any]) -> None:
    module = importlib.import_module(f"drcore.plans.{plan.id}")
    asked = [ast.unparse(argument) for name, call in calls(plan) if name == "run.step" for argument in call.args]
    assert all(each.startswith(f"{plan.id}.") for each in asked)
    assert [getattr(module, each.partition(".")[2]).title for each in asked] == [step.title for step in plan.steps]
    assert [call.keywords for name, call in calls(plan) if name == "run.step" and call.keywords] == []


@EVERY_PLAN
def test_a_notebook_should_do_one_thing_a_cell_in_the_order_of_the_design(plan: Plan[Any]) -> None:
    steps = ["run.step"] * len(plan.steps)
    named = [name for name, _ in calls(plan)]
    assert named == ["runbook", "run.preflight", "run.overview", *steps, *(f"run.{name}" for name in ALWAYS)]
    assert len(code(plan)) == len(named) + 1, "one call a cell, and the parameters"


@EVERY_PLAN
def test_what_ends_a_run_should_be_done_after_a_failure_too(plan: Plan[Any]) -> None:
    assert [cell.source for cell in code(plan) if "always" in tags(cell)] == [f"run.{name}()" for name in ALWAYS]
    assert {tag for cell in code(plan) for tag in tags(cell)} == {"parameters", "always"}


@EVERY_PLAN
def test_the_headings_should_be_the_titles_of_the_steps(plan: Plan[Any]) -> None:
    assert headings(plan) == [*BEFORE, *(step.title for step in plan.steps), *AFTER]


@EVERY_PLAN
def test_every_call_should_stand_under_its_own_heading(plan: Plan[Any]) -> None:
    cells = read(plan).cells
    for text, cell in pairwise(cells):
        if cell.cell_type == "code" and "parameters" not in tags(cell):
            assert (text.cell_type, text.id) == ("markdown", f"{cell.id}-text")
            assert text.source.startswith("## ")
    assert cells[-1].source.startswith("## Related")


@EVERY_PLAN
def test_the_title_should_say_whether_this_is_the_right_plan(plan: Plan[Any]) -> None:
    title = words(plan)[0]
    assert title.splitlines()[0].casefold() == f"# plan {plan.id}: {plan.title}".casefold()
    found = marked(title)
    assert [name for name in IN_THE_TITLE if name not in found] == []


@EVERY_PLAN
def test_every_step_should_say_what_why_expect_and_what_if_not(plan: Plan[Any]) -> None:
    texts = {text.splitlines()[0].removeprefix("## "): text for text in words(plan)}
    assert {step.title: marked(texts[step.title]) for step in plan.steps} == {
        step.title: list(IN_A_STEP) for step in plan.steps
    }


@EVERY_PLAN
def test_the_prose_should_promise_the_way_back_that_the_step_has(plan: Plan[Any]) -> None:
    texts = {text.splitlines()[0].removeprefix("## "): text for text in words(plan)}
    for step in plan.steps:
        nothing = "**Undo.** Nothing to undo." in texts[step.title]
        assert nothing == (step.reversibility is Reversibility.LOOKS), f"{step.title} is {step.reversibility}"


@EVERY_PLAN
def test_the_prose_should_point_only_at_headings_that_there_are(plan: Plan[Any]) -> None:
    pointed = [name for text in words(plan) for name in re.findall(r"(?<![*\w])\*([^*\n]+)\*(?![*\w])", text)]
    assert [name for name in pointed if name not in headings(plan)] == []
