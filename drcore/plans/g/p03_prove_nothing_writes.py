"""Plan G, phase 3: the proof that nothing writes to the table any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.clock import iso, parse_time
from drcore.engine.labels import label
from drcore.engine.outcome import Answer, Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.errors import Rejected
from drcore.plans.g import resources, titles
from drcore.plans.g.decisions import HALTED
from drcore.plans.g.facts import GRun
from drcore.plans.g.table_requests import WRITING, RequestCounts, none_counted, read_requests, requests_chart
from drcore.plans.g.tables import role_arn, table
from drcore.record.events import Kind
from drcore.record.evidence import Exhibit, Table
from drcore.services.dynamodb import tables


@dataclass(frozen=True, slots=True)
class WriteProof:
    """What was written since writes were denied, in one region, and whether one of the service's roles was refused.

    `attempt`: what became of our own attempt with that role (empty: not made). `canary_at`: when the region's own
    canary was written last. `writers`: who wrote the items that have changed since; looked for only where any has.
    """

    requests: RequestCounts = field(metadata=label(""))
    attempt: str = field(metadata=label("write attempt"))
    canary_at: datetime | None = field(metadata=label("canary last written"))
    denied_at: datetime | None = field(metadata=label("writes denied since"))
    writers: tuple[str, ...] = field(default=(), compare=False)


REFUSED, ACCEPTED = "refused", "accepted"
NOT_ALLOWED = "refused, as the role may not write at all"  # which says nothing of the table's policy
_NO_PERMISSION = "no identity-based policy allows"  # in AWS's words; a denial by the table's policy has others
# From there on this run, or the service, writes again.
_WRITING_STEPS = (titles.REPAIR, titles.SWITCH, titles.ALLOW)


def roles(run: GRun) -> list[Target]:
    return [Target(region, role) for region in run.service.regions for role in run.facts.roles.writers]


def _own_canary(run: GRun) -> dict[str, str]:
    key = run.facts.key
    return {key.partition: f"{run.facts.canary.key_prefix}drcore-{run.id}", key.sort: "0"}


def see_writes(run: GRun, target: Target) -> WriteProof:
    denied, name = run.moments.get("denied"), table(run)
    requests = read_requests(run, target.region, name, WRITING, denied or run.clock.now())
    # Read in every region, whichever is looked at: so the proof of the next one need not begin anew.
    canaries = {
        region: tables.item(run.aws, region, name, _canary(run, region), consistent=True)
        for region in run.service.regions
    }
    canary = canaries[target.region]
    return WriteProof(
        requests,
        _attempt(run, target),
        parse_time(canary["ts"]) if canary else None,
        denied,
        # Read whole to name who was missed; once this run has begun to write, it is no proof any more.
        _writers_since(run, target.region, denied) if denied and str(requests) and not _writes_itself(run) else (),
    )


def _attempt(run: GRun, target: Target) -> str:
    """What became of our last attempt; one that was accepted is made anew when the run is opened again."""
    made = run.history.last(Kind.ACTED, step=titles.NOTHING_WRITES, target=target)
    opened = run.history.last(Kind.OPENED_AGAIN)
    if made is None or (made["answer"] == ACCEPTED and opened and made["n"] < opened["n"]):
        return ""
    return str(made["answer"])


def _canary(run: GRun, region: str) -> dict[str, str]:
    key = run.facts.key
    return {key.partition: f"{run.facts.canary.key_prefix}{region}", key.sort: "0"}


def nothing_writes(run: GRun, target: Target, seen: WriteProof) -> Check:
    later = _writes_itself(run)
    if later:
        return yes(f"nothing wrote, until this run began to write itself: {later}")
    if seen.attempt == ACCEPTED:
        return never(f"a write as {target.thing} was accepted: the policy of the table does not hold")
    if str(seen.requests):
        by = f", last written by {', '.join(seen.writers)}" if seen.writers else ""
        return never(
            f"a writer was missed: {seen.requests} in the last {seen.requests.minutes} minutes{by}. Find it in "
            f"CloudTrail (AssumeRole, data events of {table(run)}), stop it, and resume after "
            f"{run.facts.quiet_minutes + run.metrics.delay_s / 60:g} minutes"
        )
    if seen.canary_at and seen.denied_at and seen.canary_at > seen.denied_at:
        return never(f"the canary of {target.region} was written at {seen.canary_at:%H:%M:%S}, after the denial")
    if not seen.attempt:
        return no(f"a write as {target.thing} is to be attempted")
    if not seen.denied_at:
        return unknown("when writes were denied is not known")
    proof = none_counted(run, seen.requests, "writes")
    if proof.answer is not Answer.YES:
        return proof
    if seen.attempt == NOT_ALLOWED:
        return yes(f"{target.thing} may not write at all, which says nothing of the table's policy; {proof.why}")
    return yes(f"a write as {target.thing} was refused; {proof.why}")


def _writes_itself(run: GRun) -> str:
    """The step with which this run, or the service by it, has begun to write; empty before that."""
    return next((step.title for step in _WRITING_STEPS if run.history.has(Kind.INTENT, step=step)), "")


def attempt_write(run: GRun, target: Target, seen: WriteProof) -> str:
    """Try to write one item of our own as a role of the service: it must be refused. What was accepted is removed."""
    written = _own_canary(run) | {"ts": run.now_text(), "run": run.id}
    try:
        tables.put(run.aws.as_role(role_arn(run, target.thing)), target.region, table(run), written)
    except Rejected as error:
        if error.code != "AccessDeniedException" or "put_item" not in str(error):
            raise  # the role could not be had, the table is not there: that is no proof
        return NOT_ALLOWED if _NO_PERMISSION in str(error) else REFUSED
    tables.delete(run.aws, target.region, table(run), _own_canary(run))
    return ACCEPTED


def _writers_since(run: GRun, region: str, since: datetime) -> tuple[str, ...]:
    return tuple(sorted({writer for _, _, writer in _changed(run, region, since) if writer}))


def _changed(run: GRun, region: str, since: datetime) -> Iterator[tuple[str, str, str]]:
    """The items that say they were changed since a time: key, when, by whom."""
    names = run.facts.attributes
    for item in tables.items(run.aws, region, table(run)):
        modified = item.get(names.modified)
        if isinstance(modified, str) and _later(modified, since):
            writer = item.get(names.writer) or ""
            yield str(item[run.facts.key.partition]), modified, str(writer[-1] if isinstance(writer, list) else writer)


def _later(text: str, since: datetime) -> bool:
    try:
        return parse_time(text) > since
    except ValueError:
        return False


def show_writes(run: GRun, states: Mapping[Target, WriteProof]) -> Iterator[Exhibit]:
    yield requests_chart(run, "writes-stopped", table(run), WRITING, 30)
    rows = tuple((t.region, t.thing, seen.attempt or "not made", seen.canary_at) for t, seen in states.items())
    title = "A write attempt as each role of the service; the last write of each region's canary"
    yield Table("writes-refused", title, ("region", "role", "write attempt", "canary last written"), rows)
    since = run.moments.get("denied")
    if since and not _writes_itself(run) and any(str(seen.requests) for seen in states.values()):
        changed = sorted(_changed(run, run.service.runner_region, since), key=lambda row: row[1])[-20:]
        yield Table("written-since", f"Written since {iso(since)}", ("item", "changed", "last writer"), tuple(changed))


NOTHING_WRITES = Step(
    titles.NOTHING_WRITES,
    changes="nothing, if all is well: a write as each role of the service is attempted, and must be refused",
    look=see_writes,
    expect=nothing_writes,
    act=attempt_write,
    targets=roles,
    needs=(
        *(titles.DENY, titles.FREEZE, titles.SCALING, titles.RULES),
        *(titles.WORKERS, titles.SOURCES, titles.FUNCTIONS),
    ),
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=lambda run: 60 * (run.facts.quiet_minutes + 6) + run.metrics.delay_s, every=20),
    shows=show_writes,
    settles=Settles(HALTED),
    permissions=(
        *iam_actions("sts:AssumeRole", on=resources.writers),
        *iam_actions("dynamodb:DeleteItem", on=resources.table),  # a write that was accepted is taken away again
    ),
)

STEPS = (NOTHING_WRITES,)
