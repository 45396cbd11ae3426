"""Plan F: back to the last stable version of the backend.

`titles.py` is the plan on one page. A phase is a file, its steps stand there in the order in which they are done; what
each looks at, expects, does is right above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from drcore.engine.outcome import Check, no, yes
from drcore.engine.preflight import checked
from drcore.engine.step import Plan
from drcore.plans.f import by_hand, health, p1_detect, p2_decide, p3_roll_back, p4_verify, p5_close, titles
from drcore.plans.f.decided_release import target_release
from drcore.plans.f.facts import Facts, FRun, Incident
from drcore.plans.f.health import api_metrics
from drcore.plans.f.p1_detect import ACKNOWLEDGE, AUTOMATIC, DETECT, NOTIFY
from drcore.plans.f.p2_decide import DECIDE, INVESTIGATING
from drcore.plans.f.p3_roll_back import API, FREEZE, LAMBDA, PROVISIONED, STOP, STOP_LATE
from drcore.plans.f.p4_verify import CONFIRM_GONE, RESOLVED, VERIFY
from drcore.plans.f.p5_close import CLOSE, UNFREEZE
from drcore.plans.shared.metric_lateness import metrics_in_time
from drcore.plans.shared.on_call import on_call_topic, second_on_call_topic
from drcore.plans.shared.releases import same_manifest
from drcore.plans.shared.traffic import can_be_proved
from drcore.plans.shared.unwatched import cannot_tell
from drcore.services import apigateway, cloudwatch, lambda_


def must_exist(run: FRun) -> Iterator[tuple[str, Check] | tuple[str, Check, bool]]:
    """Preflight: the way to on-call; the release, the aliases, the stage, in every region that answers.

    What the goal will be judged by is looked at as well: it stops nobody, as users do not wait for a proof.
    """
    yield on_call_topic(run)
    yield second_on_call_topic(run)
    yield "release manifest", checked(same_manifest, run)
    for region in run.service.regions:
        yield f"targets in {region}", checked(_targets, run, region)
        yield f"alarms in {region}", checked(_alarms, run, region), False
        yield f"traffic in {region}", checked(_traffic, run, region), False
    yield from metrics_in_time(run, {region: api_metrics(run) for region in run.service.regions})


def _alarms(run: FRun, region: str) -> Check:
    alarms = cloudwatch.alarms(run.aws, region, run.facts.alarms.prefix)
    why = cannot_tell(alarms, run.facts.alarms.prefix)
    return no(why) if why else yes(f"{len(alarms)} begin with {run.facts.alarms.prefix}")


def _traffic(run: FRun, region: str) -> Check:
    minutes = run.facts.window_minutes
    requests = health.api_requests(run, region, minutes)
    return can_be_proved(VERIFY.name, f"the API {run.facts.api.name}", requests, minutes, run.facts.minimum_sample)


def _targets(run: FRun, region: str) -> Check:
    release = target_release(run, region).of(region)
    for name in run.facts.functions:
        release.version_of(name)
        lambda_.alias(run.aws, region, name, run.facts.alias)
    apigateway.stage(run.aws, region, release.api.rest_api_id, release.api.stage)
    return yes(f"{len(run.facts.functions)} aliases, stage {run.facts.api.stage}")


PLAN = Plan(
    id="f",
    title="Backend deployment rollback",
    notebook="f_backend_rollback.ipynb",
    steps=p1_detect.STEPS + p2_decide.STEPS + p3_roll_back.STEPS + p4_verify.STEPS + p5_close.STEPS,
    goal=VERIFY,
    stands=titles.STANDS,
    facts=Facts,
    incident=Incident,
    faults=("bad-canary", "bad-canary-stuck", "bad-release"),
    rto=lambda run: 60 * float(run.facts.rto_minutes),
    must_exist=must_exist,
    by_hand=by_hand.card,
)
