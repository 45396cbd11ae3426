"""The command line: drill, rehearse, execute, resume, verify, list, lab, sandbox, diff."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from drcore.errors import BadInput, DrcoreError, Exit

EXITS = (
    "Exit codes: 0 goal reached and targets met. 1 the plan ran, and its goal or a target was missed. 2 bad input, "
    "nothing touched. 3 refused (consent, lock, preflight). 4 the runner failed. 5 a rollback failed. "
    "130, 143 stopped by a signal."
)
app = typer.Typer(
    help="SyncWell's contingency and rollback plans as executable runbooks.",
    epilog=EXITS,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
    rich_markup_mode=None,
)

PlanName = Annotated[str, typer.Argument(metavar="PLAN", help="The letter of a plan, for example f.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, the start of it, or its path.")]
Environment = Annotated[str, typer.Option("--environment", metavar="NAME", help="A folder of parameters/.")]
Fault = Annotated[
    str, typer.Option("--fault", metavar="NAME[:key=value,…]", help="What to break; a drill has a default.")
]
Seed = Annotated[
    str | None, typer.Option("--seed", metavar="N", help="The emulated world's seed: same seed, same run.")
]
Parameters = Annotated[
    list[str] | None, typer.Option("-p", metavar="name=value", help="A parameter of the notebook; repeatable.")
]
ApprovalsFile = Annotated[
    Path | None, typer.Option("--approvals", metavar="FILE", help="Approvals given beforehand, bound to one run.")
]
Records = Annotated[Path, typer.Option("--records", metavar="FOLDER", help="Where records are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="The last line of stdout is one JSON object.")]
WorldAt = Annotated[
    str, typer.Option("--world", metavar="URL", help="An emulated world that runs (see: drcore sandbox).")
]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="With JupyterLab: open a browser.")]
SIDE = "a table's name or ARN, the folder of an export, or its s3 URL."
RECORDS = Path("records")


@app.command()
def rehearse(
    plan: PlanName,
    environment: Environment = "sandbox",
    fault: Fault = "",
    seed: Seed = None,
    parameters: Parameters = None,
    approvals: ApprovalsFile = None,
    records: Records = RECORDS,
    world: WorldAt = "",
    as_json: AsJson = False,
) -> None:
    """Read everything and write nothing: show every act with its exact arguments."""
    _start("rehearse", plan, environment, fault, seed, parameters, approvals, records, world, as_json)


@app.command()
def drill(
    plan: PlanName,
    environment: Environment = "sandbox",
    fault: Fault = "",
    seed: Seed = None,
    parameters: Parameters = None,
    approvals: ApprovalsFile = None,
    records: Records = RECORDS,
    world: WorldAt = "",
    as_json: AsJson = False,
) -> None:
    """Break something, then really carry out the plan. Refused in production."""
    _start("drill", plan, environment, fault, seed, parameters, approvals, records, world, as_json)


@app.command()
def execute(
    plan: PlanName,
    environment: Environment = "sandbox",
    fault: Fault = "",
    seed: Seed = None,
    parameters: Parameters = None,
    approvals: ApprovalsFile = None,
    records: Records = RECORDS,
    world: WorldAt = "",
    as_json: AsJson = False,
) -> None:
    """Carry out the plan in an incident, headless: every consent must be in the approvals file."""
    _start("execute", plan, environment, fault, seed, parameters, approvals, records, world, as_json)


@app.command()
def resume(
    run: RunName,
    approvals: ApprovalsFile = None,
    in_lab: Annotated[bool, typer.Option("--lab", help="In JupyterLab, where a person is asked.")] = False,
    records: Records = RECORDS,
    browser: Browser = True,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was stopped, refused or killed. No act is done twice."""

    def go() -> Any:
        from drcore.cli.progress import Progress
        from drcore.launcher import start
        from drcore.record.journal import find

        if in_lab:
            from drcore.launcher.lab import reopen_lab

            return reopen_lab(find(records, run), approvals, browser=browser, say=_say)
        with Progress() as progress:
            return start.resume(find(records, run), approvals, progress.cell, progress.say)

    _report(_guarded(go, as_json), as_json)


@app.command()
def verify(run: RunName, records: Records = RECORDS, as_json: AsJson = False) -> None:
    """Prove a record: every line, every file. Names the first bad line.

    Exit codes: 0 it holds. 1 BROKEN, or INCOMPLETE: what is there holds, the run was not closed. 2 bad input.
    """

    def go() -> NoReturn:
        from drcore.archive import store
        from drcore.record import journal

        folder = journal.find(records, run)
        proof = journal.verify(folder)
        for problem in proof.problems:
            typer.echo(f"BROKEN  {problem}")
        if proof.holds:
            typer.echo(f"{proof.word.upper():<7} {proof.lines} lines, head {proof.head}")
        for note in proof.notes:
            typer.echo(f"note    {note}")
        copy = store.where(folder)
        where = (
            f"The copy in the archive: {copy}manifest.json"
            if copy
            else "Not in the archive: this copy is the only one."
        )
        typer.echo(f"note    {where}")
        if as_json:
            terminal = {"record": str(folder), "holds": proof.holds, "complete": proof.complete}
            terminal |= {"problems": proof.problems, "notes": proof.notes, "lines": proof.lines, "head": proof.head}
            typer.echo(json.dumps(terminal | {"archived": copy or None}))
        raise typer.Exit(Exit.REACHED if proof.proven else Exit.MISSED)

    _guarded(go, as_json)


@app.command("list")
def list_(
    plan: Annotated[
        str, typer.Argument(metavar="[PLAN]", help="A plan: its steps, with what they change and need.")
    ] = "",
    iam: Annotated[bool, typer.Option("--iam", help="With a plan: the IAM policy that its acts need.")] = False,
    records: Records = RECORDS,
    as_json: AsJson = False,
) -> None:
    """Show the plans, environments and records; or the steps of one plan."""

    def go() -> None:
        from drcore.cli import listing

        listing.show(plan, iam=iam, records=records, as_json=as_json)

    _guarded(go, as_json)


@app.command()
def lab(
    plan: PlanName,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="rehearse, drill or execute.")] = "rehearse",
    environment: Environment = "sandbox",
    fault: Fault = "",
    seed: Seed = None,
    parameters: Parameters = None,
    approvals: ApprovalsFile = None,
    records: Records = RECORDS,
    world: WorldAt = "",
    browser: Browser = True,
    as_json: AsJson = False,
) -> None:
    """Step through a plan in JupyterLab, on a copy of its notebook inside a new record."""

    def go() -> Any:
        from drcore.launcher.lab import open_lab

        request = _order(mode, plan, environment, fault, seed, parameters, approvals, records, world)
        return open_lab(request, browser=browser, say=_say)

    _report(_guarded(go, as_json), as_json)


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
        from drcore.parameters import Service, read

        number = 1 if seed is None else _number(seed)
        service = read(HOME / "parameters" / environment / "service.yaml", Service)
        if not service.world:
            raise BadInput(f"--environment: expected one with a world of its own, seen {environment!r}")
        port = service.world.address.rsplit(":", 1)[-1]
        command = [sys.executable if service.world.command[0] == "python" else service.world.command[0]]
        command += [*service.world.command[1:], "--seed", str(number), "--port", port]
        typer.echo(
            f"The world of {environment} at {service.world.address}. Use it with: --world {service.world.address}",
            err=True,
        )
        return subprocess.run([*command, "--idle-seconds", str(idle_seconds)], check=False).returncode

    raise typer.Exit(_guarded(go, as_json))


@app.command()
def diff(
    restored: Annotated[str, typer.Argument(metavar="RESTORED", help="The good state: " + SIDE)],
    live: Annotated[str, typer.Argument(metavar="LIVE", help="The state in use: " + SIDE)],
    recovery_point: Annotated[
        str, typer.Option("--recovery-point", metavar="TIME", help="In UTC, such as 2026-01-05T09:41:12Z.")
    ] = "",
    faulty_writer: Annotated[
        list[str] | None, typer.Option("--faulty-writer", metavar="NAME", help="A writer that corrupts; repeatable.")
    ] = None,
    modified: Annotated[
        str, typer.Option("--modified", metavar="ATTRIBUTE", help="Where an item says when it was modified.")
    ] = "",
    writer: Annotated[
        str, typer.Option("--writer", metavar="ATTRIBUTE", help="Where it names its last writer, or a list of them.")
    ] = "",
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="ATTRIBUTE", help="Of two exports: the key; twice for a pair.")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", metavar="ENGINE", help="duckdb, or spark.")] = "duckdb",
    shared: Annotated[
        str, typer.Option("--shared", metavar="URL", help="With spark on a cluster: a folder that all of it sees.")
    ] = "",
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the differences are put.")] = Path("diff"),
    environment: Environment = "sandbox",
    world: WorldAt = "",
    region: Annotated[
        str, typer.Option("--region", metavar="REGION", help="Of tables and buckets; else where the runner stands.")
    ] = "",
    segments: Annotated[
        int, typer.Option("--segments", metavar="N", help="How many segments of a table are read side by side.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Compare two states of a table: which items differ, what that means, and why.

    Exit codes: 0 no difference. 1 differences. 2 bad input. 4 not completed. Reads only.
    """

    def go() -> Any:
        from drcore.cli.progress import Comparison
        from drcore.diff import request, terminal

        asked = request.Order(
            restored, live, recovery_point, tuple(faulty_writer or ()), modified, writer, tuple(key or ()), engine,
            out, environment, world, region, segments, shared,
        )  # fmt: skip
        with Comparison() as bar:
            report = request.carry_out(asked, bar)
        terminal.tell(report, sys.stderr if as_json else sys.stdout)
        return report

    report = _guarded(go, as_json)
    if as_json:
        typer.echo(json.dumps(report.as_data()))
    raise typer.Exit(Exit.MISSED if report.differs else Exit.REACHED)


def main() -> None:
    """The entry point of the command `drcore`."""
    try:
        sys.exit(app(standalone_mode=False))
    except typer.TyperException as error:  # an option that there is not, an argument that is missing
        if not sys.argv[1:]:  # not even a command: the message is the help
            typer.echo(error.format_message(), err=True)
        else:
            _tell(BadInput(f"{error.format_message()} See: drcore --help"), "--json" in sys.argv)
        sys.exit(int(BadInput.exit))


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # a terminal that has gone away does not keep a record from being finished
        typer.echo(text, err=True)


def _start(mode: str, *given: Any) -> None:
    *request, as_json = given

    def go() -> Any:
        from drcore.cli.progress import Progress
        from drcore.launcher import start

        with Progress() as progress:
            return start.start(_order(mode, *request), progress.cell, progress.say)

    _report(_guarded(go, as_json), as_json)


def _order(
    mode: str,
    plan: str,
    environment: str,
    fault: str,
    seed: str | None,
    parameters: list[str] | None,
    approvals: Path | None,
    records: Path,
    world: str,
) -> Any:
    from drcore.launcher.order import Order
    from drcore.parameters import Mode

    if mode not in list(Mode):
        raise BadInput(f"--mode: expected one of {', '.join(Mode)}, seen {mode!r}")
    pairs: dict[str, str] = {}
    for text in parameters or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadInput(f"-p: expected name=value, seen {text!r}")
        if name in pairs:
            raise BadInput(f"-p {name}: expected it once, seen it twice")
        pairs[name] = value
    return Order(plan.lower(), Mode(mode), environment, fault, _number(seed), pairs, approvals, records, world)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise BadInput(f"--seed: expected a whole number, seen {text!r}. Nothing was touched.")
    return int(text)


def _guarded(go: Callable[[], Any], as_json: bool) -> Any:
    """Run a command; an error that drcore raises on purpose becomes its message and its exit code."""
    try:
        return go()
    except DrcoreError as error:
        _tell(error, as_json)
        raise typer.Exit(int(error.exit)) from None
    except KeyboardInterrupt:
        raise typer.Exit(int(Exit.INTERRUPTED)) from None


def _tell(error: DrcoreError, as_json: bool) -> None:
    typer.echo(f"{type(error).__name__}: {error}", err=True)
    if as_json:
        typer.echo(json.dumps({"error": type(error).__name__, "message": str(error), "exit": int(error.exit)}))


def _report(ended: Any, as_json: bool) -> NoReturn:
    from drcore.cli.report import report

    report(ended, sys.stderr if as_json else sys.stdout)
    if as_json:
        typer.echo(json.dumps(ended.as_data()))
    raise typer.Exit(int(ended.exit))
