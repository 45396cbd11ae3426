"""The engine's calls of the AI Insights Service: what each conflict gets, after its client's retries.

The endpoint's model is asked for most conflicts, the LLM's gateway for those of texts. The client waits for ten seconds
in all: a model that is not ready is asked again five times, each time later, so that slow is made slower.
"""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.sagemaker.components import Components
from drcore.sandbox.services.sagemaker.invocations import Models
from drcore.sandbox.services.sagemaker.state import Endpoints
from drcore.sandbox.services.secretsmanager import Secrets
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.vendors.llm import FALLS_BACK, GATEWAY, RETRIED, Llm

TEXTS = 0.3
"""Of the conflicts, those of texts, which go to the LLM."""
BUDGET_MS = 10_000.0
"""So long the engine waits for an answer, with all retries."""
ATTEMPTS, ATTEMPTS_NOT_READY = 3, 6
WELL = 0.02
"""Up to here what fails is the usual noise."""
ENDPOINT, LLM = "endpoint", "llm"


@dataclass(frozen=True, slots=True)
class Resolution:
    """How the AI answered for one conflict; `error` is empty where it merged, `reason` says ai_error or ai_timeout."""

    service: str
    ms: float
    attempts: int = 1
    error: str = ""
    reason: str = ""


class AiCalls:
    """Whom the engine asks in each region; since when what it gets is as good as ever."""

    def __init__(self, world: World) -> None:
        self._world, self._models, self._llm = world, world.state(Models), world.state(Llm)
        self._endpoints, self._secrets = world.state(Endpoints), world.state(Secrets)
        self._components = world.state(Components)
        self.watched = False
        """Whether it is noted since when the service is well: from a fault on."""
        self.healthy_since: datetime | None = None
        self.ill_ticks = 0
        """So many ticks it was not well since then."""

    def tick(self, at: datetime) -> None:
        """Note since when each region's calls are answered."""
        if not self.watched:
            return
        if max(self.failing(region) for region in self._world.regions) >= WELL:
            self.healthy_since, self.ill_ticks = None, self.ill_ticks + 1
        elif self.healthy_since is None:
            self.healthy_since = at

    def failing(self, region: str) -> float:
        """The share of calls that get no answer now, by the state of the resources: the worse of both services."""
        endpoint, component = self._endpoints.endpoints[region].get(names.AI_ENDPOINT), self._component(region)
        routes = self._models.routes(endpoint, component) if endpoint else {}
        known = {model: self._models.behaviour(model) for _, model in routes}
        share = sum(part * (known[model].errors + known[model].timeouts) for (_, model), part in routes.items())
        share = min(1.0, share + self._models.overloaded(region, component))
        return max(share if routes else 1.0, self._llm_failing(region))

    def _component(self, region: str) -> str:
        """The inference component that the engine names in its calls; empty where the models are the variants' own."""
        return names.AI_COMPONENT if names.AI_COMPONENT in self._components.known[region] else ""

    def resolve(self, region: str, conflicts: int, stream: Random) -> list[Resolution]:
        """What so many conflicts get now."""
        texts = sum(stream.random() < TEXTS for _ in range(conflicts))
        resolutions = self._ask_endpoint(region, conflicts - texts, stream) if conflicts > texts else []
        key = self.key(region) if texts else ""
        return resolutions + [self._ask_llm(key, stream) for _ in range(texts)]

    def key(self, region: str) -> str:
        """The key that the workers of a region read from their secret; empty: there is none."""
        secret = backends.secretsmanager(self._world.account, region).secrets.get(names.LLM_SECRET)
        version = self._secrets.current(region, names.LLM_SECRET)
        return str(secret.versions[version]["secret_string"]) if secret and version else ""

    def _ask_endpoint(self, region: str, count: int, stream: Random) -> list[Resolution]:
        done = self._models.invoke(region, names.AI_ENDPOINT, count, stream, self._component(region))
        resolutions = [Resolution(ENDPOINT, 80 * stream.lognormvariate(0, 0.25)) for _ in range(done.ok)]
        resolutions += [Resolution(ENDPOINT, 60.0, 1, "ModelError", "ai_error")] * done.errors
        resolutions += [Resolution(ENDPOINT, BUDGET_MS, 1, "ReadTimeout", "ai_timeout")] * done.timeouts
        return resolutions + [Resolution(ENDPOINT, 30.0, 1, "ServiceUnavailable", "ai_error")] * done.refused

    def _ask_llm(self, key: str, stream: Random) -> Resolution:
        ms, error, attempts = 0.0, "", 0
        while ms < BUDGET_MS:
            attempts += 1
            model, error = self._llm.ask(GATEWAY, key, stream)
            health = self._llm.models.get(model)
            ms += (health.latency_ms if health else 50.0) * (stream.lognormvariate(0, 0.25) if not error else 0.2)
            most = ATTEMPTS_NOT_READY if error == "ModelNotReadyException" else ATTEMPTS
            if error not in RETRIED or attempts >= most:
                break
            ms += 500 * 2**attempts * stream.uniform(0.5, 1.0)
        if ms >= BUDGET_MS:
            return Resolution(LLM, BUDGET_MS, attempts, error or "ReadTimeout", "ai_timeout")
        return Resolution(LLM, ms, attempts, error, "ai_error" if error else "")

    def _llm_failing(self, region: str) -> float:
        if not self._llm.takes(self.key(region)):
            return 1.0
        reached, failing = 1.0, 0.0
        for number, name in enumerate(self._llm.rule, 1):
            known = self._llm.models.get(name)
            shares = dict(known.errors) if known else {"ResourceNotFoundException": 1.0}
            passed = sum(part for error, part in shares.items() if error in FALLS_BACK and number < len(self._llm.rule))
            failing += reached * (sum(shares.values()) - passed)
            reached *= passed
        return failing
