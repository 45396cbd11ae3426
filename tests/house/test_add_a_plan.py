"""What CONTRIBUTING says of a new plan is so: the smallest one passes the family tests without being listed anywhere.

It is made in a copy of the checkout: a folder with two steps, a parameters file for each environment, a notebook, a
fault.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drcore import plans
from tests.support.exhaustive import EXHAUSTIVE

ROOT = Path(__file__).parents[2]
COPIED = ("drcore", "tests", "notebooks", "parameters", "pyproject.toml")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "golden", "reference", ".*")

PLAN = {
    "titles.py": '''"""Plan Z on one page."""

from drcore.engine.outcome import StepName

FUNCTIONS = StepName("functions", "Functions", "Z.1")
VERIFY = StepName("verify", "Verify", "Z.2")
''',
    "facts.py": '''"""The facts of plan Z, as its parameters file gives them."""

from typing import Annotated

from pydantic import Field

from drcore.engine.context import Run
from drcore.parameters import Minutes, Model
from drcore.plans.shared.facts import Api, Percent
from drcore.plans.shared.releases import Manifest, Release, read_releases


class Facts(Model):
    """`z.yaml`."""

    functions: Annotated[tuple[str, ...], Field(min_length=1)]
    alias: str
    api: Api
    releases: Manifest
    error_rate_percent: Percent
    hold_minutes: Minutes
    rto_minutes: Minutes


class Incident(Model):
    """What only the incident knows: nothing."""


ZRun = Run[Facts, Incident]


def stable(run: ZRun, region: str) -> Release:
    """The newest stable release."""
    return read_releases(run, region).target("")
''',
    "p1_recover.py": '''"""Plan Z, from the bad canary to users who are well."""

from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.step import Patience, Settles, Step, regions
from drcore.plans.shared.release_shift import shift_functions
from drcore.plans.z import titles
from drcore.plans.z.facts import ZRun, stable
from drcore.services.cloudwatch import Metric

FUNCTIONS = shift_functions(titles.FUNCTIONS, stable, needs=())


@dataclass(frozen=True, slots=True)
class Rate:
    """The API's errors over the last whole minute; None: nothing was measured."""

    errors: float | None = field(metadata=label("errors", unit="%"))


def see_rate(run: ZRun, target: Target) -> Rate:
    stage = (("ApiName", run.facts.api.name), ("Stage", run.facts.api.stage))
    asked = [Metric("AWS/ApiGateway", name, "Sum", stage) for name in ("Count", "5XXError")]
    requests, failed = run.metrics.read(target.region, asked, *run.metrics.last(1))
    return Rate(100 * (failed.total or 0) / requests.total if requests.total else None)


def is_low(run: ZRun, target: Target, seen: Rate) -> Check:
    if seen.errors is None:
        return unknown("no request in the last minute")
    return (yes if seen.errors < run.facts.error_rate_percent else no)(f"{seen.errors:.2f} % errors")


VERIFY = Step(
    titles.VERIFY,
    changes="nothing: the API's errors, for as long as health must last",
    look=see_rate,
    expect=is_low,
    targets=regions,
    needs=(titles.FUNCTIONS,),
    patience=Patience(within=600, every=20, hold=lambda run: 60 * run.facts.hold_minutes),
    settles=Settles("healthy"),
)

STEPS = (FUNCTIONS, VERIFY)
''',
    "__init__.py": '''"""Plan Z, the smallest that there can be."""

from drcore.engine.step import Plan
from drcore.plans.z.facts import Facts, Incident
from drcore.plans.z.p1_recover import FUNCTIONS, STEPS, VERIFY

PLAN = Plan(
    id="z",
    title="The smallest plan",
    notebook="z_smallest.ipynb",
    steps=STEPS,
    goal=VERIFY,
    facts=Facts,
    incident=Incident,
    faults=("canary-left",),
    rto=lambda run: 60 * run.facts.rto_minutes,
)
''',
}
FAULT = '''"""A canary whose deployment was stopped, but not taken back (plan Z)."""

from datetime import timedelta

from drcore.sandbox.core.faults import Options, fault
from drcore.sandbox.core.world import World
from drcore.sandbox.services.codedeploy.controller import CodeDeployController
from drcore.sandbox.syncwell.incidents.bad_deployment import OPTIONS, bad_canary_stuck
from drcore.sandbox.syncwell.life.timeline import WorldTimeline


@fault("canary-left", options=OPTIONS)
def canary_left(world: World, options: Options) -> None:
    """2026.01.2 was put to its canary five minutes ago, then stopped without a rollback: 8 % of its requests fail."""
    timeline = world.state(WorldTimeline)
    began = timeline.rewind(timedelta(minutes=5))
    with world.clock.at(began):
        bad_canary_stuck(world, options)
    timeline.replay(began)
    deployer = world.state(CodeDeployController)
    for region in world.regions:
        for deployment in deployer.deployments(region):
            if not deployment.status.over:
                deployer.stop(deployment, roll_back=False)
    deployer.tick(world.clock.now())
'''
FACTS = """\
# Plan Z: the facts of this environment.
functions: [syncwell-api, syncwell-worker, syncwell-webhook]
alias: live
api: {name: syncwell, stage: prod}
releases: {bucket: "syncwell-releases-{region}", key: releases.json}
error_rate_percent: 0.3
hold_minutes: 2
rto_minutes: 20
"""
STEP = "**What.** {}.\n\n**Why.** Users fail.\n\n**Expect.** Green.\n\n**If it fails.** Stop.\n\n**Undo.** {}."
TITLE = (
    "# Plan Z: The smallest plan\n\n**Use when:** never.\n\n**Do not use when:** ever.\n\n**Who decides:** nobody.\n\n"
    "**RTO:** 20 minutes.\n\n**RPO:** none.\n\n**Point of no return:** none."
)
PARAMETERS = """\
environment = "sandbox"  # the folder in parameters/
mode = "rehearse"  # rehearse, drill or execute
run_id = ""  # of a run to go on with
fault = ""  # what a drill breaks
seed = 1  # of the emulated world"""


def notebook() -> str:
    """The notebook of plan Z: the parameters, and one call a cell under its heading."""
    opening = 'from drcore import runbook\nfrom drcore.plans import z\n\nrun = runbook("z", environment=environment, '
    cells = [_cell("markdown", "title", TITLE), _cell("code", "parameters", PARAMETERS, "parameters")]
    for name, heading, source, *tags in (
        ("open", "Open", f"{opening}mode=mode, run_id=run_id, fault=fault, seed=seed)"),
        ("preflight", "Preflight", "run.preflight()"),
        ("overview", "Steps", "run.overview()"),
        ("functions", f"Functions\n\n{STEP.format('It shifts', 'Back')}", "run.step(z.FUNCTIONS)"),
        ("verify", f"Verify\n\n{STEP.format('It waits', 'Nothing to undo')}", "run.step(z.VERIFY)"),
        ("verdict", "Are we there?", "run.verify()", "always"),
        ("back", "Going back", "run.go_back()", "always"),
        ("record", "Record", "run.close()", "always"),
    ):
        cells += [_cell("markdown", f"{name}-text", f"## {heading}"), _cell("code", name, source, *tags)]
    cells.append(_cell("markdown", "related", "## Related\n\nNothing."))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _cell(kind: str, name: str, source: str, *tags: str) -> dict[str, object]:
    cell: dict[str, object] = {"cell_type": kind, "id": name, "metadata": {"tags": list(tags)} if tags else {}}
    return cell | {"source": source} | ({"execution_count": None, "outputs": []} if kind == "code" else {})


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, folder / name)
    assert "z" not in plans.ids()
    (folder / "drcore/plans/z").mkdir()
    for name, text in PLAN.items():
        (folder / "drcore/plans/z" / name).write_text(text)
    (folder / "drcore/sandbox/syncwell/incidents/canary_left.py").write_text(FAULT)
    for environment in (folder / "parameters").iterdir():
        if environment.is_dir():
            (environment / "z.yaml").write_text(FACTS)
    (folder / "notebooks/z_smallest.ipynb").write_text(notebook())
    printed = run(folder, "-m", "drcore", "list", "z", "--iam").stdout
    (folder / "drcore/sandbox/syncwell/company/policies/z.json").write_text(printed)
    return folder


def run(checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    return subprocess.run(
        [sys.executable, *command],
        cwd=checkout,
        env=own | {"PYTHONPATH": str(checkout), "DRCORE_HOME": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


def passed(checkout: Path, *asked: str) -> int:
    """How many tests of plan Z there are in some files, all of which must pass."""
    mine = "z- or z_ or z] or [z"
    done = run(checkout, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *asked, "-k", mine)
    assert done.returncode == 0, done.stdout[-4000:]
    found = re.search(r"(\d+) passed", done.stdout)
    assert found, done.stdout[-4000:]
    return int(found[1])


def test_it_passes_the_family_tests(checkout: Path) -> None:
    few = ("tests/notebooks/test_family.py", "tests/plans/family/test_rehearsals.py", "tests/test_parameters.py")
    assert passed(checkout, *few) > 20, "the family tests have not found it"


@pytest.mark.skipif(not EXHAUSTIVE, reason="takes minutes")
def test_it_passes_those_that_take_their_time(checkout: Path) -> None:
    no_text = (
        "--ignore=tests/plans/family/test_plan_texts.py"  # compares a plan with SyncWell's text, which it has none of
    )
    assert passed(checkout, "tests/plans/family", no_text) > 50, "the family tests have not found it"


def test_its_drill_reaches_the_goal_from_the_command_line(checkout: Path) -> None:
    done = run(checkout, "-m", "drcore", "drill", "z", "--json")
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["verdict"]) == (0, "goal reached"), done.stderr[-2000:]
