"""A parameter of a run that is corrected when the run is resumed, as long as nothing stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from drcore.clock import clock_at
from drcore.engine.context import login
from drcore.engine.prepare import checked_incident
from drcore.engine.step import Plan
from drcore.errors import BadInput, Refused
from drcore.launcher.secrets import redactor
from drcore.parameters import as_data, at_world
from drcore.record.events import Kind, read_events
from drcore.record.files import PARAMETERS
from drcore.record.history import History
from drcore.record.journal import Record
from drcore.record.run_parameters import RunParameters


def correct(plan: Plan[object], setting: RunParameters, folder: Path, given: Mapping[str, str]) -> RunParameters:
    """Give a run other parameters of its incident; its record says from what to what, and by whom.

    What was told by then stays told. Raises BadInput for a parameter that the plan does not have, or that can be known
    to be wrong; Refused, with the step, where something was decided or done already: whatever it stands on.
    """
    known = plan.incident.model_fields
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise BadInput(f"-p: expected one of {', '.join(known)}, seen {unknown[0]!r}. Nothing was touched.")
    if "runner_region" in given:
        raise BadInput("-p runner_region: expected none, the lock and the record of this run lie where it began")
    incident = as_data(checked_incident(plan, setting.service, setting.facts, {**setting.incident, **given}))
    changed = {name: value for name, value in incident.items() if value != setting.incident.get(name)}
    if not changed:
        return setting
    standing = {key for key, _ in History(read_events(folder)).standing()}
    first = next((step for step in plan.steps if step.key in standing and not step.only_tells), None)
    if first:
        raise Refused(
            f"-p {', '.join(changed)}: {first.title} of this run was decided or done with the parameters as they are. "
            f"Take it back first, or start another run. Nothing was changed."
        )
    corrected, redact = replace(setting, incident=incident), redactor(setting)
    service = at_world(setting.service, (setting.world or {}).get("address"))
    record = Record(folder, clock_at(service.clock), redact)
    try:
        record.unbind(PARAMETERS)
        for name, value in changed.items():
            was = setting.incident.get(name)
            record.append(Kind.CORRECTED, name=name, was=was, now=value, by=login())
        corrected.write(folder, redact)
        record.bind(PARAMETERS, title="what this run was started with, and corrected to")
    finally:
        record.close()
    return RunParameters.read(folder)
