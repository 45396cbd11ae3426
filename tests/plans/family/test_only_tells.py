"""What only tells stops no recovery: whatever becomes of a page, a message, a read of who did it, users get well.

Each step that only tells meets each way in which telling fails for good; as a rule each step meets one of them, all of
a plan in one drill. In `make proof` each meets all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drcore.engine.loop import run_step
from drcore.engine.outcome import Outcome, StepResult
from drcore.engine.step import Plan, Step
from drcore.engine.verdict import Word
from drcore.errors import Exit
from drcore.run.runbook import Runbook
from tests.support.drills import Drills
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import PLANS, SHORT, Scene, Stage, carry_out, ended, lines, proven, scene_of, staged
from tests.support.troubled import FEWER

WAYS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "it is denied": ("access-denied", {}),
    "420": ("odd-answer", {"status": 420, "body": "object"}),
    "429 with Retry-After": ("odd-answer", {"status": 429, "body": "object", "retry_after": 2}),
    "429 without": ("odd-answer", {"status": 429, "body": "object"}),
    "429, to come back in an hour": ("odd-answer", {"status": 429, "body": "object", "retry_after": 3600}),
    "500": ("odd-answer", {"status": 500, "body": "html"}),
    "a page of a proxy": ("odd-answer", {"status": 200, "body": "html"}),
    "an object": ("odd-answer", {"status": 200, "body": "object"}),
    "a list of something else": ("odd-answer", {"status": 200, "body": "list"}),
    "silence": ("latency", {"seconds": 10}),
}


def telling(plan: Plan[Any]) -> list[Step[Any, Any]]:
    """But for the question who has acknowledged: it calls nobody; tests/plans/shared/test_acknowledge.py asks it."""
    return [step for step in plan.steps if step.only_tells and not step.unanswered]


def turns(plan: Plan[Any]) -> list[int]:
    return list(range(len(WAYS))) if EXHAUSTIVE else [PLANS.index(plan)]


TURNS = [(plan, turn) for plan in PLANS if telling(plan) for turn in turns(plan)]


@dataclass(frozen=True)
class Mute:
    """Puts a trouble on the calls of each step that only tells, for as long as that step is carried out."""

    stage: Stage
    troubles: Mapping[str, tuple[str, Mapping[str, object]]]  # by the step's key
    calls: Mapping[str, Sequence[Mapping[str, str]]]

    @contextmanager
    def during(self, step: Step[Any, Any]) -> Iterator[None]:
        name, options = self.troubles.get(step.key, ("", {}))
        for scope in self.calls[step.key] if name else ():
            self.stage.fault(name, **scope, **options)
        try:
            yield
        finally:
            if name:
                self.stage.mend(name)

    def put_on(self, patch: pytest.MonkeyPatch) -> None:
        def carried(run: Any, step: Step[Any, Any], **how: Any) -> StepResult:
            with self.during(step):
                return run_step(run, step, **how)

        patch.setattr(sys.modules[Runbook.__module__], "run_step", carried)


def calls_of(run: Runbook, step: Step[Any, Any]) -> list[dict[str, str]]:
    """Which calls a step makes where all is well, as faults name them.

    But for those that the recovery needs as well: the lock's, and STS's, which gives the runner's role.
    """
    calls = run.results[step.key].calls
    if any("/statuspage/" in str(call.parameters.get("url")) for call in calls):
        return [{"service": "statuspage"}]
    made = {(call.service, call.operation) for call in calls if call.service not in ("s3", "sts", "dns", "http")}
    assert made, f"{step.title} asks nobody"
    return [{"service": service, "operation": operation} for service, operation in sorted(made)]


@pytest.mark.parametrize(("plan", "turn"), TURNS, ids=[f"{plan.id}-{turn}" for plan, turn in TURNS])
def test_what_cannot_be_told_stops_no_recovery_and_is_told_when_the_run_is_resumed(
    drilled: Drills, tmp_path: Path, plan: Plan[Any], turn: int
) -> None:
    scene, ways = scene_of(plan), list(WAYS)
    well = drilled(scene).run
    # What is not to be told in this scene even where all answer is no telling that could be missing.
    steps = [step for step in telling(plan) if well.results[step.key].outcome is not Outcome.SKIPPED]
    met = {step.key: ways[(turn + number) % len(ways)] for number, step in enumerate(steps)}
    with staged(tmp_path) as stage:
        run = stage.open(stage.prepare(scene, facts=SHORT, options=FEWER.get(plan.id)))
        mute = Mute(stage, {key: WAYS[way] for key, way in met.items()}, {s.key: calls_of(well, s) for s in steps})
        with pytest.MonkeyPatch.context() as patch:
            mute.put_on(patch)
            assert carry_out(run) is None, "the plan goes on to its end"

        assert run.verdict and run.verdict.word is Word.REACHED, run.verdict
        assert ended(run).exit == Exit.MISSED
        told = ended(run).as_data()["untold"]
        assert len(told) == len(steps) and all(map(str.startswith, told, (f"{s.title}: " for s in steps))), told
        for step in plan.steps:
            if step in steps:
                bad = run.results[step.key]
                assert bad.outcome in (Outcome.FAILED, Outcome.UNKNOWN), f"{met[step.key]}: {bad.why}"
            elif step.act and not step.only_tells:  # who was not paged has nothing to acknowledge yet
                assert run.results[step.key].outcome is well.results[step.key].outcome, step.title
        proven(run)

        stage.effects.clear()
        again = stage.again(run)
        assert carry_out(again) is None
        assert again.verdict and again.verdict.word is Word.REACHED and not again.verdict.untold
        assert ended(again).exit == Exit.REACHED
        others = {each.call.partition(":")[0] for each in stage.effects} - {"s3"}
        assert others == {"sns", "statuspage"}, "no lever is pulled again"
        proven(again)


def test_what_passes_is_told_late_and_in_order(tmp_path: Path) -> None:
    """A page that is busy until users are well: the message of the beginning, then that of the end, each once."""
    plan = next(plan for plan in PLANS if plan.id == "f")
    with staged(tmp_path) as stage:
        run = stage.open(stage.prepare(Scene(plan, "bad-release"), facts=SHORT))
        run.preflight()
        stage.fault("odd-answer", service="statuspage", status=503)
        for step in plan.steps:
            if step.key == "verify":
                stage.mend("odd-answer")
            run.step(step)
        run.verify()
        assert run.verdict and run.verdict.word is Word.REACHED and not run.verdict.untold
        posts = [each for each in stage.effects if each.call.startswith("statuspage")]
        assert [each.call for each in posts] == ["statuspage:create_incident", "statuspage:update_incident"]
        assert [
            line["outcome"] for line in lines(run, "step-ended") if line["key"] == "tell-users-that-we-investigate"
        ] == [
            "UNKNOWN",
            "DONE",
        ]
