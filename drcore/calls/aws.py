"""The only way to AWS: boto3 with short timeouts, behind the gate for writes.

Reads are tried three times, a write once: an answer that was lost is looked up, not repeated blindly. A region that has
kept silent is not waited for as long again until it has answered. The two kinds of trouble are told apart at this
border: Rejected (AWS said no) from Unknown (no answer that can be trusted).
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from io import BytesIO
from typing import Any, TypeVar

from botocore import UNSIGNED
from botocore import __version__ as botocore_version
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError, ReadTimeoutError
from botocore.response import StreamingBody

from drcore.calls.answer import ServiceAnswer, as_answer
from drcore.calls.aws_command import shell_command
from drcore.calls.aws_errors import as_our_errors, see_who_answers
from drcore.calls.aws_operations import DATA_PLANE, is_write, is_writing_method
from drcore.calls.gate import Call, CallGate, Plane, as_json, region_of
from drcore.calls.proxies import is_loopback
from drcore.calls.role_keys import Keys, RoleKeys
from drcore.calls.sessions import session_of
from drcore.errors import NoAnswer

# boto3's own defaults (60 s, 5 attempts) can spend a five-minute RTO on one call to a dead region. After a region has
# kept silent its reads are still made, so that one service that hangs hides no healthy region, but once and briefly.
_CONNECT, _READ, _ATTEMPTS = 2, 8, 3
_BRIEFLY = 3

_RAW = "drcore raw rows"  # a name in an answer that AWS does not use
_OF_ITEMS = {"get_item", "query", "batch_get_item", "transact_get_items"}
KEY = "DRCORE_KEY"  # whose key signs at an endpoint of one's own, where it is not drcore's
T = TypeVar("T")


class Aws:
    """Clients of one account, made on first use, one for each service and region.

    `endpoint` replaces AWS's own addresses, `role` is assumed in the region of the call, so that credentials never
    depend on another region, and in no region that has failed. They expire after an hour, and a plan may take several;
    with `now` they are renewed in time.
    """

    def __init__(
        self,
        calls: CallGate,
        *,
        endpoint: str | None = None,
        role: str | None = None,
        run_id: str = "drcore",
        now: Callable[[], datetime] | None = None,
        session_name: str = "",
        external_id: str = "",
    ) -> None:
        # An endpoint of one's own takes any credentials; real ones must never reach it.
        self.session = session_of(os.environ.get(KEY, "drcore")) if endpoint else session_of()
        self._calls, self._endpoint, self._run_id, self._now = calls, endpoint, run_id, now
        self._role = (
            RoleKeys(role, (session_name or run_id)[:64], self._take_on, lambda: calls.failed_region, now, external_id)
            if role
            else None
        )
        self._others: dict[tuple[str, str], Aws] = {}
        self._in_another_account = ""  # the role under which calls go to an account that is not the runner's
        self._from: Aws | None = None  # under whose keys the role is taken on; None: the session's own
        self._clients: dict[tuple[str, str, bool, bool], Any] = {}
        self._sts: dict[tuple[str, bool], Any] = {}
        self._silent: set[str] = set()  # regions whose last call has waited in vain
        self._endpoints: dict[tuple[str, str], str] = {}
        self._raw: dict[str, Any] = {}
        self._reader = threading.local()  # what reads the page that this thread has asked for
        self._lock = threading.RLock()  # segments of a scan are read side by side, the journal has one writer

    def call(self, service: str, region: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """One call, by boto3's names, for example `call("lambda", "us-east-1", "get_alias", FunctionName=…, Name=…)`.

        Raises Rejected (Busy where it passes), Unknown, or WriteStopped in a rehearsal. So does asking the answer for a
        part that it lacks: Unknown.
        """
        with as_our_errors(service, operation, region):
            client = self._client(service, region, is_writing_method(service, operation))
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
            for name, value in answer.items():
                if isinstance(value, StreamingBody):  # read here, so that a body that breaks off is Unknown too
                    answer[name] = BytesIO(value.read())
        return _readable(answer, service, operation, region)

    @contextmanager
    def limited_to(self, policies: Sequence[str]) -> Iterator[None]:
        """For as long as it lasts the role may do what the first of some policies allows that STS takes, and read.

        Nothing is limited where there are none, or where no role is taken on. Raises nothing: a call does.
        """
        with self._role.limited_to(policies) if self._role else nullcontext():
            yield

    def as_role(self, role: str) -> Aws:
        """The same under another role, which is taken on from this one: the role's trust policy names whoever this is.

        What it may write is asked of the same gate.
        """
        return self._chained(role)

    def in_account(self, role: str, external_id: str = "") -> Aws:
        """The same in another account, under a role of it that is taken on from this one, once an hour.

        The journal says of each of its calls under which role it was made. `external_id` is what the role's trust
        policy asks for (sts:ExternalId).
        """
        key = (role, external_id)
        if key not in self._others:
            self._others[key] = self._chained(role, external_id)
            self._others[key]._in_another_account = role
        return self._others[key]

    def _chained(self, role: str, external_id: str = "") -> Aws:
        other = Aws(
            self._calls,
            endpoint=self._endpoint,
            role=role,
            run_id=self._run_id,
            now=self._now,
            external_id=external_id,
        )
        other.session, other._silent, other._from = self.session, self._silent, self
        return other

    def as_oneself(self) -> Aws:
        """The same under one's own keys, before any role is taken on: those of the person who runs this."""
        other = Aws(self._calls, endpoint=self._endpoint, run_id=self._run_id, now=self._now)
        other.session, other._silent = self.session, self._silent
        return other

    def signs_with(self, region: str) -> tuple[str, Credentials]:
        """The address of STS in a region, and the keys that calls there are signed with. Raises Unknown, Rejected."""
        with as_our_errors("sts", "get_caller_identity", region):
            client = self._client("sts", region, False)
            held = self._signing(region) or self.session.get_credentials()
            if held is None:
                raise NoCredentialsError
            now = held.get_frozen_credentials()
            return client.meta.endpoint_url, Credentials(now.access_key or "", now.secret_key or "", now.token)

    def pass_on(self, region: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Ask STS who has signed a request for its identity: it is sent as it was signed. Raises as `call` does."""

        def put(params: dict[str, Any], **_: Any) -> None:
            params.update(headers=dict(headers), body=body)

        with as_our_errors("sts", "get_caller_identity", region):
            client = self._make_client("sts", region, once=True, signs=False)
            client.meta.events.register_last("before-call.sts.GetCallerIdentity", put)
            answer: dict[str, Any] = client.get_caller_identity()
        return _readable(answer, "sts", "get_caller_identity", region)

    def set_endpoint(self, service: str, region: str, url: str) -> None:
        """Name the address of a service that has one of its own for each customer, such as an ARC cluster."""
        self._endpoints[service, region] = url

    def pages(self, service: str, region: str, operation: str, items: str, /, **parameters: Any) -> Iterator[Any]:
        """All items of a list, page after page. Raises as `call` does: never a shorter answer."""
        with as_our_errors(service, operation, region):
            client = self._client(service, region, False)
            for page in client.get_paginator(operation).paginate(**parameters):
                yield from _readable(page, service, operation, region).get(items, ())

    def scan_raw(
        self,
        region: str,
        table: str,
        segment: int,
        total: int,
        read: Callable[[bytes], tuple[T, Mapping[str, Any]]],
        /,
        *,
        consistent: bool = True,
        **parameters: Any,
    ) -> Iterator[T]:
        """One segment of a table, page after page, without boto3's parser (96 us an item).

        `parameters` holds more parameters of the call, such as a filter.

        `read` is given the body of each page. It returns what to hand out, and the answer without its items, which
        goes the usual way: credentials, signing, retries, the gate and the list of calls are boto3's and ours as
        ever. Several threads may read one segment each. Raises as `call` does: never a shorter answer.
        """
        more = parameters | ({"ConsistentRead": True} if consistent else {})
        more |= {"Segment": segment, "TotalSegments": total} if total > 1 else {}
        with self._lock:
            client = self._raw_client(region)
        start: Mapping[str, Any] = {}
        while True:
            self._reader.read = read
            with as_our_errors("dynamodb", "scan", region):
                answer = client.scan(TableName=table, **more, **start)
            if _RAW not in answer:
                raise NoAnswer(f"dynamodb scan in {region}: a page that botocore did not hand out for reading")
            see_who_answers(answer, f"dynamodb scan in {region}")
            yield answer[_RAW]
            if not answer.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _raw_client(self, region: str) -> Any:
        if region not in self._raw:
            client = self._make_client("dynamodb", region)
            # An event that botocore emits and does not document: it is pinned, tests/diff/test_table.py holds it to it.
            client.meta.events.register("before-parse.dynamodb.Scan", self._take_rows)
            self._raw[region] = client
        return self._raw[region]

    def _take_rows(self, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
        if response_dict["status_code"] != 200:
            return  # an error is botocore's to read
        body = response_dict["body"]
        checksum = response_dict["headers"].get("x-amz-crc32")
        if checksum is not None and int(checksum) != zlib.crc32(body):
            raise NoAnswer("dynamodb scan: a page whose checksum is not the one that DynamoDB sent with it")
        try:
            rows, left = self._reader.read(body)
        except ValueError:
            return  # no JSON: botocore's parser says so in its own words
        customized_response_dict[_RAW] = rows
        response_dict["body"] = as_json(left).encode()

    def _client(self, service: str, region: str, write: bool) -> Any:
        with self._lock:  # calls in flight together ask for the same one
            briefly = not write and region_of(service, region) in self._silent
            key = (service, region, write, briefly)
            if key not in self._clients:
                self._clients[key] = self._make_client(service, region, once=write, briefly=briefly)
            return self._clients[key]

    def _make_client(
        self, service: str, region: str, *, once: bool = False, briefly: bool = False, signs: bool = True
    ) -> Any:
        endpoint = self._endpoints.get((service, region), self._endpoint)
        config = self._config(once, briefly)
        config = config if signs else config.merge(Config(signature_version=UNSIGNED))
        client = self.session.client(service, region_name=region, endpoint_url=endpoint, config=config, **self._nobody)
        watch = _Watch(self._calls, service, client, self._lock, self._silent, self._signing, self._in_another_account)
        watch.register()
        return client

    def _config(self, once: bool, briefly: bool) -> Config:
        return Config(
            connect_timeout=_CONNECT,
            read_timeout=_BRIEFLY if briefly else _READ,
            retries={"mode": "standard", "total_max_attempts": 1 if once or briefly else _ATTEMPTS},
            tcp_keepalive=True,
            proxies={} if self._endpoint and is_loopback(self._endpoint) else None,  # None: as the environment says
            user_agent=f"drcore/{self._run_id} Botocore/{botocore_version}",  # whole: to build it costs each call
        )

    @property
    def _nobody(self) -> dict[str, Any]:
        """The keys that a client is made with where each call is signed with those of the role: they open nothing."""
        return {"aws_access_key_id": "-", "aws_secret_access_key": "-"} if self._role else {}

    def _signing(self, region: str) -> Credentials | None:
        """What a call to a region is signed with now; None: with the session's own keys. Raises Rejected, Unknown."""
        keys: Keys | None = self._role.of(region) if self._role else None
        return Credentials(keys.access_key, keys.secret_key, keys.token) if keys else None

    def _take_on(self, region: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask STS of a region for a session of the role."""
        key = (region, region in self._silent)
        if key not in self._sts:
            config = self._config(False, key[1])
            base = self._from
            client = self.session.client(
                "sts", region_name=region, endpoint_url=self._endpoint, config=config, **(base._nobody if base else {})
            )
            signing = base._signing if base else _as_made
            _Watch(self._calls, "sts", client, self._lock, self._silent, signing).register()
            self._sts[key] = client
        with as_our_errors("sts", "assume_role", region):
            answer: dict[str, Any] = self._sts[key].assume_role(**asked)
        return _readable(answer, "sts", "assume_role", region)


def _as_made(region: str) -> None:
    """A client signs with the keys that it was made with."""


class _Watch:
    """Sits on a client's events: asks the gate before a call is sent, notes how it was answered."""

    def __init__(
        self,
        calls: CallGate,
        service: str,
        client: Any,
        lock: AbstractContextManager[Any],
        silent: set[str],
        signing: Callable[[str], Credentials | None],
        role: str = "",
    ) -> None:
        self._calls, self._service, self._client, self._lock, self._silent = calls, service, client, lock, silent
        self._signing, self._role = signing, role

    def register(self) -> None:
        events = self._client.meta.events
        events.register("provide-client-params.*", self._take_parameters)
        events.register_first("before-call.*", self._before)  # after botocore has validated the arguments
        events.register("after-call.*", self._after)
        events.register("after-call-error.*", self._failed)

    def _take_parameters(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        region = region_of(self._service, self._client.meta.region_name)
        write = is_write(self._service, model.name)
        context["drcore"] = Call(
            service=self._service,
            operation=model.name,
            region=region,
            write=write,
            plane=Plane.DATA if model.name in DATA_PLANE.get(self._service, ()) else Plane.CONTROL,
            parameters=dict(params),
            # What limits a session to one act is of no use to whoever carries on by hand.
            command=""
            if "PolicyArns" in params
            else shell_command(self._service, model.name, region, params, write=write, role=self._role),
            role=self._role,
        )

    def _before(self, context: dict[str, Any], **_: Any) -> None:
        with self._lock:
            self._calls.admit(context["drcore"])
        if keys := self._signing(self._client.meta.region_name):
            context.setdefault("signing", {})["request_credentials"] = keys

    def _after(self, context: dict[str, Any], parsed: Mapping[str, Any], **_: Any) -> None:
        request_id = parsed.get("ResponseMetadata", {}).get("RequestId", "")
        with self._lock:
            self._silent.discard(context["drcore"].region)
            self._calls.note(context["drcore"], parsed.get("Error", {}).get("Code", "OK"), request_id)

    def _failed(self, context: dict[str, Any], exception: BaseException, **_: Any) -> None:
        with self._lock:
            if isinstance(exception, ReadTimeoutError | ConnectTimeoutError):
                self._silent.add(context["drcore"].region)
            self._calls.note(context["drcore"], type(exception).__name__)


def _readable(answer: dict[str, Any], service: str, operation: str, region: str) -> ServiceAnswer:
    """The answer, of which a part that is missing is Unknown; of items only that they are there."""
    of = f"{service} {operation} in {region}"
    see_who_answers(answer, of)
    is_data = service == "dynamodb" and operation in _OF_ITEMS  # what stands in an item is its writer's
    readable: ServiceAnswer = ServiceAnswer(answer, of) if is_data else as_answer(answer, of)
    return readable
