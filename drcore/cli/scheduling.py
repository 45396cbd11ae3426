"""The command that says what is due; what runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from drcore.cli.app import app, guarded
from drcore.cli.options import RECORDS, AsJson, Environment, Records, RunOptions
from drcore.errors import BadInput, Exit

if TYPE_CHECKING:
    from drcore.schedule.due import Scheduled


@app.command()
def schedule(
    environment: Environment = "sandbox",
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="Only rehearse, or only drill.")] = "",
    ical: Annotated[
        Path | None, typer.Option("--ical", metavar="FILE", help="Write the dates ahead for a calendar.")
    ] = None,
    records: Records = RECORDS,
    as_json: AsJson = False,
) -> None:
    """Say what is due in an environment: by the calendar, or because of what has changed since it was last run well.

    How often is said by `exercises` in the environment's service.yaml. What was changed is a plan, its parameters, the
    policy that IAM must grant, the lock file. To run what is due: drcore drill --due, drcore rehearse --due.

    Exit codes: 0 nothing is due. 1 something is due, or overdue. 2 bad input.
    """

    def go() -> list[Scheduled]:
        from drcore.clock import WallClock
        from drcore.record.files import write_atomically
        from drcore.schedule.dates import as_calendar

        exercises = _scheduled(environment, records, mode=mode)
        if ical:
            if not ical.absolute().parent.is_dir():
                raise BadInput(f"--ical: expected a file in a folder that there is, seen {ical}")
            write_atomically(ical, as_calendar(exercises, WallClock().now()))
        _show(exercises, environment, as_json=as_json)
        return exercises

    exercises = guarded(go, as_json)
    due = any(each.is_due for each in exercises)
    if as_json:
        typer.echo(
            json.dumps({"environment": environment, "due": due, "exercises": [each.as_data() for each in exercises]})
        )
    raise typer.Exit(Exit.MISSED if due else Exit.REACHED)


def run_due(options: RunOptions, mode: str) -> NoReturn:
    """Run what is due in a mode, one after the other, and say how each ended."""

    def go() -> NoReturn:
        from drcore.cli.progress import Progress
        from drcore.launcher import start
        from drcore.launcher.request import RunRequest
        from drcore.launcher.result import RunResult
        from drcore.schedule.run_due import exit_of, only_one, run_all

        given = {
            "--fault": options.fault,
            "--seed": options.seed,
            "-p": options.parameters,
            "--approvals": options.approvals,
            "--world": options.world,
        }
        if wrong := [name for name, value in given.items() if value]:
            raise BadInput(f"--due: expected none of {', '.join(given)} with it, seen {', '.join(wrong)}")

        def run(request: RunRequest) -> RunResult:
            with Progress() as progress:
                progress.say(f"plan {request.plan.upper()}: {request.mode} in {request.environment}")
                return start.start(request, progress.cell, progress.say)

        _scheduled(options.environment, options.records, mode=mode, plan=options.plan)  # bad input touches nothing
        with only_one(options.records):
            exercises = _scheduled(options.environment, options.records, mode=mode, plan=options.plan)
            done = run_all([each for each in exercises if each.is_due], options.records, run)
        stream = sys.stderr if options.as_json else sys.stdout
        for drill in done:
            word = drill.result.word if drill.result else "not begun"
            where = drill.result.folder if drill.result else "no record"
            text = f"plan {drill.exercise.plan.upper()}  {word} (exit {drill.exit})  {where}"
            typer.echo(text if drill.exit == Exit.REACHED else f"{text}\n        {drill.why}", file=stream)
        if not done:
            typer.echo(f"Nothing is due: {mode} in {options.environment}", file=stream)
        end = exit_of(done)
        if options.as_json:
            rows = [
                each.exercise.as_data() | {"exit": each.exit, "run": each.result.as_data() if each.result else None}
                for each in done
            ]
            typer.echo(json.dumps({"ran": rows, "exit": end}))
        raise typer.Exit(end)

    guarded(go, options.as_json)
    raise AssertionError


def _scheduled(environment: str, records: Path, *, mode: str, plan: str = "") -> list[Scheduled]:
    from drcore.clock import WallClock
    from drcore.engine.prepare import HOME
    from drcore.parameters import Service, read
    from drcore.schedule.due import EXERCISED, scheduled

    if mode and mode not in EXERCISED:
        raise BadInput(f"--mode: expected one of {', '.join(EXERCISED)}, seen {mode!r}")
    known = sorted(path.parent.name for path in (HOME / "parameters").glob("*/service.yaml"))
    if environment not in known:
        raise BadInput(f"--environment: expected one of {', '.join(known)}, seen {environment!r}")
    service = read(HOME / "parameters" / environment / "service.yaml", Service)
    exercises = scheduled(service, records, WallClock().now(), plan)
    return [each for each in exercises if not mode or each.mode == mode]


def _show(exercises: list[Scheduled], environment: str, *, as_json: bool) -> None:
    if not exercises:
        typer.echo(f"Nothing is scheduled in {environment}", err=as_json)
    for drill in exercises:
        line = f"{drill.state:<12}  {drill.due}  {drill.mode:<8}  plan {drill.plan.upper()}  {drill.why}"
        typer.echo(line, err=as_json)
