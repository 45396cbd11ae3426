"""What a run is started with, checked before anything is touched."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drcore.clock import WallClock
from drcore.engine.permissions import Place
from drcore.engine.second_person import asked_at
from drcore.engine.step import Plan
from drcore.errors import BadInput, Refused
from drcore.parameters import Mode, Model, OneOf, Service, as_data, at_world, load, parse, put_in_world
from drcore.record.run_parameters import RunParameters

HOME = Path(os.environ.get("DRCORE_HOME", Path(__file__).resolve().parents[2]))


def prepare(
    plan: Plan[Any],
    environment: str,
    mode: Mode,
    incident: Mapping[str, Any],
    *,
    run_id: str = "",
    seed: int | None = None,
) -> RunParameters:
    """Read and check everything that a run starts from. Touches nothing. Raises BadInput, or Refused for the mode."""
    service, facts = load(HOME / "parameters", environment, plan.id, plan.facts)
    named = asked_at(service, plan.id)
    if strange := [key for key in named if key not in plan.fingerprints() or not plan.step(key).act]:
        where = f"{HOME / 'parameters' / environment / 'service.yaml'}: second_person.steps.{plan.id}"
        raise BadInput(f"{where}: expected keys of steps of plan {plan.id.upper()} that act, seen {strange[0]!r}")
    checked = checked_incident(plan, service, as_data(facts), incident)
    if runner := getattr(checked, "runner_region", ""):  # with the lock and the evidence of that region
        service = service.model_copy(update={"runner_region": runner})
    if mode not in service.modes:
        raise Refused(
            f"{mode} is refused in {environment}: service.yaml allows {', '.join(service.modes)}. Nothing was touched."
        )
    return RunParameters(
        run_id or new_id(plan.id, mode), plan.id, mode, service, as_data(facts), as_data(checked), seed
    )


def checked_incident(plan: Plan[Any], service: Service, facts: Mapping[str, Any], incident: Mapping[str, Any]) -> Model:
    """What only the incident knows, as far as it can be known to be right. Raises BadInput."""
    checked = parse(dict(incident), plan.incident, f"parameters of {plan.notebook}")
    for name, value in as_data(checked).items():
        known = service.regions if name.endswith("_region") else None
        for mark in plan.incident.model_fields[name].metadata:
            known = tuple(facts[mark.facts]) if isinstance(mark, OneOf) else known
        if known is not None and value and value not in known:
            raise BadInput(f"{name}: expected one of {', '.join(known)}, seen {value!r}. Nothing was touched.")
    return checked


def place_of(plan: Plan[Any], service: Service, facts: Mapping[str, Any], address: str | None = None) -> Place[Any]:
    """An environment with the facts of a plan in it, in the world at an address, else where it is started by hand."""
    text = put_in_world(json.dumps(dict(facts)), service, address)
    return Place(at_world(service, address), plan.facts.model_validate_json(text))


def new_id(plan: str, mode: Mode) -> str:
    """`f-drill-20260105T094112Z-3f9a`: readable, sortable, and never the same twice."""
    return f"{plan}-{mode}-{WallClock().now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
