"""The versions of secrets that hold no token, told by their ids: those of this run, those of the runs before it.

An id is made of a run and a secret's name, so that a write that is repeated changes nothing. A version never changes,
and no other writer has such an id: what a run that died has swept is not swept again by the next one. Which runs there
were is told by the evidence that each froze before it changed anything; where that cannot be read all is swept again.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from weakref import WeakKeyDictionary

from drcore.errors import Rejected, Unknown
from drcore.plans.e.facts import ERun
from drcore.services import s3

FROZEN = "frozen/"
"""What the evidence of a run lies below."""
_RUNS = 50  # so many runs before this one are known: the last ones, by their ids
_EARLIER: WeakKeyDictionary[ERun, tuple[str, ...]] = WeakKeyDictionary()


def version_of(run: ERun, name: str) -> str:
    """The id of the version without tokens that this run gives a secret."""
    return _version(run.id, name)


def without_tokens(run: ERun, name: str) -> frozenset[str]:
    """The ids of a secret's versions that hold no token, whether they are there or not."""
    return frozenset(_version(each, name) for each in (run.id, *earlier_runs(run)))


def earlier_runs(run: ERun) -> tuple[str, ...]:
    """The runs of this plan that froze evidence before this one, asked for once; none where that cannot be read."""
    if run not in _EARLIER:
        runs: tuple[str, ...] = ()
        with suppress(Unknown, Rejected):
            runs = frozen_before(run)
        _EARLIER[run] = runs
    return _EARLIER[run]


def frozen_before(run: ERun) -> tuple[str, ...]:
    """The runs whose evidence lies there, the last ones by their ids. Raises Rejected, Unknown."""
    where = run.service.runner_region
    names = s3.names(run.aws, where, run.service.evidence.buckets[where], FROZEN)
    ids = (each.removeprefix(FROZEN).removesuffix(".json") for each in names if each.endswith(".json"))
    return tuple(sorted(each for each in ids if each != run.id)[-_RUNS:])


def frozen_key(run_id: str) -> str:
    """What the evidence of a run is called."""
    return f"{FROZEN}{run_id}.json"


def _version(run_id: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"drcore/{run_id}/{name}"))
