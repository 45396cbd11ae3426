"""What the command line asks for, checked before anything is touched."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drcore.engine.prepare import HOME, prepare
from drcore.engine.step import Plan
from drcore.errors import BadInput, Refused
from drcore.headless.parameters_cell import parameter_names
from drcore.launcher import world as worlds
from drcore.parameters import Mode
from drcore.record.run_parameters import RunParameters

GIVEN = ("environment", "mode", "run_id", "fault", "seed")  # parameters that the options give


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the command line asks for. `ask`: a person is asked, also where a drill policy would answer."""

    plan: str
    mode: Mode
    environment: str
    fault: str = ""
    seed: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    approvals: Path | None = None
    records: Path = Path("records")
    world: str = ""
    ask: bool = False


def check(request: RunRequest, plan: Plan[Any]) -> RunParameters:
    """Everything that can be known to be wrong before anything is touched. Raises BadInput, Refused."""
    source = HOME / "notebooks" / plan.notebook
    known = [name for name in parameter_names(source) if name not in GIVEN]
    unknown = sorted(set(request.parameters) - set(known) - {"run_id"})
    if unknown:
        raise BadInput(
            f"-p: expected one of {', '.join([*known, 'run_id'])}, seen {unknown[0]!r}. Nothing was touched."
        )
    incident = {name: value for name, value in request.parameters.items() if name != "run_id"}
    run_id = request.parameters.get("run_id", "")
    if run_id and not run_id.replace("-", "").isalnum():
        raise BadInput(f"-p run_id: expected letters, digits, hyphens, seen {run_id!r}")
    setting = prepare(plan, request.environment, request.mode, incident, run_id=run_id, seed=request.seed)
    _can_be_written(request.records, setting.run_id)
    if (request.records / setting.run_id).exists():
        raise BadInput(f"-p run_id: {request.records / setting.run_id} exists already: drcore resume {setting.run_id}")
    parse_fault(request.fault)
    if request.world and not setting.service.world:
        raise BadInput(f"--world: expected none in {request.environment}, which has no world of its own")
    if request.world and not worlds.answers(worlds.Running(request.world.rstrip("/"))):
        raise BadInput(f"--world: expected the address of a world that answers, seen {request.world!r}")
    if request.fault and request.mode is Mode.EXECUTE:
        raise BadInput("--fault: expected none with execute, which is for a real incident")
    if request.mode is Mode.DRILL and not setting.service.faults:
        raise Refused(
            f"drill is refused in {request.environment}: its service.yaml names no injector of faults (`faults:`), and "
            "a drill without a fault proves nothing. Nothing was touched."
        )
    return setting


def cannot_be_made(folder: Path, error: OSError) -> BadInput:
    """What is wrong with the place that was named for a record."""
    return BadInput(f"--records: expected a folder that can be made, seen {folder}: {error.strerror}")


def _can_be_written(records: Path, run_id: str) -> None:
    try:
        (records / run_id).stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # as is seen below
    except OSError as error:  # a name that is too long, links that go round
        raise cannot_be_made(records, error) from error
    there = next(path for path in (records, *records.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise BadInput(f"--records: expected a folder that can be written to, seen {str(records)!r}")


OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO)
"""Errors that say nothing about the place that was named: another one would be refused as well."""


def fault_of(plan: Plan[Any], text: str) -> tuple[str, dict[str, str]]:
    """A fault's name and options; those that are not given are the plan's own. Raises BadInput."""
    name, options = parse_fault(text)
    return name, dict(map(parse_fault, (*plan.faults, *plan.short_of_goal))).get(name, {}) | options


def parse_fault(text: str) -> tuple[str, dict[str, str]]:
    """`NAME[:key=value,…]` as a name with options. Raises BadInput."""
    name, _, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    wrong = [key for key, equals, _ in pairs if not equals or not key]
    if wrong or (text and not name):
        raise BadInput(f"--fault: expected NAME[:key=value,…], seen {text!r}. Nothing was touched.")
    return name, {key: value for key, _, value in pairs}
