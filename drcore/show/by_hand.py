"""The card of a plan that is carried out by hand: Markdown beside the record, HTML for paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from drcore.engine.by_hand import HandAct
from drcore.engine.consent import Consent
from drcore.engine.permissions import Place
from drcore.engine.second_person import wanted
from drcore.engine.step import Plan, Reversibility
from drcore.parameters import Service
from drcore.show.html import document
from drcore.show.wording import duration

F = TypeVar("F")

_WIDTH = 118  # characters of a command in a line of paper
_IN_COLUMN = 98  # where a card of many acts is printed in two columns
_MANY_ACTS = 30
_ASKS = {
    Consent.NONE: "nobody",
    Consent.GO: "the operator",
    Consent.TYPED: "the incident commander, in writing",
}
_BACK = {
    Reversibility.NO_RETURN: "none: past the point of no return",
    Reversibility.LOOKS: "nothing is changed",
}


@dataclass(frozen=True, slots=True)
class PaperAct:
    """One act as it is printed."""

    number: int
    title: str
    plan: str
    asks: str
    changes: str
    act: HandAct
    back: str


@dataclass(frozen=True, slots=True)
class PaperCard:
    """A card as it is printed: who and where, the variables, the acts."""

    title: str
    rows: tuple[tuple[str, str], ...]
    first: str
    acts: tuple[PaperAct, ...]
    how: str


def paper_card(plan: Plan[F], at: Place[F]) -> PaperCard:
    """The card of a plan in an environment. Raises ValueError where the plan has none."""
    if plan.by_hand is None:
        raise ValueError(f"plan {plan.id} has no card by hand")
    card, service = plan.by_hand(at), at.service
    rto, rpo = plan.rto(at), plan.rpo(at)
    targets = [f"RTO {duration(rto)}" if rto else "", f"RPO {duration(rpo)}" if rpo is not None else ""]
    rows = (
        ("Environment", f"{service.environment}{', PRODUCTION' if service.production else ''}"),
        ("Account", f"{service.account}, {', '.join(service.regions)}"),
        ("Role", service.role or "your own credentials"),
        ("Targets", ", ".join(filter(None, targets)) or "none"),
        ("Tools", f"{', '.join(card.tools)} (AWS CloudShell has them), in one bash or zsh"),
        ("Goal", plan.goal.title),
    )
    how = (
        "Type each command; its look says whether it worked. Go on when the look shows what is written beside it, not "
        "before. Write the time beside each act. All names are those of the parameters; what an incident changes is a "
        "variable ($NAME), which a look fills. The role's keys last an hour: `sign` gets new ones."
    )
    width = _IN_COLUMN if len(card.acts) > _MANY_ACTS else _WIDTH
    acts = tuple(_act(number, plan, service, each, width) for number, each in enumerate(card.acts, start=2))
    return PaperCard(f"Plan {plan.id.upper()} by hand: {plan.title}", rows, _filled(card.first, width), acts, how)


def _act(number: int, plan: Plan[Any], service: Service, act: HandAct, width: int) -> PaperAct:
    step = plan.step(act.step.key)
    second = "the incident commander, and a second person, in writing" if wanted(service, plan.id, step.key) else ""
    asks = act.asks or second or _ASKS[step.consent]
    back = act.back or (_BACK.get(step.reversibility, "") if act.do and not act.undo else "")
    act = replace(act, do=_filled(act.do, width), look=_filled(act.look, width), undo=_filled(act.undo, width))
    return PaperAct(number, step.title, step.plan, asks, step.changes, act, back)


def _filled(commands: str, width: int) -> str:
    """Commands with what goes on in the next line put into the same one, as far as it has room on paper."""
    lines: list[str] = []
    for line in commands.splitlines():
        last = lines[-1] if lines else ""
        whole = f"{last.removesuffix(chr(92)).rstrip()} {line.strip()}"
        if last.endswith((" \\", "; do", "{")) and len(whole) <= width:
            lines[-1] = whole
        else:
            lines.append(line)
    return "\n".join(lines)


def as_markdown(card: PaperCard) -> str:
    """The card as Markdown."""
    return "\n".join(_lines(card)) + "\n"


def as_html(card: PaperCard) -> str:
    """The card as one HTML page that prints well. Each of its commands is in a `code` element."""
    return document("by_hand", card=card, in_columns=len(card.acts) > _MANY_ACTS)


def _lines(card: PaperCard) -> Iterator[str]:
    yield f"# {card.title}"
    yield ""
    yield from (f"- {name}: {value}" for name, value in card.rows)
    yield from ("", card.how, "", "## 1. Sign in, and look")
    yield from _block("", card.first)
    for entry in card.acts:
        yield from (
            "",
            f"## {entry.number}. {entry.title} ({entry.plan})",
            "",
            f"Asked: {entry.asks}. Then: {entry.changes}.",
        )
        if entry.act.by_hand:
            yield from ("", f"By hand: {entry.act.by_hand}.")
        yield from _block("", entry.act.do)
        yield from _block("Look:", entry.act.look)
        if entry.act.shows:
            yield from ("", f"It must show: {entry.act.shows}.")
        yield from _block("Undo:", entry.act.undo)
        if entry.back:
            yield from ("", f"Way back: {entry.back}.")


def _block(heading: str, commands: str) -> Iterator[str]:
    if commands:
        yield from ("", *([heading, ""] if heading else []), "```sh", *commands.splitlines(), "```")
