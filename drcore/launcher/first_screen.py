"""A run in short, read from its journal: what its page begins with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drcore.clock import parse_time
from drcore.engine.step import Plan
from drcore.headless.first_screen import FirstScreen, Said
from drcore.launcher.result import RunResult
from drcore.record.events import Kind
from drcore.record.files import EVIDENCE
from drcore.record.history import History
from drcore.record.run_parameters import RunParameters

_TOLD = ("none needed",)  # consents that nobody has given


def first_screen(
    plan: Plan[Any], setting: RunParameters, folder: Path, history: History, result: RunResult
) -> FirstScreen:
    """The first screen of a run."""
    service = setting.service
    fault = f", fault {setting.fault['name']}" if setting.fault else ""
    facts: tuple[tuple[str, str], ...] = (
        ("Plan", f"{plan.id.upper()}, {plan.title}"),
        ("Run", setting.run_id),
        ("Environment", f"{service.environment}, account {service.account}, {', '.join(service.regions)}"),
        ("Mode", f"{setting.mode}{fault}"),
        ("Run by", result.by or "not known: the preflight was not passed"),
    )
    moments = sorted(history.moments().items(), key=lambda row: row[1])
    dates = sorted({f"{at:%Y-%m-%d}" for _, at in moments})
    facts += (("Date", f"{', '.join(dates)}, UTC"),) if dates else ()
    picture = folder / EVIDENCE / "timeline.png"
    chart = (picture, "The steps of this run, one bar each; the numbers are in evidence/timeline.csv")
    return FirstScreen(
        setting.run_id,
        facts,
        result.remarks,
        tuple((name, f"{at:%H:%M:%S}") for name, at in moments),
        tuple(_people(history)),
        chart,
    )


def _people(history: History) -> Iterator[Said]:
    """The decisions and the yeses that somebody gave, oldest first; what needed none is left out."""
    choices = {line["step"]: line["choice"] for line in history.lines(Kind.DECISION)}
    for line in history.lines(Kind.CONSENT):
        if line["how"] in _TOLD:
            continue
        what = choices.get(line["step"], "") or line["phrase"]
        text = what if line["granted"] else f"no to: {what}"
        why = line["reason"] or line["how"]
        yield Said(f"{parse_time(line['time']):%H:%M:%S}", line["by"] or "nobody", f"{line['step']}: {text}", why)
