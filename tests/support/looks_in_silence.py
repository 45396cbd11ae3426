"""Which looks may say something where nobody answers, or where every list is empty; any other must say UNKNOWN.

Written by hand: of a plan in the first of its faults, rehearsed. What is not here asks somebody, and believes nothing
that it was not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from drcore.engine.looks import Looks
from drcore.engine.outcome import Answer, Target
from drcore.run.runbook import Runbook
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import Stage

# By what this run itself has seen, decided or done, or by what a person says. Plan A also by what it measures from
# outside (probes, DNS), and where a lever cannot be read the next one is pulled.
BY_THE_RUN = {
    "a": {
        *("detect", "confirm-the-failed-region", "notify-on-call", "acknowledge", "health-checks", "confirm-failover"),
        *("pull-the-levers", "routing-control-out", "await-recovery"),
    },
    "b": {
        *("notify-on-call", "acknowledge", "decide", "change-the-inference-component", "rotate-the-key"),
        *("reorder-the-gateway", "ask-for-quota"),
    },
    "c": {
        *("notify-on-call", "acknowledge", "submit-to-app-store", "wait-for-the-reviews", "postmortem"),
        *("take-the-app-off-sale", "put-the-app-back-on-sale"),  # no territory is named
    },
    "d": {"notify-on-call", "acknowledge", "decide", "let-the-integration-in", "drain-the-backlog"},
    "e": {"acknowledge", "draft-the-reports", "postmortem"},
    "f": {"notify-on-call", "acknowledge", "confirm-that-it-is-gone"},
    "g": {
        "notify-on-call",
        "acknowledge",
        "halt",
        "decide-on-jobs",
        "postmortem",
    },  # numbers not known: a person decides
}
# An empty list of AWS is an answer here. A page of vendors is none of AWS's, and says what this run has posted.
EMPTY_IS_AN_ANSWER = {
    "a": {"tell-users-what-we-know", "tell-users-that-it-is-resolved"},
    "b": {"tell-users-that-ai-features-have-issues", "tell-users-that-it-is-resolved", "close"},
    "c": {"verify", "tell-users-that-it-is-resolved", "close"},
    "d": {"clear-the-way", "tell-users-that-it-is-resolved"},  # no deployment runs
    "e": {
        *("regions-in-reach", "promote-the-replicas"),  # every region has answered
        *("tell-users-to-sign-in-again", "tell-users-what-happened", "close"),
    },
    "f": {
        *("tell-users-that-we-investigate", "tell-users-that-it-is-resolved"),
        *("stop-the-running-deployment", "stop-what-deploys-again"),  # none runs
    },
    "g": {
        *("tell-users-restored", "close"),
        *("stop-functions", "restore-provisioned-concurrency"),  # a function to which none is provisioned
    },
}
_SILENT: dict[str, dict[str, object]] = {"odd-answer": {"status": 200, "body": "html"}}
_SILENT |= {"dropped-connection": {}} if EXHAUSTIVE else {}


def believed(stage: Stage, run: Runbook) -> tuple[set[str], set[str]]:
    """The steps that say anything but UNKNOWN where nobody answers; those that say yes where every list is empty."""
    targets = {step.key: tuple(step.targets(run.run)) for step in run.plan.steps}
    in_silence: set[str] = set()
    for fault, options in _SILENT.items():
        stage.fault(fault, **options)
        in_silence |= set(_saying(run, targets, lambda answer: answer is not Answer.UNKNOWN))
        stage.mend(fault)
    with _empty_lists(run):
        return in_silence, set(_saying(run, targets, lambda answer: answer is Answer.YES))


def _saying(run: Runbook, targets: dict[str, tuple[Target, ...]], wanted: Callable[[Answer], bool]) -> Iterator[str]:
    for step in run.plan.steps:
        for target in targets[step.key]:
            looks = Looks(run.run, step, target)
            looks.look()
            if wanted(looks.check.answer):
                yield step.key


@contextmanager
def _empty_lists(run: Runbook) -> Iterator[None]:
    """AWS answers, with an id and nothing else."""

    def empty(parsed: dict[str, Any], **_: Any) -> None:
        for name in set(parsed) - {"ResponseMetadata"}:
            del parsed[name]

    aws = run.run.aws
    clients = [each._clients for each in (aws, *aws._others.values())]
    aws.session.events.register("after-call", empty)
    for each in clients:
        each.clear()  # a client takes over what is registered when it is made
    try:
        yield
    finally:
        aws.session.events.unregister("after-call", empty)
        for each in clients:
            each.clear()
