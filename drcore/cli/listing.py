"""What there is: plans with their faults, their steps; environments; records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from drcore import plans
from drcore.archive import store
from drcore.engine.permissions import LONGEST, Place, managed, policy
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.errors import BadInput, DrcoreError
from drcore.launcher import world as worlds
from drcore.launcher.request import parse_fault
from drcore.launcher.result import result_from_journal
from drcore.parameters import Service, load, read
from drcore.record.events import Event, Kind, read_events
from drcore.record.files import PARAMETERS
from drcore.record.history import History
from drcore.record.run_parameters import RunParameters
from drcore.record.understood import understood

_NEWEST = 20  # records that are shown


def show(plan: str, *, iam: bool, account: str, environment: str, records: Path, as_json: bool) -> None:
    """Print the plans, environments and records; or one plan's faults and steps, or its IAM policy."""
    if iam and not plan:
        raise BadInput("--iam: expected a plan with it, for example: drcore list f --iam")
    if account and not iam:
        raise BadInput("--account: expected --iam with it, for example: drcore list e --iam --account 210987654321")
    if account:
        typer.echo(json.dumps(_role_in(account, plans.find(plan), environment), indent=2))
        return
    if iam:
        parts = managed(_policy(plans.find(plan), environment))
        if len(parts) > 1:
            typer.echo(f"IAM takes {LONGEST:,} characters a policy: attach these {len(parts)} to the role", err=True)
        for part in parts:
            typer.echo(json.dumps(part, indent=2))
        return
    sections = _plan(plans.find(plan)) if plan else _all(records)
    if as_json:
        typer.echo(json.dumps(sections))
    elif plan:
        _show_plan(plans.find(plan), sections)
    else:
        _show_all(sections)


def _role_in(account: str, plan: Plan[Any], environment: str) -> dict[str, Any]:
    roles = {each.account: each for each in plan.elsewhere(_place(plan, environment))}
    if account not in roles:
        known = ", ".join(roles) or "none"
        raise BadInput(f"--account: expected an account that plan {plan.id} goes to ({known}), seen {account}")
    return roles[account].documents()


def begun(history: History) -> str:
    """When a run was begun, as its journal says; empty where it does not."""
    first = next(history.lines(Kind.HOST), None)
    return str(first.get("wall_time", "")) if first else ""


def _all(records: Path) -> dict[str, list[dict[str, Any]]]:
    known = [plans.find(name) for name in plans.ids()]
    folders = [path.name for path in sorted((HOME / "parameters").iterdir()) if (path / "service.yaml").is_file()]
    kept = sorted(
        (_record(path.parent) for path in records.glob(f"*/{PARAMETERS}")), key=lambda record: record["begun"]
    )
    return {
        "plans": [
            {"plan": plan.id, "title": plan.title, "steps": len(plan.steps), "faults": ", ".join(plan.faults)}
            for plan in known
        ],
        "environments": [
            {"environment": name, "plan": plan.id, **_state(name, plan)} for name in folders for plan in known
        ],
        "records": kept[-_NEWEST:][::-1],
        "older_records": [{"not_shown": len(kept) - _NEWEST, "folder": str(records)}] if len(kept) > _NEWEST else [],
    }


def _state(environment: str, plan: Plan[Any]) -> dict[str, Any]:
    try:
        service, _ = load(HOME / "parameters", environment, plan.id, plan.facts)
    except BadInput as error:
        missing = [line for line in str(error).splitlines() if not line.startswith("Fill in")]
        more = f", with {len(missing) - 1} more" if len(missing) > 1 else ""
        return {"state": f"cannot be used: {missing[0]}{more}", "missing": missing}
    return {"state": ", ".join(service.modes), "missing": []}


def _record(folder: Path) -> dict[str, Any]:
    """One that is damaged is named as that, and hides none of the others."""
    try:
        with understood(folder):
            return _read(folder, read_events(folder))
    except BadInput:
        return {"run": folder.name, "begun": "?", "verdict": "BROKEN", "state": "see: drcore verify", "archived": "?"}


def _read(folder: Path, events: list[Event]) -> dict[str, Any]:
    history = History(events)
    return {
        "run": folder.name,
        "begun": begun(history) or "?",
        "verdict": _verdict(folder, events, history),
        "state": "closed" if history.has(Kind.CLOSED) else "open",
        "archived": store.archived_at(folder) or "no",
    }


def _verdict(folder: Path, events: list[Event], history: History) -> str:
    """The verdict that the command line gave; "none" for a run that has ended nowhere."""
    if not history.has(Kind.VERDICT, Kind.REFUSED, Kind.RUNNER):
        return "none"
    try:
        return result_from_journal(events, folder, RunParameters.read(folder), None).word
    except DrcoreError:  # of a plan, or a version, that this drcore does not have
        verdict = history.last(Kind.VERDICT)
        return str(verdict["word"]) if verdict else "none"


def _show_all(sections: Mapping[str, list[dict[str, Any]]]) -> None:
    _table("plans", sections["plans"])
    missing = [line for row in sections["environments"] for line in row["missing"]]
    usable = [{name: row[name] for name in ("environment", "plan", "state")} for row in sections["environments"]]
    _table("environments", [row | {"state": row["state"].partition(":")[0]} for row in usable])
    if missing:
        typer.echo("still to be filled in")
        for line in dict.fromkeys(missing):  # what plans share is missing once
            typer.echo(f"  {line}")
        typer.echo("")
    _table("records", [row | {"archived": "no" if row["archived"] == "no" else "yes"} for row in sections["records"]])
    for older in sections["older_records"]:
        typer.echo(f"{older['not_shown']} older records are in {older['folder']}\n")


def _table(title: str, rows: list[dict[str, Any]]) -> None:
    """A line a row, never broken: a terminal wraps what is too long, and what is copied from it stays whole."""
    if not rows:
        typer.echo(f"{title}: none\n")
        return
    lines = [[*rows[0]], *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    typer.echo(title)
    for line in lines:
        typer.echo("  " + "  ".join(map(str.ljust, line, widths)).rstrip())
    typer.echo("")


def _plan(plan: Plan[Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        "faults": _faults(plan),
        "steps": [
            {
                "#": number,
                "step": step.title,
                "in the plan": step.plan,
                "changes": step.changes,
                "consent": step.consent,
                "way back": step.reversibility,
                "permissions": ", ".join(sorted({each.action for each in step.permissions})),
            }
            for number, step in enumerate(plan.steps, start=1)
        ],
    }


def _faults(plan: Plan[Any]) -> list[dict[str, Any]]:
    """What the plan is drilled against, with the options that a drill can be given, by the world that has them."""
    service = read(HOME / "parameters" / "sandbox" / "service.yaml", Service)
    known = worlds.faults(service.world) if service.world else {}
    goals = {name: False for name, _ in map(parse_fault, plan.short_of_goal)}
    goals = {name: True for name, _ in map(parse_fault, plan.faults)} | goals  # one may stand there with other options
    return [{"fault": name, "reaches_goal": goal, "options": known.get(name, [])} for name, goal in goals.items()]


def _show_plan(plan: Plan[Any], sections: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    typer.echo(f"{plan.title}\n\nfaults, the first of them unless --fault names another: --fault NAME[:key=value,…]")
    for fault in sections["faults"]:
        typer.echo(f"  {fault['fault']}{'' if fault['reaches_goal'] else ' (a drill rightly ends short of the goal)'}")
        for option in fault["options"]:
            limits = f"one of {', '.join(option['choices'])}" if option["choices"] else option["span"]
            typer.echo(
                f"      {option['name']}={option['default']}  {option['help']}{f' ({limits})' if limits else ''}"
            )
    typer.echo("\nsteps")
    for row in sections["steps"]:
        needs = f", needs {row['permissions']}" if row["permissions"] else ""
        asks = "" if row["consent"] == "none" else f", asks for {row['consent']}"
        typer.echo(f"{row['#']:>3}  {row['step']}  ({row['in the plan']}; {row['way back']}{asks}{needs})")
        typer.echo(f"     {row['changes']}")


def _policy(plan: Plan[Any], environment: str) -> dict[str, Any]:
    """What the runner's role needs for a plan in an environment, beside AWS's own ReadOnlyAccess. Raises BadInput."""
    return policy(plan.permissions, _place(plan, environment))


def _place(plan: Plan[Any], environment: str) -> Place[Any]:
    return Place(*load(HOME / "parameters", environment, plan.id, plan.facts))
