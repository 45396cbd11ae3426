"""The outputs that the notebooks are compared with, made by one seeded drill each: `make reference`.

Before them the policies that the plans print, which the runner's role of the sandbox has.

A reference holds what a person reads (HTML, text, streams) and leaves out what no comparison looks at: pictures, and
the times and places of the machine that made it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.engine.permissions import Place, policy
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.headless.execute import run_notebook
from drcore.headless.execution import Ending
from drcore.headless.nbformat_light import nbformat
from drcore.launcher import start
from drcore.launcher.request import RunRequest
from drcore.parameters import Mode, load
from drcore.record.files import NOTEBOOK, write_atomically
from drcore.record.redact import Redactor
from drcore.record.run_parameters import RunParameters
from drcore.sandbox.syncwell.company import principals
from drcore.sandbox.syncwell.life import token_copies
from tests.support.emulated import world

REFERENCES = Path(__file__).parents[1] / "notebooks" / "reference"
PICTURES = ("image/png", "image/svg+xml", "image/jpeg")
SEED = 1


@contextmanager
def about_to_begin(plan: Plan[Any], records: Path) -> Iterator[tuple[RunParameters, Path]]:
    """A drill by the plan's own fault: its record, its world broken and running, its notebook not yet run."""
    with world(seed=SEED) as address:
        named = {"run_id": f"{plan.id}-reference"}
        request = RunRequest(plan.id, Mode.DRILL, "sandbox", parameters=named, records=records, world=address)
        yield start.begin(request, plan, lambda text: None)


def executed(plan: Plan[Any]) -> Any:
    """The notebook of that drill as it came out. Exits when it did not run to its end."""
    with tempfile.TemporaryDirectory() as records, about_to_begin(plan, Path(records)) as (setting, folder):
        ran = run_notebook(
            HOME / "notebooks" / plan.notebook,
            folder / NOTEBOOK,
            setting.as_parameters(),
            cwd=folder,
            redact=Redactor(),
            timeout=600,
            cell_timeout=None,
            progress=None,
            environment=os.environ,
        )
        if ran.ending is not Ending.COMPLETED:
            sys.exit(f"{plan.notebook}: {ran.detail}")
        return nbformat.read(folder / NOTEBOOK, as_version=4)


def comparable(notebook: Any) -> Any:
    """A notebook without its pictures, and without what papermill notes of the machine."""
    notebook.metadata.pop("papermill")
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        for output in cell.get("outputs", ()):
            for form in PICTURES:
                output.get("data", {}).pop(form, None)
    return notebook


def reference_of(plan: Plan[Any]) -> Path:
    """Where a plan's reference is kept."""
    return REFERENCES / plan.notebook


def main() -> None:
    """Make them anew: of all plans, or of those that are named."""
    asked = argparse.ArgumentParser(description=main.__doc__)
    asked.add_argument("plans", nargs="*", metavar="PLAN", help="a plan's letter; none: all of them")
    named = asked.parse_args().plans or plans.ids()
    REFERENCES.mkdir(exist_ok=True)
    for plan in map(plans.find, plans.ids()):
        at = Place(*load(HOME / "parameters", "sandbox", plan.id, plan.facts))
        document = policy(plan.permissions, at)
        write_atomically(principals.POLICIES / f"{plan.id}.json", f"{json.dumps(document, indent=2)}\n".encode())
        for each in plan.elsewhere(at):
            text = f"{json.dumps(each.documents(), indent=2)}\n"
            write_atomically(token_copies.PRINTED / f"{each.account}.json", text.encode())
    for plan in map(plans.find, named):
        text = nbformat.writes(comparable(executed(plan)))
        write_atomically(reference_of(plan), f"{text}\n".encode())


if __name__ == "__main__":
    main()
