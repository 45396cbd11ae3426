"""Generic faults: what can go wrong with any call."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.call_hooks import CallHooks, Interceptor, Proceed
from drcore.sandbox.core.faults import Faults, Option, Options, Undo, UnknownFault, fault
from drcore.sandbox.core.refusals import refusal
from drcore.sandbox.core.registry import ROUTES, AwsCall, AwsError, HttpCall
from drcore.sandbox.core.world import World
from drcore.sandbox.protocol.exchange import Dropped, Headers, NoResponse, Response
from drcore.sandbox.protocol.operations import errors_of, fields_of, operations_of

READ_TIMEOUT = 5.0
"""Virtual seconds after which a caller has given up: a later answer is none."""

SCOPE: Mapping[str, Option] = {
    "service": Option(default="", help="botocore's name of the service, or the first part of a vendor's path"),
    "operation": Option(default="", help="one operation of the service, as botocore names it"),
    "region": Option(default="", help="one region"),
    "count": Option(default=0, help="how many calls it hits before it is over; 0 is no limit"),
    "share": Option(default=1.0, help="the share of the calls that it hits", most=1),
    "lasts": Option(default=0.0, help="virtual seconds until it is over; 0 is until it is cleared"),
}
"""Which calls a generic fault hits: empty means any."""

_THROTTLED: Mapping[str, tuple[str, int]] = {
    "s3": ("SlowDown", 503),
    "lambda": ("TooManyRequestsException", 429),
    "apigateway": ("TooManyRequestsException", 429),
    "googleplay": ("RESOURCE_EXHAUSTED", 429),
    "appstoreconnect": ("RATE_LIMIT_EXCEEDED", 429),
    "cloudwatch": ("Throttling", 400),
    "iam": ("Throttling", 400),
    "sns": ("Throttling", 400),
    "sts": ("Throttling", 400),
}


def _is_in_scope(options: Options) -> None:
    """A misspelt scope would be a fault that never happens; raises UnknownFault."""
    service, operation = options["service"], options["operation"]
    if service and (known := _operations(service)) is None:
        raise UnknownFault(f"options.service: expected a service of botocore or a vendor; saw {service!r}")
    if service and operation and operation not in (known or ()):
        raise UnknownFault(f"options.operation: expected an operation of {service}; saw {operation!r}")


def _is_an_error(options: Options) -> None:
    _is_in_scope(options)
    code, service = options["code"], options["service"]
    if not code:
        raise UnknownFault("options.code: expected an error code; saw none")
    known = errors_of(service, options["operation"]) if service and options["operation"] else ()
    if known and code not in (*known, *_UNDECLARED.get(service, {}), *_UNDECLARED[""]):
        raise UnknownFault(f"options.code: expected an error of {service}:{options['operation']}; saw {code!r}")


def _is_a_field(options: Options) -> None:
    _is_in_scope(options)
    service, operation, field, member = (options[name] for name in ("service", "operation", "field", "member"))
    if not field:
        raise UnknownFault("options.field: expected the path of a field; saw none")
    if not service or not operation:
        return
    known = fields_of(service, operation)
    if field not in known:
        raise UnknownFault(f"options.field: expected a field of the answer of {service}:{operation}; saw {field!r}")
    if member and known[field] and member not in known[field]:
        expected = ", ".join(known[field])
        raise UnknownFault(f"options.member: expected one of {expected}; saw {member!r}")


def _operations(service: str) -> tuple[str, ...] | None:
    vendor = tuple(r.answer.__name__ for r in ROUTES if r.pattern.pattern.startswith(f"/{service}/"))
    return vendor or operations_of(service) or None


@fault("throttling", options=SCOPE, check=_is_in_scope)
def throttling(world: World, options: Options) -> Undo:
    """The service refuses for now; nothing was done. boto3 retries such a code."""

    def refuse(call: AwsCall | HttpCall, _: Proceed) -> Response:
        usual = ("TooManyRequests", 429) if isinstance(call, HttpCall) else ("ThrottlingException", 400)
        code, status = _THROTTLED.get(call.service, usual)
        raise AwsError(code, "Rate exceeded", status)

    return _around(world, "throttling", options, refuse)


@fault(
    "busy",
    options={
        **SCOPE,
        "code": Option(default="", help="the code that it is refused with, as AWS has it for the operation"),
        "message": Option(default="Another operation is in progress", help="what the refusal says"),
    },
    check=_is_an_error,
)
def busy(world: World, options: Options) -> Undo:
    """What the call is about is busy with something else, or the service is: it is refused, and nothing was done."""
    code = options["code"]

    def refuse(call: AwsCall | HttpCall, _: Proceed) -> Response:
        status = _UNDECLARED.get(call.service, {}).get(code) or _UNDECLARED[""].get(code)
        raise AwsError(code, options["message"], status)

    return _around(world, "busy", options, refuse)


_UNDECLARED: Mapping[str, Mapping[str, int]] = {
    "": {"Throttling": 400, "ThrottlingException": 400, "TooManyRequestsException": 429},
    "dynamodb": {"ContinuousBackupsUnavailableException": 400, "ValidationException": 400},
    "s3": {"ConditionalRequestConflict": 409, "OperationAborted": 409, "SlowDown": 503},
    "statuspage": {"TooManyRequests": 429},
    "googleplay": {"ABORTED": 409, "RESOURCE_EXHAUSTED": 429},
    "appstoreconnect": {"RATE_LIMIT_EXCEEDED": 429},
}
"""Codes that AWS answers with and that are not in the models, with their HTTP status; empty: in all services."""


@fault("access-denied", options=SCOPE, check=_is_in_scope)
def access_denied(world: World, options: Options) -> Undo:
    """The caller lacks the permission; nothing was done."""

    def refuse(call: AwsCall | HttpCall, _: Proceed) -> Response:
        raise refusal(call, f"User is not authorized to perform: {call.service}:{call.operation}")

    return _around(world, "access-denied", options, refuse)


@fault(
    "latency",
    options={**SCOPE, "seconds": Option(default=2.0, help="virtual seconds until the answer")},
    check=_is_in_scope,
)
def latency(world: World, options: Options) -> Undo:
    """The call is handled, the answer is late; later than READ_TIMEOUT it never arrives."""

    def delay(_: AwsCall | HttpCall, proceed: Proceed) -> Response:
        answer = proceed()
        world.clock.spend(min(options["seconds"], READ_TIMEOUT))
        if options["seconds"] > READ_TIMEOUT:
            raise NoResponse
        return answer

    return _around(world, "latency", options, delay)


@fault("dropped-connection", options=SCOPE, check=_is_in_scope)
def dropped_connection(world: World, options: Options) -> Undo:
    """The connection is closed before the call is handled: nothing was done."""

    def drop(_: AwsCall | HttpCall, __: Proceed) -> Response:
        raise Dropped

    return _around(world, "dropped-connection", options, drop)


@fault("lost-response", options=SCOPE, check=_is_in_scope)
def lost_response(world: World, options: Options) -> Undo:
    """The call is handled, then the connection is closed: it was done, and the caller does not know."""

    def lose(_: AwsCall | HttpCall, proceed: Proceed) -> Response:
        proceed()
        raise Dropped

    return _around(world, "lost-response", options, lose)


_ODD: Mapping[str, tuple[str, bytes]] = {
    "html": ("text/html", b"<html><body>Service unavailable</body></html>"),
    "object": ("application/json", b'{"error": "suspended"}'),
    "list": ("application/json", b"[17]"),
    "nothing": ("application/json", b""),
}


@fault(
    "odd-answer",
    options={
        **SCOPE,
        "status": Option(default=200, help="the status of the answer"),
        "body": Option(default="html", choices=tuple(_ODD), help="what the answer holds"),
        "retry_after": Option(default=0, help="seconds of a Retry-After header; 0 is none"),
    },
    check=_is_in_scope,
)
def odd_answer(world: World, options: Options) -> Undo:
    """Something else answers, as a gateway or a proxy may: the call is not handled, nothing was done."""
    kind, body = _ODD[options["body"]]
    headers = [("Content-Type", kind)]
    if options["retry_after"]:
        headers.append(("Retry-After", str(options["retry_after"])))

    def answer(_: AwsCall | HttpCall, __: Proceed) -> Response:
        return Response(options["status"], Headers(headers), body)

    return _around(world, "odd-answer", options, answer)


@fault(
    "stale-read", options={**SCOPE, "seconds": Option(default=30.0, help="how old the answers are")}, check=_is_in_scope
)
def stale_read(world: World, options: Options) -> Undo:
    """Reads are answered with what the same question got `seconds` ago.

    Only what was asked while the fault is on is known: until an answer is old enough, the oldest one serves; one that
    is twice as old does not. What asks DynamoDB for a consistent read gets one.
    """
    kept: dict[tuple[str, ...], list[tuple[datetime, Response]]] = {}

    def answer_late(call: AwsCall | HttpCall, proceed: Proceed) -> Response:
        if not call.reads or _is_consistent(call):
            return proceed()
        fresh, now = proceed(), world.clock.now()
        answers = kept.setdefault((call.service, call.operation, call.region, call.identity), [])
        answers.append((now, fresh))
        seconds = timedelta(seconds=options["seconds"])
        known = [(at, answer) for at, answer in answers if now - at <= 2 * seconds]
        return next((answer for at, answer in reversed(known) if now - at >= seconds), known[0][1])

    return _around(world, "stale-read", options, answer_late)


@fault(
    "answer",
    options={
        **SCOPE,
        "field": Option(default="", help="the answer's field by its path, as Table.Replicas.ReplicaStatus"),
        "member": Option(default="", help="what it says; empty: the field is left out"),
    },
    check=_is_a_field,
)
def answer(world: World, options: Options) -> Undo:
    """A field of the answers says something else, in each element of a list; nothing else is otherwise.

    For members of enums that the world does not come to by itself.
    """
    path = tuple(options["field"].split("."))

    def say(call: AwsCall | HttpCall, proceed: Proceed) -> Response:
        response = proceed()
        if not isinstance(call, AwsCall) or response.status >= 300:
            return response
        output = call.message.read(response)
        for holder in _holders(output, path[:-1]):
            kind = type(holder.get(path[-1], ""))
            if options["member"]:
                holder[path[-1]] = kind(options["member"]) if kind in (int, float) else options["member"]
            else:
                holder.pop(path[-1], None)
        return call.message.write(output, response.headers.get("x-amzn-RequestId", ""))

    return _around(world, "answer", options, say)


def _holders(value: Any, path: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The structures of an answer at a path; those of all elements of a list, of all values of a map."""
    if isinstance(value, list):
        for element in value:
            yield from _holders(element, path)
    elif isinstance(value, dict) and not path:
        yield value
    elif isinstance(value, dict):
        for name in value if path[0] == "*" else (path[0],):
            yield from _holders(value.get(name), path[1:])


def _is_consistent(call: AwsCall | HttpCall) -> bool:
    if not isinstance(call, AwsCall) or call.service != "dynamodb":
        return False
    asked = call.params.get("RequestItems", {}).values() or (call.params,)
    return all(each.get("ConsistentRead") for each in asked)


def denies(world: World, service: str, operation: str, region: str) -> bool:
    """Whether an access-denied fault refuses that call now; for IAM's simulation, which makes no call."""
    return any(
        injected.name == "access-denied"
        and _in_scope(injected.options, service, operation, region)
        and not _over(world, injected.at, injected.options)
        for injected in world.state(Faults)
    )


def _around(world: World, name: str, options: Options, fn: Interceptor) -> Undo:
    """Put `fn` around the calls in the scope of `options`; everyone else passes."""
    since = world.clock.now()
    met = hit = 0

    def intercept(call: AwsCall | HttpCall, proceed: Proceed) -> Response:
        nonlocal met, hit
        spent = 0 < options["count"] <= hit or _over(world, since, options)
        if spent or not _in_scope(options, call.service, call.operation, call.region):
            return proceed()
        met += 1
        if world.rng(name, since, met).random() >= options["share"]:
            return proceed()
        hit += 1
        return fn(call, proceed)

    return world.state(CallHooks).intercept(intercept)


def _over(world: World, since: datetime, options: Options) -> bool:
    return options["lasts"] > 0 and world.clock.now() >= since + timedelta(seconds=options["lasts"])


def _in_scope(options: Options, service: str, operation: str, region: str) -> bool:
    asked = {"service": service, "operation": operation, "region": region}
    return all(options[name] in ("", value) for name, value in asked.items())
