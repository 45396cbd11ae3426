"""Opening a run in a notebook: a new record, or the one that the notebook lies in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.engine.prepare import HOME, prepare
from drcore.engine.step import Plan
from drcore.errors import BadInput
from drcore.parameters import Mode, as_data, parse
from drcore.record.events import read_events
from drcore.record.files import PARAMETERS
from drcore.record.run_parameters import RunParameters
from drcore.run.runbook import Runbook


def runbook(plan: str, *, environment: str, mode: str, run_id: str = "", **incident: Any) -> Runbook:
    """Open a run in a notebook. `incident` are the facts that only the incident knows.

    In a folder that holds the `parameters.json` of this run (where `drcore` starts a notebook) it goes on from there;
    elsewhere it begins a new record below `records/`.
    """
    chosen = plans.find(plan)
    here = Path.cwd()
    if (here / PARAMETERS).is_file():
        asked = {"plan": plan, "environment": environment, "mode": mode, "run_id": run_id}
        return _at(chosen, _agreed(here, asked, as_data(parse(incident, chosen.incident, chosen.notebook))), here)
    if mode not in list(Mode):
        raise BadInput(f"mode: expected one of {', '.join(Mode)}, seen {mode!r}")
    setting = prepare(chosen, environment, Mode(mode), incident, run_id=run_id)
    folder = HOME / "records" / setting.run_id
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / PARAMETERS).is_file():
        setting.write(folder)
    return _at(chosen, RunParameters.read(folder), folder)


_opened: dict[Path, Runbook] = {}


def _at(plan: Plan[Any], setting: RunParameters, folder: Path) -> Runbook:
    """The run of a folder: the same one where this notebook has opened it before, with what it has done since."""
    if folder in _opened and not _opened[folder].closed:
        _opened[folder].open_again()
    else:
        _opened[folder] = Runbook(plan, setting, folder)
    return _opened[folder]


def _agreed(folder: Path, asked: Mapping[str, str], incident: Mapping[str, Any]) -> RunParameters:
    """The setting of the record that the notebook lies in. Raises BadInput when the notebook asks for another one.

    What only the incident knows may still be changed in the notebook, until the run is opened for the first time.
    """
    setting = RunParameters.read(folder)
    if incident != setting.incident and not read_events(folder):
        setting = replace(setting, incident=incident)
        setting.write(folder)
    known = {"plan": setting.plan, **setting.as_parameters()}
    wrong = [
        f"{name}: expected {known[name]!r}, seen {value!r}"
        for name, value in {**asked, **incident}.items()
        if value != known[name] and (name, value) != ("run_id", "")
    ]
    if wrong:
        raise BadInput(
            f"{'; '.join(wrong)}. This notebook lies in the record of run {setting.run_id}, which was started so; for "
            "other parameters start another run. Nothing was changed."
        )
    return setting
