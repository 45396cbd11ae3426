"""EventBridge rules: what moto lacks is that a change takes some seconds.

A rule's state is shown at once; for some seconds more (or not yet) its events go out.
"""

from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsCall, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends

SETTLES = (2.0, 8.0)
"""Seconds until a change of a rule's state has its effect."""


class Schedules:
    """Which rules let events out; the rules themselves live in moto."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changes: dict[tuple[str, str], list[tuple[datetime, bool]]] = {}

    def make(self, region: str, rule: str, schedule: str, target: str, role: str, payload: str) -> None:
        """Make an enabled rule of the default bus, with one target (an ARN) that gets `payload`."""
        backend = backends.events(self._world.account, region)
        backend.put_rule(name=rule, scheduled_expression=schedule, state="ENABLED", role_arn=role)
        backend.put_targets(
            name=rule, event_bus_arn=None, targets=[{"Id": "1", "Arn": target, "RoleArn": role, "Input": payload}]
        )

    def enabled(self, region: str, rule: str) -> bool:
        """Whether the rule lets events out now; one that is not there does not."""
        now, state = self._world.clock.now(), self.shown(region, rule)
        for due, before in self._changes.get((region, rule), ()):
            if due > now:
                return before
        return state

    def changed(self, region: str, rule: str, before: bool) -> None:
        """The rule has another state now; until some seconds later it does as `before`."""
        now = self._world.clock.now()
        known = [change for change in self._changes.get((region, rule), ()) if change[0] > now]
        if before != self.shown(region, rule):
            stream = self._world.rng("rule", region, rule, now)
            known.append((now + timedelta(seconds=stream.uniform(*SETTLES)), before))
        self._changes[region, rule] = known

    def shown(self, region: str, rule: str) -> bool:
        """Whether the rule says that it is enabled."""
        known = backends.events(self._world.account, region).event_buses["default"].rules.get(rule)
        return known is not None and known.state.startswith("ENABLED")


def _change(call: AwsCall) -> dict[str, Any]:
    """As the API; its effect comes some seconds later."""
    name = call.params["Name"]
    if (call.params.get("EventBusName") or "default").rpartition("/")[2] != "default":
        return call.forward()
    schedules = call.world.state(Schedules)
    before = schedules.shown(call.region, name)
    answer = call.forward()
    schedules.changed(call.region, name, before)
    return answer


for _name in ("EnableRule", "DisableRule", "PutRule"):
    operation("events", _name)(_change)
