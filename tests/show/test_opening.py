"""Before the first step a person sees where it acts, what was checked, and all steps in order."""

from __future__ import annotations

from typing import Any

from drcore import show
from tests.support import show_samples as sample
from tests.support.show_cards import BANNER


def test_production_should_be_unmistakable_without_colour() -> None:
    html, text = show.banner(**BANNER | {"production": True})
    assert "▲ PRODUCTION ▲" in html
    assert text.splitlines()[1].strip("#") == "  PRODUCTION  "
    safe_html, safe_text = show.banner(**BANNER)
    assert "STAGING, not production" in safe_html
    assert "STAGING, not production" in safe_text
    assert "PRODUCTION" not in safe_html + safe_text
    for each in (html, text, safe_html, safe_text, show.whereabouts(**_of_banner("production", "who"))):
        assert "123456789012" in each
        assert sample.WEST in each
        assert "role/runner" in each


def _of_banner(*names: str) -> dict[str, Any]:
    return {name: BANNER[name] for name in ("environment", "account", "regions", *names)}


def test_a_finding_that_stops_should_say_so() -> None:
    html, text = show.findings(sample.found(stops=True))
    assert text.startswith("✖ STOP  Preflight: 2 of 4 as expected. Nothing may be changed, because of: evidence store.")
    assert html.count("STOPS") == 1
    assert "does not stop the run" in html  # what is unknown, yet does not block
    assert show.findings(sample.found(stops=False))[1].startswith("✔ GO")


def test_the_way_should_show_every_step_in_order_before_any_was_carried_out() -> None:
    html, text = show.overview(sample.STEPS, {}, [sample.TELL.key])
    assert [line.split("  ")[1] for line in text.splitlines()[1:]] == ["not yet"] * 5
    places = [html.index(step.title) for step in sample.STEPS]
    assert places == sorted(places)
    assert html.count("POINT OF NO RETURN") == text.count("POINT OF NO RETURN") == 1
    for each in (html, text):
        assert each.count("asks for a typed phrase, then for a second person") == 1
        assert each.count("asks for a typed phrase") == 2
