"""Questions that only read: what the account answers, how late its metrics are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from drcore import plans
from drcore.engine.permissions import Place, by_resources
from drcore.engine.prepare import HOME
from drcore.errors import Rejected, Unknown
from drcore.parameters import load
from drcore.probe.own import PREFIX
from drcore.probe.question import AwsQuestion, Value, seconds, words
from drcore.probe.session import ProbeSession
from drcore.services import cloudwatch, iam
from drcore.services.cloudwatch import Metric

METRIC_DELAY = "metric-delay"
_NOTHING = f"{PREFIX}nothing"
_MINUTE = timedelta(minutes=1)
_WATCHED = 5  # metrics
_WATCHED_FOR, _EVERY = timedelta(minutes=5), 5.0  # what comes later is later than any bound


def code_of(call: Callable[[], object]) -> str:
    """The error code that a call is refused with, or `answered`. Raises Unknown."""
    try:
        call()
    except Rejected as error:
        return error.code
    return "answered"


def _missing(service: str, operation: str, parameters: dict[str, str], session: ProbeSession) -> Value:
    return code_of(partial(session.aws.call, service, session.region, operation, **parameters))


def _missing_object(session: ProbeSession) -> Value:
    bucket = session.service.evidence.buckets[session.region]
    return code_of(partial(session.aws.call, "s3", session.region, "get_object", Bucket=bucket, Key=_NOTHING))


def _policy_suffices(session: ProbeSession) -> Value:
    """Asked of the simulator, plan by plan, on the environment's ARNs, for the role that the runner takes on."""
    if not session.service.role:
        raise Unknown("service.yaml names no role: the simulator is asked about the runner's role")
    denied: set[str] = set()
    for plan in map(plans.find, plans.ids()):
        _, facts = load(HOME / "parameters", session.service.environment, plan.id, plan.facts)
        for arns, actions in by_resources(plan.permissions, Place(session.service, facts)).items():
            refused = iam.denied(session.aws, session.region, session.service.role, actions, arns)
            denied |= {action for action, _ in refused}
    return f"denied: {', '.join(sorted(denied))}" if denied else "all allowed"


def _simulated_session(session: ProbeSession) -> Value:
    who = str(session.aws.call("sts", session.region, "get_caller_identity")["Arn"])
    if ":assumed-role/" not in who:
        raise Unknown(f"asked as {who}, which is no session of a role")
    return code_of(partial(iam.denied, session.aws, session.region, who, ["s3:GetObject"]))


def _metric_delay(session: ProbeSession) -> Value:
    """How long after the end of a minute the last of some metrics of Lambda took on its value of that minute.

    As looks of every 5 s tell; what has a value before its minute is over has a part of it.
    """
    metrics = _active(session)
    minute = session.clock.now().replace(second=0, microsecond=0)
    over = minute + _MINUTE
    values: dict[Metric, float] = {}
    since: dict[Metric, datetime] = {}
    while (now := session.clock.now()) < over + _WATCHED_FOR:
        read = cloudwatch.minutes(session.aws, session.region, metrics, minute, over)
        for metric, points in zip(metrics, read, strict=True):
            if minute in points.by_time and values.get(metric) != points.by_time[minute]:
                values[metric], since[metric] = points.by_time[minute], now
        session.clock.sleep(_EVERY)
    if len(since) < len(metrics):
        raise Unknown(f"{len(metrics) - len(since)} of {len(metrics)} metrics have no value {_WATCHED_FOR} later")
    return max(0.0, *((at - over).total_seconds() for at in since.values()))


def _active(session: ProbeSession) -> list[Metric]:
    listed = session.aws.pages(
        "cloudwatch", session.region, "list_metrics", "Metrics", Namespace="AWS/Lambda", MetricName="Invocations"
    )
    known = [
        Metric("AWS/Lambda", "Invocations", "Sum", tuple((each["Name"], each["Value"]) for each in one["Dimensions"]))
        for one in listed
    ]
    now = session.clock.now()
    span = now.replace(second=0, microsecond=0) - 15 * _MINUTE, now
    busy = [metric for metric in known if len(metric.dimensions) == 1][:100]
    read = cloudwatch.minutes(session.aws, session.region, busy, *span) if busy else ()
    active = [metric for metric, points in zip(busy, read, strict=True) if len(points.times) >= 10]
    if not active:
        raise Unknown("no function of this region has been called in each of the last minutes")
    return active[:_WATCHED]


QUESTIONS = (
    AwsQuestion(
        key=METRIC_DELAY,
        asks="How long after the end of a minute are the metrics of that minute there?",
        assumed=seconds(0, 180),
        ask=_metric_delay,
        leans=("drcore/engine/metric_minutes.py", "drcore/parameters.py"),
        source="aws-facts 0.3: one to three minutes",
        takes="6 minutes",
    ),
    AwsQuestion(
        key="printed-policy-suffices",
        asks="Does the policy that `drcore list PLAN --iam` prints, as attached to the runner's role, allow every act?",
        assumed=words("all allowed"),
        ask=_policy_suffices,
        leans=("drcore/cli/listing.py", "drcore/engine/preflight.py"),
        source="fidelity M4: what AWS checks behind a call is written nowhere as a whole",
    ),
    AwsQuestion(
        key="simulation-of-a-session",
        asks="How is the policy simulator's refusal of a session's ARN called?",
        assumed=words("InvalidInput"),
        ask=_simulated_session,
        leans=("drcore/services/iam.py", "drcore/engine/preflight.py"),
        source="fidelity M3",
    ),
    AwsQuestion(
        key="missing-function",
        asks="Which code says that a function is not there?",
        assumed=words("ResourceNotFoundException"),
        ask=partial(_missing, "lambda", "get_function_configuration", {"FunctionName": _NOTHING}),
        leans=("drcore/services/lambda_.py",),
        source="botocore's model declares it; seen on emulators only",
    ),
    AwsQuestion(
        key="missing-table",
        asks="Which code says that a table is not there?",
        assumed=words("ResourceNotFoundException"),
        ask=partial(_missing, "dynamodb", "describe_table", {"TableName": _NOTHING}),
        leans=("drcore/services/dynamodb/recovery.py", "drcore/services/dynamodb/settings.py"),
        source="botocore's model declares it; seen on emulators only",
    ),
    AwsQuestion(
        key="missing-object",
        asks="Which code says that an object is not there? Without s3:ListBucket it is AccessDenied.",
        assumed=words("NoSuchKey"),
        ask=_missing_object,
        leans=("drcore/services/s3.py", "drcore/engine/lock.py"),
        source="S3 API reference; depends on a permission",
    ),
)
