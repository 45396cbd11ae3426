"""A second person is proved by their keys: real signatures, checked by the emulated STS, from another identity."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from drcore.calls import signed_identity
from drcore.calls.aws import KEY
from drcore.clock import iso
from drcore.engine import preflight, second_person
from drcore.engine.consent import Consent, ConsentAnswer
from drcore.engine.outcome import Check, Outcome
from drcore.engine.people import person_of
from drcore.engine.second_person import DIGEST, UNTIL, AskedOfSecond, SignedApproval, prove, roles_name_people
from drcore.errors import BadInput, NoAnswer, Refused, Rejected
from drcore.launcher.approve import Approver, approve
from drcore.parameters import SecondPerson
from drcore.record.events import Kind
from drcore.run.runbook import Runbook
from drcore.sandbox.endpoints import application
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.syncwell.company import names, principals
from tests.support.engine_world import EAST, WEST, Things, mend, service
from tests.support.manual_clock import ManualClock
from tests.support.opened import _evidence_only, opened

__all__ = ["opened"]

BUCKET = "syncwell-evidence-us-west-2"
ROLE = f"arn:aws:iam::123456789012:role/{names.APPROVER_ROLE}"
SECOND = SecondPerson(role=ROLE, steps={}, wait_minutes=0.0001)
PHRASE = "SWITCH TO SyncWellMetadata-restored, LOSE 60 CHANGES"


def _people(world: Any) -> None:
    _evidence_only(world)
    principals.set_up(world)
    everything = json.dumps(principals._allow("*", ["*"]))
    world.client("iam", "us-east-1").put_user_policy(
        UserName=names.OPERATOR, PolicyName="everything", PolicyDocument=everything
    )
    principals.close(world)


@pytest.fixture(scope="module")
def door() -> InProcess:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "build_company", _people)
        return InProcess(7)


class Case:
    """A run of the operator's that asks for a second person, and the one who is asked."""

    def __init__(self, run: Runbook, door: InProcess, patch: pytest.MonkeyPatch, things: Things) -> None:
        self.run, self.door, self.things, self._patch = run, door, things, patch
        (self.step,) = run.plan.steps
        self.run.run.aws.session = self.session(names.OPERATOR_KEY)
        self.run.run.know_person(person_of(f"arn:aws:iam::123456789012:user/{names.OPERATOR}"))
        self.run.run.prompt.shown = ("38 of 194 items are corrupt",)
        self.clock: Any = run.run.clock
        self.second = SECOND

    def session(self, key: str) -> Any:
        self._patch.setenv(KEY, key)
        return self.approver().own.session

    def approver(self, key: str = "") -> Approver:
        if key:
            self._patch.setenv(KEY, key)
        known = service(clock=None, second_person=SECOND)
        found = Approver("sandbox", service=known, clock=getattr(self, "clock", None))
        self.door.attach(found.own.session)
        return found

    def approves(self, key: str = names.SECOND_PERSON_KEY, minutes: float = 60) -> str:
        """Somebody types the phrase on another machine; where it was left."""
        return approve(self.approver(key), self.run.run.id, self.step.key, minutes, lambda asked: asked.phrase).at

    @property
    def store(self) -> Any:
        session, endpoint = self.run.run.aws.session, self.run.run.service.endpoint
        return session.client("s3", region_name="us-west-2", endpoint_url=endpoint)

    def keys(self, prefix: str) -> list[str]:
        return [each["Key"] for each in self.store.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())]

    @property
    def folder(self) -> str:
        return f"approvals/{self.run.run.id}/{self.step.key}/signed/"

    def left(self) -> dict[str, Any]:
        """What was left, by its key."""
        found = {key: self.store.get_object(Bucket=BUCKET, Key=key) for key in self.keys(self.folder)}
        return {key: json.loads(each["Body"].read()) for key, each in found.items()}

    def leave(self, document: Mapping[str, Any]) -> None:
        """Put something where approvals are looked for, in place of what is there."""
        self.clear(self.folder)
        self.store.put_object(Bucket=BUCKET, Key=f"{self.folder}another.json", Body=json.dumps(document).encode())

    def clear(self, prefix: str = "approvals/") -> None:
        """Nobody has left anything, nor asked."""
        for key in self.keys(prefix):
            self.store.delete_object(Bucket=BUCKET, Key=key)

    def signs(self, key: str, *, role: str | None = ROLE, **changed: Any) -> None:
        """Somebody signs past `drcore approve`, as an attacker would; `changed` of what was asked, or `until`."""
        at = self.approver(key)
        asked = at.asked(self.run.run.id, self.step.key)
        until = changed.pop("until", iso(self.clock.now() + timedelta(minutes=30)))
        says = {DIGEST: asked.model_copy(update=changed).digest, UNTIL: until}
        requests = {"us-west-2": signed_identity.sign(at.aws if role else at.own, "us-west-2", says, self.clock.now())}
        self.leave(SignedApproval(requests=requests).model_dump())

    def proved(self, *does: Callable[[], object]) -> ConsentAnswer:
        """Ask; as soon as it can be seen what is asked, these are done."""

        def all_of_it(text: str) -> None:
            for do in does:
                do()

        self.run.run.prompt.announce = all_of_it
        return prove(
            self.run.run, self.step, self.second, {t: self.step.look(self.run.run, t) for t in (EAST, WEST)}, PHRASE
        )

    def refused(self, *does: Callable[[], object]) -> str:
        """Why it is no proof, as the record says."""
        assert not self.proved(*does).granted
        told = [*self.run.run.history.lines(Kind.PROOF)]
        assert told and not told[-1]["granted"] and not told[-1]["by"]
        return str(told[-1]["why"])


@pytest.fixture
def case(opened: Callable[..., Runbook], door: InProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    things = Things()
    step = mend(things, consent=Consent.TYPED)
    run = opened(step, clock=ManualClock(), preflight=False, second_person=SECOND, drill_policy=None)
    case = Case(run, door, monkeypatch, things)
    yield case
    case.clear()


def test_somebody_else_should_be_proved_by_their_keys(case: Case) -> None:
    given = case.proved(case.approves)
    assert given == ConsentAnswer(True, names.SECOND_PERSON, "second person, by STS", phrase=PHRASE)
    (asked,), (proof,) = (case.run.run.history.lines(kind) for kind in (Kind.PROOF_ASKED, Kind.PROOF))
    assert proof["arn"].endswith(f":assumed-role/{names.APPROVER_ROLE}/{names.SECOND_PERSON}")
    assert proof["granted"] and (proof["digest"], proof["key"]) == (asked["digest"], case.step.key)
    kept = json.dumps([*case.run.record.events])
    assert not [1 for left in case.left().values() for it in left["requests"].values() if it["authorization"] in kept]


def test_the_second_person_should_be_shown_what_the_operator_saw(case: Case) -> None:
    shown: list[AskedOfSecond] = []

    def reads(asked: AskedOfSecond) -> str:
        shown.append(asked)
        return asked.phrase

    case.proved(lambda: approve(case.approver("grace"), case.run.run.id, case.step.key, 60, reads))
    (asked,) = shown
    assert asked.shown == ("38 of 194 items are corrupt",) and asked.targets == (str(EAST), str(WEST))
    assert asked.state == {str(EAST): {"value": "bad"}, str(WEST): {"value": "bad"}} and asked.phrase == PHRASE
    assert asked.operator == names.OPERATOR


def test_a_wrong_phrase_or_nobody_at_the_keyboard_should_leave_nothing(case: Case) -> None:
    def types(text: str | None) -> Callable[[], None]:
        def refused() -> None:
            with pytest.raises(Refused, match="Nothing was left"):
                approve(case.approver("grace"), case.run.run.id, case.step.key, 60, lambda asked: text)

        return refused

    assert "within 0.0001 minutes" in case.proved(types("yes"), types(None)).reason
    assert case.left() == {}


def test_what_nobody_waits_for_should_not_be_approved(case: Case) -> None:
    with pytest.raises(BadInput, match="expected a step that waits"):
        case.approver("grace").asked("t-2", "mend")


# ── attacks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_replay_should_be_refused(case: Case) -> None:
    assert case.proved(case.approves).granted
    ((_, document),) = case.left().items()
    assert "it was used already" in case.refused(lambda: case.leave(document))


def test_two_runs_should_not_both_have_one_approval(
    case: Case, opened: Callable[..., Runbook], tmp_path: Any, door: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same run, gone on with on two machines at once: both have asked the same, and see the same answer."""
    granted = case.proved(case.approves)
    other = opened(case.step, clock=ManualClock(), preflight=False, second_person=SECOND, folder="other")
    racing = Case(other, door, monkeypatch, case.things)
    assert racing.run.run.id == case.run.run.id
    assert granted.granted and "it was used already" in racing.refused()


def test_an_approval_that_has_expired_should_be_refused(case: Case) -> None:
    assert "it has expired" in case.refused(lambda: case.approves(minutes=5), lambda: case.clock.sleep(301))


def test_an_approval_that_does_not_hold_should_be_refused_once_however_often_it_is_looked_for(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute of looks, in no time: what people live by is the wall's clock, which is another one here."""
    monkeypatch.setattr(second_person, "WallClock", ManualClock)
    monkeypatch.setattr(case, "second", SECOND.model_copy(update={"wait_minutes": 1.0}))
    assert "it has expired" in case.refused(lambda: case.approves(minutes=5), lambda: case.clock.sleep(301))
    assert len([*case.run.run.history.lines(Kind.PROOF)]) == 1


def test_a_signature_older_than_a_quarter_of_an_hour_should_be_refused_by_sts(case: Case) -> None:
    """By the world's clock, whatever the approval says."""
    before = case.clock.now()
    case.clock.sleep(-901)
    try:
        why = case.refused(lambda: case.signs("grace", until=iso(before + timedelta(minutes=30))))
    finally:
        case.clock.sleep(901)
    assert "SignatureDoesNotMatch: Signature expired" in why


def test_an_approval_for_ten_years_should_be_refused(case: Case) -> None:
    ten_years = iso(case.clock.now() + timedelta(days=3652))
    assert "an hour after it was signed at most" in case.refused(lambda: case.signs("grace", until=ten_years))


def test_oneself_should_be_no_second_person(case: Case) -> None:
    def tries() -> None:
        with pytest.raises(Refused, match="runs it, and a second person is needed"):
            case.approves(names.OPERATOR_KEY)

    assert "nobody has approved" in case.proved(tries).reason
    assert "expected somebody in" in case.refused(lambda: case.signs(names.OPERATOR_KEY, role=None))


def test_oneself_through_another_role_should_be_no_second_person(case: Case) -> None:
    assert "expected somebody else" in case.refused(lambda: case.signs(names.OPERATOR_KEY))


def test_a_name_that_is_invented_should_prove_nobody(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the session, as the trust policy names it; not in what is left; not under somebody else's signature."""

    def in_the_session() -> None:
        at = case.approver(names.OPERATOR_KEY)
        at.asked(case.run.run.id, case.step.key)
        with pytest.raises(Rejected, match="AccessDenied"):
            at._in_role("ada").call("sts", "us-west-2", "get_caller_identity")

    def in_what_is_left() -> None:
        case.approves()
        ((_, document),) = case.left().items()
        case.leave({**document, "by": "ada"})

    def with_another_signature() -> None:
        case.clear(case.folder)
        case.approves()
        ((_, document),) = case.left().items()
        for headers in document["requests"].values():
            headers["authorization"] = headers["authorization"][:-4] + "beef"
        case.leave(document)

    assert "nobody has approved" in case.proved(in_the_session).reason
    assert "by: unknown field" in case.refused(in_what_is_left)
    assert "SignatureDoesNotMatch" in case.refused(with_another_signature)


def test_another_count_than_was_approved_should_be_refused(case: Case) -> None:
    assert "not there any more as it was seen" in case.refused(
        case.approves, lambda: case.things.values.update({"us-west-2": "worse"})
    )
    state = {str(EAST): {"value": "bad"}}
    assert "have changed" in case.refused(lambda: case.signs("grace", state=state))


def test_other_evidence_than_was_approved_should_be_refused(case: Case) -> None:
    shown = ("2 of 194 items are corrupt",)
    assert "targets, state or evidence have changed" in case.refused(lambda: case.signs("grace", shown=shown))


def test_what_the_signature_does_not_cover_should_count_for_nothing(case: Case) -> None:
    def swaps() -> None:
        case.approves()
        ((_, document),) = case.left().items()
        for headers in document["requests"].values():
            names_ = headers["authorization"].replace(f";{DIGEST}", "")
            headers["authorization"] = names_
        case.leave(document)

    assert "expected a header that is signed" in case.refused(swaps)


# ── in a run ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_that_needs_one_should_act_only_after_both_have_said_yes(case: Case) -> None:
    run = case.run.run
    second = SECOND.model_copy(update={"steps": {run.plan: (case.step.key,)}})
    run.service = run.service.model_copy(update={"second_person": second})
    run.prompt._keyboard = lambda prompt: "MEND: in us-east-1, in us-west-2" if "Type" in prompt else "as agreed"
    case.run.preflight()
    with pytest.raises(Refused, match="nobody has approved it as a second person"):
        case.run.step(case.step)
    assert not run.history.has(Kind.INTENT, step=case.step) and case.things.acts == []
    run.prompt.announce = lambda text: void(case.approves())
    case.run.step(case.step)
    assert case.run.results[case.step.key].outcome is Outcome.DONE
    (asked,) = [line for line in run.history.lines(Kind.CONSENT, step=case.step) if line["n"] > 0][-1:]
    assert asked["by"] == names.OPERATOR, "the operator's own yes stands beside the proof"


def void(_: str) -> None:
    """What it returns nobody needs."""


def test_roles_that_let_anybody_choose_a_name_should_be_refused_by_the_preflight(case: Case) -> None:
    run = case.run.run
    assert roles_name_people(run, SECOND).answer == "yes"
    anybody = SECOND.model_copy(update={"role": ROLE.replace(names.APPROVER_ROLE, names.RECOVERY_ROLE)})
    told = roles_name_people(run, anybody)
    assert told.answer == "no" and "sts:RoleSessionName" in told.why
    run.know_person(person_of(f"arn:aws:sts::123456789012:assumed-role/{names.RECOVERY_ROLE}/me"))
    assert roles_name_people(run, SECOND).answer == "no", "the operator's own role, too"


def test_roles_that_cannot_be_read_should_be_told_and_stop_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """IAM's control plane stands in one region: just then that is away plan A is carried out."""

    def away(*given: object) -> Check:
        raise NoAnswer("iam get_role: ServiceUnavailable")

    run = case.run.run
    run.service = run.service.model_copy(
        update={"second_person": SECOND.model_copy(update={"steps": {case.run.plan.id: (case.step.key,)}})}
    )
    monkeypatch.setattr(preflight, "roles_name_people", away)
    (told,) = (each for each in preflight.findings(run, case.run.plan) if each.what == "second person")
    assert (told.check.answer, told.stops) == ("unknown", False)


def test_an_approval_should_hold_an_hour_at_most(case: Case) -> None:
    """Whoever asks for more with `drcore approve` gets an hour from the second in which it is signed."""
    whole = case.clock.now()
    case.clock.sleep(0.25)
    assert case.proved(lambda: case.approves(minutes=6000)).granted
    ((_, document),) = case.left().items()
    assert document["requests"]["us-west-2"][UNTIL] == iso(whole + timedelta(hours=1))
