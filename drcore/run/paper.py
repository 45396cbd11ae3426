"""The card of a run: its plan for a shell, for when nothing else works."""

from __future__ import annotations

from typing import Any

from drcore import show
from drcore.engine.context import Run
from drcore.engine.prepare import place_of
from drcore.engine.step import Plan
from drcore.record.files import CARD, CARD_PAGE, write_atomically
from drcore.run.screen import Screen


def write_at_open(plan: Plan[Any], run: Run[Any, Any], screen: Screen) -> None:
    """Write it before anything is done, so that it is there when this run dies. A plan without one: nothing."""
    if plan.by_hand:
        card = show.paper_card(plan, place_of(plan, run.setting.service, run.setting.facts))
        _write(CARD, show.as_markdown(card), run, screen)
        _write(CARD_PAGE, show.as_html(card), run, screen)


def _write(name: str, text: str, run: Run[Any, Any], screen: Screen) -> None:
    write_atomically(run.folder / name, run.redact(screen.at_its_address(text)).encode())
    run.record.bind(name, title="the plan as shell commands")
