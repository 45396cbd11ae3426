"""At the end what was measured is held against its target, and what was not measured is neither met nor missed."""

from __future__ import annotations

from dataclasses import replace

from drcore import show
from drcore.engine.verdict import Objective, Word
from tests.support import show_samples as sample


def test_a_verdict_should_measure_against_its_target() -> None:
    assert "13 min 42 s of 20 min: met" in show.verdict(sample.judged())[1]
    html, text = show.verdict(sample.judged(Word.TARGET_MISSED, 1502))
    assert text.startswith("✖ TARGET MISSED")
    assert "25 min 2 s of 20 min: MISSED by 5 min 2 s" in text
    assert "MISSED by" in html


def test_what_was_not_measured_should_be_neither_met_nor_missed() -> None:
    judged = replace(sample.judged(Word.COULD_RUN), rto=Objective(1200, None), moments={})
    html, text = show.verdict(judged)
    assert "RTO  not measured; the target is 20 min" in text
    assert "met" not in text.replace("not met", "")
    assert "not measured; the target is 20 min" in html


def test_a_verdict_should_tell_the_seconds_between_moments() -> None:
    _, text = show.verdict(sample.judged())
    assert "detected  09:03:00  2 min 30 s after fault" in text
    assert "healthy   09:14:12  1 min 18 s after acted" in text
