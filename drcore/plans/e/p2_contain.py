"""Plan E, phase 2: nothing new is deployed, nothing is written, in any region; proved by writes that are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.step import Patience, Step, regions
from drcore.plans.e import public_words, titles
from drcore.plans.e.facts import ERun
from drcore.plans.e.findings import decided_mode, nothing_to_do
from drcore.plans.e.security_flags import switch
from drcore.plans.shared.deploy_freeze import freeze
from drcore.plans.shared.maintenance import announce_maintenance
from drcore.record.evidence import Exhibit, Table
from drcore.services import servicechecks
from drcore.services.servicechecks import MarkedWrite

# ── Freeze the pipeline ──────────────────────────────────────────────────────────────────────────────────────────────


FREEZE = freeze(titles.FREEZE, until=titles.UNFREEZE, needs=(titles.DECIDE,), idle=nothing_to_do, goes_on=True)


# ── Contain ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def contained_already(run: ERun, target: Target) -> str:
    if run.history.ended(titles.CONTAIN, titles.LIFT, target):
        return "this run had put the mode on, and has lifted it"
    return nothing_to_do(run)


CONTAIN = switch(
    titles.CONTAIN,
    changes="the servers of every region refuse writes on every path, the refresh of OAuth tokens too",
    where=lambda run: run.facts.flags.mode,
    wanted=lambda run: {"enabled": True, "level": decided_mode(run)},
    idle=contained_already,
    phrase=lambda run: f"{decided_mode(run).upper()} MODE",
    needs=(titles.DECIDE,),
    moment="contained",
)


# ── No write gets in ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Paths:
    """What became of the marked user's last write on each path of a region."""

    writes: tuple[MarkedWrite, ...] = field(metadata=label("writes of the marked user"))

    def describe(self) -> Mapping[str, object]:
        return {each.path: f"{each.status} at {each.tried:%H:%M:%S}" for each in self.writes}


def see_paths(run: ERun, target: Target) -> Paths:
    url = run.service.api[target.region] + run.facts.checks.marked_writes
    return Paths(servicechecks.marked_writes(run.http, url))


def no_write_gets_in(run: ERun, target: Target, seen: Paths) -> Check:
    why = contained_already_anywhere(run) or nothing_to_do(run)
    if why:
        return yes(why)
    taken = [each.path for each in seen.writes if each.status < 400]
    if taken:
        return no(f"a write was taken on {', '.join(taken)}")
    since = run.moments.get("contained")
    old = [each.path for each in seen.writes if since and each.tried < since]
    if old:
        return no(f"nothing was tried since the mode is on: {', '.join(old)}")
    return yes(f"refused on every path: {', '.join(each.path for each in seen.writes)}")


def contained_already_anywhere(run: ERun) -> str:
    """Why the mode is off again: this run has lifted it. Empty where it has not."""
    return "this run had put the mode on, and has lifted it" if run.history.intended(titles.LIFT) else ""


def show_paths(run: ERun, states: Mapping[Target, Paths]) -> Iterator[Exhibit]:
    rows = tuple(
        (target.region, each.path, each.status, each.tried, each.taken)
        for target, seen in states.items()
        for each in seen.writes
    )
    columns = ("region", "path", "answer", "tried", "last taken")
    yield Table("marked-writes", "Writes of the marked user, by region and path", columns, rows)


CONTAINED = Step(
    titles.CONTAINED,
    changes="nothing: a marked user's writes are refused on every path, in every region, for as long as must hold",
    look=see_paths,
    expect=no_write_gets_in,
    targets=regions,
    needs=(titles.CONTAIN,),
    patience=Patience(
        within=lambda run: 60 * run.facts.servers_minutes, every=10, hold=lambda run: 20 if decided_mode(run) else 0
    ),
    shows=show_paths,
)


# ── Tell users of maintenance ────────────────────────────────────────────────────────────────────────────────────────


def words_maintenance(run: ERun) -> str:
    return "" if nothing_to_do(run) else public_words.MAINTENANCE


MAINTENANCE = announce_maintenance(
    titles.MAINTENANCE, words_maintenance, what="syncs and settings", needs=(titles.CONTAIN,)
)


STEPS = (FREEZE, CONTAIN, CONTAINED, MAINTENANCE)
