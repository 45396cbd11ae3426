"""Who serves a request right now: read from aliases or stage, never remembered."""

from collections.abc import Mapping
from dataclasses import dataclass

from drcore.sandbox.core.world import World
from drcore.sandbox.services.apigateway.state import ApiGateway
from drcore.sandbox.services.lambda_.state import Lambda
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.markets import SHARES
from drcore.sandbox.syncwell.company.releases import PREVIEW_FORMS, Behaviour, behaviour
from drcore.sandbox.syncwell.life.complaints import SufferingUsers

SHOWN = 0.2
"""The share of a corrupted user's requests that need his configuration, and are refused."""
PREVIEW = 0.03
"""The share of the API's requests that ask for a preview of a sync."""


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One version behind an alias, with the share of the function's requests (0 to 1) that it gets.

    `mismatched` is the share of its requests that fail because the API's definition is newer than the code, or because
    the configuration of the user is corrupted.
    """

    function: str
    version: str
    share: float
    code: Behaviour
    cold: bool = False
    throttled: bool = False
    mismatched: float = 0.0

    def refusals(self) -> float:
        """The share of requests that the API answers with 5xx, of those that reach it."""
        if self.throttled:
            return 1.0
        handled = self.code.refused + (1 - self.code.refused) * self.mismatched
        return self.code.errors + (1 - self.code.errors) * handled


def served(world: World, region: str) -> list[ServedVersion]:
    """All versions that serve in a region."""
    functions, versions = world.state(Lambda), []
    stage = definitions(world, region)
    for name in names.FUNCTIONS:
        arn = functions.alias(region, name, names.ALIAS).arn
        cold, throttled = functions.concurrency.cold(arn), functions.throttled(region, name)
        for version, share in functions.serving(region, name, names.ALIAS).items():
            code = behaviour(functions.code_of(region, name, version), name)
            mismatched = _mismatched(name, code, stage) + _corrupted(world, region, name)
            versions.append(ServedVersion(name, version, share, code, cold, throttled, mismatched))
    return versions


def definitions(world: World, region: str) -> Mapping[str, float]:
    """The share of the API's requests that each release's definition answers."""
    gateway = world.state(ApiGateway)
    return gateway.api(region, names.REST_API_IDS[region]).definitions(names.STAGE)


def error_rate(world: World, region: str) -> float:
    """The share of the API's requests that are answered with 5xx, as the state of the resources makes it."""
    rows = [row for row in served(world, region) if row.function in names.API_FUNCTIONS]
    total = sum(SHARES[row.function] * row.share for row in rows)
    return sum(SHARES[row.function] * row.share * row.refusals() for row in rows) / total


def newer(definition: str, code: str) -> bool:
    """Whether a release's definition sends previews in a form that the code of another one does not know."""
    return PREVIEW_FORMS.get(definition, 1) > PREVIEW_FORMS.get(code, 1)


def _corrupted(world: World, region: str, function: str) -> float:
    return SHOWN * world.state(SufferingUsers).share(region) if function == "syncwell-api" else 0.0


def _mismatched(function: str, code: Behaviour, stage: Mapping[str, float]) -> float:
    """A newer definition sends the preview in a form that older code answers with 500."""
    if function != "syncwell-api":
        return 0.0
    return PREVIEW * sum(share for definition, share in stage.items() if newer(definition, code.release))
