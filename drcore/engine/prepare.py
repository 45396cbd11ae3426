"""What a run is started with, checked before anything is touched."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcore.clock import WallClock
from drcore.engine.step import Plan
from drcore.errors import BadInput, Refused
from drcore.parameters import Mode, Service, as_data, load, parse
from drcore.record.journal import PARAMETERS, write_whole
from drcore.record.redact import Redactor

HOME = Path(os.environ.get("DRCORE_HOME", Path(__file__).resolve().parents[2]))


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run was started with: the content of `parameters.json`. `world`, `fault`: None where there is none."""

    run_id: str
    plan: str
    mode: Mode
    service: Service
    facts: Mapping[str, Any]
    incident: Mapping[str, Any]
    seed: int | None = None
    world: Mapping[str, Any] | None = None
    fault: Mapping[str, Any] | None = None

    def write(self, folder: Path, redact: Redactor | None = None) -> None:
        """Write it into the folder of a record, without the secrets that `redact` knows."""
        data = {
            "run_id": self.run_id,
            "plan": self.plan,
            "mode": self.mode,
            "service": as_data(self.service),
            "facts": dict(self.facts),
            "incident": dict(self.incident),
            "seed": self.seed,
            "world": self.world,
            "fault": self.fault,
        }
        text = json.dumps((redact or Redactor()).data(data), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        write_whole(folder / PARAMETERS, text.encode())

    def as_parameters(self) -> dict[str, Any]:
        """What the notebook of this run is given."""
        given = {"environment": self.service.environment, "mode": str(self.mode), "run_id": self.run_id}
        return given | dict(self.incident)

    @staticmethod
    def read(folder: Path) -> Setting:
        """Raises BadInput when the folder is no record."""
        try:
            data = json.loads((folder / PARAMETERS).read_bytes())
            service = Service.model_validate_json(json.dumps(data.pop("service")))
            return Setting(service=service, mode=Mode(data.pop("mode")), **data)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{folder / PARAMETERS}: expected the parameters of a run, seen {error}") from error


def prepare(
    plan: Plan, environment: str, mode: Mode, incident: Mapping[str, Any], *, run_id: str = "", seed: int | None = None
) -> Setting:
    """Read and check everything that a run starts from. Touches nothing. Raises BadInput, or Refused for the mode."""
    service, facts = load(HOME / "parameters", environment, plan.id, plan.facts)
    checked = parse(dict(incident), plan.incident, f"parameters of {plan.notebook}")
    service = standing_in(service, getattr(checked, "runner_region", ""))
    if mode not in service.modes:
        raise Refused(
            f"{mode} is refused in {environment}: service.yaml allows {', '.join(service.modes)}. Nothing was touched."
        )
    return Setting(run_id or new_id(plan.id, mode), plan.id, mode, service, as_data(facts), as_data(checked), seed)


def standing_in(service: Service, region: str) -> Service:
    """The same facts for a runner that stands in another region, with its lock, its evidence. Raises BadInput."""
    if region and region not in service.regions:
        raise BadInput(f"runner_region: expected one of {', '.join(service.regions)}, seen {region!r}")
    return service.model_copy(update={"runner_region": region}) if region else service


def new_id(plan: str, mode: Mode) -> str:
    """`f-drill-20260105T094112Z-3f9a`: readable, sortable, and never the same twice."""
    return f"{plan}-{mode}-{WallClock().now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
