"""Plan G, phase 1: from the first complaint until somebody has confirmed that data is corrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import regions
from drcore.plans.g import complaints, invariants, public_words, resources, titles, worker_releases
from drcore.plans.g.accounts import items_by_user, key_of
from drcore.plans.g.complaints import Complaints
from drcore.plans.g.decisions import decided_release
from drcore.plans.g.facts import GRun
from drcore.plans.g.headcount import Headcount, before_the_incident
from drcore.plans.g.invariants import Sample
from drcore.plans.g.tables import in_use, table
from drcore.plans.g.worker_releases import WorkersRelease
from drcore.plans.shared.acknowledge import acknowledge
from drcore.plans.shared.decision import decision, taken
from drcore.plans.shared.detection import detect
from drcore.plans.shared.maintenance import announce_maintenance
from drcore.plans.shared.on_call import notify_on_call
from drcore.record.evidence import Exhibit, Table

_COMPLAINERS = 100  # of those who complain, so many are looked at: one call


# ── Detect ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def see_complaints(run: GRun, target: Target) -> Complaints:
    return complaints.read(run, target.region, *run.metrics.until_now(run.facts.window_minutes))


def trouble_is_seen(run: GRun, target: Target, seen: Complaints) -> Check:
    trouble = complaints.trouble(run, seen)
    if trouble:
        return yes(f"{'; '.join(trouble)}; {seen.users} users named")
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if run.incident.faulty_release:
        return yes(f"a person has named {run.incident.faulty_release}")
    return no(f"no trouble: {seen.tickets} tickets, {seen.lines} log lines in {run.facts.window_minutes:g} minutes")


def show_complaints(run: GRun, states: Mapping[Target, Complaints]) -> Iterator[Exhibit]:
    yield from complaints.charts(run, "detected", 2 * run.facts.window_minutes)
    yield complaints.reasons(run, "log-reasons", run.facts.window_minutes)


DETECT = detect(
    titles.DETECT,
    changes="nothing: reads the tickets at the support desk, and the error pattern in the logs",
    look=see_complaints,
    expect=trouble_is_seen,
    targets=regions,
    every=30,
    shows=show_complaints,
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.support_key),
)


# ── Notify on-call ────────────────────────────────────────────────────────────────────────────────────────────────────


def words_for_on_call(run: GRun) -> str:
    if "detected" not in run.moments:
        return ""
    detected = run.result(titles.DETECT)
    return f"Users' configurations in {table(run)} seem corrupted. {detected.why if detected else ''}".strip()


NOTIFY = notify_on_call(titles.NOTIFY, words_for_on_call, needs=(titles.DETECT,))

ACKNOWLEDGE = acknowledge(titles.ACKNOWLEDGE, page=titles.NOTIFY)


# ── Confirm ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Complainers:
    """Of the users whom tickets and log lines name: how many were looked at, what is wrong with their items."""

    named: int = field(metadata=label("users who complain"))
    looked_at: int = field(metadata=label("of these looked at"))
    gone: int = field(metadata=label("without an item"))
    broken: int = field(metadata=label("that break an invariant"))
    suspect: int = field(metadata=label("last written by the suspected release"))

    @property
    def hit(self) -> float:
        """About how many of those who complain are hit, as far as their items show it."""
        seen = self.gone + self.broken + self.suspect
        return self.named * seen / self.looked_at if seen else 0.0

    def __str__(self) -> str:
        return (
            f"of {self.looked_at} users who complain {self.gone} have no item, {self.broken} have one that breaks an "
            f"invariant, {self.suspect} one that the suspected release wrote last"
        )


NOBODY_COMPLAINS = Complainers(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ReleaseProposal:
    """What is to be confirmed: the extent, the release that is suspected; and what has been (empty: nothing).

    The extent: a sample of what there is, how many items are gone, the items of those who complain.
    """

    sample: Sample = field(compare=False)
    headcount: Headcount = field(compare=False, metadata=label(""))
    complainers: Complainers = field(compare=False, metadata=label(""))
    faulty: str = field(metadata=label("suspected release"))
    deployed: tuple[WorkersRelease, ...] = field(compare=False)
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_proposal(run: GRun, target: Target) -> ReleaseProposal:
    choice, by, reason = taken(run, titles.CONFIRM)
    deployed = tuple(worker_releases.deployed(run, region) for region in run.service.regions)
    newest = max(deployed, key=lambda release: (release.at is not None, release.at, release.region))
    # Once confirmed it stays: by now the workers may run another release.
    confirmed = decided_release(run) if choice else run.incident.faulty_release
    faulty = confirmed or newest.release
    suspects = (run.facts.workers.writes_as.format(release=faulty),) if faulty else ()
    sample = invariants.take(run, run.service.runner_region, suspects=suspects)
    headcount = before_the_incident(run, sample)
    return ReleaseProposal(sample, headcount, _complainers(run, suspects), faulty, deployed, choice, by, reason)


def _complainers(run: GRun, suspects: tuple[str, ...]) -> Complainers:
    """What is wrong with the items of some of those who complain now."""
    named = complaints.named(run, *run.metrics.until_now(run.facts.window_minutes))
    users = named[:_COMPLAINERS]
    if not users:
        return NOBODY_COMPLAINS
    items = items_by_user(run, in_use(run), [key_of(run, user) for user in users])
    broken = [user for user, item in items.items() if any(invariants.broken(run, item))]
    suspect = [user for user, item in items.items() if invariants.last_writer(run, item) in suspects]
    return Complainers(len(named), len(users), len(users) - len(items), len(broken), len({*suspect} - {*broken}))


def is_to_be_confirmed(run: GRun, target: Target, seen: ReleaseProposal) -> Check:
    sample, limit = seen.sample, run.facts.thresholds.share_percent
    least, most = sample.of_all_users
    extent = f"{sample}; that is {least} to {most} of {sample.users} users; {seen.headcount}"
    if not sample.size:
        return unknown(f"no item of a user was found in {table(run)}")
    if not seen.faulty:
        return never(f"{extent}. Which release corrupts is not known: name it, -p faulty_release=")
    complained = "detected" in run.moments
    if complained:
        extent += f"; {len(sample.suspect)} of {sample.size} were last written by {seen.faulty}; {seen.complainers}"
    # Where nobody complains the share that was seen counts, not what it may be at most: the few items that a repair
    # has left to a person are no reason for another halt.
    share = sample.high_percent if complained else 100 * len(sample.defects) / sample.size
    widespread = share >= limit or (complained and _without_a_defect(seen) >= limit)
    if run.incident.faulty_release or run.rehearsing or widespread:
        return no(f"to be confirmed: {extent}; suspected is {seen.faulty}")
    named = "if you know better, name the release: -p faulty_release="
    if complained and not sample.defects:
        return unknown(
            f"users complain, and the sample shows nothing: {extent}. What is well-formed and wrong breaks no "
            f"invariant, so this proves nothing. Look at the items of those who complain; {named}"
        )
    return never(f"{extent}. That is not widespread; {named}")


def _without_a_defect(seen: ReleaseProposal) -> float:
    """The share of users, in percent, of whom complaints say that they are hit, and whom no invariant shows.

    Items that are gone; those who complain and whose own item shows it; as far as one of them was written last by the
    suspected release, all whom it wrote.
    """
    written = 100 * len(seen.sample.suspect) / seen.sample.size if seen.complainers.suspect else 0.0
    return max(seen.headcount.percent, written, 100 * seen.complainers.hit / seen.sample.users)


def words_to_confirm(run: GRun, states: Mapping[Target, ReleaseProposal]) -> str:
    faulty = next(iter(states.values())).faulty
    return f"{faulty} CORRUPTS DATA IN {table(run)}: HALT ALL WRITES"


def _extent_table(seen: ReleaseProposal) -> Table:
    """How far it goes, by each sign; what a sign cannot see stands beside it."""
    sample, complainers = seen.sample, seen.complainers
    rows = (
        ("invariants, in the sample", len(sample.defects), sample.size, "deleted users, wrong values that look right"),
        (f"last written by {seen.faulty}", len(sample.suspect), sample.size, "whether what it wrote is wrong; silence"),
        ("items gone, at least", seen.headcount.missing, seen.headcount.before, "as many as were new meanwhile"),
        ("complain, item is gone", complainers.gone, complainers.looked_at, "who does not complain"),
        ("complain, item breaks an invariant", complainers.broken, complainers.looked_at, "who does not complain"),
        ("complain, item of that release", complainers.suspect, complainers.looked_at, "who does not complain"),
    )
    return Table("extent", "How far it goes, by each sign", ("sign", "seen", "of", "does not show"), rows)


def show_proposal(run: GRun, states: Mapping[Target, ReleaseProposal]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield _extent_table(seen)
        yield invariants.reasons_table(run, "invariants", seen.sample)
        yield invariants.defects_table("corrupted-in-sample", seen.sample)
        rows = tuple((each.region, each.task_definition, each.release, each.at) for each in seen.deployed)
        columns = ("region", "task definition", "release", "deployed")
        yield Table("workers-deployed", f"Releases that the workers run; suspected is {seen.faulty}", columns, rows)


CONFIRM = decision(
    titles.CONFIRM,
    changes="records who confirmed which release corrupts users' data, so that all its writes are halted",
    look=see_proposal,
    expect=is_to_be_confirmed,
    choice=lambda run, seen: f"{seen.faulty} corrupts users' data: all writes are to be halted",
    phrase=words_to_confirm,
    needs=(titles.DETECT,),
    shows=show_proposal,
    moment="decided",
)


# ── Tell users: maintenance ───────────────────────────────────────────────────────────────────────────────────────────


def words_maintenance(run: GRun) -> str:
    """The plan's words; nothing where a rehearsal has seen no trouble."""
    if run.rehearsing and "detected" not in run.moments:
        return ""
    return public_words.MAINTENANCE


MAINTENANCE = announce_maintenance(
    titles.MAINTENANCE, words_maintenance, what=public_words.WHAT, needs=(titles.CONFIRM,)
)

STEPS = (DETECT, NOTIFY, ACKNOWLEDGE, CONFIRM, MAINTENANCE)
