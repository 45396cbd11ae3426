"""Plan G, the restored table beside the one in use: known accounts, a random sample, everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from drcore.clock import iso
from drcore.diff import Class, Difference, Policy, judge, sample
from drcore.diff import changes as differing
from drcore.diff.keys import key_bytes
from drcore.engine.outcome import Check, Target, never, no, yes
from drcore.engine.step import Patience, Step
from drcore.errors import Rejected, Unknown
from drcore.plans.g import comparison, exported_changes, invariants, titles
from drcore.plans.g.comparison import HIT, Compared
from drcore.plans.g.decisions import halted_at
from drcore.plans.g.exported_changes import Write, region
from drcore.plans.g.facts import GRun
from drcore.plans.g.p04_recovery_point import recovery_point
from drcore.plans.g.p05_restore import restored_here
from drcore.plans.g.remedies import costs_table
from drcore.plans.g.tables import restored_table, table
from drcore.record.evidence import Chart, Exhibit, Mark, Series, Table
from drcore.services import support
from drcore.services.dynamodb import items as dynamodb_items
from drcore.services.dynamodb.tables import Typed

_FROM_TICKETS = 8  # accounts of people who have complained, beside those that were named
_SHOWN = 400  # rows of a list of differences that are shown; all are in the comparison's file


# ── Spot check ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Account:
    """One user's item on both sides: its class, why; what is wrong with the restored one (empty: nothing)."""

    user: str
    known_by: str
    kind: Class
    reason: str
    restored_wrong: str
    differs: tuple[tuple[str, str | None, str | None], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Spot:
    """The accounts that were looked at item by item."""

    accounts: tuple[Account, ...]


def see_accounts(run: GRun, target: Target) -> Spot:
    comparison.must_be_there(run, target.region, target.thing)
    known = _known(run)
    keys = [_key_of(run, user) for user in known]
    old, new = (_by_user(run, name, keys) for name in (target.thing, table(run)))
    last, rule = exported_changes.last_writes(run), exported_changes.policy(run, recovery_point(run))
    return Spot(tuple(_account(run, rule, user, by, old.get(user), new.get(user), last) for user, by in known.items()))


def _known(run: GRun) -> dict[str, str]:
    """Users, each with why: the named ones, then those that have complained since the recovery point."""
    found = {user.strip(): "named" for user in run.incident.accounts.split(",") if user.strip()}
    desk, since = run.facts.support, recovery_point(run)
    key = run.secret(desk.api_key) if desk.api_key else None
    try:
        tickets = support.tickets(run.http, desk.url, desk.category, since, run.clock.now(), key)
    except (Unknown, Rejected):
        tickets = ()  # a desk that is silent keeps nobody from looking at those who were named
    for ticket in tickets:
        if len(found) < _FROM_TICKETS + run.incident.accounts.count(",") + 1:
            found.setdefault(ticket.user.removeprefix(run.facts.users.prefix), f"ticket {ticket.id}")
    return found


def _key_of(run: GRun, user: str) -> dict[str, dict[str, str]]:
    names, users = run.facts.key, run.facts.users
    return {names.partition: {"S": f"{users.prefix}{user}"}, names.sort: {"S": users.sort}}


def _by_user(run: GRun, name: str, keys: Sequence[Typed]) -> dict[str, Typed]:
    items = dynamodb_items.some(run.aws, region(run), name, keys) if keys else ()
    return {invariants.user_of(run, item): item for item in items}


def _account(
    run: GRun,
    rule: Policy,
    user: str,
    by: str,
    old: Typed | None,
    new: Typed | None,
    last: Mapping[bytes, Write],
) -> Account:
    kind, reason = judge(old, new, rule)
    told = tuple((c.path, c.before, c.after) for c in differing(old or {}, new or {}))
    wrong = _wrong(run, rule, old, new, last.get(key_bytes(_key_of(run, user))))
    return Account(user, by, kind, reason if old or new else "in neither table", wrong, told)


def _wrong(run: GRun, rule: Policy, old: Typed | None, new: Typed | None, write: Write | None) -> str:
    """What is wrong with a restored item, in words: a faulty writer wrote it, it is broken and was not before."""
    if old is None:
        return "" if new is not None else "in neither table"  # whoever came after the recovery point is not in it
    faulty = set(exported_changes.writers(run, old)) & set(rule.faulty)
    broken = () if exported_changes.was_broken(run, write) else invariants.broken(run, old)
    return "; ".join([*broken, *(f"written by {name}" for name in sorted(faulty))])


def accounts_are_well(run: GRun, target: Target, seen: Spot) -> Check:
    wrong = [f"{each.user}: {each.restored_wrong}" for each in seen.accounts if each.restored_wrong]
    if wrong:
        return never(f"restored, and yet not well: {'; '.join(wrong[:5])}")
    if not seen.accounts:
        return yes("no account was named, and no ticket names one: the sample says more")
    bad = sum(each.kind in HIT for each in seen.accounts)
    return yes(f"{len(seen.accounts)} accounts are well in {target.thing}; {bad} of them are hit in {table(run)}")


def show_accounts(run: GRun, states: Mapping[Target, Spot]) -> Iterator[Exhibit]:
    rows: list[tuple[str, str, str, str, str | None, str | None]] = []
    for seen in states.values():
        for each in seen.accounts:
            told = each.differs or (("the whole item", "the same", "the same"),)
            rows += [(each.user, each.known_by, str(each.kind), *change) for change in told]
    columns = ("user", "known by", "class", "attribute", "restored", "in use")
    title = "Known accounts: the restored item, and what became of it"
    yield Table("spot-check", title, columns, tuple(rows), ("restored", "in use"))


SPOT_CHECK = Step(
    titles.SPOT_CHECK,
    changes="nothing: known accounts, and people who have complained, item by item in both tables",
    look=see_accounts,
    expect=accounts_are_well,
    targets=restored_here,
    needs=(titles.RESTORE,),
    patience=Patience(within=30),
    shows=show_accounts,
)


# ── Sample ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sampled:
    """A random sample of the restored users: how many are not well there, how many are hit in the table in use.

    The shares of all users between which that lies, in percent (95 %).
    """

    size: int
    wrong: int
    wrong_percent: tuple[float, float]
    hit: int
    hit_percent: tuple[float, float]
    found: tuple[tuple[str, str, str, str], ...] = field(default=(), compare=False)


def see_sample(run: GRun, target: Target) -> Sampled:
    comparison.must_be_there(run, target.region, target.thing)
    keys = invariants.chosen(run, target.region, target.thing)
    old, new = (_by_user(run, name, keys) for name in (target.thing, table(run)))
    users = [invariants.user_of(run, key) for key in keys]
    last = exported_changes.last_writes(run)
    rule = exported_changes.policy(run, recovery_point(run))
    seen = [_account(run, rule, user, "sample", old.get(user), new.get(user), last) for user in users]
    wrong = [each for each in seen if each.restored_wrong]
    hit = [each for each in seen if each.kind in HIT]
    told = [(e.user, str(e.kind), e.reason, e.restored_wrong) for e in seen if e.kind is not Class.UNCHANGED]
    share = _percent(len(wrong), len(seen))
    return Sampled(len(seen), len(wrong), share, len(hit), _percent(len(hit), len(seen)), tuple(told))


def _percent(defects: int, size: int) -> tuple[float, float]:
    low, high = sample.bound(defects, size) if size else (0.0, 1.0)
    return round(100 * low, 3), round(100 * high, 3)


def sample_is_well(run: GRun, target: Target, seen: Sampled) -> Check:
    if not seen.size:
        return no(f"no user's item was found in {target.thing}")
    if seen.wrong:
        return never(f"{seen.wrong} of {seen.size} restored users are not well: the recovery point is too late")
    low, high = seen.hit_percent
    return yes(
        f"none of {seen.size} restored users has a defect: fewer than {seen.wrong_percent[1]:.2g} % have one (95 %); "
        f"in {table(run)} {seen.hit} are hit, {low:.1f} to {high:.1f} % of all"
    )


def show_sample(run: GRun, states: Mapping[Target, Sampled]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = (
            ("restored, with a defect", seen.wrong, seen.size, *seen.wrong_percent),
            ("in use, hit", seen.hit, seen.size, *seen.hit_percent),
        )
        columns = ("users", "seen", "of", "at least, % of all", "at most, % of all")
        yield Table("sample", f"{seen.size} users at random, with their bounds (95 %)", columns, rows)
        named = ("user", "class", "why", "wrong with the restored one")
        yield Table("sample-differences", "Users of the sample whose item has changed since", named, seen.found)


SAMPLE = Step(
    titles.SAMPLE,
    changes="nothing: users at random, chosen by the hash of their key, are read in both tables",
    look=see_sample,
    expect=sample_is_well,
    targets=restored_here,
    needs=(titles.RESTORE,),
    patience=Patience(within=30),
    shows=show_sample,
)


# ── Compare everything ────────────────────────────────────────────────────────────────────────────────────────────────


def see_comparison(run: GRun, target: Target) -> Compared:
    return comparison.compared(run)


def is_compared(run: GRun, target: Target, seen: Compared) -> Check:
    if seen.carried:
        return never(
            f"{seen.carried} bad writes were restored too ({seen.carried_why}): {iso(seen.at)} is too late. Name an "
            "earlier time, -p recovery_point="
        )
    told = ", ".join(f"{each.items} {each.kind}" for each in seen.counts if each.items)
    return yes(f"{told}; {seen.hit} users hit")


def show_comparison(run: GRun, states: Mapping[Target, Compared]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = tuple((str(each.kind), each.items, each.users, _meaning(each.kind)) for each in seen.counts)
        columns = ("class", "items", "users", "what it means")
        yield Table("comparison", f"{seen.all_items} items compared, {seen.hit} users hit", columns, rows)
        yield when_changed(run)
        yield differences_table(run, "differences", "What differs, by whom", comparison.differences(run))
        yield costs_table(run, seen)


def _meaning(kind: Class) -> str:
    return {
        Class.UNCHANGED: "the same in both",
        Class.CORRUPTED: "a bad write came last: its good image can be put back",
        Class.LEGIT: "changed by its user since: a switch would lose that",
        Class.CONFLICT: "changed by its user on top of a bad write, or under it: a person decides",
        Class.DELETED: "gone since: its good image can be put back",
        Class.ADDED: "new since: a switch would lose it",
    }[kind]


def when_changed(run: GRun) -> Chart:
    """What differs now, by the minute in which it was written last."""
    point, last = recovery_point(run), exported_changes.last_writes(run)
    end = max(halted_at(run) or point, point)
    kinds = (Class.LEGIT, Class.ADDED, Class.CORRUPTED, Class.DELETED, Class.CONFLICT)
    found = comparison.differences(run, *kinds)
    counted: dict[tuple[object, Class], int] = {}
    for each in found:
        write = last.get(key_bytes(each.key))
        if write:
            minute = write.at.replace(second=0, microsecond=0), each.kind
            counted[minute] = counted.get(minute, 0) + 1
    one, start = timedelta(minutes=1), point.replace(second=0, microsecond=0)
    times = tuple(start + number * one for number in range(int((end - start) / one) + 1))
    series = tuple(
        Series(str(kind), times, tuple(float(counted.get((time, kind), 0)) for time in times))
        for kind in kinds
        if any(each.kind is kind for each in found)
    )
    bad = sum(each.kind in HIT for each in found)
    marks = (*run.marks(), Mark("recovery point", point))
    alt = "; ".join(f"{sum(each.kind is kind for each in found)} {kind}" for kind in kinds)
    title = f"{len(found)} items differ, {bad} of them to be mended"
    return Chart("changed-since", title, "items last written, a minute", series, (), marks, f"{title}: {alt}.", True)


def differences_table(run: GRun, name: str, title: str, found: Sequence[Difference]) -> Table:
    """Differences, those to be mended first, each attribute with both values."""
    order = [Class.CONFLICT, Class.CORRUPTED, Class.DELETED, Class.LEGIT, Class.ADDED]
    rows: list[tuple[str, str, str, str, str | None, str | None]] = []
    for each in sorted(found, key=lambda each: order.index(each.kind)):
        told = differing(each.restored or {}, each.live or {})
        rows += [(comparison.name_of(each), str(each.kind), each.reason, c.path, c.before, c.after) for c in told]
    columns = ("item", "class", "why", "attribute", "restored", "in use")
    title = f"{title}: {len(found)} items; all are in {comparison.FILE}"
    return Table(name, title, columns, tuple(rows[:_SHOWN]), ("restored", "in use"))


COMPARE = Step(
    titles.COMPARE,
    changes="nothing: every item of both tables is compared, and the list of differences bound into the record",
    look=see_comparison,
    expect=is_compared,
    targets=lambda run: [Target(region(run), f"{restored_table(run)} beside {table(run)}")],
    needs=(titles.RESTORE,),
    patience=Patience(within=30),
    shows=show_comparison,
)

STEPS = (SPOT_CHECK, SAMPLE, COMPARE)
