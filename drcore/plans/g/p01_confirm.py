"""Plan G, phase 1: from the first complaint until somebody has confirmed that data is corrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.step import regions
from drcore.plans.g import complaints, invariants, titles, worker_releases
from drcore.plans.g.complaints import Complaints
from drcore.plans.g.decisions import decided_release
from drcore.plans.g.facts import GRun
from drcore.plans.g.invariants import Sample
from drcore.plans.g.tables import table
from drcore.plans.g.worker_releases import WorkersRelease
from drcore.plans.shared.acknowledge import acknowledge
from drcore.plans.shared.decision import decision, taken
from drcore.plans.shared.detection import detect
from drcore.plans.shared.maintenance import announce_maintenance
from drcore.plans.shared.on_call import notify_on_call
from drcore.record.evidence import Exhibit, Table

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
class ReleaseProposal:
    """What is to be confirmed: the sample, the release that is suspected; and what has been (empty: nothing)."""

    sample: Sample = field(compare=False)
    faulty: str = field(metadata=label("suspected release"))
    deployed: tuple[WorkersRelease, ...] = field(compare=False)
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_proposal(run: GRun, target: Target) -> ReleaseProposal:
    choice, by, reason = taken(run, titles.CONFIRM)
    deployed = tuple(worker_releases.deployed(run, region) for region in run.service.regions)
    newest = max(deployed, key=lambda each: (each.at is not None, each.at, each.region))
    # Once confirmed it stays: by now the workers may run another release.
    confirmed = decided_release(run) if choice else run.incident.faulty_release
    sample = invariants.take(run, run.service.runner_region)
    return ReleaseProposal(sample, confirmed or newest.release, deployed, choice, by, reason)


def is_to_be_confirmed(run: GRun, target: Target, seen: ReleaseProposal) -> Check:
    least, most = seen.sample.of_all_users
    extent = f"{seen.sample}; that is {least} to {most} of {seen.sample.users} users"
    if not seen.sample.size:
        return unknown(f"no item of a user was found in {table(run)}")
    if not seen.faulty:
        return never(f"{extent}. Which release corrupts is not known: name it, -p faulty_release=")
    named = run.incident.faulty_release or run.rehearsing
    # Where nobody complains the share that was seen counts, not what it may be at most: the few items that a repair
    # has left to a person are no reason for another halt.
    seen_percent = 100 * len(seen.sample.defects) / seen.sample.size
    share = seen.sample.high_percent if "detected" in run.moments else seen_percent
    if not named and share < run.facts.thresholds.share_percent:
        return never(f"{extent}. That is not widespread; if you know better, name the release: -p faulty_release=")
    return no(f"to be confirmed: {extent}; suspected is {seen.faulty}")


def words_to_confirm(run: GRun, states: Mapping[Target, ReleaseProposal]) -> str:
    faulty = next(iter(states.values())).faulty
    return f"{faulty} CORRUPTS DATA: HALT ALL WRITES TO {table(run)} IN {', '.join(run.service.regions)}"


def show_proposal(run: GRun, states: Mapping[Target, ReleaseProposal]) -> Iterator[Exhibit]:
    for seen in states.values():
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
    return (
        "We have found a major issue that affects the sync settings of some users. SyncWell is going into maintenance "
        "mode while we mend it: syncs and changes to settings are paused. We will post an update here."
    )


MAINTENANCE = announce_maintenance(titles.MAINTENANCE, words_maintenance, what="sync settings", needs=(titles.CONFIRM,))

STEPS = (DETECT, NOTIFY, ACKNOWLEDGE, CONFIRM, MAINTENANCE)
