"""A stock moto server with an account that looks like SyncWell's, and a status page that answers: no sandbox."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3

from drcore.parameters import Service

REGIONS, ACCOUNT, FUNCTIONS = ("us-east-1", "us-west-2"), "123456789012", ("syncwell-api", "syncwell-worker")
# moto's API Gateway imports a validator of OpenAPI documents, with six packages of its own; nothing here is one.
_SERVER = """
import sys
from unittest.mock import MagicMock
for part in ("", ".validation", ".validation.exceptions"):
    sys.modules["openapi_spec_validator" + part] = MagicMock()
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


@contextmanager
def moto_server() -> Iterator[str]:
    """A plain moto in a process of its own; gives its address, ends with the test."""
    command = [sys.executable, "-c", _SERVER]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()


@dataclass
class Page:
    """A status page with the few calls of the Statuspage API that a plan makes, beside an API that only answers."""

    incidents: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""

    def ask(self, method: str, path: str, body: Any) -> Any:
        if path.startswith("/api/"):
            return {"deletes": 0}
        if method == "POST":
            self.incidents.append({**body["incident"], "id": f"i{len(self.incidents)}", "incident_updates": []})
        if method == "PATCH":
            self.incidents[0] |= body["incident"]
        return self.incidents if method == "GET" else self.incidents[-1]


@contextmanager
def page() -> Iterator[Page]:
    served = Page()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length)) if length else None
            told = json.dumps(served.ask(self.command, self.path, body)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815  # the names that the base class looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield served
        server.shutdown()
        thread.join()


@dataclass
class Account:
    """Clients of the emulated account, and what was made in it."""

    endpoint: str
    versions: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # the stable one, the bad one
    apis: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # id, stable deployment, bad deployment

    def client(self, service: str, region: str) -> Any:
        return boto3.Session("test", "test").client(service, region_name=region, endpoint_url=self.endpoint)

    def furnish(self) -> None:
        """The bad release serves everywhere; a canary's share still goes to the stable one."""
        self.client("iam", REGIONS[0]).create_role(RoleName="runs", AssumeRolePolicyDocument="{}")
        for region in REGIONS:
            for function in FUNCTIONS:
                self.function(region, function)
            self._api(region)
            self._paging(region)
            self._deploys(region)
            self._alarm(region)
        for region in REGIONS:
            self._buckets(region)
        self.client("secretsmanager", REGIONS[1]).create_secret(Name="page-key", SecretString="key-of-the-page")

    def function(self, region: str, name: str) -> None:
        client, numbers = self.client("lambda", region), []
        for release in ("stable", "bad"):
            code = {"ZipFile": _zip(f"release = {release!r}")}
            if release == "stable":
                role = f"arn:aws:iam::{ACCOUNT}:role/runs"
                client.create_function(
                    FunctionName=name, Runtime="python3.12", Role=role, Handler="a.b", Code=code, Publish=False
                )
            else:
                client.update_function_code(FunctionName=name, **code)
            numbers.append(client.publish_version(FunctionName=name)["Version"])
        weights = {"AdditionalVersionWeights": {numbers[0]: 0.1}}
        client.create_alias(FunctionName=name, Name="live", FunctionVersion=numbers[1], RoutingConfig=weights)
        self.versions[region, name] = (numbers[0], numbers[1])

    def _api(self, region: str) -> None:
        client = self.client("apigateway", region)
        api = client.create_rest_api(name="syncwell")["id"]
        root = client.get_resources(restApiId=api)["items"][0]["id"]
        client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
        client.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
        stable, bad = (client.create_deployment(restApiId=api)["id"] for _ in range(2))
        client.create_stage(restApiId=api, stageName="prod", deploymentId=bad)
        self.apis[region] = (api, stable, bad)

    def _deploys(self, region: str) -> None:
        client, role = self.client("codedeploy", region), f"arn:aws:iam::{ACCOUNT}:role/runs"
        client.create_application(applicationName="syncwell-backend", computePlatform="Lambda")
        client.create_deployment_group(
            applicationName="syncwell-backend", deploymentGroupName="syncwell-backend-live", serviceRoleArn=role
        )

    def _paging(self, region: str) -> None:
        topics = self.client("sns", region)
        topic = topics.create_topic(Name="oncall")["TopicArn"]
        topics.subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")

    def _alarm(self, region: str) -> None:
        self.client("cloudwatch", region).put_metric_alarm(
            AlarmName="syncwell-api-errors",
            Namespace="AWS/ApiGateway",
            MetricName="5XXError",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0.01,
            ComparisonOperator="GreaterThanThreshold",
        )

    def _buckets(self, region: str) -> None:
        client = self.client("s3", region)
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=f"releases-{region}", **place)
        client.create_bucket(Bucket=f"evidence-{region}", ObjectLockEnabledForBucket=True, **place)
        stable, bad = ({"regions": {each: self._release(each, index) for each in REGIONS}} for index in (0, 1))
        releases = [
            {"release": "1", "status": "stable", "rollback_safe": True, **stable},
            {"release": "2", "status": "candidate", "rollback_safe": True, **bad},
        ]
        body = json.dumps({"releases": releases}).encode()
        client.put_object(Bucket=f"releases-{region}", Key="releases.json", Body=body)

    def _release(self, region: str, index: int) -> dict[str, Any]:
        functions = {name: self.versions[region, name][index] for name in FUNCTIONS}
        api = {"rest_api_id": self.apis[region][0], "stage": "prod", "deployment_id": self.apis[region][1 + index]}
        return {"functions": functions, "api": api}


def _zip(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.py", text)
    return content.getvalue()


def service_of(account: Account, page: Page) -> Service:
    """The facts of this environment: no world, no clock, no faults of its own."""
    facts = {
        "environment": "plain",
        "production": False,
        "modes": ["rehearse", "execute"],
        "account": ACCOUNT,
        "regions": REGIONS,
        "runner_region": REGIONS[1],
        "endpoint": account.endpoint,
        "evidence": {"buckets": {each: f"evidence-{each}" for each in REGIONS}, "retain_days": 1},
        "on_call": {
            "topics": {each: f"arn:aws:sns:{each}:{ACCOUNT}:oncall" for each in REGIONS},
            "second": {each: f"arn:aws:sns:{each}:{ACCOUNT}:second" for each in REGIONS},
            "acknowledge_minutes": 5,
        },
        "status_page": {
            "url": f"{page.address}/v1",
            "page": "a-page",
            "components": ["api"],
            "api_key": {"secret": "aws:page-key"},
        },
        "metric_delay_s": 0,  # what moto is told is there at once
        "api": {each: f"{page.address}/api/{each}" for each in REGIONS},
    }
    return Service.model_validate_json(json.dumps(facts))
