"""A notebook that was started without `drcore`: by papermill, nbconvert, JupyterLab or another editor.

Its first cell begins the run as the command line does: world, fault, record. A process of its own finishes the record
when the kernel has ended, however it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.engine.prepare import HOME
from drcore.errors import BadInput
from drcore.parameters import Mode
from drcore.record.files import PARAMETERS
from drcore.run.opening import open_at
from drcore.run.runbook import Runbook

_begun: dict[tuple[object, ...], Path] = {}


def runbook(
    plan: str,
    *,
    environment: str,
    mode: str,
    run_id: str = "",
    fault: str = "",
    seed: int | None = None,
    **incident: Any,
) -> Runbook:
    """Open a run in a notebook. `incident` are the facts that only the incident knows.

    In a folder that holds the `parameters.json` of this run (where `drcore` starts a notebook) it goes on from there;
    elsewhere it goes on with the run that `run_id` names, or begins a new one below `records/`. `fault` and `seed` are
    those of a new drill in an environment that brings a world of its own. Raises BadInput, Refused.
    """
    asked = {"environment": environment, "mode": mode, "run_id": run_id}
    here = Path.cwd()
    if (here / PARAMETERS).is_file():
        return open_at(here, plan, asked, incident, "drcore")
    key = (plan, *asked.values(), fault, seed, *sorted(incident.items()))
    if key not in _begun:
        if mode not in list(Mode):
            raise BadInput(f"mode: expected one of {', '.join(Mode)}, seen {mode!r}")
        _begun[key] = _begin(plan, asked, fault, seed, incident)
        _finish_after(_begun[key])
    return open_at(_begun[key], plan, asked, incident, tool())


def _begin(plan: str, asked: Mapping[str, str], fault: str, seed: int | None, incident: Mapping[str, Any]) -> Path:
    from drcore.launcher import start
    from drcore.launcher.request import RunRequest
    from drcore.record.run_parameters import RunParameters

    records, run_id = HOME / "records", asked["run_id"]
    if run_id and (records / run_id / PARAMETERS).is_file():
        start.check_world(RunParameters.read(records / run_id))
        return records / run_id
    given = dict(incident) | ({"run_id": run_id} if run_id else {})
    request = RunRequest(
        plan, Mode(asked["mode"]), asked["environment"], fault=fault, seed=seed, parameters=given, records=records
    )
    return start.begin(request, plans.find(plan), lambda text: None)[1]


def tool() -> str:
    """What runs this notebook, by the command line of the process that has started the kernel."""
    words = _command_line(os.getppid())
    for name in ("papermill", "nbconvert", "nbclient", "jupyter", "code"):
        if any(name in Path(word).name for word in words):
            return name
    return Path(words[0]).name if words else "not known"


def executed_by(words: list[str]) -> Path | None:
    """The file in which papermill leaves what it has executed, None for other tools: only it names that beforehand."""
    places = [number for number, word in enumerate(words) if Path(word).name == "papermill"]
    files = [word for word in words[places[0] + 1 :] if word.endswith(".ipynb")] if places else []
    return Path(files[1]) if len(files) > 1 and "://" not in files[1] else None


def _command_line(pid: int) -> list[str]:
    with suppress(OSError):  # on Linux each word by itself, with its spaces
        return [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if word]
    with suppress(OSError):
        asked = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return []


def _finish_after(folder: Path) -> None:
    """Start what finishes the record when this kernel has ended: it must outlive the kernel."""
    tool_pid = os.getppid()
    output = executed_by(_command_line(tool_pid))
    words = [sys.executable, "-m", "drcore.launcher.finisher", str(folder), str(os.getpid())]
    words += [str(tool_pid), str(output.absolute())] if output else []
    nothing = subprocess.DEVNULL
    subprocess.Popen(words, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
