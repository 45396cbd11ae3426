"""What a question asks with: the account, the time, what it makes for itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from drcore.calls.aws import Aws
from drcore.calls.gate import Writes
from drcore.clock import clock_at, until
from drcore.errors import DrcoreError, Rejected, Unknown
from drcore.parameters import Service
from drcore.probe.own import PREFIX, KindOfOwn, OwnGate, remove
from drcore.record.events import Kind
from drcore.record.journal import Record
from drcore.record.redact import Redactor

T = TypeVar("T")
_AGAIN = {
    "InvalidParameterValueException",
    "InvalidRoleException",
    "ResourceInUseException",
    "ResourceConflictException",
    "ContinuousBackupsUnavailableException",
}
"""What a new role, a table or a function that is not ready yet is answered with; it passes."""


class ProbeSession:
    """One probe of one account. Writes are let through while a question is asked that has its consent."""

    def __init__(self, service: Service, folder: Path, identity: str) -> None:
        self.service, self.id, self.region = service, identity, service.runner_region
        self.clock = clock_at(service.clock)
        self.record = Record(folder, self.clock, Redactor())
        self.gate = OwnGate(self.record.append)
        self.aws = Aws(self.gate, endpoint=service.endpoint, role=service.role, run_id=identity, now=self.clock.now)
        self._names = 0
        self._made: list[tuple[KindOfOwn, str, str]] = []

    def name(self, kind: KindOfOwn, what: str) -> str:
        """The name of a resource that is about to be made; it is on disk before that is asked for."""
        self._names += 1  # a name is not used twice: SQS refuses that for a minute, Lambda goes on counting versions
        own = f"{PREFIX}{self.id.rpartition('-')[2]}-{self._names}-{what}"
        self.record.append(Kind.MAKING, kind=kind.name, region=self.region, name=own)
        self._made.append((kind, self.region, own))
        return own

    @contextmanager
    def asked(self, *, writes: bool) -> Iterator[None]:
        """Let the writes of a question through, where it has some; remove what it has made, whatever becomes of it.

        Raises Leftovers where that could not be removed.
        """
        with self.gate.during(Writes.ALLOWED if writes else Writes.FORBIDDEN):
            try:
                yield
            finally:
                self._remove_made()

    def remove(self, kind: KindOfOwn, region: str, name: str) -> None:
        """Remove one resource, in patience where it is not ready for that. Raises Rejected, Unknown."""
        self.patiently(lambda: remove(self.aws, kind, region, name), within=300)
        self.record.append(Kind.REMOVED, kind=kind.name, region=region, name=name)

    def _remove_made(self) -> None:
        left = []
        for kind, region, name in reversed(self._made):
            try:
                self.remove(kind, region, name)
            except (Rejected, Unknown) as error:
                left.append(f"{kind.name} {name} in {region}: {error}")
        self._made.clear()
        if left:
            raise Leftovers(f"not removed: {'; '.join(left)}")

    def patiently(self, call: Callable[[], T], *, within: float = 90, every: float = 5) -> T:
        """What a call returns, tried again while AWS says that something is not ready yet. Raises Rejected, Unknown."""
        given_up = self.clock.now().timestamp() + within
        while True:
            try:
                return call()
            except Rejected as error:
                if error.code not in _AGAIN or self.clock.now().timestamp() >= given_up:
                    raise
            self.clock.sleep(every)

    def wait(
        self, look: Callable[[], T], good: Callable[[T], bool], *, within: float, every: float = 5, hold: float = 0
    ) -> float:
        """Seconds until something is so, and stays so for `hold` seconds, as the looks tell.

        Raises Unknown where it is not in time.
        """
        began = self.clock.now()
        seen, since = until(self.clock, look, good, within=within, every=every, hold=hold)
        if since is None:
            raise Unknown(f"not so after {within:g} s; seen last: {seen}")
        return round((since - began).total_seconds(), 1)


class Leftovers(DrcoreError):
    """Something that a probe has made could not be removed."""


def trust(service: str) -> str:
    """A policy by which a service of AWS may take on a role."""
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
