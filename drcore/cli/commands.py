"""The commands that run plans, with those that show what there is."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from drcore.cli.app import app, guarded, say
from drcore.cli.options import (
    RECORDS,
    ApprovalsFile,
    AsJson,
    Ask,
    Browser,
    Corrections,
    Due,
    Environment,
    Records,
    RunName,
    RunOptions,
    Seed,
    WorldAt,
    pairs,
    seed_number,
    service_of,
    with_run_options,
)
from drcore.cli.scheduling import run_due
from drcore.errors import BadInput, Exit
from drcore.headless import signals

if TYPE_CHECKING:
    from drcore.launcher.result import RunResult


@app.command()
@with_run_options
def rehearse(options: RunOptions, due: Due = False) -> None:
    """Read everything and write nothing: show every act with its exact arguments."""
    _run(options, "rehearse", due=due)


@app.command()
@with_run_options
def drill(options: RunOptions, due: Due = False) -> None:
    """Break something, then really carry out the plan. Refused in production."""
    _run(options, "drill", due=due)


@app.command()
@with_run_options
def execute(options: RunOptions) -> None:
    """Carry out the plan in an incident. Consents are asked for on the terminal, or stand in the approvals file."""
    _run(options, "execute")


@app.command()
def resume(
    run: RunName,
    approvals: ApprovalsFile = None,
    parameters: Corrections = None,
    ask: Ask = False,
    in_lab: Annotated[bool, typer.Option("--lab", help="In JupyterLab, where a person is asked.")] = False,
    records: Records = RECORDS,
    browser: Browser = True,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was stopped, refused or killed. No act is done twice."""

    def go() -> RunResult:
        from drcore.cli.progress import Progress
        from drcore.launcher import start
        from drcore.record.files import find

        if in_lab:
            from drcore.launcher.lab import reopen_lab

            corrected = pairs(parameters or [])
            return reopen_lab(find(records, run), approvals, corrected, browser=browser, say=say)
        with Progress() as progress:
            return start.resume(
                find(records, run),
                approvals,
                progress.cell,
                progress.say,
                progress.keyboard(),
                ask=ask,
                parameters=pairs(parameters or []),
            )

    _report(guarded(go, as_json), as_json)


@app.command()
def verify(
    run: Annotated[
        str,
        typer.Argument(
            metavar="[RUN]",
            help="The id of a run, the start of the ids of some, a path, a folder of records, or s3://BUCKET/PREFIX; "
            "without it, the run that was begun last.",
        ),
    ] = "",
    records: Records = RECORDS,
    environment: Environment = "sandbox",
    world: WorldAt = "",
    as_json: AsJson = False,
) -> None:
    """Prove records: every line, every file. Names the first bad line of each.

    Records in S3 are read as the role of an environment, and compared with nothing here: each proves itself.

    Exit codes: 0 all hold. 1 BROKEN, or INCOMPLETE: what is there holds, the run was not closed; or BEING WRITTEN: its
    lines hold, a run is at work on it. 2 bad input.
    """

    def go() -> NoReturn:
        from drcore.cli import proving
        from drcore.record.files import find_all

        if run.startswith("s3://"):
            proofs = proving.prove_stored(run, service_of(environment, world))
        else:
            folders = find_all(records, run)
            proofs = proving.prove_all(folders if run else proving.newest(folders), named=not run)
        if as_json:
            proven = all(each["holds"] and each["complete"] for each in proofs)
            one = {"records": proofs, "holds": all(each["holds"] for each in proofs), "complete": proven}
            typer.echo(json.dumps(proofs[0] if len(proofs) == 1 else one))
        raise typer.Exit(Exit.REACHED if all(each["holds"] and each["complete"] for each in proofs) else Exit.MISSED)

    guarded(go, as_json)


@app.command("list")
def list_(
    plan: Annotated[
        str, typer.Argument(metavar="[PLAN]", help="A plan: its faults with their options, its steps.")
    ] = "",
    iam: Annotated[
        bool, typer.Option("--iam", help="With a plan: the IAM policy that it needs, beside ReadOnlyAccess.")
    ] = False,
    account: Annotated[
        str,
        typer.Option("--account", metavar="ID", help="With --iam: the role in that other account, and who it trusts."),
    ] = "",
    environment: Environment = "sandbox",
    records: Records = RECORDS,
    as_json: AsJson = False,
) -> None:
    """Show the plans, environments and records; or one plan: its faults, its steps with what they change and need."""

    def go() -> None:
        from drcore.cli import listing

        listing.show(plan, iam=iam, account=account, environment=environment, records=records, as_json=as_json)

    guarded(go, as_json)


@app.command()
@with_run_options
def lab(
    options: RunOptions,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="rehearse, drill or execute.")] = "rehearse",
    browser: Browser = True,
) -> None:
    """Step through a plan in JupyterLab, on a copy of its notebook inside a new record."""

    def go() -> RunResult:
        from drcore.launcher.lab import open_lab

        return open_lab(options.request(mode), browser=browser, say=say)

    _report(guarded(go, options.as_json), options.as_json)


@app.command()
def sandbox(
    environment: Environment = "sandbox",
    seed: Seed = None,
    idle_seconds: Annotated[
        float, typer.Option("--idle-seconds", help="End when nobody speaks to it for so long.")
    ] = 86400,
    as_json: AsJson = False,
) -> None:
    """Keep the emulated world running, for notebooks and for looking around; Ctrl-C ends it."""

    def go() -> int:
        from drcore.engine.prepare import HOME
        from drcore.launcher import world as worlds
        from drcore.parameters import Service, read

        number = seed_number(seed)
        service = read(HOME / "parameters" / environment / "service.yaml", Service)
        if not service.world:
            raise BadInput(f"--environment: expected one with a world of its own, seen {environment!r}")
        port = service.world.address.rsplit(":", 1)[-1]
        options = ("--seed", str(1 if number is None else number), "--port", port)
        command = worlds.words_of(service.world.command, *options, "--idle-seconds", str(idle_seconds))
        typer.echo(
            f"The world of {environment} at {service.world.address}. Use it with: --world {service.world.address}",
            err=True,
        )
        process = signals.start(command)
        try:
            return process.wait()
        finally:
            signals.kill(process.pid)
            signals.let_go(process.pid)

    raise typer.Exit(guarded(go, as_json))


def _run(options: RunOptions, mode: str, *, due: bool = False) -> NoReturn:
    if due:
        run_due(options, mode)

    def go() -> RunResult:
        from drcore.cli.progress import Progress
        from drcore.launcher import start

        with Progress() as progress:
            return start.start(options.request(mode), progress.cell, progress.say, progress.keyboard())

    _report(guarded(go, options.as_json), options.as_json)


def _report(result: RunResult, as_json: bool) -> NoReturn:
    from drcore.cli.report import report

    report(result, sys.stderr if as_json else sys.stdout)
    if as_json:
        typer.echo(json.dumps(result.as_data()))
    raise typer.Exit(int(result.exit))
