"""SyncWell's world as a test sees it: ordinary clients, time that can be moved, faults, the truth."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.sns.models import sns_backends

from drcore.sandbox.core.world import USERS
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.syncwell.company.names import OPERATOR_KEY, RECOVERY_ROLE, topic_arn
from tests.sandbox.conftest import client_of
from tests.support import kept_past

kept_past.share()

EAST, WEST = "us-east-1", "us-west-2"
API_ID = {EAST: "sw1east7ab", WEST: "sw2west4cd"}
GROUP = {"applicationName": "syncwell-backend", "deploymentGroupName": "syncwell-backend-live"}


class SyncWellWorld:
    """One sandbox with SyncWell in it."""

    users = USERS

    def __init__(self, seed: int = 7) -> None:
        self.sandbox = InProcess(seed, self.users)
        self._make = client_of(self.sandbox)
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = EAST) -> Any:
        """One client per service and region."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self._make(service, region)
        return self._clients[service, region]

    def client_as(self, role: str, service: str, region: str = EAST) -> Any:
        """A client of a session `job-1` of a role: the operator takes on the runner's, which takes on the others."""
        keys: tuple[str, ...] = (OPERATOR_KEY, "-")
        for name in dict.fromkeys((RECOVERY_ROLE, role)):
            arn = f"arn:aws:iam::{self.sandbox.world.account}:role/{name}"
            sts = client_of(self.sandbox, *keys)("sts", region)
            given = sts.assume_role(RoleArn=arn, RoleSessionName="job-1")["Credentials"]
            keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return client_of(self.sandbox, *keys)(service, region)

    @property
    def now(self) -> datetime:
        return self.sandbox.world.clock.now()

    def stop_function(self, name: str, region: str = EAST) -> Any:
        """Let no request in: what it has provisioned must be given back first."""
        functions = self.client("lambda", region)
        for each in functions.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]:
            qualifier = each["FunctionArn"].rpartition(":")[2]
            functions.delete_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        return functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    def sleep(self, seconds: float) -> None:
        status, document = self.sandbox.request("POST", "/_sandbox/clock", {"sleep": seconds})
        assert status == 200, document

    def inject(self, name: str, **options: object) -> tuple[int, Any]:
        return self.sandbox.request("POST", "/_sandbox/faults", {"name": name, "options": options})

    def broken(self, name: str, **options: object) -> "SyncWellWorld":
        """The same world with a fault on."""
        status, document = self.inject(name, **options)
        assert status == 200, document
        return self

    @property
    def truth(self) -> dict[str, Any]:
        document: dict[str, Any] = self.sandbox.request("GET", "/_sandbox/truth")[1]
        return document

    def pages(self, region: str = EAST) -> list[str]:
        """What was sent to whoever is on call in a region, oldest first."""
        account = self.sandbox.world.account
        topic = sns_backends[account][region].topics[topic_arn(account, region)]
        return [each[1] for each in topic.sent_notifications]

    def alias(self, function: str = "syncwell-api", region: str = EAST) -> dict[str, Any]:
        found: dict[str, Any] = self.client("lambda", region).get_alias(FunctionName=function, Name="live")
        return found

    def deployments(self, region: str = EAST, **more: Any) -> list[dict[str, Any]]:
        """Newest first."""
        deploy = self.client("codedeploy", region)
        ids = deploy.list_deployments(**GROUP, **more)["deployments"]
        return [deploy.get_deployment(deploymentId=name)["deploymentInfo"] for name in ids]

    def ringing(self, region: str = EAST) -> set[str]:
        alarms = self.client("cloudwatch", region).describe_alarms(StateValue="ALARM")["MetricAlarms"]
        return {alarm["AlarmName"] for alarm in alarms}

    def series(
        self, metric: str, stat: str = "Sum", *, minutes: int = 10, region: str = EAST, **dimensions: str
    ) -> list[float]:
        """A metric's values by minute, oldest first; AWS/Lambda if a FunctionName is given."""
        namespace = "AWS/Lambda" if "FunctionName" in dimensions else "AWS/ApiGateway"
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        wanted = {"Namespace": namespace, "MetricName": metric, "Dimensions": named}
        query = {"Id": "asked", "MetricStat": {"Metric": wanted, "Period": 60, "Stat": stat}}
        found = self.data([query], minutes=minutes, region=region)["MetricDataResults"][0]
        values: list[float] = found["Values"]
        return values

    def data(self, queries: list[dict[str, Any]], *, minutes: int, region: str = EAST, **more: Any) -> dict[str, Any]:
        """GetMetricData of the last minutes, oldest first."""
        answer: dict[str, Any] = self.client("cloudwatch", region).get_metric_data(
            MetricDataQueries=queries,
            StartTime=self.now - timedelta(minutes=minutes),
            EndTime=self.now,
            ScanBy="TimestampAscending",
            **more,
        )
        return answer


def refused(code: str, ask: Any, **params: Any) -> str:
    """`ask(**params)` must be refused with `code`; returns the message."""
    with pytest.raises(ClientError) as raised:
        ask(**params)
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    return str(error["Message"])
