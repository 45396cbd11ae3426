"""A run to be shown: made-up results of a plan of five steps."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from drcore.calls.gate import Call
from drcore.engine.consent import Consent, ConsentAnswer
from drcore.engine.outcome import Check, Outcome, Seconds, StepName, StepResult, Target, TargetResult, no, unknown, yes
from drcore.engine.preflight import Finding
from drcore.engine.step import Plan, Reversibility, Settles, Step
from drcore.engine.verdict import Objective, Verdict, Word
from drcore.errors import Exit
from drcore.parameters import Model
from drcore.record.events import slug
from drcore.record.evidence import Chart, Limit, Mark, Series
from drcore.record.step_turns import StepTurn

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
EAST, WEST = "us-east-1", "us-west-2"


@dataclass(frozen=True, slots=True)
class Alias:
    """Where an alias points."""

    version: str
    weights: tuple[tuple[str, float], ...] = ()
    provisioned: int | None = None
    revision: str = field(default="r-1", compare=False)


class Nothing(Model):
    """No facts are needed to be shown."""


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def _look(run: Any, target: Target) -> Alias:
    return Alias("1")


def _expect(run: Any, target: Target, state: Alias) -> Check:
    return yes("so it is")


def _act(run: Any, target: Target, state: Alias) -> None:
    """Nothing is carried out here."""


def step(title: str, **others: Any) -> Step[Any, Any]:
    usual: dict[str, Any] = {"changes": "nothing", "look": _look, "expect": _expect}
    return Step(StepName(slug(title), title, "F.1"), **usual | others)


SEE = step("See what is live", gate=False, settles=Settles("detected"))
STOP = step(
    "Stop the release",
    changes="the pipeline's Deploy stage is closed in both regions",
    act=_act,
    undo=_act,
    consent=Consent.GO,
    reversibility=Reversibility.REVERSIBLE,
)
POINT = step(
    "Point live at the stable release",
    changes="alias live of 3 functions in 2 regions goes to 2026.01.1",
    act=_act,
    undo=_act,
    consent=Consent.TYPED,
    reversibility=Reversibility.REVERSIBLE,
)
TELL = step(
    "Tell the users",
    changes="an incident on the public status page",
    act=_act,
    consent=Consent.TYPED,
    reversibility=Reversibility.NO_RETURN,
)
HEALTHY = step("See users well again", settles=Settles("healthy"))
STEPS = (SEE, STOP, POINT, TELL, HEALTHY)

PLAN = Plan(
    id="f",
    title="Backend deployment rollback",
    notebook="f_backend_deployment_rollback.ipynb",
    steps=STEPS,
    goal=HEALTHY,
    facts=Nothing,
    incident=Nothing,
    faults=("bad-canary",),
    rto=lambda run: 1200,
)


def call(operation: str, region: str, *, write: bool, answer: str = "OK", **parameters: Any) -> Call:
    options = " ".join(f"--{name} '{value}'" for name, value in parameters.items())
    command = f"aws lambda {operation} --region {region} {options}".strip()
    return Call("lambda", operation, region, write, parameters=parameters, command=command, answer=answer)


def alias_of(function: str, version: str) -> dict[str, str]:
    return {"FunctionName": function, "Name": "live", "FunctionVersion": version, "RevisionId": "8f2e"}


def dated() -> tuple[Mark, ...]:
    """The moments; the return to health is known within a minute."""
    return tuple(Mark(name, at, minute(13.2) if name == "healthy" else None) for name, at in moments().items())


def turns() -> tuple[StepTurn, ...]:
    """The results as a journal tells of them; the first step was carried out once more, after a restart."""
    told = [
        StepTurn(key, result.name.title, result.outcome, {"outcome": result.outcome, "word": result.word},
            result.began, result.ended, asdict(result.seconds))
        for key, result in results().items()
    ]  # fmt: skip
    return (*told, replace(told[0], began=minute(20), ended=minute(20.1), seconds=asdict(Seconds(6, 0, 0))))


def done() -> StepResult:
    update = [call("UpdateAlias", region, write=True, **alias_of("syncwell-api", "41")) for region in (EAST, WEST)]
    look = [call("GetAlias", region, write=False, FunctionName="syncwell-api", Name="live") for region in (EAST, WEST)]
    after = Alias("41", provisioned=10, revision="r-3")
    targets = (
        TargetResult(
            Target(EAST, "syncwell-api"),
            Outcome.DONE,
            "live names 41, the version of 2026.01.1, and takes all traffic",
            Alias("42", (("43", 0.1),), 10),
            after,
            minute(12.5),
        ),
        TargetResult(
            Target(WEST, "syncwell-api"), Outcome.ALREADY, "live names 37", Alias("37"), Alias("37"), minute(12)
        ),
    )
    return StepResult(
        POINT.name,
        targets,
        minute(12),
        minute(13.4),
        Seconds(machine=2.1, human=51.9, cloud=30),
        ConsentAnswer(True, "ana", "keyboard", "the canary breaks previews"),
        (*look, *update, *look, *look),
    )


def rehearsed() -> StepResult:
    stopped = call("UpdateAlias", EAST, write=True, answer="", **alias_of("syncwell-api", "41"))
    state = Alias("42", (("43", 0.1),))
    targets = (
        TargetResult(Target(EAST, "syncwell-api"), Outcome.WOULD, f"WOULD {stopped}", state, state, calls=(stopped,)),
        TargetResult(
            Target(WEST, "syncwell-api"),
            Outcome.SKIPPED,
            "after Stop the release, which was not done in this rehearsal",
        ),
    )
    read = call("GetAlias", EAST, write=False, FunctionName="syncwell-api", Name="live")
    return StepResult(POINT.name, targets, minute(5), minute(5.01), Seconds(machine=0.6), None, (read,))


def failed() -> StepResult:
    targets = (
        TargetResult(
            Target(EAST, "syncwell-worker"),
            Outcome.FAILED,
            "expected version 29 with all traffic, seen 30 after 60 s",
            Alias("30"),
            Alias("30", (("29", 0.5),)),
        ),
        TargetResult(
            Target(WEST, "syncwell-worker"), Outcome.UNKNOWN, "lambda get_alias in us-west-2: ReadTimeoutError"
        ),
    )
    return StepResult(POINT.name, targets, minute(3), minute(4.2), Seconds(machine=12, cloud=60))


def looked() -> StepResult:
    target = TargetResult(
        Target(), Outcome.ALREADY, "5xx 0.2 %, p99 310 ms for 5 min", Alias("41"), Alias("41"), minute(19)
    )
    return StepResult(HEALTHY.name, (target,), minute(14), minute(19.2), Seconds(machine=1.2, cloud=310))


def results() -> dict[str, StepResult]:
    seen = TargetResult(Target(EAST), Outcome.DONE, "2026.01.2 takes 10 %", Alias("41"), Alias("41"), minute(3))
    stop = TargetResult(Target(EAST, "syncwell-backend"), Outcome.DONE, "closed", Alias("1"), Alias("2"), minute(8))
    listed = [
        StepResult(SEE.name, (seen,), minute(2), minute(3.1), Seconds(machine=3, cloud=63)),
        StepResult(
            STOP.name,
            (stop,),
            minute(4),
            minute(8.2),
            Seconds(machine=4, human=240, cloud=8),
            ConsentAnswer(True, "ana", "keyboard"),
        ),
        done(),
        looked(),
    ]
    return {result.name.key: result for result in listed}


def moments() -> dict[str, datetime]:
    named = {"fault": 0.5, "detected": 3, "decided": 8, "acted": 12.9, "healthy": 14.2}
    return {name: minute(number) for name, number in named.items()}


def found(*, stops: bool) -> list[Finding]:
    return [
        Finding("identity", yes("arn:aws:sts::123456789012:assumed-role/drcore-runner/ana in account 123456789012")),
        Finding("runner's region", yes("us-west-2")),
        Finding("region us-east-1", unknown("sts get_caller_identity in us-east-1: ConnectTimeoutError"), blocks=False),
        Finding("evidence store", no("no Object Lock: a record in it could be changed") if stops else yes("locked")),
    ]


def judged(word: Word = Word.REACHED, measured: float | None = 822) -> Verdict:
    why = "5xx 0.2 %, p99 310 ms for 5 min" if word is Word.REACHED else "the goal was reached, a target was not met"
    end = Exit.REACHED if word is Word.REACHED else Exit.MISSED
    seconds = Seconds(machine=10.3, human=291.9, cloud=411)
    return Verdict(word, why, Objective(1200, measured), Objective(None, None), seconds, moments(), end)


def chart(*, gap: bool = True, panels: tuple[str, ...] = (EAST, WEST)) -> Chart:
    times = tuple(minute(number) for number in range(-10, 21))

    def values(peak: float, back_at: int, shift: float) -> tuple[float | None, ...]:
        def one(index: int) -> float | None:
            number = index - 10
            if gap and 6 <= number <= 8:
                return None
            wave = 0.15 + 0.1 * math.sin(index * 1.7 + shift)
            return wave + peak if 1 <= number < back_at else wave

        return tuple(one(index) for index in range(len(times)))

    series = tuple(
        Series(label, times, values(peak, 13, shift), panel)
        for panel in panels
        for label, peak, shift in (
            ("syncwell-api", 7.5, 0.0),
            ("syncwell-worker", 1.4, 1.0),
            ("syncwell-webhook", 0.0, 2.0),
        )
    )
    marks = dated()
    title = "Errors went above the threshold with the canary and came back below it once live named the stable release"
    return Chart("error-rate", title, "errors, %", series, (Limit("alarm above 1 %", 1.0),), marks)
