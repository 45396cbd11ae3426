"""What there is: plans with their steps, environments, records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from drcore import plans
from drcore.archive import store
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.errors import BadInput
from drcore.parameters import load
from drcore.record.events import Kind, read_events
from drcore.record.files import PARAMETERS
from drcore.record.history import History


def show(plan: str, *, iam: bool, records: Path, as_json: bool) -> None:
    """Print the plans, environments and records; or the steps of one plan, or its IAM policy."""
    if iam and not plan:
        raise BadInput("--iam: expected a plan with it, for example: drcore list f --iam")
    console = Console(highlight=False, markup=False, soft_wrap=as_json or iam)
    if iam:
        console.print(json.dumps(_policy(plans.find(plan)), indent=2))
        return
    sections = _steps(plans.find(plan)) if plan else _all(records)
    if as_json:
        console.print(json.dumps(sections))
        return
    if plan:
        for row in sections["steps"]:
            needs = f", needs {row['permissions']}" if row["permissions"] else ""
            asks = "" if row["consent"] == "none" else f", asks for {row['consent']}"
            console.print(f"{row['#']:>3}  {row['step']}  ({row['in the plan']}; {row['way back']}{asks}{needs})")
            console.print(f"     {row['changes']}")
        return
    for title, rows in sections.items():
        table = Table(title=title, title_justify="left")
        for column in rows[0] if rows else ():
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table if rows else f"{title}: none")


def _all(records: Path) -> dict[str, list[dict[str, Any]]]:
    found = [plans.find(name) for name in plans.ids()]
    folders = [path.name for path in sorted((HOME / "parameters").iterdir()) if (path / "service.yaml").is_file()]
    return {
        "plans": [
            {"plan": plan.id, "title": plan.title, "steps": len(plan.steps), "faults": ", ".join(plan.faults)}
            for plan in found
        ],
        "environments": [
            {"environment": name, "plan": plan.id, "state": _state(name, plan)} for name in folders for plan in found
        ],
        "records": [_record(path.parent) for path in sorted(records.glob(f"*/{PARAMETERS}"), reverse=True)[:20]],
    }


def _state(environment: str, plan: Plan[Any]) -> str:
    try:
        service, _ = load(HOME / "parameters", environment, plan.id, plan.facts)
    except BadInput as error:
        return f"cannot be used: {str(error).splitlines()[0]}"
    return ", ".join(service.modes)


def _record(folder: Path) -> dict[str, Any]:
    history = History(read_events(folder))
    host, verdict = history.last(Kind.HOST), history.last(Kind.VERDICT)
    return {
        "run": folder.name,
        "begun": host["wall_time"] if host and "wall_time" in host else "?",
        "verdict": verdict["word"] if verdict else "none",
        "state": "closed" if history.has(Kind.CLOSED) else "open",
        "archived": store.archived_at(folder) or "no",
    }


def _steps(plan: Plan[Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        "steps": [
            {
                "#": number,
                "step": step.title,
                "in the plan": step.plan,
                "changes": step.changes,
                "consent": step.consent,
                "way back": step.reversibility,
                "permissions": ", ".join(each.action for each in step.permissions),
            }
            for number, step in enumerate(plan.steps, start=1)
        ]
    }


def _policy(plan: Plan[Any]) -> dict[str, Any]:
    """The acts of a plan as an IAM policy; reads come with AWS's own ReadOnlyAccess. Narrow `Resource` to your ARNs."""
    statement = {
        "Sid": f"DrcorePlan{plan.id.upper()}",
        "Effect": "Allow",
        "Action": list(plan.permissions),
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
