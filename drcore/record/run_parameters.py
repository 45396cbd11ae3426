"""What a run was started with: `parameters.json` of its record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from drcore.errors import BadInput
from drcore.parameters import Mode, Service, as_data
from drcore.record.files import PARAMETERS, write_atomically
from drcore.record.redact import Redactor


@dataclass(frozen=True, slots=True)
class RunParameters:
    """What a run was started with: the content of `parameters.json`. `world`, `fault`: None where there is none."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

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
        text = (
            json.dumps((redact or Redactor(facts=self.public)).data(data), indent=1, ensure_ascii=False, sort_keys=True)
            + "\n"
        )
        write_atomically(folder / PARAMETERS, text.encode())

    @property
    def public(self) -> list[Any]:
        """What the files of parameters say, as plain data: facts, and the names of secrets."""
        return [as_data(self.service), dict(self.facts)]

    def as_parameters(self) -> dict[str, Any]:
        """What the notebook of this run is given."""
        given = {"environment": self.service.environment, "mode": str(self.mode), "run_id": self.run_id}
        return given | dict(self.incident)

    @staticmethod
    def read(folder: Path) -> RunParameters:
        """Raises BadInput when the folder is no record."""
        try:
            return TypeAdapter(RunParameters).validate_json((folder / PARAMETERS).read_bytes(), strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            at = ".".join(map(str, first["loc"])) or "the whole"
            seen = f"{at}: {first['msg']}, seen {str(first['input'])[:80]!r}"
            raise BadInput(f"{folder / PARAMETERS}: expected the parameters of a run; {seen}") from error
        except OSError as error:
            raise BadInput(f"{folder / PARAMETERS}: expected the parameters of a run, seen {error}") from error
