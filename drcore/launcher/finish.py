"""The end of a record: its page, its seal, its copy in the archive."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from drcore.clock import Clock, WallClock, clock_at
from drcore.engine.step import Plan
from drcore.errors import DrcoreError, RunnerFailed, Unknown
from drcore.headless import page
from drcore.headless.execution import FULL, Ending, Execution
from drcore.launcher import world as worlds
from drcore.launcher.first_screen import first_screen
from drcore.launcher.result import RunResult, result_from_journal
from drcore.parameters import Mode, Service, at_world
from drcore.record.events import Kind, read_events
from drcore.record.files import NOTEBOOK, PAGE, PARAMETERS
from drcore.record.history import History
from drcore.record.journal import Record
from drcore.record.redact import Redactor
from drcore.record.run_parameters import RunParameters


def finish(
    plan: Plan[Any],
    setting: RunParameters,
    folder: Path,
    execution: Execution | None,
    redact: Redactor,
    began: int,
    say: Callable[[str], None],
    stopped_by: int = signal.SIGINT,
) -> RunResult:
    """Bind the notebook and its page into the record, seal and archive it, end the world, and say how it went.

    `execution` is None where a person has run the notebook; `began` is the number of journal lines before this time,
    `stopped_by` the signal that result a run of theirs which was not closed.
    """
    service = at_world(setting.service, (setting.world or {}).get("address"))
    result = result_from_journal(read_events(folder)[began:], folder, setting, execution, stopped_by)
    record = _open(folder, service, redact)
    try:
        if execution and execution.ending is not Ending.COMPLETED:
            record.append(
                Kind.RUNNER,
                ending=execution.ending,
                detail=execution.detail,
                cell=execution.cell,
                exit=int(result.exit),
            )
        if not History(record.events).has(Kind.FILE):  # no cell has opened the run
            record.bind(PARAMETERS, title="what this run was started with")
        if (folder / NOTEBOOK).exists():
            say("writing the page")
            untold = f" Still to be told: {'; '.join(result.untold)}." if result.untold else ""
            stands = f" Stands still: {'; '.join(result.stands)}." if result.stands else ""
            go_on = f" Go on, or bring it back: drcore resume {setting.run_id}." if result.unfinished else ""
            text = f"{result.word.upper()} (exit {int(result.exit)}). {result.why}{untold}{stands}{go_on}"
            summary = (text, _objectives(result))
            first = first_screen(plan, setting, folder, History(record.events), result)
            title = f"{plan.title}: {setting.run_id}"
            page.write_page(folder / NOTEBOOK, folder / PAGE, title=title, redact=redact, verdict=summary, first=first)
            record.bind(NOTEBOOK, title="the executed notebook")
            record.bind(PAGE, title="the executed notebook as a page")
        keeps = setting.mode is not Mode.REHEARSE
        if keeps:
            record.append(Kind.ARCHIVING, bucket=service.evidence.buckets[service.runner_region])
        record.seal()
    except OSError as error:
        reason = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        space = "free some space, then " if error.errno in FULL else ""
        raise RunnerFailed(
            f"the record in {folder} could not be finished: {reason}. It is true as far as it goes. To go on, {space}"
            f"drcore resume {folder.name}"
        ) from error
    finally:
        record.close()
    archived = _archive(folder, service, say) if keeps else ""
    kept = ""
    if setting.world:
        running = worlds.Running(**setting.world)
        if not result.unfinished:
            worlds.end(service, running)
        elif running.pid is not None:
            ends = WallClock().now() + timedelta(seconds=worlds.KEPT_S)
            kept = f"kept for {worlds.KEPT_S / 60:g} min, until {ends:%H:%M:%S} UTC of this machine"
    return replace(result, kept=kept, archived=archived, page=folder / PAGE if (folder / PAGE).exists() else None)


def _open(folder: Path, service: Service, redact: Redactor) -> Record:
    clock: Clock = clock_at(service.clock)
    try:
        clock.now()
    except Unknown:
        clock = WallClock()  # the environment's own time is gone; a later time is better than none
    return Record(folder, clock, redact)


def _objectives(result: RunResult) -> str:
    return " ".join([_objective("RTO", result.rto or {}), *([_objective("RPO", result.rpo)] if result.rpo else [])])


def _objective(name: str, fields: Mapping[str, Any]) -> str:
    target, measured = fields.get("target_s"), fields.get("measured_s")
    wanted = f"target {target:g} s" if target else "no target"
    seconds = "not measured" if measured is None else f"{measured:.0f} s" if measured >= 10 else f"{measured:.1f} s"
    least = fields.get("least_s")
    seconds = seconds if least is None else f"{least:.0f} to {seconds}"
    return f"{name} {seconds}, {wanted}."


def _archive(folder: Path, service: Service, say: Callable[[str], None]) -> str:
    from drcore.archive.store import archive

    try:
        say("archiving the record")
        return archive(folder, service)
    except DrcoreError as error:
        say(f"not archived yet, the record lies here only: {error}")
        return ""
