"""An LLM's API behind a gateway, with Bedrock's errors: `POST /llm/model/MODEL/converse`.

Its key comes as `Authorization: Bearer KEY`. The errors have Bedrock's names in `x-amzn-ErrorType` with its statuses:
a quota is a 400, a model's timeout a 408, a model's error a 424, a model that is not ready a 429 as throttling is;
they are told apart by name. `MODEL` may be `gateway`: then the models of the fallback rule are tried in order, as
AgentCore's gateway does, for what was throttled, not ready, or out of reach; any other error is the answer.
Simplified: nothing is generated.
"""

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route, refusal
from drcore.sandbox.core.world import World

GATEWAY = "gateway"
STATUSES = {
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ThrottlingException": 429,
    "ServiceQuotaExceededException": 400,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
FALLS_BACK = ("ThrottlingException", "ModelNotReadyException", "ServiceUnavailableException")
"""For these the next model of the rule is tried."""
RETRIED = ("ThrottlingException", "ModelNotReadyException", "InternalServerException", "ServiceUnavailableException")
"""For these an SDK tries again by itself, up to five times for a model that is not ready: slow is made slower."""


@dataclass(frozen=True, slots=True)
class LlmHealth:
    """How a model does: the share of calls that get each error, by its name; the latency of the others."""

    errors: tuple[tuple[str, float], ...] = (("InternalServerException", 0.001),)
    latency_ms: float = 900.0

    def draw(self, rng: random.Random) -> str:
        """What one call gets: the name of an error, empty for an answer."""
        place = rng.random()
        for name, share in self.errors:
            place -= share
            if place < 0:
                return name
        return ""


class Llm:
    """The models, the gateway's rule, the key of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.models: dict[str, LlmHealth] = {"primary": LlmHealth(), "secondary": LlmHealth(latency_ms=1400.0)}
        self.rule: tuple[str, ...] = ("primary",)
        """The gateway's models, in the order in which they are tried."""
        self.key, self.expires = "llm-key", datetime.max.replace(tzinfo=world.clock.now().tzinfo)
        self.asked: Counter[tuple[str, str]] = Counter()
        """Calls by model and outcome."""
        world.add_to_dump("llm", lambda: {"rule": self.rule, "models": sorted(self.models)})

    def become(self, model: str, **shares: float) -> None:
        """Let a model give these errors from now on, each to such a share of its calls."""
        unknown = shares.keys() - STATUSES.keys()
        if unknown:
            raise ValueError(f"errors: expected names of {sorted(STATUSES)}, saw {sorted(unknown)}")
        self.models[model] = replace(self.models.get(model, LlmHealth()), errors=tuple(shares.items()))

    def takes(self, key: str) -> bool:
        """Whether a key is the right one, and has not expired."""
        return key == self.key and self._world.clock.now() < self.expires

    def ask(self, model: str, key: str, rng: random.Random) -> tuple[str, str]:
        """Which model has answered one call, or the last that was tried; the name of its error, empty for none."""
        if not self.takes(key):
            self.asked[model, "AccessDeniedException"] += 1
            return model, "AccessDeniedException"
        outcome, tried = "ResourceNotFoundException", model
        for tried in self.rule if model == GATEWAY else (model,):
            known = self.models.get(tried)
            outcome = known.draw(rng) if known is not None else "ResourceNotFoundException"
            self.asked[tried, outcome] += 1
            if outcome not in FALLS_BACK:
                break
        return tried, outcome


@http_route("POST", "/llm/model/<model>/converse")
def converse(call: HttpCall) -> JsonReply:
    """One call, as Bedrock's Converse answers it."""
    llm, model = call.world.state(Llm), call.args["model"]
    if not isinstance(call.json().get("messages"), list):
        return _refused("ValidationException", 400)
    rng = call.world.rng("llm", model, call.world.count("llm", model, ""))
    answered, error = llm.ask(model, call.bearer, rng)
    if error:
        return _refused(error, STATUSES[error])
    content = [{"text": '{"resolution": "merge"}'}]
    return JsonReply(
        200,
        {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "end_turn",
            "metrics": {"latencyMs": int(llm.models[answered].latency_ms)},
            "trace": {"promptRouter": {"invokedModelId": answered}},
        },
    )


@http_route("GET", "/llm/gateway/rule")
def read_rule(call: HttpCall) -> JsonReply:
    """The models of the gateway, in the order in which they are tried."""
    _authorized(call)
    return JsonReply(200, {"targets": list(call.world.state(Llm).rule)})


@http_route("PUT", "/llm/gateway/rule")
def write_rule(call: HttpCall) -> JsonReply:
    """Set the order. Refuses a model that is not there, one twice, none at all."""
    _authorized(call)
    llm, targets = call.world.state(Llm), call.json().get("targets")
    if not isinstance(targets, list) or not targets or len(set(targets)) < len(targets):
        raise AwsError("ValidationException", f"targets: expected models, each once; saw {targets!r}", 400)
    unknown = [each for each in targets if each not in llm.models]
    if unknown:
        raise AwsError("ValidationException", f"targets: expected of {sorted(llm.models)}; saw {unknown}", 400)
    llm.rule = tuple(targets)
    return JsonReply(200, {"targets": targets})


@refusal("llm")
def refused(call: HttpCall, error: AwsError) -> JsonReply:
    """A refusal with the name of the error; whoever asks too often is told so with 429."""
    status = {"TooManyRequests": 429, "ThrottlingException": 429}.get(error.code, error.status or 400)
    return JsonReply(status, {"message": error.message}, {"x-amzn-ErrorType": error.code})


def _authorized(call: HttpCall) -> None:
    if not call.world.state(Llm).takes(call.bearer):
        raise AwsError("AccessDeniedException", "The key is not valid", 403)


def _refused(error: str, status: int) -> JsonReply:
    return JsonReply(status, {"message": f"{error} (sandbox)"}, {"x-amzn-ErrorType": error})
