"""The ARNs of what plan C acts on in AWS; for the printed policy. The stores have no ARNs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from drcore.engine.permissions import Place
from drcore.plans.c.facts import Facts

At: TypeAlias = Place[Facts]


def build_job(at: At) -> Iterator[str]:
    """The pipeline's job that builds the app."""
    job = at.facts.build_job
    yield f"arn:aws:codebuild:{job.region}:{at.service.account}:project/{job.project}"


def play_key(at: At) -> Iterator[str]:
    """The key file of the service account at Google."""
    return at.secret(at.facts.google_play.key)


def app_store_key(at: At) -> Iterator[str]:
    """The key of the team at Apple."""
    return at.secret(at.facts.app_store.key)


def support_key(at: At) -> Iterator[str]:
    """The key of the support desk."""
    return at.secret(at.facts.lost_data.api_key)
