"""A probe of an account: consent, questions, answers, what is left of the resources that were made for them."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drcore.clock import WallClock, iso
from drcore.engine.consent import from_keyboard
from drcore.engine.context import login
from drcore.errors import Exit, Refused, Rejected, Unknown
from drcore.parameters import Service
from drcore.probe.account_questions import METRIC_DELAY
from drcore.probe.answers import ANSWERS, Agreement, AwsAnswer, fixture
from drcore.probe.own import PREFIX, resources_of_probes
from drcore.probe.question import AwsQuestion, Value
from drcore.probe.session import Leftovers, ProbeSession
from drcore.record.events import Kind

CLEAN = "clean"  # the word that is typed, or given by --yes, for removing what was left

Ask = Callable[[str], str | None]
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of a probe: answers, where its record is, what is left in the account."""

    record: Path
    answered: tuple[AwsAnswer, ...] = ()
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    refused: tuple[str, ...] = field(default=())
    parameters: Mapping[str, float] = field(default_factory=dict)
    """What is to be set in the environment's service.yaml, by what the account has answered."""

    @property
    def exit(self) -> Exit:
        """5 where something is left, 1 where an answer differs or is not known, 3 where something was not consented."""
        words = {each.word for each in self.answered}
        if self.left:
            return Exit.ROLLBACK_FAILED
        if words & {Agreement.DIFFERS, Agreement.UNKNOWN}:
            return Exit.MISSED
        return Exit.REFUSED if Agreement.NOT_ASKED in words or self.refused else Exit.REACHED

    def as_data(self) -> dict[str, object]:
        """For a program."""
        return {
            "record": str(self.record),
            "answers": [each.as_data() for each in self.answered],
            "removed": list(self.removed),
            "left": list(self.left),
            "parameters": dict(self.parameters),
            "exit": int(self.exit),
        }


class AccountProbe:
    """One probe. Opens a record of its own, which `drcore verify PATH` proves, below `records`/probes."""

    def __init__(
        self,
        service: Service,
        records: Path,
        *,
        approved: Sequence[str] = (),
        keyboard: Ask = from_keyboard,
        say: Say = lambda text: None,
    ) -> None:
        self._service, self._approved, self._keyboard, self._say = service, approved, keyboard, say
        self.id = f"probe-{service.environment}-{WallClock().now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.folder = records / "probes" / self.id
        self.folder.mkdir(parents=True)
        self.session = ProbeSession(service, self.folder, self.id)

    def ask(self, questions: Sequence[AwsQuestion]) -> Probed:
        """Ask, one after the other; a question that has no consent is passed over.

        Raises Refused, before anything is touched, for another account than the one in the parameters, and for
        questions that change something in production.
        """
        writing = [each.key for each in questions if each.writes]
        if self._service.production and writing:
            raise Refused(f"production is asked no question that changes anything: {', '.join(writing)}")
        self._open()
        answered, left = [], list[str]()
        for question in questions:
            try:
                answered.append(self._answered(question))
            except Leftovers as error:
                left.append(str(error))
                answered.append(AwsAnswer(question, None, f"what it made is left: {error}"))
            self._note(answered[-1])
        about = {
            "environment": self._service.environment,
            "account": self._service.account,
            "region": self._service.runner_region,
            "asked_at": iso(self.session.clock.now()),
        }
        self.session.record.add_evidence(ANSWERS, fixture(answered, about), title="What the account has answered")
        self._close()
        parameters = parameters_to_set(answered, self._service)
        return Probed(self.folder, tuple(answered), left=tuple(left), parameters=parameters)

    def clean(self) -> Probed:
        """Remove all that any probe has left in the account, by its name. Raises Refused in production, Unknown."""
        if self._service.production:
            raise Refused("nothing is removed in production, where no probe has made anything. Nothing was touched.")
        self._open()
        asking = self.session
        resources = list(resources_of_probes(asking.aws, self._service.regions))
        listed = [f"{kind.name} {name} in {region}" for kind, region, name in resources]
        for name in listed:
            self._say(f"left by a probe: {name}")
        removed, left, refused = list[str](), list[str](), tuple[str, ...]()
        if resources and not self._consents(CLEAN, f"{len(resources)} resources named {PREFIX}* are deleted for good"):
            refused, left = (CLEAN,), listed
        else:
            with asking.asked(writes=True):
                for (kind, region, name), what in zip(resources, listed, strict=True):
                    try:
                        asking.remove(kind, region, name)
                        removed.append(what)
                    except (Rejected, Unknown) as error:
                        left.append(f"{what}: {error}")
        self._close()
        return Probed(self.folder, (), tuple(removed), () if refused else tuple(left), refused)

    def _open(self) -> None:
        asking = self.session
        asking.record.append(Kind.OPENED, run_id=self.id, plan="probe", environment=self._service.environment)
        identity = asking.aws.call("sts", asking.region, "get_caller_identity")
        if identity["Account"] != self._service.account:
            self._close()
            raise Refused(
                f"expected account {self._service.account}, seen {identity['Account']} as {identity['Arn']}. "
                "Nothing was touched."
            )

    def _close(self) -> None:
        self.session.record.append(Kind.CLOSED)
        self.session.record.seal()
        self.session.record.close()

    def _answered(self, question: AwsQuestion) -> AwsAnswer:
        if question.writes:
            text = f"{question.changes}. Cost: {question.cost}. Undo: {question.undo}. Takes {question.takes}."
            if not self._consents(question.key, text):
                return AwsAnswer(question, None, "nobody has consented", asked=False)
        self._say(f"asking {question.key} ({question.takes}) …")
        with self.session.asked(writes=question.writes):
            return AwsAnswer(question, *_answer(question, self.session))

    def _consents(self, key: str, text: str) -> bool:
        if key in self._approved:
            granted, how = True, f"--yes {key}"
        else:
            where = f"{self._service.environment}, account {self._service.account}, {self._service.runner_region}"
            typed = self._keyboard(f"{where}\n{key}: {text}\nType {key!r} to go on, anything else to pass over: ")
            granted, how = (typed or "").strip() == key, "there is no keyboard" if typed is None else "keyboard"
        self.session.record.append(Kind.CONSENT, key=key, granted=granted, by=login(), how=how)
        return granted

    def _note(self, answered: AwsAnswer) -> None:
        data = answered.as_data()
        self.session.record.append(Kind.QUESTION, told=data)
        self._say(f"{answered.word:<11} {answered.question.key}: {answered.why or answered.value}")


def parameters_to_set(answered: Sequence[AwsAnswer], service: Service) -> dict[str, float]:
    """What service.yaml has too small for an account that answers so; a whole minute is the next larger step."""
    late = next((each.value for each in answered if each.question.key == METRIC_DELAY), None)
    if not isinstance(late, float) or late <= service.metric_delay_s:
        return {}
    return {"metric_delay_s": 60.0 * math.ceil(late / 60)}


def _answer(question: AwsQuestion, asking: ProbeSession) -> tuple[Value | None, str]:
    try:
        return question.ask(asking), ""
    except (Unknown, Rejected) as error:
        return None, str(error)
