"""Lambda's provisioned concurrency, per alias: allocated anew when the alias moves.

Simplified: allocation takes two minutes, whatever its size, and always succeeds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from drcore.sandbox.core.world import World

ALLOCATION = timedelta(minutes=2)
"""From the change of the alias's version until all executions are warm."""


@dataclass(frozen=True, slots=True)
class WantedConcurrency:
    """Wanted executions of one alias; allocation began at `since`."""

    wanted: int
    since: datetime

    def ready(self, at: datetime) -> bool:
        """Whether all executions are warm."""
        return at >= self.since + ALLOCATION


class ProvisionedConcurrency:
    """Provisioned concurrency of both regions, by the ARN of the alias."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._configs: dict[str, WantedConcurrency] = {}

    def get(self, arn: str) -> WantedConcurrency | None:
        """Of one alias, None if it has none."""
        return self._configs.get(arn)

    def put(self, arn: str, wanted: int) -> WantedConcurrency:
        """Ask for `wanted` executions, allocated from now on."""
        self._configs[arn] = WantedConcurrency(wanted, self._world.clock.now())
        return self._configs[arn]

    def delete(self, arn: str) -> None:
        """Give the executions back."""
        self._configs.pop(arn, None)

    def reallocate(self, arn: str) -> None:
        """The alias names another version now: begin again."""
        known = self.get(arn)
        if known is not None:
            self.put(arn, known.wanted)

    def cold(self, arn: str) -> bool:
        """Whether requests meet cold starts because the executions are not allocated yet."""
        known = self.get(arn)
        return known is not None and not known.ready(self._world.clock.now())

    def requested(self, function_arn: str) -> dict[str, int]:
        """Wanted executions by alias, of one function."""
        prefix = function_arn + ":"
        return {arn.removeprefix(prefix): c.wanted for arn, c in self._configs.items() if arn.startswith(prefix)}
