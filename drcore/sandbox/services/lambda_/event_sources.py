"""Lambda's event source mappings: a poller takes half a minute to stop or to start.

moto's mappings change at once, so it is not asked. Simplified: nothing is polled here; who gives work to functions
asks `polling`.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.services.lambda_.state import Lambda, invalid, not_found, plain_name

TURNING = (20.0, 40.0)
"""Seconds from Disabling to Disabled, from Enabling to Enabled."""
CHANGING = (5.0, 15.0)
"""Seconds that a mapping is Creating, or Updating."""


@dataclass(slots=True)
class Mapping:
    """One mapping, `enabled` as it was asked for last; `turned` is when that is, or was, so."""

    id: str
    source: str
    function: str
    batch: int
    enabled: bool
    modified: datetime
    turned: datetime
    changing: str = ""
    changed: datetime | None = None
    """Creating or Updating, until then."""

    def state(self, at: datetime) -> str:
        """As the API shows it."""
        if self.changed and at < self.changed:
            return self.changing
        if at < self.turned:
            return "Enabling" if self.enabled else "Disabling"
        return "Enabled" if self.enabled else "Disabled"

    def polling(self, at: datetime) -> bool:
        """Whether batches still go to the function: while it is being disabled, they do."""
        return self.enabled == (at >= self.turned)


class EventSourceMappings:
    """The event source mappings of both regions, by region with id; `function` is a name, with its alias or ARN."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._mappings: dict[tuple[str, str], Mapping] = {}
        world.add_to_dump("lambda event source mappings", self._state)

    def create(self, region: str, source: str, function: str, *, batch: int = 10, enabled: bool = True) -> Mapping:
        """A new mapping from a source's ARN to a function's ARN. Raises AwsError if there is one."""
        if any(each.source == source and each.function == function for each in self.all(region)):
            message = f"The event source arn ({source}) and function ({function}) provided mapping already exists."
            raise AwsError("ResourceConflictException", message, 409)
        stream, now = self._world.rng("event source mapping", region, source, function), self._world.clock.now()
        name = str(uuid.UUID(int=stream.getrandbits(128), version=4))
        made = Mapping(name, source, function, batch, enabled, now, now)
        self._mappings[region, name] = made
        return made

    def all(self, region: str) -> list[Mapping]:
        """The mappings of a region, oldest first."""
        return [mapping for (where, _), mapping in self._mappings.items() if where == region]

    def get(self, region: str, name: str) -> Mapping:
        """A mapping by its UUID. Raises AwsError (ResourceNotFoundException)."""
        known = self._mappings.get((region, name))
        if known is None:
            raise not_found("The resource you requested does not exist.")
        return known

    def polling(self, region: str, name: str) -> bool:
        """Whether a mapping, by its UUID, gives work to its function now."""
        return self.get(region, name).polling(self._world.clock.now())

    def feeding(self, region: str, function: str) -> bool:
        """Whether any mapping gives work to the function of that name now."""
        now = self._world.clock.now()
        return any(each.polling(now) for each in self.all(region) if plain_name(each.function) == function)

    def turn(self, region: str, name: str, enabled: bool) -> Mapping:
        """Enable or disable; asked for what it is already, nothing happens. Raises AwsError while it is turning."""
        known, now = self.get(region, name), self._world.clock.now()
        if now < known.turned and enabled != known.enabled:
            raise _in_use()
        if enabled != known.enabled:
            stream = self._world.rng("event source mapping turns", region, name, now)
            seconds = round(stream.uniform(*TURNING), 3)
            known.enabled, known.modified, known.turned = enabled, now, now + timedelta(seconds=seconds)
        return known

    def changeable(self, region: str, name: str) -> Mapping:
        """A mapping that takes a change. Raises AwsError (ResourceInUseException) while it is at another one."""
        known = self.get(region, name)
        if known.changed and self._world.clock.now() < known.changed:
            raise _in_use()
        return known

    def change(self, region: str, mapping: Mapping, doing: str) -> None:
        """It is at a change from now on: Creating, or Updating."""
        now = self._world.clock.now()
        seconds = self._world.rng("event source mapping", doing, region, mapping.id, now).uniform(*CHANGING)
        mapping.changing, mapping.changed = doing, now + timedelta(seconds=round(seconds, 3))

    def delete(self, region: str, name: str) -> Mapping:
        """Take a mapping away. Raises AwsError."""
        self.get(region, name)
        return self._mappings.pop((region, name))

    def _state(self) -> dict[str, Any]:
        return {
            f"{region}/{name}": [each.source, each.function, each.batch, each.enabled]
            for (region, name), each in self._mappings.items()
        }


def _in_use() -> AwsError:
    return AwsError("ResourceInUseException", "Cannot update the event source mapping because it is in use.", 400)


@operation("lambda", "CreateEventSourceMapping")
def create_event_source_mapping(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    params = call.params
    function = _function_arn(call, params["FunctionName"])
    enabled, batch = params.get("Enabled", True), int(params.get("BatchSize") or 10)
    source = params.get("EventSourceArn")
    if not source:
        raise invalid("Unrecognized event source.")
    mappings = call.world.state(EventSourceMappings)
    made = mappings.create(call.region, source, function, batch=batch, enabled=bool(enabled))
    mappings.change(call.region, made, "Creating")
    return _document(call, made)


@operation("lambda", "ListEventSourceMappings")
def list_event_source_mappings(call: AwsCall) -> dict[str, Any]:
    """As the API: of one source, of one function, or all; 100 a page."""
    params = call.params
    function = _function_arn(call, params["FunctionName"]) if params.get("FunctionName") else None
    documents = [
        _document(call, each)
        for each in call.world.state(EventSourceMappings).all(call.region)
        if params.get("EventSourceArn") in (None, each.source)
        and (function is None or function in (each.function, each.function.rpartition(":")[0]))
    ]
    size = min(int(params.get("MaxItems") or 100), 100)
    here, marker = page(documents, params.get("Marker"), size, "InvalidParameterValueException")
    return {"EventSourceMappings": list(here)} | ({"NextMarker": marker} if marker else {})


@operation("lambda", "GetEventSourceMapping")
def get_event_source_mapping(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    return _document(call, call.world.state(EventSourceMappings).get(call.region, call.params["UUID"]))


@operation("lambda", "UpdateEventSourceMapping")
def update_event_source_mapping(call: AwsCall) -> dict[str, Any]:
    """As the API; Enabled takes half a minute, another source is not possible."""
    params, mappings = call.params, call.world.state(EventSourceMappings)
    known = mappings.changeable(call.region, params["UUID"])
    if params.get("FunctionName"):
        known.function = _function_arn(call, params["FunctionName"])
    if params.get("BatchSize"):
        known.batch = int(params["BatchSize"])
    if params.get("FunctionName") or params.get("BatchSize"):
        mappings.change(call.region, known, "Updating")
    if params.get("Enabled") is not None:
        mappings.turn(call.region, known.id, bool(params["Enabled"]))
    return _document(call, known)


@operation("lambda", "DeleteEventSourceMapping")
def delete_event_source_mapping(call: AwsCall) -> dict[str, Any]:
    """As the API; it is gone at once."""
    gone = call.world.state(EventSourceMappings).delete(call.region, call.params["UUID"])
    return _document(call, gone) | {"State": "Deleting"}


def _function_arn(call: AwsCall, named: str) -> str:
    """The ARN of a function, with its version or alias, from any form of its name. Raises AwsError."""
    name, functions = plain_name(named), call.world.state(Lambda)
    functions.function(call.region, name)
    qualifier = named.partition(f"{name}:")[2]
    if qualifier.isdecimal():
        functions.function(call.region, name, qualifier)
    elif qualifier not in ("", "$LATEST"):
        functions.alias(call.region, name, qualifier)
    arn = f"arn:aws:lambda:{call.region}:{call.account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn


def _document(call: AwsCall, mapping: Mapping) -> dict[str, Any]:
    name = f"arn:aws:lambda:{call.region}:{call.account}:event-source-mapping:{mapping.id}"
    return {
        "UUID": mapping.id,
        "EventSourceMappingArn": name,
        "EventSourceArn": mapping.source,
        "FunctionArn": mapping.function,
        "BatchSize": mapping.batch,
        "MaximumBatchingWindowInSeconds": 0,
        "State": mapping.state(call.world.clock.now()),
        "StateTransitionReason": "USER_INITIATED",
        "LastModified": mapping.modified,
        "FunctionResponseTypes": [],
    }
