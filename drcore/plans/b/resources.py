"""The ARNs of what plan B acts on; for the printed policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from drcore.engine.permissions import Place
from drcore.plans.b.facts import Facts

At: TypeAlias = Place[Facts]


def endpoint(at: At) -> Iterator[str]:
    """The endpoint of each region."""
    return at.everywhere("sagemaker", f"endpoint/{at.facts.endpoint.name}")


def endpoint_with_configurations(at: At) -> Iterator[str]:
    """The same, with the configurations that it may go over to."""
    names = f"endpoint/{at.facts.endpoint.name}", f"endpoint-config/{at.facts.endpoint.configurations}*"
    return at.everywhere("sagemaker", *names)


def component(at: At) -> Iterator[str]:
    """The endpoint's inference component, in each region."""
    return at.everywhere("sagemaker", f"inference-component/{at.facts.endpoint.component.name}")


def key(at: At) -> Iterator[str]:
    """The LLM's key, where it is written, with its copies, which are read."""
    return at.secret(at.facts.llm.key)


def quota(at: At) -> Iterator[str]:
    """The quota of the LLM's model, in the region in which it counts."""
    wanted = at.facts.llm.quota
    yield f"arn:aws:servicequotas:{wanted.region}:{at.service.account}:{wanted.service}/{wanted.code}"


def key_where_written(at: At) -> Iterator[str]:
    """The LLM's key in the region where it is written."""
    return (arn for arn in key(at) if arn.split(":")[3] == at.facts.llm.key_region)
