"""What CloudTrail remembers: who asked for which change when.

Each event can be looked up some minutes after it happened. Calls that write what a table, a bucket, a queue holds are
data events, which LookupEvents does not show.
"""

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.call_hooks import CallHooks
from drcore.sandbox.core.lateness import Lateness, Told
from drcore.sandbox.core.registry import AwsCall, AwsError
from drcore.sandbox.core.timestamps import aware, iso
from drcore.sandbox.core.world import World
from drcore.sandbox.identity.callers import Callers
from drcore.sandbox.protocol.exchange import Response

KEPT = timedelta(days=90)

_DATA: Mapping[str, frozenset[str] | None] = {
    "appconfigdata": None,
    "dynamodb": frozenset(
        {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "TransactGetItems"}
        | {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction", "Query", "Scan"}
    ),
    "s3": frozenset(
        {"PutObject", "DeleteObject", "DeleteObjects", "CopyObject", "CreateMultipartUpload", "UploadPart"}
        | {"CompleteMultipartUpload", "AbortMultipartUpload"}
    ),
    "sqs": frozenset({"SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"}),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "lambda": frozenset({"Invoke", "InvokeAsync"}),
    "logs": frozenset({"PutLogEvents"}),
    "events": frozenset({"PutEvents"}),
    "cloudwatch": frozenset({"PutMetricData"}),
    "xray": None,
    "route53-recovery-cluster": None,
    "sagemaker-runtime": None,
}
"""Operations that are no management events, by service; None: none of the service is."""

_LOOKS = frozenset({"TestDNSAnswer", "SimulatePrincipalPolicy"})
_SECRET = frozenset({"secretstring", "secretbinary", "zipfile", "content", "body"})
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One change that somebody asked for; `known_at` is when it can be looked up."""

    id: str
    name: str
    source: str
    at: datetime
    known_at: datetime
    user: str
    resources: tuple[str, ...]
    document: str
    key: str = ""


class Trail:
    """The events of each region, in the order in which they were recorded."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._events: dict[str, list[TrailEvent]] = {region: [] for region in world.regions}
        self._counts: Counter[str] = Counter()
        world.state(CallHooks).observe(self._see)

    def record(
        self,
        region: str,
        name: str,
        source: str,
        user: str,
        params: Mapping[str, Any],
        *,
        at: datetime | None = None,
        resources: Sequence[str] = (),
        response: Mapping[str, Any] | None = None,
        error: tuple[str, str] | None = None,
        key: str = "",
        role: bool = False,
    ) -> None:
        """Write down that `user` asked for `name` (`UpdateService`) of `source` (`ecs.amazonaws.com`).

        `role` says that the user is a role that somebody took on; `error` is the code with the message of a refusal.
        """
        moment, number = (at or self._world.clock.now()).replace(microsecond=0), self._counts[region]
        self._counts[region] += 1
        stream = self._world.rng("cloudtrail", region, number)
        name_of_event = str(uuid.UUID(int=stream.getrandbits(128), version=4))
        identity = _identity(self._world.account, user, role)
        document = {
            "eventVersion": "1.11",
            "userIdentity": identity,
            "eventTime": iso(moment),
            "eventSource": source,
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": "AWS Internal" if user.startswith("AWSServiceRole") else "198.51.100.7",
            "requestParameters": _plain(params),
            "responseElements": _plain(response) if response else None,
            "eventID": name_of_event,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self._world.account,
            "eventCategory": "Management",
        }
        if error is not None:
            document |= {"errorCode": error[0], "errorMessage": error[1]}
        self._events.setdefault(region, []).append(
            TrailEvent(
                id=name_of_event,
                name=name,
                source=source,
                at=moment,
                known_at=aware(self._world.state(Lateness).at(Told.TRAIL_EVENT, moment, region, number)),
                user=user,
                resources=tuple(resources),
                document=json.dumps(document, sort_keys=True, default=str),
                key=key,
            )
        )

    def known(self, region: str) -> Iterator[TrailEvent]:
        """The events that can be looked up by now, newest first."""
        now = self._world.clock.now()
        numbered = enumerate(self._events.get(region, ()))
        ordered = sorted(numbered, key=lambda pair: (pair[1].at, pair[0]), reverse=True)
        return (event for _, event in ordered if event.known_at <= now and event.at > now - KEPT)

    def _see(self, call: AwsCall, answer: Response) -> None:
        """A call from outside: if it is a change, it is an event."""
        data = _DATA.get(call.service, frozenset())
        if call.account != self._world.account:
            return  # it stands in that account's own trail
        if call.reads or call.operation in _LOOKS or data is None or call.operation in data:
            return
        try:
            caller = self._world.state(Callers).of(call)
        except AwsError:
            return  # nobody's key: nobody's event
        self.record(
            call.region,
            call.operation,
            f"{_SOURCES.get(call.service, call.service)}.amazonaws.com",
            caller.name,
            call.params,
            resources=_resources(call.params),
            error=None if answer.status < 300 else (str(answer.status), answer.body[:200].decode(errors="replace")),
            key=call.access_key,
            role=caller.principal.is_session,
        )


_SOURCES = {"cloudwatch": "monitoring", "application-autoscaling": "autoscaling", "stepfunctions": "states"}
"""Names in an event's source that are not botocore's."""


def _identity(account: str, user: str, role: bool) -> dict[str, str]:
    if role:
        arn = f"arn:aws:sts::{account}:assumed-role/{user}/{user}"
        return {"type": "AssumedRole", "arn": arn, "accountId": account}
    return {"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/{user}", "accountId": account, "userName": user}


def _resources(params: Mapping[str, Any]) -> list[str]:
    """The names in a call's parameters, so that the event is found by them."""
    named = ("cluster", "service", "family", "taskdefinition", "task", "rule", "uuid")
    return [
        value
        for name, value in params.items()
        if isinstance(value, str) and (name.lower() in named or name.lower().endswith(("name", "arn", "id")))
    ]


def _plain(value: Any) -> Any:
    """Parameters as an event shows them: names begin small, secrets are hidden."""
    if isinstance(value, Mapping):
        return {
            str(name)[:1].lower() + str(name)[1:]: _HIDDEN if str(name).lower() in _SECRET else _plain(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return _HIDDEN
    return iso(value) if isinstance(value, datetime) else value
