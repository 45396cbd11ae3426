"""Plan C: a critical bug in a new release of the app.

`titles.py` is the plan on one page. A phase is a file, its steps stand there in the order in which they are done; what
each looks at, expects, does is right above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from drcore.engine.outcome import Check, no, yes
from drcore.engine.preflight import checked
from drcore.engine.step import Plan
from drcore.plans.c import by_hand, p1_detect, p2_halt, p3_triage, p4_decide, p6_verify, p7_close, titles
from drcore.plans.c.facts import CRun, Facts, Incident
from drcore.plans.c.off_sale import OFF_SALE, ON_SALE, named_territories, unknown_territories
from drcore.plans.c.p1_detect import ACKNOWLEDGE, DETECT, NOTIFY
from drcore.plans.c.p2_halt import HALT_IOS, HALT_PLAY
from drcore.plans.c.p3_feature import FEATURE
from drcore.plans.c.p3_triage import INVESTIGATING, TRIAGE
from drcore.plans.c.p4_decide import DECIDE
from drcore.plans.c.p5_least_version import LEAST
from drcore.plans.c.p5_replace import BUILD, RECOVER, REVIEW, SUBMIT_IOS, SUBMIT_PLAY
from drcore.plans.c.p6_verify import RESOLVED, VERIFY
from drcore.plans.c.p7_close import CLOSE, POSTMORTEM
from drcore.plans.c.stores import BOTH, app_store
from drcore.plans.c.versions import is_known, newest, next_version, same_manifest
from drcore.plans.shared.flag_profiles import flags_in_place
from drcore.plans.shared.metric_lateness import metrics_in_time
from drcore.plans.shared.on_call import on_call_topic
from drcore.services import codebuild
from drcore.services.appstore.webhooks import STATE_UPDATED, deliveries, webhooks
from drcore.services.cloudwatch import Metric


def must_exist(run: CRun) -> Iterator[tuple[str, Check] | tuple[str, Check, bool]]:
    """Preflight: the way to on-call, both stores with the version that was named, the job that builds the app.

    A store that does not answer stops nobody: the other one can be halted all the same.
    """
    yield on_call_topic(run)
    yield "version", checked(is_known, run)
    if named_territories(run):
        yield "territories", checked(unknown_territories, run)
    yield "mobile releases", checked(same_manifest, run), False
    for store in BOTH:
        yield str(store), checked(_newest, run, store), False
    yield "webhook of App Store Connect", checked(_webhook, run), False
    yield "the next version", checked(_next, run), False
    yield "the build job", checked(_job, run), False
    levers = run.facts.levers
    wanted = (*run.facts.features.values(), levers.least_version)
    yield from flags_in_place(run, levers.flags, wanted, stops=False)
    # The export of crash reports is late by its own measure: these tell whether CloudWatch is.
    yield from metrics_in_time(run, {region: (_requests(run),) for region in run.service.regions})


def _newest(run: CRun, store: object) -> Check:
    return yes(f"the newest version is {newest(run, next(each for each in BOTH if each == store))}")


def _next(run: CRun) -> Check:
    return yes(f"{next_version(run)} is above all that the stores have seen")


def _webhook(run: CRun) -> Check:
    """Whether the reviews' progress is told to us: by a webhook that is on, whose last post has arrived."""
    store = app_store(run)
    known = [each for each in webhooks(store) if each.enabled and STATE_UPDATED in each.events]
    if not known:
        return no(f"none that is on is told of {STATE_UPDATED}: reviews are polled all the same")
    last = next(iter(deliveries(store, known[0].id)), None)
    if last and last.state == "FAILED":
        return no(f"{known[0].name}: what was posted at {last.created} did not arrive: reviews are polled all the same")
    return yes(f"{known[0].name} posts to {known[0].url}")


def _job(run: CRun) -> Check:
    job = run.facts.build_job
    codebuild.newest_builds(run.aws, job.region, job.project)
    return yes(f"{job.project} in {job.region}")


def _requests(run: CRun) -> Metric:
    dimensions = (("ApiName", run.facts.api.name), ("Stage", run.facts.api.stage))
    return Metric("AWS/ApiGateway", "Count", "Sum", dimensions)


PLAN = Plan(
    id="c",
    title="Critical production bug in a new release",
    notebook="c_mobile_release.ipynb",
    steps=(
        *p1_detect.STEPS,
        *p2_halt.STEPS,
        OFF_SALE,
        *p3_triage.STEPS,
        FEATURE,
        *p4_decide.STEPS,
        BUILD,
        SUBMIT_PLAY,
        SUBMIT_IOS,
        REVIEW,
        ON_SALE,
        RECOVER,
        LEAST,
        *p6_verify.STEPS,
        *p7_close.STEPS,
    ),
    goal=VERIFY,
    stands=titles.STANDS,
    facts=Facts,
    incident=Incident,
    # Short courses: the stores' own reviews take hours, and devices update within six.
    faults=(
        "mobile-crash:review_minutes=10,update_hours=1",
        "play-fully-released:review_minutes=10,update_hours=1",
        "play-edit-conflict:review_minutes=10,update_hours=1",
        "ios-fully-released:review_minutes=10,update_hours=1",
        "mobile-crash-ios:review_minutes=10,update_hours=1",
        "mobile-data-loss:review_minutes=10,update_hours=1",
    ),
    short_of_goal=(
        "mobile-crash-few-users:review_minutes=10,update_hours=1",  # two crashes by chance must not trigger
        "ios-no-crash-source:review_minutes=10,update_hours=1",  # unknown until a person reports it
        "play-change-in-review:review_minutes=10,update_hours=1",  # a halt would cancel the review: a person decides
        "recovery-generation-failed:review_minutes=10,update_hours=1",  # users are well; who has it keeps it for longer
    ),
    rto=lambda run: 3600 * run.facts.rto_hours,
    must_exist=must_exist,
    by_hand=by_hand.card,
)
