"""What is shown before the first step: the banner, the findings, the steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drcore.show.html import render
from drcore.show.wording import ANSWERS, asked, columns, named

if TYPE_CHECKING:
    from drcore.engine.outcome import StepResult
    from drcore.engine.preflight import Finding
    from drcore.engine.step import Plan, Step

_MODES = {
    "rehearse": "reads everything, changes nothing. Every write is stopped and shown.",
    "drill": "something is broken on purpose, then the plan really acts.",
    "execute": "this is the incident. What it does is real.",
}
_NO_RETURN = "past the point of no return"  # Reversibility.NO_RETURN, whose module takes long to import


def banner(
    *,
    plan: Plan[Any],
    mode: str,
    environment: str,
    account: str,
    regions: Sequence[str],
    who: str,
    run_id: str,
    production: bool,
    fault: str,
) -> tuple[str, str]:
    """The opening of a run: where it acts, as whom, how far it goes (two terminals look alike)."""
    title = f"Plan {plan.id.upper()}: {plan.title}"
    rows = [("account", account), ("regions", ", ".join(regions)), ("acts as", who), ("run", run_id)]
    if fault:
        rows.append(("fault", f"{fault}, put in on purpose"))
    meaning = _MODES[mode]
    html = render(
        "banner",
        title=title,
        mode=mode,
        meaning=meaning,
        environment=environment,
        production=production,
        rows=rows,
    )
    edge = "#" * 78 if production else "-" * 78
    head = "  PRODUCTION  ".center(78, "#") if production else f"{environment.upper()}, not production"
    lines = [edge, head, edge, title, f"{mode.upper()}: {meaning}", *columns(rows), edge]
    return html, "\n".join(lines)


def whereabouts(*, environment: str, account: str, regions: Sequence[str], who: str, production: bool) -> str:
    """The banner in one line, to stand in every gate: a person about to type a phrase sees where it acts."""
    where = "PRODUCTION" if production else f"{environment}, not production"
    return f"[{where} | account {account} | {', '.join(regions)} | as {who}]"


def findings(listed: Sequence[Finding]) -> tuple[str, str]:
    """What the preflight checked, and whether the run may go on."""
    stops = [finding.what for finding in listed if finding.stops]
    fine = sum(finding.check.answer.value == "yes" for finding in listed)
    head = "✖ STOP" if stops else "✔ GO"
    why = f"{fine} of {len(listed)} as expected."
    if stops:
        why += f" Nothing may be changed, because of: {', '.join(stops)}."
    html = render("findings", findings=listed, stops=stops, head=head, why=why)
    rows = [
        (ANSWERS[finding.check.answer], "STOPS" if finding.stops else "", finding.what, finding.check.why)
        for finding in listed
    ]
    return html, "\n".join([f"{head}  Preflight: {why}", *columns(rows)])


def overview(
    steps: Iterable[Step[Any, Any]], results: Mapping[str, StepResult], second: Collection[str] = ()
) -> tuple[str, str]:
    """All steps of a plan in order: which change something, ask, can be taken back; how they ended so far.

    `second` are the keys of those to which a second person says yes, too.
    """
    drawn = [(step, results.get(step.key), asked(step, step.key in second)) for step in steps]
    acting = sum(step.act is not None for step, _, _ in drawn)
    over = [result for _, result, _ in drawn if result]
    why = f"{len(drawn)} steps, {acting} can change something, {len(over) or 'none'} carried out so far."
    html = render("overview", steps=drawn, why=why, NO_RETURN=_NO_RETURN)
    rows = [
        (f"{number:>2}", named(result.word) if result else "not yet", step.title, _told(step, asks))
        for number, (step, result, asks) in enumerate(drawn, start=1)
    ]
    return html, "\n".join([f"Steps: {why}", *columns(rows, indent="")])


def _told(step: Step[Any, Any], asks: str) -> str:
    if step.act is None:
        return "looks only"
    asks = f"asks for {asks}" if asks else ""
    back = "POINT OF NO RETURN" if step.reversibility == _NO_RETURN else str(step.reversibility)
    return "; ".join(filter(None, [f"changes: {step.changes}", asks, back]))


def note(text: str) -> tuple[str, str]:
    """One sentence that belongs under a cell and to nothing else."""
    return render("note", head="", text=text), text
