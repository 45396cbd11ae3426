"""Plan G, phase 6: the restored table is compared with the one in use: known accounts, a random sample, everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from drcore.clock import iso
from drcore.diff import Class, Difference, Policy, judge, sample
from drcore.diff import changes as differing_attributes
from drcore.diff.keys import key_bytes
from drcore.engine.outcome import Check, Target, never, no, yes
from drcore.engine.step import Patience, Step
from drcore.errors import Rejected, Unknown
from drcore.plans.g import comparison, exported_changes, invariants, titles
from drcore.plans.g.accounts import items_by_user, key_of, named_accounts
from drcore.plans.g.comparison import AFFECTED, Compared
from drcore.plans.g.decisions import halted_at, recovery_point
from drcore.plans.g.exported_changes import ItemWrite
from drcore.plans.g.facts import GRun
from drcore.plans.g.p05_restore import restored_here
from drcore.plans.g.remedies import costs_table
from drcore.plans.g.tables import recovery_region, restored_table, table
from drcore.plans.shared.support_desk import read_tickets
from drcore.record.evidence import Chart, Exhibit, Mark, Series, Table
from drcore.services.dynamodb.tables import Typed

KNOWN_GOOD = "known to be good"
_FROM_TICKETS = 8  # accounts of people who have complained, beside those that were named
_COMPARES = ("in use", "restored")  # what would go, and what would come in its place
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
class SpotCheck:
    """The accounts that were looked at item by item: those known to be good, those known to be hit."""

    accounts: tuple[Account, ...]

    def describe(self) -> Mapping[str, object]:
        return {
            "accounts looked at": len(self.accounts),
            "known to be good": sum(each.known_by == KNOWN_GOOD for each in self.accounts),
            "corrupted in use": self.corrupted,
            "wrong in the restored table": sum(bool(each.restored_wrong) for each in self.accounts),
        }

    @property
    def corrupted(self) -> int:
        """How many of them are corrupted in the table in use."""
        return sum(each.kind in AFFECTED for each in self.accounts)


def see_accounts(run: GRun, target: Target) -> SpotCheck:
    comparison.must_be_there(run, target.region, target.thing)
    known = _known(run)
    keys = [key_of(run, user) for user in known]
    old, new = (items_by_user(run, name, keys) for name in (target.thing, table(run)))
    last, rule = exported_changes.last_writes(run), exported_changes.policy(run, recovery_point(run))
    return SpotCheck(
        tuple(_account(run, rule, user, by, old.get(user), new.get(user), last) for user, by in known.items())
    )


def _known(run: GRun) -> dict[str, str]:
    """Users, each with why: those known to be good, the named ones, those that have complained since the point."""
    known = dict.fromkeys(run.facts.known_good, KNOWN_GOOD) | dict.fromkeys(named_accounts(run), "named")
    most = len(known) + _FROM_TICKETS
    try:
        tickets = read_tickets(run, run.facts.support, recovery_point(run), run.clock.now())
    except (Unknown, Rejected):
        tickets = ()  # a desk that is silent keeps nobody from looking at those who were named
    for ticket in tickets:
        if len(known) < most:
            known.setdefault(ticket.user.removeprefix(run.facts.users.prefix), f"ticket {ticket.id}")
    return known


def _account(
    run: GRun,
    rule: Policy,
    user: str,
    by: str,
    old: Typed | None,
    new: Typed | None,
    last: Mapping[bytes, ItemWrite],
) -> Account:
    kind, reason = judge(old, new, rule)
    changes = tuple((c.path, c.before, c.after) for c in differing_attributes(old or {}, new or {}))
    wrong = _wrong(run, rule, old, new, last.get(key_bytes(key_of(run, user))))
    if by == KNOWN_GOOD and old is None:
        wrong = "not in it"
    return Account(user, by, kind, reason if old or new else "in neither table", wrong, changes)


def _wrong(run: GRun, rule: Policy, old: Typed | None, new: Typed | None, write: ItemWrite | None) -> str:
    """What is wrong with a restored item, in words: a faulty writer wrote it, it is broken and was not before."""
    if old is None:
        return "" if new is not None else "in neither table"  # whoever came after the recovery point is not in it
    faulty = set(exported_changes.writers(run, old)) & set(rule.faulty)
    broken = () if exported_changes.was_broken(run, write) else invariants.broken(run, old)
    return "; ".join([*broken, *(f"written by {name}" for name in sorted(faulty))])


def accounts_are_correct(run: GRun, target: Target, seen: SpotCheck) -> Check:
    wrong = [f"{each.user}: {each.restored_wrong}" for each in seen.accounts if each.restored_wrong]
    if wrong:
        return never(f"restored, and not correct: {'; '.join(wrong[:5])}")
    good = sum(each.known_by == KNOWN_GOOD for each in seen.accounts)
    return yes(
        f"all {len(seen.accounts)} accounts are correct in {target.thing}, {good} of them known to be good; "
        f"{seen.corrupted} of them are corrupted in {table(run)}"
    )


def show_accounts(run: GRun, states: Mapping[Target, SpotCheck]) -> Iterator[Table]:
    rows: list[tuple[str, str, str, str, str | None, str | None]] = []
    for seen in states.values():
        for account in seen.accounts:
            changes = account.differs or (("the whole item", "the same", "the same"),)
            rows += [(account.user, account.known_by, str(account.kind), *change) for change in changes]
    columns = ("user", "known by", "class", "attribute", "restored", "in use")
    title = "Known accounts: the restored item, and the item in use"
    yield Table("spot-check", title, columns, tuple(rows), _COMPARES)


SPOT_CHECK = Step(
    titles.SPOT_CHECK,
    changes="nothing: compares known accounts, and those of people who have complained, in both tables",
    look=see_accounts,
    expect=accounts_are_correct,
    targets=restored_here,
    needs=(titles.RESTORE,),
    patience=Patience(within=30),
    shows=show_accounts,
)


# ── Sample ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RestoredSample:
    """A random sample of the restored users: how many are wrong there, how many are corrupted in the table in use.

    The shares of all users between which that lies, in percent (95 %).
    """

    size: int
    wrong: int
    wrong_percent: tuple[float, float]
    corrupted: int
    corrupted_percent: tuple[float, float]
    differing: tuple[tuple[str, str, str, str], ...] = field(default=(), compare=False)

    def describe(self) -> Mapping[str, object]:
        return {
            "users looked at": self.size,
            "wrong in the restored table": f"{self.wrong} ({_share_text(self.wrong_percent)})",
            "corrupted in use": f"{self.corrupted} ({_share_text(self.corrupted_percent)})",
        }


def see_sample(run: GRun, target: Target) -> RestoredSample:
    comparison.must_be_there(run, target.region, target.thing)
    keys = invariants.chosen(run, target.region, target.thing)
    old, new = (items_by_user(run, name, keys) for name in (target.thing, table(run)))
    users = [invariants.user_of(run, key) for key in keys]
    last = exported_changes.last_writes(run)
    rule = exported_changes.policy(run, recovery_point(run))
    accounts = [_account(run, rule, user, "sample", old.get(user), new.get(user), last) for user in users]
    size = len(accounts)
    wrong = sum(bool(each.restored_wrong) for each in accounts)
    corrupted = sum(each.kind in AFFECTED for each in accounts)
    differing = [(e.user, str(e.kind), e.reason, e.restored_wrong) for e in accounts if e.kind is not Class.UNCHANGED]
    shares = _percent(wrong, size), _percent(corrupted, size)
    return RestoredSample(size, wrong, shares[0], corrupted, shares[1], tuple(differing))


def _percent(defects: int, size: int) -> tuple[float, float]:
    low, high = sample.bound(defects, size) if size else (0.0, 1.0)
    return round(100 * low, 3), round(100 * high, 3)


def _share_text(percent: tuple[float, float]) -> str:
    return f"{percent[0]:.2g} to {percent[1]:.2g} % of all users"


def sample_is_correct(run: GRun, target: Target, seen: RestoredSample) -> Check:
    if not seen.size:
        return no(f"no user's item was found in {target.thing}")
    if seen.wrong:
        return never(f"{seen.wrong} of {seen.size} restored users are not correct: the recovery point is too late")
    low, high = seen.corrupted_percent
    return yes(
        f"none of {seen.size} restored users has a defect, so fewer than {seen.wrong_percent[1]:.2g} % of all have one "
        f"(95 % confidence); in {table(run)} {seen.corrupted} are corrupted, {low:.1f} to {high:.1f} % of all"
    )


def show_sample(run: GRun, states: Mapping[Target, RestoredSample]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = (
            ("restored, with a defect", seen.wrong, seen.size, *seen.wrong_percent),
            ("in use, corrupted", seen.corrupted, seen.size, *seen.corrupted_percent),
        )
        columns = ("users", "count", "of", "at least, % of all", "at most, % of all")
        yield Table(
            "sample", f"{seen.size} users at random; what that means for all of them (95 % confidence)", columns, rows
        )
        named = ("user", "class", "why", "wrong with the restored item")
        yield Table("sample-differences", "Users of the sample whose item has changed since", named, seen.differing)


SAMPLE = Step(
    titles.SAMPLE,
    changes="nothing: reads users at random, chosen by the hash of their key, in both tables",
    look=see_sample,
    expect=sample_is_correct,
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
    counts = ", ".join(f"{each.items} {each.kind}" for each in seen.counts if each.items)
    return yes(f"{counts}; {seen.affected} users affected")


def show_comparison(run: GRun, states: Mapping[Target, Compared]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = tuple((str(each.kind), each.items, each.users, _meaning(each.kind)) for each in seen.counts)
        columns = ("class", "items", "users", "what it means")
        yield Table("comparison", f"{seen.all_items} items compared, {seen.affected} users affected", columns, rows)
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
        Class.EXPIRED: "gone since, and its time to live is over: it stays away",
        Class.ADDED: "new since: a switch would lose it",
    }[kind]


def when_changed(run: GRun) -> Chart:
    """What differs now, by the minute in which it was written last."""
    point, last = recovery_point(run), exported_changes.last_writes(run)
    end = max(halted_at(run) or point, point)
    kinds = (Class.LEGIT, Class.ADDED, Class.CORRUPTED, Class.DELETED, Class.CONFLICT, Class.EXPIRED)
    differences = comparison.differences(run, *kinds)
    counted: dict[tuple[object, Class], int] = {}
    for difference in differences:
        write = last.get(key_bytes(difference.key))
        if write:
            minute = write.at.replace(second=0, microsecond=0), difference.kind
            counted[minute] = counted.get(minute, 0) + 1
    one, start = timedelta(minutes=1), point.replace(second=0, microsecond=0)
    times = tuple(start + number * one for number in range(int((end - start) / one) + 1))
    series = tuple(
        Series(str(kind), times, tuple(float(counted.get((time, kind), 0)) for time in times))
        for kind in kinds
        if any(each.kind is kind for each in differences)
    )
    bad = sum(each.kind in AFFECTED for each in differences)
    marks = (*run.marks(), Mark("recovery point", point))
    alt = "; ".join(f"{sum(each.kind is kind for each in differences)} {kind}" for kind in kinds)
    title = f"{len(differences)} items differ, {bad} of them by the bad release"
    return Chart("changed-since", title, "items last written, a minute", series, (), marks, f"{title}: {alt}.", True)


def differences_table(run: GRun, name: str, title: str, differences: Sequence[Difference]) -> Table:
    """Differences, those by the bad release first, each attribute with both values."""
    order = [Class.CONFLICT, Class.CORRUPTED, Class.DELETED, Class.LEGIT, Class.ADDED, Class.EXPIRED]
    rows: list[tuple[str, str, str, str, str | None, str | None]] = []
    for difference in sorted(differences, key=lambda difference: order.index(difference.kind)):
        changes = differing_attributes(difference.restored or {}, difference.live or {})
        rows += [
            (comparison.name_of(difference), str(difference.kind), difference.reason, c.path, c.before, c.after)
            for c in changes
        ]
    columns = ("item", "class", "why", "attribute", "restored", "in use")
    title = f"{title}: {len(differences)} items; all are in {comparison.FILE}"
    return Table(name, title, columns, tuple(rows[:_SHOWN]), _COMPARES)


COMPARE = Step(
    titles.COMPARE,
    changes="nothing: compares every item of both tables, and keeps the list of differences in the record",
    look=see_comparison,
    expect=is_compared,
    targets=lambda run: [Target(recovery_region(run), f"{restored_table(run)} beside {table(run)}")],
    needs=(titles.RESTORE,),
    patience=Patience(within=30),
    shows=show_comparison,
)

STEPS = (SPOT_CHECK, SAMPLE, COMPARE)
