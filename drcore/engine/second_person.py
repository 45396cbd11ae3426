"""A second person is proved, not named: by a request to STS that they have signed with their own keys.

The waiting run lays what the operator saw into the evidence store. `drcore approve`, on another machine, shows it, and
leaves beside it a request that STS can tell the signer of; its headers carry the digest of what was seen, and until
when the yes holds. The run hands it to STS, compares, and takes it once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from drcore.calls import signed_identity
from drcore.calls.gate import Writes
from drcore.clock import WallClock, iso, parse_time, until
from drcore.engine.consent import ConsentAnswer
from drcore.engine.context import Run
from drcore.engine.outcome import Check, State, Target, no, yes
from drcore.engine.people import Person, person_of, same
from drcore.engine.step import Step
from drcore.errors import BadInput, DrcoreError, Rejected, Unknown
from drcore.parameters import Model, SecondPerson, Service, parse
from drcore.record.events import Kind
from drcore.services import iam, s3
from drcore.services.s3 import StoredJson

DIGEST, UNTIL = "x-drcore-digest", "x-drcore-until"  # the headers in which the second person says what they approve
LONGEST = timedelta(hours=1)  # so long a yes holds at most
_EVERY = 2.0  # seconds between two looks for it
_RESERVED = "/aws-reserved/sso.amazonaws.com/"  # where IAM Identity Center keeps its roles: nobody else can change them


class AskedOfSecond(Model):
    """What the operator saw, as the second person is shown it. Its digest is what they sign."""

    run: str
    plan: str
    environment: str
    step: str
    title: str
    changes: str
    phrase: str
    targets: tuple[str, ...]
    state: dict[str, Any]
    shown: tuple[str, ...]
    operator: str
    asked: str

    @property
    def digest(self) -> str:
        """Of all of it: another count, another target or other evidence is another question."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


class SignedApproval(Model):
    """What a second person leaves: a signed request for each region, of which one is enough."""

    requests: dict[str, dict[str, str]]


def folder_of(run_id: str, step: str) -> str:
    """Where in the evidence store a step of a run is asked about, and answered."""
    return f"approvals/{run_id}/{step}"


def asked_at(service: Service, plan: str) -> tuple[str, ...]:
    """The keys of the steps of a plan that somebody must approve beside the operator."""
    return service.second_person.steps.get(plan, ()) if service.second_person else ()


def wanted(service: Service, plan: str, step: str) -> SecondPerson | None:
    """Who must approve a step beside the operator; None where nobody must."""
    return service.second_person if step in asked_at(service, plan) else None


def prove(
    run: Run[Any, Any], step: Step[Any, Any], second: SecondPerson, states: Mapping[Target, State], phrase: str
) -> ConsentAnswer:
    """Ask for a second person, and wait for one. Never raises for a no: the answer says so."""
    asked = AskedOfSecond(
        run=run.id,
        plan=run.plan,
        environment=run.service.environment,
        step=step.key,
        title=step.title,
        changes=step.changes,
        phrase=phrase,
        targets=tuple(map(str, states)),
        state={str(target): step.to_json(state) for target, state in states.items()},
        shown=run.prompt.shown,
        operator=run.person.name,
        asked=iso(run.clock.now()),
    )
    how = f"drcore approve {run.id} {step.key} --environment {run.service.environment}"
    try:
        _lay(run, step, asked)
        run.prompt.announce(f"{step.title} waits for a second person, who is shown this on another machine: {how}")
        proven = _wait(run, step, asked, second)
        if proven and any(step.look(run, target) != state for target, state in states.items()):
            return _refused(run, step, asked, "what was approved is not there any more as it was seen")
    except (Unknown, Rejected) as error:
        return _refused(run, step, asked, f"a second person could not be asked: {error}")
    if not proven:
        why = f"nobody has approved it as a second person within {second.wait_minutes:g} minutes"
        return ConsentAnswer(False, "", "second person", why, f"drcore resume {run.id}, and then: {how}", phrase)
    return ConsentAnswer(True, proven.name, "second person, by STS", "", phrase=phrase)


def _lay(run: Run[Any, Any], step: Step[Any, Any], asked: AskedOfSecond) -> None:
    """Put it where the second person finds it, beside what was asked before; what lies there already is the same."""
    region, bucket = _store(run)
    key = f"{folder_of(run.id, step.key)}/asked/{asked.asked}-{asked.digest}.json"
    run.record.append(Kind.PROOF_ASKED, step=step, bucket=bucket, object=key, digest=asked.digest)
    try:
        with run.calls.during(Writes.ALLOWED):
            s3.put_if(run.aws, region, bucket, key, asked.model_dump(mode="json"), StoredJson(None))
    except Rejected as error:
        if error.code != "PreconditionFailed":
            raise


def _store(run: Run[Any, Any]) -> tuple[str, str]:
    region = run.service.runner_region
    return region, run.service.evidence.buckets[region]


def _wait(run: Run[Any, Any], step: Step[Any, Any], asked: AskedOfSecond, second: SecondPerson) -> Person | None:
    """Look for an approval that holds, by the wall's clock, as people live by it; what does not hold is recorded."""
    known: set[str] = set()

    def look() -> Person | None:
        for key, signed in _left(run, step, known):
            try:
                person = _proven(run, asked, second, signed)
            except Unknown:
                continue  # no region has answered: it is asked again
            except DrcoreError as error:
                known.add(key)
                _refused(run, step, asked, str(error))
                continue
            answer = {"by": person.name, "arn": person.arn, "why": "", "digest": asked.digest, "object": key}
            run.record.append(Kind.PROOF, step=step, granted=True, **answer)
            return person
        return None

    within = second.wait_minutes * 60
    with run.clock.person():
        approver, _ = until(WallClock(), look, bool, within=within, every=min(_EVERY, within))
    return approver


def _left(run: Run[Any, Any], step: Step[Any, Any], known: set[str]) -> Iterator[tuple[str, Any]]:
    """What was left to be looked at, and was not yet."""
    region, bucket = _store(run)
    try:
        for key in sorted(set(s3.names(run.aws, region, bucket, f"{folder_of(run.id, step.key)}/signed/")) - known):
            yield key, s3.document(run.aws, region, bucket, key)
    except (Unknown, Rejected):  # asked again
        return


def _proven(run: Run[Any, Any], asked: AskedOfSecond, second: SecondPerson, document: Any) -> Person:
    """The person who has signed, once. Raises BadInput or Rejected where it is no proof, Unknown."""
    signed = parse(document, SignedApproval, "an approval")
    last: Unknown | None = None
    for region in sorted(run.service.regions, key=lambda name: name != run.service.runner_region):
        headers = signed.requests.get(region)
        if headers is None or region == run.calls.failed_region:
            continue
        _says_this(run, asked, headers)
        try:
            arn, account = signed_identity.signer(run.aws.as_oneself(), region, headers)
        except Unknown as error:
            last = error
            continue
        person = person_of(arn)
        if account != run.service.account or person.role != second.role.rpartition("/")[2]:
            raise BadInput(f"it is signed by {arn}: expected somebody in {second.role}")
        if same(person.name, run.person.name) or same(person.name, asked.operator):
            raise BadInput(f"it is signed by {arn}, and {run.person.name} runs this: expected somebody else")
        _take(run, asked, headers)
        return person
    raise last or BadInput(f"expected a request for one of {', '.join(run.service.regions)}, seen {[*signed.requests]}")


def _says_this(run: Run[Any, Any], asked: AskedOfSecond, headers: Mapping[str, str]) -> None:
    """What is signed must be what is asked now, and hold for an hour at most. Raises BadInput."""
    digest, text = signed_identity.header(headers, DIGEST), signed_identity.header(headers, UNTIL)
    if digest != asked.digest:
        raise BadInput(f"it approves {digest}, and {asked.digest} is asked: targets, state or evidence have changed")
    signed = signed_identity.signed_at(headers)
    try:
        ends = parse_time(text)
    except ValueError as error:
        raise BadInput(f"{UNTIL}: {error}") from error
    if ends - signed > LONGEST:
        raise BadInput(f"it is to hold until {text}: expected an hour after it was signed at most")
    if ends <= run.clock.now():
        raise BadInput(f"it has expired at {text}")


def _take(run: Run[Any, Any], asked: AskedOfSecond, headers: Mapping[str, str]) -> None:
    """Use an approval up, before it counts. Raises Rejected where it was used already."""
    region, bucket = _store(run)
    used = hashlib.sha256(headers["authorization"].encode()).hexdigest()
    key = f"{folder_of(run.id, asked.step)}/used/{used}.json"
    fields = {"run": run.id, "digest": asked.digest, "at": iso(run.clock.now())}
    try:
        with run.calls.during(Writes.ALLOWED):
            s3.put_if(run.aws, region, bucket, key, fields, StoredJson(None))
    except Rejected as error:
        raise Rejected(f"it was used already: {error}", error.code) from error


def _refused(run: Run[Any, Any], step: Step[Any, Any], asked: AskedOfSecond, why: str) -> ConsentAnswer:
    run.record.append(Kind.PROOF, step=step, granted=False, by="", arn="", why=why, digest=asked.digest)
    return ConsentAnswer(False, "", "second person", why, f"To be asked again: drcore resume {run.id}", asked.phrase)


# ── what the preflight looks at ──────────────────────────────────────────────────────────────────────────────────────


def roles_name_people(run: Run[Any, Any], second: SecondPerson) -> Check:
    """Whether the roles of both people give each session the name of its person: else a name proves nobody."""
    region, names = run.service.runner_region, [second.role.rpartition("/")[2]]
    names += [run.person.role] if run.person.role else []
    for name in dict.fromkeys(names):
        why_not = _why_it_names_nobody(iam.role(run.aws, region, name))
        if why_not:
            return no(f"{name}: {why_not}")
    return yes(f"{', '.join(dict.fromkeys(names))}: each session is named after its person")


def _why_it_names_nobody(role: iam.TrustedRole) -> str:
    if role.path.startswith(_RESERVED):
        return ""  # Identity Center names the session after the user, and nobody else can hand the role out
    for statement in role.trust:
        if statement.get("Effect") != "Allow":
            continue
        conditions = statement.get("Condition", {})
        named = [
            value
            for operator in ("StringEquals", "StringLike")
            for key, value in conditions.get(operator, {}).items()
            if key.lower() == "sts:rolesessionname"
        ]
        if not named or any(each not in ("${aws:username}", ["${aws:username}"]) for each in named):
            return (
                "expected a trust policy that forces sts:RoleSessionName to the person (${aws:username}) in each "
                f"statement, seen {conditions or 'no condition'}"
            )
    return ""
