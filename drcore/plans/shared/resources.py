"""The ARNs of what the steps act on that plans share; for the printed policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

from drcore.engine.permissions import Place
from drcore.plans.shared.facts import Api, Pipeline


class HasFunctions(Protocol):
    """Facts that name the functions of the backend."""

    @property
    def functions(self) -> tuple[str, ...]: ...


class HasApi(Protocol):
    """Facts that name the API."""

    @property
    def api(self) -> Api: ...


class HasPipeline(Protocol):
    """Facts that name the pipeline."""

    @property
    def pipeline(self) -> Pipeline: ...


F = TypeVar("F", bound=HasFunctions)
A = TypeVar("A", bound=HasApi)
P = TypeVar("P", bound=HasPipeline)


def functions(at: Place[F]) -> Iterator[str]:
    """The functions of the backend."""
    return at.everywhere("lambda", *(f"function:{name}" for name in at.facts.functions))


def stages(at: Place[A]) -> Iterator[str]:
    """The stage of the API in each region; the ids of APIs are not among the facts."""
    return (f"arn:aws:apigateway:{region}::/restapis/*/stages/{at.facts.api.stage}" for region in at.service.regions)


def deploying_stages(at: Place[P]) -> Iterator[str]:
    """The pipeline with the stage of it that deploys: one list for what is asked of either, as a policy is short."""
    name = at.facts.pipeline.name
    return at.everywhere("codepipeline", name, f"{name}/{at.facts.pipeline.stage}")
