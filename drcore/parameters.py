"""The facts of an environment, read strictly from YAML.

`parameters/<environment>/service.yaml` holds what all plans share, `<plan>.yaml` beside it what one plan needs.
Anything unknown, missing, of the wrong kind, or left as a placeholder is an error that names file, line, field,
what was expected, what was seen. Facts only: no logic, no secrets (a secret is named, not given).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from drcore.errors import BadInput

PLACEHOLDER = "<FILL"
WORLD = "{world}"  # stands for the address of a world that the launcher started


class Model(BaseModel):
    """Frozen, strict, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


M = TypeVar("M", bound=Model)


class Mode(StrEnum):
    """How far a run goes (design, section 2)."""

    REHEARSE = "rehearse"
    DRILL = "drill"
    EXECUTE = "execute"


def _arn_of(service: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(rf"arn:aws[\w-]*:{service}:[\w-]*:(\d{{12}})?:.+", text):
            raise ValueError(f"expected the ARN of {service}")
        return text

    return AfterValidator(check)


Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Account = Annotated[str, Field(pattern=r"^\d{12}$")]
TopicArn = Annotated[str, _arn_of("sns")]
RoleArn = Annotated[str, _arn_of("iam")]
KeyArn = Annotated[str, _arn_of("kms")]
Url = Annotated[str, Field(pattern=r"^(https?://|\{world\})")]


@dataclass(frozen=True, slots=True)
class OwnWords:
    """Marks a parameter of an incident in which nothing can be wrong; any other is checked before anything changes."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a parameter of an incident that names one of a field of the plan's facts, or nothing."""

    facts: str


FreeText = Annotated[str, Field(max_length=2000), OwnWords()]

Days = Annotated[int, Field(gt=0, le=3660)]
PlanLetter = Annotated[str, Field(pattern=r"^[a-z]$")]
Minutes = Annotated[float, Field(gt=0, le=24 * 60)]


class SecretRef(Model):
    """Where a secret lies, never the secret: `env:NAME`, or `aws:NAME` in Secrets Manager."""

    secret: Annotated[str, Field(pattern=r"^(env|aws):.+$")]


class StartedWorld(Model):
    """A world of its own that the launcher starts for a run, and where it stands when it was started by hand.

    `command` prints one line of JSON with its address when it is ready; a POST to `stop` ends it.
    """

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    address: Url
    stop: Url


class Witness(Model):
    """A bucket in a region where nothing of the service runs, which only says who holds the lock of a plan."""

    region: Region
    bucket: str


class EvidenceStore(Model):
    """Buckets with Object Lock, one in each region, so that one has not failed; and the witness of the locks."""

    buckets: dict[Region, str]
    witness: Witness | None = None  # none in records from before there was one
    retain_days: Annotated[int, Field(gt=0)]


class OnCall(Model):
    """Who is paged: a topic in each region; and who is where nobody has acknowledged that in time."""

    topics: dict[Region, TopicArn]
    second: dict[Region, TopicArn]
    acknowledge_minutes: Minutes


class StatusPage(Model):
    """The public status page (Statuspage's API)."""

    url: Url
    page: str
    components: tuple[str, ...]
    api_key: SecretRef


class DrillPolicy(Model):
    """What a drill may do without a person: titles of steps, or `*` for all. Going back is never included in `*`."""

    name: str
    approves: tuple[str, ...]


class Exercises(Model):
    """How often one plan is exercised in an environment, by mode. None: it is not exercised there by itself."""

    rehearse: Days | None = None
    drill: Days | None = None

    def every(self, mode: Mode) -> timedelta | None:
        """The time from one run in this mode to the next. None for one that nothing begins by itself."""
        days = {Mode.REHEARSE: self.rehearse, Mode.DRILL: self.drill}.get(mode)
        return timedelta(days=days) if days is not None else None


class SecondPerson(Model):
    """Whose yes is proved by their keys, not named: who may give it, to which steps (by key) of which plans.

    `role` is what the second person signs in. Its trust policy must name each session after the person.
    """

    role: RoleArn
    steps: dict[str, tuple[str, ...]]
    wait_minutes: Minutes


class Service(Model):
    """What all plans need to know of one environment."""

    environment: str
    production: bool
    modes: tuple[Mode, ...]
    account: Account
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    runner_region: Region
    role: RoleArn | None = None
    endpoint: Url | None = None
    clock: Url | None = None
    faults: Url | None = None
    world: StartedWorld | None = None
    evidence: EvidenceStore
    on_call: OnCall
    status_page: StatusPage
    api: dict[Region, Url]
    drill_policy: DrillPolicy | None = None
    second_person: SecondPerson | None = None
    encryption_keys: tuple[KeyArn, ...] = ()  # KMS keys of one's own, under which anything that is touched lies
    metric_delay_s: Annotated[float, Field(ge=0, le=900)] = 180  # after its end a minute of CloudWatch is whole
    exercises: dict[PlanLetter, Exercises] = Field(default_factory=dict)  # none in records from before there were any

    def exercised_every(self, plan: str, mode: Mode) -> timedelta | None:
        """The time from one run of a plan in this mode to the next. None: nothing begins it by itself."""
        return self.exercises.get(plan, Exercises()).every(mode)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.production and Mode.DRILL in self.modes:
            raise ValueError("modes: expected no drill in a production account, seen drill")
        for field in ("drill_policy", "world", "faults", "endpoint", "clock"):
            if self.production and getattr(self, field):
                raise ValueError(f"{field}: expected none in a production account, seen one")
        roles = {"role": self.role, "second_person.role": self.second_person.role if self.second_person else None}
        for field, role in roles.items():
            if role and role.split(":")[4] != self.account:
                raise ValueError(f"{field}: expected one of account {self.account}, seen {role}")
        if self.runner_region not in self.regions:
            raise ValueError(f"runner_region: expected one of {list(self.regions)}, seen {self.runner_region}")
        if self.evidence.witness and self.evidence.witness.region in self.regions:
            seen = self.evidence.witness.region
            raise ValueError(f"evidence.witness: expected a region beside {list(self.regions)}, seen {seen}")
        by_region = {
            "evidence.buckets": self.evidence.buckets,
            "on_call.topics": self.on_call.topics,
            "on_call.second": self.on_call.second,
            "api": self.api,
        }
        for field, regions in by_region.items():
            if set(regions) != set(self.regions):
                raise ValueError(f"{field}: expected one for each of {list(self.regions)}, seen {list(regions)}")
        for field, topics in (("topics", self.on_call.topics), ("second", self.on_call.second)):
            for region, arn in topics.items():
                if arn.split(":")[3:5] != [region, self.account]:
                    expected = f"expected an ARN in {region} of {self.account}, seen {arn}"
                    raise ValueError(f"on_call.{field}.{region}: {expected}")
        return self


def load(folder: Path, environment: str, plan: str, facts: type[M]) -> tuple[Service, M]:
    """Read `service.yaml` and `<plan>.yaml` of one environment. Raises BadInput."""
    known = sorted(path.name for path in folder.iterdir() if (path / "service.yaml").is_file())
    if environment not in known:
        raise BadInput(f"environment: expected one of {', '.join(known)}, seen {environment!r}")
    service = read(folder / environment / "service.yaml", Service)
    if service.environment != environment:
        raise BadInput(
            f"{folder / environment / 'service.yaml'}: environment: expected {environment!r} (the folder's name), "
            f"seen {service.environment!r}"
        )
    if service.evidence.witness is None:
        raise BadInput(
            f"{folder / environment / 'service.yaml'}: evidence.witness: expected a region and its bucket, seen none. "
            "The lock of a plan is held by a majority of three buckets"
        )
    return service, read(folder / environment / f"{plan}.yaml", facts)


def read(path: Path, model: type[M]) -> M:
    """One YAML file as a model. Raises BadInput with every wrong field, each with file, line, expected, seen."""
    if not path.is_file():
        raise BadInput(f"{path}: expected a file of parameters, found none")
    try:
        tree = _yaml().load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise BadInput(f"{path}:{line}: expected YAML, seen {error.problem or error.context}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: expected YAML in UTF-8, seen {error}") from error
    unfilled = [
        f"{_place(path, tree, at)}: {_name(at)}: still a placeholder, seen {seen!r}"
        for at, seen in _texts(tree)
        if PLACEHOLDER in seen
    ]
    if unfilled:
        raise BadInput(
            "\n".join([*unfilled, f"Fill in {path} before this environment can be used. Nothing was touched."])
        )
    if empty := [at for at, seen in _texts(tree) if not seen.strip()]:
        raise BadInput("\n".join(f"{_place(path, tree, at)}: {_name(at)}: expected a value, seen ''" for at in empty))
    return parse(tree, model, str(path))


def parse(data: object, model: type[M], where: str) -> M:
    """Plain data as a model. Raises BadInput; `where` names the source in the message."""
    try:
        # By way of JSON, so that strict means what YAML means: a list is a tuple, a text may be a time or an enum.
        return model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise BadInput("\n".join(_explain(data, error, where))) from error


def _explain(data: object, error: ValidationError, where: str) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        at = problem["loc"]
        expected = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            yield f"{_place(where, data, at[:-1])}: {_name(at)}: expected a value, seen none"
        elif problem["type"] == "extra_forbidden":
            yield f"{_place(where, data, at)}: {_name(at)}: unknown field, expected only the documented ones"
        elif not at and problem["type"] == "value_error":  # of a model's own check, which names the field
            yield f"{_place(where, data, tuple(expected.partition(':')[0].split('.')))}: {expected}"
        elif not at:
            yield f"{where}:1: {expected}, seen {'nothing' if data is None else type(data).__name__}"
        else:
            quotes = " in quotes" if problem["type"] == "string_type" else ""  # YAML reads 012 and `no` as no text
            yield f"{_place(where, data, at)}: {_name(at)}: {expected}{quotes}, seen {problem['input']!r}"


class _Plain(RoundTripConstructor):
    """Leaves times as the text they are, so that one without a zone can be refused rather than guessed at."""


_Plain.add_constructor("tag:yaml.org,2002:timestamp", _Plain.construct_scalar)


def _yaml() -> YAML:
    reader = YAML(typ="rt", pure=True)  # refuses duplicate keys, and knows the line of every field
    reader.Constructor = _Plain
    return reader


def _place(where: object, tree: object, at: tuple[int | str, ...]) -> str:
    """Where a field stands: the file with the line; what has no lines by its name alone."""
    if not isinstance(tree, CommentedMap | CommentedSeq):
        return str(where)
    line = 1
    for key in at:
        if not isinstance(tree, CommentedMap | CommentedSeq):
            break
        try:
            line = (tree.lc.key(key) if isinstance(tree, CommentedMap) else tree.lc.item(key))[0] + 1
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            break
    return f"{where}:{line}"


def _name(at: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in at)


def _texts(tree: object, at: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Each text of a tree, with the way to it."""
    inner: Iterator[tuple[int | str, object]] | enumerate[object] | None = None
    if isinstance(tree, Mapping):
        inner = iter(tree.items())
    elif isinstance(tree, list):
        inner = enumerate(tree)
    elif isinstance(tree, str):
        yield at, str(tree)
    for key, value in inner or ():
        yield from _texts(value, (*at, key))


def at_world(service: Service, address: str | None) -> Service:
    """The same facts with the address of the world put in where the files say `{world}`. Raises BadInput."""
    if address and not address.startswith(("http://", "https://")):
        raise BadInput(f"--world: expected an address that begins with http:// or https://, seen {address!r}")
    return Service.model_validate_json(put_in_world(service.model_dump_json(), service, address))


def put_in_world(text: str, service: Service, address: str | None) -> str:
    """A text of parameters with the address of the world put in."""
    return text.replace(WORLD, address or service.world.address) if service.world else text


def as_data(model: BaseModel) -> dict[str, Any]:
    """A model as plain data for `parameters.json`."""
    data: dict[str, Any] = model.model_dump(mode="json")
    return data
