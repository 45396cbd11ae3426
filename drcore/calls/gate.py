"""Every call to the outside, let through or stopped, then noted.

One gate for AWS, HTTP, DNS. A write is forbidden unless the loop has opened the gate for one act whose intent is
on disk; a rehearsal opens it only as far as to see what would be written. While a region has failed no call goes to it,
and none to a control plane that stands in us-east-1 only, unless the step says in writing why (aws-facts 0.2, A.6).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from drcore.clock import iso
from drcore.record.events import Kind


class Plane(StrEnum):
    """Which half of a service a call leans on; in a regional outage the control plane goes first."""

    CONTROL = "control"
    DATA = "data"


class Writes(StrEnum):
    """What the gate does with a write."""

    FORBIDDEN = "forbidden"  # outside an act: a mistake in drcore
    STOPPED = "stopped"  # in a rehearsal: reported, not made
    ALLOWED = "allowed"  # inside an act whose intent is on disk


# The control plane of these stands in us-east-1 and nowhere else, whatever region a client is made for.
HOME_OF_GLOBAL = "us-east-1"
RECOVERED = "recovered"  # the moment since when the region that had failed may be called again
_GLOBAL = {"cloudfront", "health", "iam", "organizations", "route53", "support"}


def region_of(service: str, region: str) -> str:
    """The region that a call really needs."""
    return HOME_OF_GLOBAL if service in _GLOBAL else region


@dataclass(frozen=True, slots=True)
class Waiver:
    """Why a step may call the region that has failed, or a control plane that stands in us-east-1 only.

    `services` are the ones meant by it, by boto3's names (`http` for HTTP); empty: all of them.
    """

    why: str
    services: tuple[str, ...] = ()

    def covers(self, call: Call) -> bool:
        return not self.services or call.service in self.services


@dataclass(frozen=True, slots=True)
class Call:
    """One call: to whom, with what, and how it was answered (`OK`, an error code, or the name of a failure).

    `command` is the same call for a shell, so that a person can carry on by hand; it never holds a secret. `role` is
    that of another account under which it is made; empty: none.
    """

    service: str
    operation: str
    region: str
    write: bool
    plane: Plane = Plane.CONTROL
    parameters: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    answer: str = ""
    request_id: str = ""
    role: str = ""

    def __str__(self) -> str:
        return f"{self.service}:{self.operation} {as_json(self.parameters)}" + (
            f" in {self.region}" if self.region else ""
        )


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+[\d:]+)?")


def as_shell_commands(calls: Iterable[Call], *, write: bool) -> list[str]:
    """The calls that write, or those that only read, as shell commands, each once, in the order of first use.

    Of reads that differ in nothing but a time, as those of a wait do, the last is kept.
    """
    commands = {}
    for call in calls:
        if call.command and call.write is write:
            commands[call.command if write else _TIME.sub("", call.command)] = call.command
    return list(commands.values())


class WriteStopped(BaseException):
    """The gate stopped a write in a rehearsal. A BaseException, so that no handler of failures can swallow it."""

    def __init__(self, call: Call) -> None:
        super().__init__(f"WOULD {call}")
        self.call = call


_KEPT = 300
"""So many calls of a kind that were answered alike a step keeps, to be shown; the journal has each."""


class CallGate:
    """The gate, and the list of calls made through it; each is noted in the journal, also where the list is cut."""

    def __init__(self, note: Callable[..., object]) -> None:
        self.made: list[Call] = []
        self.writes = Writes.FORBIDDEN
        self.failed_region = ""  # the region that has failed, and has not come back; empty: none
        self._waiver: Waiver | None = None
        self._note = note
        self._alike: Counter[tuple[str, str, str, str]] = Counter()  # how many of a kind a step has made

    @contextmanager
    def during(self, writes: Writes) -> Iterator[None]:
        """Set what happens to writes for the length of one act."""
        before, self.writes = self.writes, writes
        try:
            yield
        finally:
            self.writes = before

    @contextmanager
    def under(self, waiver: Waiver | None) -> Iterator[None]:
        """Let a step's waiver hold for as long as the step is carried out."""
        self._alike.clear()
        before, self._waiver = self._waiver, waiver
        try:
            yield
        finally:
            self._waiver = before

    def admit(self, call: Call) -> None:
        """Let a call through, or raise.

        WriteStopped in a rehearsal; RuntimeError outside any act, and for what needs the region that has failed: both
        are mistakes in a plan, which no handler of failures may swallow.
        """
        if self._needs_failed_region(call) and not (self._waiver and self._waiver.covers(call)):
            raise RuntimeError(
                f"{self.failed_region} has failed, and nothing in this step says why it is called: {call}"
            )
        if call.write and self.writes is Writes.STOPPED:
            raise WriteStopped(call)
        if call.write and self.writes is Writes.FORBIDDEN:
            raise RuntimeError(f"a write outside an act was refused: {call}")

    def note(self, call: Call, answer: str, request_id: str = "") -> None:
        """Remember how a call was answered. The arguments of writes are noted in full, those of reads only here."""
        done = replace(call, answer=answer, request_id=request_id)
        self._keep(done)
        fields: dict[str, object] = {"parameters": json.loads(as_json(call.parameters))} if call.write else {}
        if call.role:
            fields["role"] = call.role
        if self._waiver and self._needs_failed_region(call):
            fields["waiver"] = self._waiver.why
        self._note(
            Kind.CALL,
            call=f"{call.service}:{call.operation}",
            region=call.region,
            plane=call.plane,
            write=call.write,
            answer=answer,
            request_id=request_id,
            **fields,
        )

    def _keep(self, done: Call) -> None:
        """A sweep makes as many calls as there are secrets: what is kept of them must not grow with it."""
        kind = (done.service, done.operation, done.region, done.answer)
        self._alike[kind] += 1
        if self._alike[kind] <= _KEPT:
            self.made.append(done)
        elif self._alike[kind] == _KEPT + 1:
            rest = (
                f"# and more of {done.service}:{done.operation} in {done.region or 'no region'}: the journal has each"
            )
            self.made.append(replace(done, parameters={}, command=rest))

    def _needs_failed_region(self, call: Call) -> bool:
        return bool(self.failed_region) and (call.region == self.failed_region or call.service in _GLOBAL)


def as_json(value: object) -> str:
    """Anything that a call may carry, as one line of JSON."""
    return json.dumps(value, default=_readable, ensure_ascii=False)


def _readable(value: object) -> str:
    if isinstance(value, datetime):
        return iso(value)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
