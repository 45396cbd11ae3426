"""Every card made of hostile strings, which must stay text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from drcore import show
from drcore.engine.consent import ConsentAnswer
from drcore.engine.outcome import Outcome, StepName, Target, TargetResult, no
from drcore.engine.preflight import Finding
from drcore.record.evidence import Chart, Limit, Mark, Series, Table
from tests.support import show_samples as sample

EVIL = """<script>alert("1")</script>'"><img src=x onerror=alert(2)> class="dr-shout" $a_b$ $\\frac{$ -- ]]>"""
BANNER: dict[str, Any] = {
    "plan": sample.PLAN,
    "mode": "execute",
    "environment": "staging",
    "account": "123456789012",
    "regions": (sample.EAST, sample.WEST),
    "who": "arn:aws:iam::123456789012:role/runner",
    "run_id": "f-1",
    "production": False,
    "fault": "",
}
EVIL_STEP = replace(sample.POINT, name=StepName("evil", EVIL, EVIL), changes=EVIL)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """The elements of a card; fails when one is not closed."""
    parser = _Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.seen


def evil_result() -> Any:
    call = sample.call("UpdateAlias", EVIL, write=True, answer="", Name=EVIL)
    state = sample.Alias(EVIL, ((EVIL, 0.1),))
    several = (replace(state, provisioned=1), replace(state, provisioned=2))
    targets = (
        TargetResult(Target(EVIL, EVIL), Outcome.FAILED, EVIL, state, sample.Alias("1")),
        TargetResult(Target(sample.EAST), Outcome.WOULD, EVIL, state, state, calls=(call,)),
        TargetResult(Target(), Outcome.DONE, EVIL, {EVIL: several, **dict.fromkeys("abcdefghijklm", EVIL)}),
        TargetResult(Target(), Outcome.DONE, EVIL, {EVIL: several}, {EVIL: several[1:]}),
    )
    given = ConsentAnswer(True, EVIL, EVIL, EVIL)
    return replace(
        sample.done(), name=EVIL_STEP.name, targets=targets, given=given, calls=(call, replace(call, write=False))
    )


def evil_chart() -> Chart:
    series = (Series(EVIL, (sample.minute(0), sample.minute(1)), (1.0, 2.0), EVIL),)
    return Chart("evil", EVIL, EVIL, series, (Limit(EVIL, 1.5),), (Mark(EVIL, sample.minute(0.5)),))


ONE = evil_result()
CARDS: dict[str, Callable[[], tuple[str, str]]] = {
    "banner": lambda: show.banner(**BANNER | dict.fromkeys(("environment", "account", "who", "run_id", "fault"), EVIL)),
    "production": lambda: show.banner(**BANNER | {"production": True, "fault": EVIL, "regions": (EVIL,)}),
    "findings": lambda: show.findings([Finding(EVIL, no(EVIL))]),
    "overview": lambda: show.overview([EVIL_STEP, *sample.STEPS], {"evil": ONE}),
    "card": lambda: show.card(ONE, marks=(Mark(EVIL, sample.minute(1)),)),
    "table": lambda: show.table(Table(EVIL, EVIL, (EVIL, "n"), ((EVIL, 1),) * 30)),
    "verdict": lambda: show.verdict(replace(sample.judged(), why=EVIL, moments={EVIL: sample.minute(1)})),
    "back": lambda: show.back([(EVIL_STEP, ONE.targets[0])], note=EVIL),
    "record": lambda: show.record(EVIL, 3, EVIL),
    "note": lambda: show.note(EVIL),
}
