"""Plan G, phase 12, after a switch: the proof that nobody reads the old table any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target
from drcore.engine.step import Patience, Step
from drcore.plans.g import titles
from drcore.plans.g.decisions import not_the_remedy, remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.p02_deny_writes import the_table
from drcore.plans.g.table_requests import READING, RequestCounts, none_counted, read_requests, requests_chart
from drcore.plans.g.tables import in_use, table
from drcore.record.evidence import Exhibit
from drcore.services.dynamodb import tables


@dataclass(frozen=True, slots=True)
class OldTableReads:
    """What still reads the old table, in the whole minutes since this step began to look."""

    requests: RequestCounts = field(metadata=label(""))


def see_old_table_reads(run: GRun, target: Target) -> OldTableReads:
    tables.item(run.aws, target.region, in_use(run), _any_key(run))  # to be seen in the metric beside what is not
    looks = [at for at, each, _ in run.looks(titles.OLD_TABLE_UNREAD) if each == target]
    since = looks[0] if looks else run.clock.now()  # this run's own reads of the old table are all before
    return OldTableReads(read_requests(run, target.region, target.thing, READING, since, own_reads_in=in_use(run)))


def _any_key(run: GRun) -> dict[str, str]:
    key = run.facts.key
    return {key.partition: f"{run.facts.canary.key_prefix}drcore", key.sort: "0"}


def nobody_reads(run: GRun, target: Target, seen: OldTableReads) -> Check:
    other = not_the_remedy(run, Remedy.SWITCH)
    return other or none_counted(run, seen.requests, f"reads of {target.thing}")


def show_old_table_reads(run: GRun, states: Mapping[Target, OldTableReads]) -> Iterator[Exhibit]:
    if remedy(run) is Remedy.SWITCH:
        yield requests_chart(run, "old-table-reads", table(run), READING, 30)
        yield requests_chart(run, "new-table-reads", in_use(run), READING, 30)


OLD_TABLE_UNREAD = Step(
    titles.OLD_TABLE_UNREAD,
    changes="nothing: reads of the old table in each region, beside those of the new one",
    look=see_old_table_reads,
    expect=nobody_reads,
    targets=the_table,
    needs=(titles.SCALING_AGAIN,),
    patience=Patience(within=lambda run: 60 * (run.facts.quiet_minutes + 5) + run.metrics.delay_s, every=20),
    shows=show_old_table_reads,
)

STEPS = (OLD_TABLE_UNREAD,)
