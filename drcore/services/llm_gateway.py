"""The gateway in front of the LLM: which models it asks, in which order, whether it takes our key."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.calls.http import Http
from drcore.errors import Rejected, Unknown

_REFUSED = ("401", "403")


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the gateway is, with which key it is asked."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"Gateway({self.url})"  # never the key


def order(http: Http, gateway: Gateway) -> tuple[str, ...]:
    """The models in the order in which they are tried. Raises Rejected, Unknown."""
    answer = http.ask("GET", f"{gateway.url}/gateway/rule", authorization=f"Bearer {gateway.key}")
    targets = answer["targets"]
    if not isinstance(targets, list) or not targets or not all(isinstance(each, str) for each in targets):
        raise Unknown(f"GET {gateway.url}/gateway/rule: targets: expected names of models, seen {targets!r}")
    return tuple(targets)


def set_order(http: Http, gateway: Gateway, models: tuple[str, ...]) -> None:
    """Let the models be tried in that order. The gateway refuses one that it does not know."""
    authorization = f"Bearer {gateway.key}"
    http.ask("PUT", f"{gateway.url}/gateway/rule", json={"targets": list(models)}, authorization=authorization)


def refuses_key(error: Rejected) -> bool:
    """Whether a refusal says that the key is not valid, or not any more."""
    return error.code in _REFUSED
