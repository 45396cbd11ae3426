"""What plan G leans on, as its preflight finds it."""

from __future__ import annotations

from collections.abc import Iterator

from drcore.clock import iso, parse_time
from drcore.diff.policy import modified_of, writers_of
from drcore.engine.outcome import Check, no, wrong, yes
from drcore.engine.preflight import checked
from drcore.plans.g import complaints, job_counts, not_restored, partner_cursors, titles, worker_releases
from drcore.plans.g.accounts import items_by_user, key_of, named_accounts
from drcore.plans.g.complaints import error_metrics
from drcore.plans.g.facts import GRun
from drcore.plans.g.tables import consumed_table, in_use, restored_table, role_arn, table, table_arn
from drcore.plans.shared.metric_lateness import metrics_in_time
from drcore.plans.shared.on_call import on_call_topic, second_on_call_topic
from drcore.plans.shared.traffic import can_be_proved
from drcore.record.events import Kind
from drcore.services import autoscaling, events, iam, lambda_
from drcore.services.dynamodb import policies, recovery, tables

_NAMED = 10  # releases in the message of a wrong one


def must_exist(run: GRun) -> Iterator[tuple[str, Check] | tuple[str, Check, bool]]:
    """Preflight: what the plan leans on, in every region: recovery, replicas, the table's name, every writer."""
    yield on_call_topic(run)
    yield second_on_call_topic(run)
    if run.history.has(Kind.UNDONE):
        yield "this run", no("it has gone back, and users have written since: what it knows is of before. Start anew")
    for region in run.service.regions:
        for what, look in (
            ("point-in-time recovery", _recovers),
            ("replica", _replica),
            ("table in AppConfig", _named),
            ("bucket for exports", _bucket),
            ("writers", _writers),
        ):
            yield f"{what} in {region}", checked(look, run, region)
        yield f"traffic in {region}", checked(_traffic, run, region), False
    if run.incident.recovery_point:
        yield "recovery_point", checked(_recovery_point, run)
    for name in ("faulty_release", "good_release"):
        if named := getattr(run.incident, name):
            yield name, checked(_release, run, name, named)
    # One that is gone now may have been deleted by what this plan is for: it is told, and stops nobody.
    yield "accounts known to be good", checked(_known_good, run), False
    if run.incident.accounts:
        yield "accounts", checked(_accounts, run)
    yield from metrics_in_time(run, {region: error_metrics(run) for region in run.service.regions})
    # Not needed for a repair in place, and asked of a control plane that stands in one region: it stops nobody.
    yield "roles for a new table", checked(_roles, run, run.service.runner_region), False
    # To halt what corrupts is worth it, whatever comes after: these say beforehand what will be left to a person.
    yield "remedies", checked(not_restored.can_be_remedied, run), False
    yield "keys of the table", checked(not_restored.keys_can_be_used, run), False
    for region in run.service.regions:
        yield f"jobs in {region}", checked(job_counts.can_be_counted, run, region), False
        yield f"flag that holds old jobs in {region}", checked(job_counts.can_be_held, run, region), False
        yield f"flag that sets imports back in {region}", checked(partner_cursors.can_be_set_back, run, region), False
        yield f"settings of the table in {region}", checked(not_restored.switch_by_hand, run, region), False


def _recovers(run: GRun, region: str) -> Check:
    window = recovery.window(run.aws, region, table(run))
    if not window.earliest or not window.latest:
        return no(f"it is off: {table(run)} cannot be restored in {region}")
    return yes(f"{table(run)}, from {window.earliest:%Y-%m-%d %H:%M} to {window.latest:%H:%M:%S} UTC")


def _replica(run: GRun, region: str) -> Check:
    status = dict(tables.replicas(run.aws, region, table(run)).status)
    bad = [each for each in run.service.regions if status.get(each) != "ACTIVE"]
    return no(f"not ACTIVE in {', '.join(bad)}") if bad else yes(f"ACTIVE in {', '.join(sorted(status))}")


def _named(run: GRun, region: str) -> Check:
    name = consumed_table(run, region)
    ours = (table(run), in_use(run))  # a run that is opened again may have switched, in one region or in all
    return yes(name) if name in ours else no(f"AppConfig names {name}, g.yaml {table(run)}: correct g.yaml")


def _bucket(run: GRun, region: str) -> Check:
    bucket = run.facts.exports.format(region=region)
    run.aws.call("s3", region, "head_bucket", Bucket=bucket)
    return yes(bucket)


def _writers(run: GRun, region: str) -> Check:
    workers, facts = run.facts.workers, run.facts
    scaling = autoscaling.scaling(run.aws, region, workers.cluster, workers.service)
    runs = worker_releases.deployed(run, region)
    for name in facts.rules:
        events.rule(run.aws, region, name)
    for name in facts.functions:
        lambda_.alias(run.aws, region, name, facts.alias)
    mappings = lambda_.sources(run.aws, region, facts.functions)
    statements = len(policies.policy(run.aws, region, table_arn(run, region)).statements)
    return yes(
        f"{workers.service} ({runs.release}, {scaling.least} to {scaling.most} tasks), {len(facts.functions)} "
        f"functions, {len(mappings)} event source mappings, {len(facts.rules)} rules; the policy of the table has "
        f"{statements} statements"
    )


def _recovery_point(run: GRun) -> Check:
    """Whether it can be restored. The last minutes before now cannot be yet, and can be when it comes to that."""
    named, now = parse_time(run.incident.recovery_point), run.clock.now()
    if named >= now:
        return wrong("recovery_point", f"expected a time before now, {iso(now)}, seen {iso(named)}")
    for region in run.service.regions:
        earliest = recovery.window(run.aws, region, table(run)).earliest
        if earliest and named < earliest:
            return wrong(
                "recovery_point",
                f"expected a time after {iso(earliest)}, from which on {table(run)} in {region} can "
                f"be restored, seen {iso(named)}",
            )
    return yes(f"{iso(named)} can be restored")


def _release(run: GRun, name: str, named: str) -> Check:
    if run.incident.faulty_release == run.incident.good_release:
        return wrong(name, f"expected a faulty release and another one to resume with, seen {named!r} for both")
    for region in run.service.regions:
        names = dict[str, None]()
        for release in worker_releases.known(run, region):
            if release == named:
                break
            names[release] = None
        else:
            some = ", ".join([*names][:_NAMED]) + (", …" if len(names) > _NAMED else "")
            return wrong(name, f"expected a release of the workers in {region} ({some}), seen {named!r}")
    return yes(f"{named} is there in every region")


def _accounts(run: GRun) -> Check:
    named = named_accounts(run)
    there = items_by_user(run, table(run), [key_of(run, user) for user in named])
    missing = [user for user in named if user not in there]
    if missing or not named:
        seen = ", ".join(missing) or repr(run.incident.accounts)
        return wrong("accounts", f"expected users of {table(run)}, separated by commas, seen {seen}")
    return yes(f"{len(named)} are there")


def _known_good(run: GRun) -> Check:
    known = run.facts.known_good
    there = items_by_user(run, table(run), [key_of(run, user) for user in known])
    missing = [user for user in known if user not in there]
    if missing:
        return no(f"known_good: expected users of {table(run)}, seen {', '.join(missing)}, who are not in it")
    names = run.facts.attributes
    timed = [user for user, item in there.items() if modified_of(item, names.modified) is not None]
    signed = [user for user, item in there.items() if writers_of(item, names.writer)]
    for name, having, what in ((names.modified, timed, "a time"), (names.writer, signed, "a writer")):
        if not having:
            return no(f"attributes: expected {what} in {name}, seen none in the items of {', '.join(known)}")
    return yes(f"{', '.join(known)} are there; {len(timed)} name a time in {names.modified}, {len(signed)} a writer")


def _traffic(run: GRun, region: str) -> Check:
    minutes = run.facts.window_minutes
    requests = complaints.requests(run, region, minutes)
    return can_be_proved(titles.USERS, f"the API {run.facts.api.name}", requests, minutes, run.facts.minimum_sample)


def _roles(run: GRun, region: str) -> Check:
    """Whether the roles of the service may use a restored table: its name is not that of the old one."""
    arn = table_arn(run, region, restored_table(run))
    wanted = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    denied = {
        role: actions
        for role in run.facts.roles.writers
        if (actions := iam.denied(run.aws, region, role_arn(run, role), wanted, (arn,)))
    }
    if denied:
        return no(f"{', '.join(denied)} may not use {arn}: allow {table(run)}* before a switch")
    return yes(f"{', '.join(run.facts.roles.writers)} may use {restored_table(run)}")
