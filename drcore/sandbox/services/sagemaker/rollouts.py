"""Deployment guardrails: how traffic goes over to a new fleet, how it comes back.

A fleet takes three minutes to come up, a blue/green way back one minute, as the old fleet is still there. A rolling
way back without RollbackMaximumBatchSize brings up the whole old fleet at once, else it goes batch by batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drcore.sandbox.core.registry import AwsError

PROVISION, BACK = 180.0, 60.0
"""Seconds until a fleet takes traffic; seconds of the way back to a fleet that is there."""
LONGEST = 28_800.0

Steps = tuple[tuple[float, float], ...]
"""(seconds since the begin, share of the traffic on the new fleet from then on)."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One way over: `ends` is when the old fleet is gone, `alarms` are watched from the first step on."""

    steps: Steps
    ends: float
    back: Steps
    back_ends: float
    alarms: tuple[str, ...] = ()
    longest: float = LONGEST

    @property
    def watched_from(self) -> float:
        return self.steps[0][0]

    def share(self, seconds: float) -> float:
        """Of the traffic on the new fleet, so long after the begin."""
        return _share(self.steps, seconds, 0.0)

    def share_on_the_way_back(self, seconds: float, before: float) -> float:
        """The same, so long after the turn, at which it was `before`."""
        return _share(tuple((at, before * left) for at, left in self.back), seconds, before)


def rollout_of(config: Mapping[str, Any] | None, units: int) -> Rollout:
    """The way that a DeploymentConfig asks for, over a fleet of `units` instances or copies.

    Raises AwsError (ValidationException) for sizes outside AWS's bounds and for waits that take too long together.
    """
    config = config or {}
    alarms = tuple(each["AlarmName"] for each in (config.get("AutoRollbackConfiguration") or {}).get("Alarms") or ())
    rolling, blue_green = config.get("RollingUpdatePolicy"), config.get("BlueGreenUpdatePolicy")
    if rolling and blue_green:
        raise invalid("Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be given")
    if rolling:
        return _rolling(rolling, units, alarms)
    return _blue_green(blue_green or {"TrafficRoutingConfiguration": _AT_ONCE}, units, alarms)


def invalid(message: str) -> AwsError:
    """A request that SageMaker does not accept, or something that it does not know."""
    return AwsError("ValidationException", message, 400)


_AT_ONCE = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


def _blue_green(policy: Mapping[str, Any], units: int, alarms: tuple[str, ...]) -> Rollout:
    routing = policy["TrafficRoutingConfiguration"]
    wait, shares = float(routing["WaitIntervalInSeconds"]), [1.0]
    if routing["Type"] == "CANARY":
        shares = [_size(routing, "CanarySize", units, 0.0, 0.5), 1.0]
    elif routing["Type"] == "LINEAR":
        step = _size(routing, "LinearStepSize", units, 0.1, 0.5)
        shares = _up_to_all(step)
    steps = tuple((PROVISION + number * wait, share) for number, share in enumerate(shares))
    waits = wait * len(shares) + float(policy.get("TerminationWaitInSeconds") or 0)
    longest = float(policy.get("MaximumExecutionTimeoutInSeconds") or LONGEST)
    if waits >= longest:
        raise invalid("MaximumExecutionTimeoutInSeconds must be larger than the total waiting time")
    return Rollout(steps, PROVISION + waits, ((0.0, 0.0),), BACK, alarms, longest)


def _rolling(policy: Mapping[str, Any], units: int, alarms: tuple[str, ...]) -> Rollout:
    shares = _up_to_all(_size(policy, "MaximumBatchSize", units, 0.05, 0.5))
    wait = float(policy["WaitIntervalInSeconds"])
    steps = tuple(((number + 1) * PROVISION + number * wait, share) for number, share in enumerate(shares))
    longest = float(policy.get("MaximumExecutionTimeoutInSeconds") or LONGEST)
    batch = _size(policy, "RollbackMaximumBatchSize", units, 0.05, 1.0) if policy.get("RollbackMaximumBatchSize") else 1
    back = tuple(((number + 1) * PROVISION, 1 - share) for number, share in enumerate(_up_to_all(batch)))
    return Rollout(steps, len(shares) * (PROVISION + wait), back, back[-1][0], alarms, longest)


def _size(policy: Mapping[str, Any], name: str, units: int, least: float, most: float) -> float:
    """A share of the fleet. Raises AwsError outside `least` and `most`."""
    given = policy.get(name)
    if not given:
        raise invalid(f"{name} is required")
    share = given["Value"] / 100 if given["Type"] == "CAPACITY_PERCENT" else given["Value"] / max(units, 1)
    if not least <= share <= most:
        raise invalid(f"{name} must be between {least:.0%} and {most:.0%} of the total instance count, not {share:.0%}")
    return float(share)


def _up_to_all(step: float) -> list[float]:
    shares = [step]
    while shares[-1] < 1.0 - 1e-9:
        shares.append(min(1.0, shares[-1] + step))
    return shares


def _share(steps: Steps, seconds: float, before: float) -> float:
    passed = [share for at, share in steps if seconds >= at]
    return passed[-1] if passed else before
