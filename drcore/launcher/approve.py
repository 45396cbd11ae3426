"""The second person's side: what the operator saw is shown, then approved by a signed request that is left.

It needs no record, and nothing of the machine that the run is carried out on: parameters, and keys of one's own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from drcore.calls import signed_identity
from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.clock import Clock, clock_at, iso
from drcore.engine.people import Person, person_of, same
from drcore.engine.prepare import HOME
from drcore.engine.second_person import DIGEST, LONGEST, UNTIL, AskedOfSecond, SignedApproval, folder_of
from drcore.errors import BadInput, Refused, Rejected, Unknown
from drcore.parameters import Service, at_world, parse, read
from drcore.services import s3
from drcore.services.s3 import StoredJson


@dataclass(frozen=True, slots=True)
class LeftApproval:
    """A yes that was left: whose, where, until when it holds."""

    by: str
    at: str
    until: str


class Approver:
    """A second person in an environment, with their own keys. Raises BadInput."""

    def __init__(
        self, environment: str, world: str = "", *, service: Service | None = None, clock: Clock | None = None
    ) -> None:
        path = HOME / "parameters" / environment / "service.yaml"
        known = service or at_world(read(path, Service), world or None)
        if not known.second_person:
            raise BadInput(f"{path}: second_person: expected who may approve, seen none")
        self.service, self.role = known, known.second_person.role
        self.clock = clock or clock_at(known.clock)
        self._calls = CallGate(lambda *_, **__: None)  # of nobody's run: what is left is noted by the run that takes it
        self.own = Aws(self._calls, endpoint=known.endpoint, now=self.clock.now)

    def asked(self, run_id: str, step: str) -> AskedOfSecond:
        """What is asked, from the first region that has it. Raises BadInput where nothing is, Unknown, Rejected."""
        self._sign_in()
        folder, trouble = f"{folder_of(run_id, step)}/asked/", list[Unknown]()
        for region, bucket in self.service.evidence.buckets.items():
            try:
                keys = sorted(s3.names(self.aws, region, bucket, folder))  # by time: the last is what is asked now
                if keys:
                    self.region, self.bucket = region, bucket
                    document = s3.document(self.aws, region, bucket, keys[-1])
                    return parse(document, AskedOfSecond, f"s3://{bucket}/{keys[-1]}")
            except Unknown as error:
                trouble.append(error)
        if trouble:
            raise trouble[0]
        raise BadInput(f"{run_id} {step}: expected a step that waits for a second person, found none in {folder}")

    def _sign_in(self) -> None:
        """Take on the approvers' role, in a session of one's own name. Raises Refused, Unknown."""
        last: Unknown | None = None
        for region in self.service.regions:
            try:
                person = person_of(self.own.call("sts", region, "get_caller_identity")["Arn"])
                break
            except Unknown as error:
                last = error
        else:
            raise last or Unknown("sts: no region is known")
        self.person: Person = person
        in_it = person.role == self.role.rpartition("/")[2]
        self.aws = self.own if in_it else self._in_role(person.name)

    def _in_role(self, name: str) -> Aws:
        endpoint = self.service.endpoint
        aws = Aws(self._calls, endpoint=endpoint, role=self.role, now=self.clock.now, session_name=name)
        aws.session = self.own.session
        return aws

    def approve(self, asked: AskedOfSecond, minutes: float = 60) -> LeftApproval:
        """Leave a yes for exactly this. Raises Refused, Rejected, Unknown."""
        if same(self.person.name, asked.operator):
            raise Refused(
                f"{asked.title}: {self.person.name} runs it, and a second person is needed. Nothing was left."
            )
        now = self.clock.now().replace(microsecond=0)  # as a signature has it: an hour later is then no more than that
        ends = iso(now + min(timedelta(minutes=minutes), LONGEST))
        says, requests, last = {DIGEST: asked.digest, UNTIL: ends}, dict[str, dict[str, str]](), None
        for region in self.service.regions:
            try:
                requests[region] = signed_identity.sign(self.aws, region, says, now)
            except Unknown as error:
                last = error
        if not requests:
            raise last or Unknown("sts: no region is known")
        key = f"{folder_of(asked.run, asked.step)}/signed/{self.person.name}-{secrets.token_hex(4)}.json"
        with self._calls.during(Writes.ALLOWED):
            document = SignedApproval(requests=requests).model_dump(mode="json")
            s3.put_if(self.aws, self.region, self.bucket, key, document, StoredJson(None))
        return LeftApproval(self.person.name, f"s3://{self.bucket}/{key}", ends)


def approve(
    approver: Approver,
    run_id: str,
    step: str,
    minutes: float,
    ask: Callable[[AskedOfSecond], str | None],
) -> LeftApproval:
    """Fetch what is asked, have it shown and its phrase typed, and leave the yes. Raises Refused for anything else."""
    try:
        asked = approver.asked(run_id, step)
        typed = ask(asked)
        if typed is None:
            raise Refused("there is no terminal: an approval is typed by a person. Nothing was left.")
        if typed.strip() != asked.phrase:
            raise Refused(f"typed {typed.strip()!r}, not {asked.phrase!r}. Nothing was left.")
        return approver.approve(asked, minutes)
    except Rejected as error:
        raise Refused(f"{error}. Nothing was left.") from error
