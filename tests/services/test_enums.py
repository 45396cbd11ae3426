"""Each member of each enum that is read can be shown by the sandbox, and each is handled, or unknown by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest

from drcore.calls.answer import ServiceAnswer
from drcore.calls.aws_operations import is_write
from drcore.calls.http import Http
from drcore.engine.outcome import Answer, Check, Target
from drcore.errors import Unknown
from drcore.plans.b.p3_component import stands_still
from drcore.plans.e.p4_invalidate import IssuerRevocation, is_revoked
from drcore.plans.f.p3_roll_back import is_warm
from drcore.plans.g.p02_halt_writers import Feeding, feeds_nothing
from drcore.plans.g.p08_prepare_table import ACTIVE, REPLICA, TableSetting, status_trouble
from drcore.plans.g.p10_resume_workers import ResumedWorkers, rollout_trouble
from drcore.plans.g.p12_resume_feeds import not_allocated
from drcore.plans.shared.release_shift import Serving, serves_wanted
from drcore.plans.shared.unwatched import cannot_tell
from drcore.record.history import Decided
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.protocol.operations import fields_of
from drcore.services import codedeploy, lambda_
from drcore.services.dynamodb import exports
from tests.services.conftest import aws_of, open_gate
from tests.support import models
from tests.support.in_process_transport import end_in
from tests.support.service_calls import ASKS, TABLE, TABLE_ARN, Asking, ServiceFunction

RUN: Any = None  # these checks read nothing of their run
WEST = Target("us-west-2", f"{REPLICA} of t")
# What a member means for whoever waits for what is expected.
READY, WAITS, NEVER, UNKNOWN, SHOWN = "ready", "is waited for", "never", "unknown by name", "only shown"
_MEANING = {Answer.YES: READY, Answer.NO: WAITS, Answer.NEVER: NEVER, Answer.UNKNOWN: UNKNOWN}


@dataclass(frozen=True)
class Enum:
    """A field that is read: by which reader, what each of its members means, and who says so in the product.

    `means` is given what the reader has returned; it raises Unknown where the reader would. `absent` is what it means
    that the field is not there, `also` has members of a field that is no enum in the model, from AWS's documents.
    """

    reader: str
    means: Callable[[Any], str]
    members: Mapping[str, str]
    absent: str = UNKNOWN
    also: bool = False


def of(check: Check | None) -> str:
    return _MEANING[check.answer] if check else ""


def _table(found: Any) -> str:
    trouble = status_trouble(Target("us-east-1", "stream of t"), TableSetting("", "", found.status))
    return of(trouble) or (READY if found.status == ACTIVE else WAITS)


def _replica(found: Any) -> str:
    status = dict(found.replicas).get("us-west-2", "")
    if not status:
        return UNKNOWN
    return of(status_trouble(WEST, TableSetting(status, ACTIVE, ACTIVE))) or (READY if status == ACTIVE else WAITS)


def _version(found: Any) -> str:
    serving = Serving(lambda_.Alias("1"), "42", found)
    return READY if found.ready else of(serves_wanted(RUN, Target("us-east-1", "f"), serving))


def _rollout(found: Any) -> str:
    seen = ResumedWorkers(4, 4, "t:1", found.rollout, 4, cast(Any, _Good()), cast(Any, None), cast(Any, None))
    return of(rollout_trouble(seen)) or (READY if found.rollout == "COMPLETED" else WAITS)


class _Decided:  # a run in which containment was decided on
    def decided(self, step: Any) -> Any:
        return Decided("read-only")


class _Good:
    release = "1"


def _deployment(found: Any) -> str:
    return WAITS if found.running else READY if found.state == "COMPLETE" else UNKNOWN


def _export(found: Any) -> str:
    return {exports.READY: READY, exports.RUNNING: WAITS}.get(found.status, NEVER)


def _fails(found: Any) -> str:
    return (not_allocated(cast(Any, _Provisioned(found))) and NEVER) or READY  # cold until then, and serves


@dataclass(frozen=True)
class _Provisioned:
    provisioned: tuple[Any, ...]


_PASSING = {"ACTIVE": READY, "CREATING": WAITS, "UPDATING": WAITS}
_STAYING = dict.fromkeys(
    ("ARCHIVED", "ARCHIVING", "DELETING", "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "REPLICATION_NOT_AUTHORIZED"), NEVER
)
_ANY = Target("us-east-1", "queue → f")

ENUMS: Mapping[tuple[str, str], Enum] = {
    ("dynamodb:DescribeTable", "Table.TableStatus"): Enum("dynamodb.settings.settings", _table, _PASSING | _STAYING),
    ("dynamodb:DescribeTable", "Table.Replicas.ReplicaStatus"): Enum(
        "dynamodb.settings.settings",
        _replica,
        _PASSING | _STAYING | {"CREATION_FAILED": NEVER, "REGION_DISABLED": NEVER},
    ),
    ("dynamodb:DescribeTable", "Table.StreamSpecification.StreamViewType"): Enum(
        "dynamodb.settings.settings",
        lambda found: SHOWN,  # as a whole, compared with the one that is wanted
        dict.fromkeys(("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"), SHOWN),
        absent=SHOWN,
    ),
    ("dynamodb:DescribeExport", "ExportDescription.ExportStatus"): Enum(
        "dynamodb.exports.export", _export, {"IN_PROGRESS": WAITS, "COMPLETED": READY, "FAILED": NEVER}
    ),
    ("dynamodb:ListExports", "ExportSummaries.ExportType"): Enum(
        "dynamodb.exports.incremental",
        lambda found: READY if found else SHOWN,
        {"FULL_EXPORT": SHOWN, "INCREMENTAL_EXPORT": READY},  # a full one is somebody else's
    ),
    ("dynamodb:DescribeTimeToLive", "TimeToLiveDescription.TimeToLiveStatus"): Enum(
        "dynamodb.settings.ttl",
        lambda found: READY if found else SHOWN,
        {"ENABLING": READY, "ENABLED": READY, "DISABLING": SHOWN, "DISABLED": SHOWN},
    ),
    (
        "dynamodb:DescribeContinuousBackups",
        "ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus",
    ): Enum(
        "dynamodb.recovery.window",
        lambda found: READY if found.earliest else SHOWN,
        {"ENABLED": READY, "DISABLED": SHOWN},
    ),
    ("lambda:GetFunctionConfiguration", "State"): Enum(
        "lambda_.version",
        _version,
        {
            "Active": READY,
            "Pending": WAITS,
            **dict.fromkeys(
                ("Inactive", "Failed", "Deactivating", "Deactivated", "ActiveNonInvocable", "Deleting"), NEVER
            ),
        },
        absent=READY,  # of a plain emulator; Lambda always says it
    ),
    ("lambda:GetFunctionConfiguration", "LastUpdateStatus"): Enum(
        "lambda_.version", _version, {"Successful": READY, "InProgress": WAITS, "Failed": NEVER}, absent=READY
    ),
    ("lambda:GetProvisionedConcurrencyConfig", "Status"): Enum(
        "lambda_.provisioned",
        lambda found: of(is_warm(RUN, _ANY, found)),
        {"IN_PROGRESS": WAITS, "READY": READY, "FAILED": NEVER},
    ),
    ("lambda:ListProvisionedConcurrencyConfigs", "ProvisionedConcurrencyConfigs.Status"): Enum(
        "lambda_.provisioned_settings", _fails, {"IN_PROGRESS": READY, "READY": READY, "FAILED": NEVER}
    ),
    ("lambda:ListEventSourceMappings", "EventSourceMappings.State"): Enum(
        "lambda_.sources",
        lambda found: of(feeds_nothing(cast(Any, _Never()), _ANY, Feeding(found[0].id, found[0].state))),
        {
            "Disabled": READY,
            **dict.fromkeys(("Creating", "Enabling", "Enabled", "Disabling", "Updating", "Deleting"), WAITS),
        },
        also=True,
    ),
    ("ecs:DescribeServices", "services.deployments.rolloutState"): Enum(
        "ecs.service", _rollout, {"COMPLETED": READY, "FAILED": NEVER, "IN_PROGRESS": WAITS}
    ),
    ("appconfig:ListDeployments", "Items.State"): Enum(
        "appconfig.last_deployment",
        _deployment,
        {
            "COMPLETE": READY,
            **dict.fromkeys(("BAKING", "VALIDATING", "DEPLOYING", "ROLLING_BACK"), WAITS),
            **dict.fromkeys(("ROLLED_BACK", "REVERTED"), UNKNOWN),
        },
    ),
    ("appconfig:ListDeployments", "Items.Type"): Enum(
        "appconfig.last_deployment",
        lambda found: WAITS if found.managed else READY,
        {"USER": READY, "MANAGED": WAITS},
        absent=READY,  # as from an AppConfig that knows no experiments
    ),
    ("codedeploy:GetDeployment", "deploymentInfo.status"): Enum(
        "codedeploy.deployment",
        lambda found: WAITS if found.status in codedeploy.RUNNING else READY,
        {
            **dict.fromkeys(("Created", "Queued", "InProgress", "Baking", "Ready"), WAITS),
            **dict.fromkeys(("Succeeded", "Failed", "Stopped"), READY),
        },
    ),
    ("cloudwatch:GetMetricData", "MetricDataResults.StatusCode"): Enum(
        "cloudwatch.minutes",
        lambda found: READY,
        {"Complete": READY, "InternalError": UNKNOWN, "PartialData": UNKNOWN, "Forbidden": UNKNOWN},
    ),
    ("cloudwatch:DescribeAlarms", "MetricAlarms.StateValue"): Enum(
        "cloudwatch.alarms",
        lambda found: UNKNOWN if cannot_tell(found, "") else SHOWN,  # by name, where trouble is looked for
        {"OK": SHOWN, "ALARM": SHOWN, "INSUFFICIENT_DATA": UNKNOWN},
    ),
    ("events:DescribeRule", "State"): Enum(
        "events.rule",
        lambda found: WAITS if found.enabled else READY,
        {"ENABLED": WAITS, "DISABLED": READY, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS": WAITS},
    ),
    ("events:ListRules", "Rules.State"): Enum(
        "events.enabled_rules",
        lambda found: WAITS if found else READY,
        {"ENABLED": WAITS, "DISABLED": READY, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS": WAITS},
    ),
    ("iam:SimulatePrincipalPolicy", "EvaluationResults.EvalDecision"): Enum(
        "iam.denied",
        lambda found: NEVER if found else READY,
        {"allowed": READY, "explicitDeny": NEVER, "implicitDeny": NEVER},
    ),
    ("logs:GetQueryResults", "status"): Enum(
        "logs.insights",
        lambda found: READY,
        # What does not end in the time that it is given is not known.
        dict.fromkeys(("Scheduled", "Running", "Failed", "Cancelled", "Timeout", "Unknown"), UNKNOWN)
        | {"Complete": READY},
    ),
    ("route53:GetChange", "ChangeInfo.Status"): Enum(
        "route53.is_everywhere",
        lambda found: READY if found else WAITS,
        {"INSYNC": READY, "PENDING": WAITS},
    ),
    ("route53-recovery-cluster:GetRoutingControlState", "RoutingControlState"): Enum(
        "arc.control", lambda found: READY if found.on else SHOWN, {"On": READY, "Off": SHOWN}
    ),
    **{
        ("secretsmanager:DescribeSecret", f"CrossAccount{end}.ReplicationStatus"): Enum(
            "secretsmanager.secret",
            lambda found: SHOWN if found.other_accounts or found.following else READY,
            dict.fromkeys(("InSync", "Failed", "InProgress", "Pending", "Detached"), READY),  # it has none of either
            absent=READY,
        )
        for end in ("Primary", "Replicas")
    },
    ("stepfunctions:DescribeExecution", "status"): Enum(
        "stepfunctions.execution",
        lambda found: of(is_revoked(cast(Any, _Decided()), _ANY, IssuerRevocation(found.status, "token", 1, 1))),
        {
            "SUCCEEDED": READY,
            **dict.fromkeys(("RUNNING", "PENDING_REDRIVE"), WAITS),
            **dict.fromkeys(("FAILED", "TIMED_OUT", "ABORTED"), NEVER),
        },
    ),
    ("xray:GetTraceSegmentDestination", "Status"): Enum(
        "xray.destination", lambda found: READY, {"ACTIVE": READY, "PENDING": UNKNOWN}
    ),
    ("xray:GetTraceSegmentDestination", "Destination"): Enum(
        "xray.destination", lambda found: READY, {"XRay": READY, "CloudWatchLogs": READY}
    ),
    ("sagemaker:DescribeInferenceComponent", "InferenceComponentStatus"): Enum(
        "sagemaker.component",
        lambda found: of(stands_still(found)),
        {
            "InService": READY,
            **dict.fromkeys(("Creating", "Updating"), WAITS),
            **dict.fromkeys(("Deleting", "Failed"), NEVER),
        },
    ),
    ("secretsmanager:DescribeSecret", "ReplicationStatus.Status"): Enum(
        "secretsmanager.secret",
        lambda found: SHOWN,
        dict.fromkeys(("InSync", "Failed", "InProgress", "Pending", "Detached"), SHOWN),
    ),
}
# Enums that are read as they stand, and shown or put back as they are; or not read at all, but for a field of the name.
WHOLE = {
    ("appconfig:GetDeployment", "EventLog.EventType"): "a rollback has that word in its name; the rest is not read",
    ("sagemaker:DescribeEndpoint", "EndpointStatus"): "only InService is good; no plan waits for another one yet",
    ("dynamodb:DescribeContributorInsights", "ContributorInsightsStatus"): "all but off is named to a person",
    ("dynamodb:DescribeKinesisStreamingDestination", "KinesisDataStreamDestinations.DestinationStatus"): (
        "all but off is named to a person"
    ),
    ("dynamodb:DescribeTable", "Table.BillingModeSummary.BillingMode"): "all but on demand is named to a person",
    ("dynamodb:DescribeTable", "Table.MultiRegionConsistency"): "with all but EVENTUAL the plan offers no remedy",
    ("dynamodb:DescribeTable", "Table.SSEDescription.SSEType"): "only KMS has a key to be named",
    ("dynamodb:DescribeTable", "Table.TableClassSummary.TableClass"): "all but STANDARD is named to a person",
    ("dynamodb:ListExports", "ExportSummaries.ExportStatus"): "read of the export itself",
    ("dynamodb:DescribeExport", "ExportDescription.ExportType"): "read of the list of exports",
    ("route53:ListResourceRecordSets", "ResourceRecordSets.Type"): "compared with the type that is asked for",
    ("cloudwatch:DescribeAlarmHistory", "AlarmHistoryItems.HistoryItemType"): "a line of an alarm's history, shown",
    ("cloudwatch:DescribeAlarms", "MetricAlarms.ComparisonOperator"): "part of a definition that is put back whole",
    ("cloudwatch:DescribeAlarms", "MetricAlarms.Statistic"): "part of a definition that is put back whole",
    ("cloudwatch:DescribeAlarms", "MetricAlarms.Unit"): "part of a definition that is put back whole",
}


class _Never:
    """A run that has halted nothing yet."""

    def intended(self, *_: object) -> bool:
        return False


BY_NAME = {str(each): each for each in ASKS}
# Of the table that SyncWell uses, not of a test's own.
GIVEN = {"dynamodb.settings": {"table": TABLE, "arn": TABLE_ARN}}


@pytest.fixture(scope="module")
def asking(world: InProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    gate = open_gate()
    with pytest.MonkeyPatch.context() as patch:
        end_in(world, patch)
        yield Asking(aws_of(world, gate), Http(gate), gate, world, tmp_path_factory.mktemp("fetched"))


@pytest.fixture(scope="module", autouse=True)
def _exported(asking: Asking) -> None:
    """There is an export, and it is over."""
    BY_NAME["dynamodb.exports.changes"].prepare(asking)


def reads(function: ServiceFunction) -> bool:
    source = inspect.getsource(function.does)
    return (
        not any(is_write(*call) for call in models.calls_in(source))
        and "aws" in inspect.signature(function.does).parameters
    )


def prepared(function: ServiceFunction, asking: Asking) -> Callable[[], Any]:
    given = GIVEN.get(function.module, {})
    known = inspect.signature(function.does).parameters
    return function.prepare(asking, **{name: value for name, value in given.items() if name in known})


@pytest.mark.parametrize("where", ENUMS, ids=["".join(where) for where in ENUMS])
def test_every_member_should_be_shown_and_have_a_meaning(
    asking: Asking, world: InProcess, faulty: Callable[..., None], where: tuple[str, str]
) -> None:
    (operation, field), enum = where, ENUMS[where]
    service, _, name = operation.partition(":")
    known = fields_of(service, name)[field]
    assert enum.also or set(known) == set(enum.members), "a member that nobody has looked at, or one that is gone"
    ask = prepared(BY_NAME[enum.reader], asking)
    for member, meaning in {**enum.members, "": enum.absent}.items():
        faulty("answer", service=service, operation=name, field=field, member=member)
        try:
            assert enum.means(ask()) == meaning, member or "left out"
        except Unknown:
            assert meaning == UNKNOWN, member or "left out"
        finally:
            world.request("DELETE", "/_sandbox/faults/answer")


def test_every_enum_that_is_read_should_be_in_the_table(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the names of the fields that are asked for."""
    asked: set[str] = set()
    calls: set[tuple[str, str]] = set()
    plain = ServiceAnswer.__missing__

    def item(self: ServiceAnswer, name: str) -> Any:
        asked.add(name)
        return dict.__getitem__(self, name) if name in self else plain(self, name)

    def get(self: ServiceAnswer, name: str, default: Any = None) -> Any:
        asked.add(name)
        return dict.get(self, name, default)

    def called(model: Any, **_: Any) -> None:
        calls.add((model.service_model.service_name, model.name))

    asks = [prepared(each, asking) for each in ASKS if reads(each)]
    monkeypatch.setattr(ServiceAnswer, "__getitem__", item, raising=False)
    monkeypatch.setattr(ServiceAnswer, "get", get, raising=False)
    asking.aws.session.events.register("after-call", called)
    asking.aws._clients.clear()  # a client takes over what is registered when it is made
    found = set()
    for ask in asks:
        asked.clear()
        calls.clear()
        ask()
        for service, operation in calls:
            for path, members in fields_of(service, operation).items():
                if members and set(path.split(".")) - {"*"} <= asked:
                    found.add((f"{service}:{operation}", path))
    assert found - set(ENUMS) - set(WHOLE) == set()
