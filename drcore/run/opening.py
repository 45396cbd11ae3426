"""Opening a run in a notebook, from the folder of its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.engine.step import Plan
from drcore.errors import BadInput
from drcore.parameters import as_data, parse
from drcore.record.events import read_events
from drcore.record.run_parameters import RunParameters
from drcore.run.runbook import Runbook


def open_at(folder: Path, plan: str, asked: Mapping[str, str], incident: Mapping[str, Any], run_by: str) -> Runbook:
    """Open the run whose record lies in a folder, or go on with it.

    `asked` is what the notebook says of the run, `incident` what only the incident knows, `run_by` what runs the
    notebook. Raises BadInput where the record is one of another run.
    """
    chosen = plans.find(plan)
    facts = as_data(parse(dict(incident), chosen.incident, chosen.notebook))
    return _at(chosen, _agreed(folder, {"plan": plan, **asked}, facts), folder, run_by)


_opened: dict[Path, Runbook] = {}


def _at(plan: Plan[Any], setting: RunParameters, folder: Path, run_by: str) -> Runbook:
    """The run of a folder: the same one where this notebook has opened it before, with what it has done since."""
    if folder in _opened and not _opened[folder].closed:
        _opened[folder].open_again()
    else:
        _opened[folder] = Runbook(plan, setting, folder, run_by=run_by)
    return _opened[folder]


def _agreed(folder: Path, asked: Mapping[str, str], incident: Mapping[str, Any]) -> RunParameters:
    """The parameters of the record that the notebook lies in. Raises BadInput when the notebook asks for others.

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
