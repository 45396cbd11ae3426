"""The control address /_sandbox/: virtual time, faults, truth, state."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from drcore.sandbox.core import state
from drcore.sandbox.core.dispatch import json_answer
from drcore.sandbox.core.faults import Faults, Injected, UnknownFault, effective_options
from drcore.sandbox.core.world import World
from drcore.sandbox.protocol.exchange import Request, Response

PREFIX = "/_sandbox/"
STOP = PREFIX + "stop"
"""Answered here, obeyed by the server."""
CHECK = "check"
"""After the address of the faults: whether a fault could be put in as it is named. Nothing is."""


class _Refused(ValueError):
    """The request is not one of these; the message names field, expected and seen."""


def answer(world: World, request: Request) -> Response:
    """Answer a control request; it costs no virtual time. What is not understood is a 400 with the reason."""
    path, _, name = request.path.removeprefix(PREFIX).partition("/")
    act = _ACTS.get((request.method, path))
    if act is None:
        known = ", ".join(f"{method} {PREFIX}{path}" for method, path in sorted(_ACTS))
        return json_answer(404, {"error": f"path: expected one of {known}; saw {request.method} {request.path}"})
    try:
        return json_answer(200, act(world, name, _body(request)))
    except (_Refused, UnknownFault) as error:
        return json_answer(400, {"error": str(error)})


def _read_clock(world: World, _: str, __: dict[str, Any]) -> Any:
    return {"now": _iso(world.clock.now())}


def _pass(world: World, _: str, body: dict[str, Any]) -> Any:
    world.clock.alone()
    if "together" in body:
        calls = body["together"]
        if isinstance(calls, bool) or not isinstance(calls, int) or not 0 < calls <= _MOST:
            raise _Refused(f"together: expected a number of calls from 1 to {_MOST}; saw {calls!r}")
        world.clock.together(calls)
        return {"now": _iso(world.clock.now())}
    seconds = body.get("sleep")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST:
        raise _Refused(f"sleep: expected seconds from 0 to {_LONGEST}; saw {seconds!r}")
    return {"now": _iso(world.clock.advance(seconds))}


def _list_faults(world: World, _: str, __: dict[str, Any]) -> Any:
    return [_fault(injected) for injected in world.state(Faults)]


def _inject(world: World, which: str, body: dict[str, Any]) -> Any:
    name, options = body.get("name"), body.get("options", {})
    if not isinstance(name, str):
        raise _Refused(f"name: expected the name of a fault; saw {name!r}")
    if not isinstance(options, dict):
        raise _Refused(f"options: expected an object; saw {options!r}")
    if which == CHECK:
        return {"name": name, "options": effective_options(name, options)}
    if which:
        raise _Refused(f"path: expected {PREFIX}faults or {PREFIX}faults/{CHECK}; saw {which!r} at its end")
    return _fault(world.state(Faults).inject(name, options))


def _clear(world: World, name: str, _: dict[str, Any]) -> Any:
    world.state(Faults).clear(name or None)
    return _list_faults(world, "", {})


def _truth(world: World, _: str, __: dict[str, Any]) -> Any:
    return world.truth()


def _state(world: World, _: str, __: dict[str, Any]) -> Any:
    return state.dump(world)


def _stop(_: World, __: str, ___: dict[str, Any]) -> Any:
    return {}


def _fault(injected: Injected) -> dict[str, Any]:
    return {"name": injected.name, "at": _iso(injected.at), "options": dict(injected.options)}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _body(request: Request) -> dict[str, Any]:
    try:
        document = json.loads(request.body or b"{}")
    except ValueError as error:
        raise _Refused(f"body: expected JSON; {error}") from error
    if not isinstance(document, dict):
        raise _Refused(f"body: expected a JSON object; saw {type(document).__name__}")
    return document


_LONGEST = 30 * 86_400
"""A month of virtual time in one sleep is a mistake in the unit."""
_MOST = 100
"""Calls in flight together: nobody has more connections."""

_ACTS: dict[tuple[str, str], Callable[[World, str, dict[str, Any]], Any]] = {
    ("GET", "clock"): _read_clock,
    ("POST", "clock"): _pass,
    ("GET", "faults"): _list_faults,
    ("POST", "faults"): _inject,
    ("DELETE", "faults"): _clear,
    ("GET", "truth"): _truth,
    ("GET", "state"): _state,
    ("POST", "stop"): _stop,
}
