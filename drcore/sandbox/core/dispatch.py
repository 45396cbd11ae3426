"""The way of a call: faults around it, the layer before the emulator."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote

from drcore.sandbox.core.call_hooks import Admission, CallHooks, Interceptor, Observer, Proceed
from drcore.sandbox.core.registry import (
    OPERATIONS,
    REFUSALS,
    ROUTES,
    AwsCall,
    HttpCall,
    HttpRoute,
    JsonReply,
    PageReply,
)
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import emulator, seeding
from drcore.sandbox.protocol.exchange import Headers, Request, Response
from drcore.sandbox.protocol.messages import AwsError, Message
from drcore.sandbox.protocol.operations import understand

CALL_SECONDS = 0.05
"""Virtual seconds that each call takes, spent before it is handled; calls that are in flight together share them."""


def public(world: World, request: Request) -> Response:
    """Answer a caller from outside: it costs virtual time and meets the faults.

    Raises Dropped or NoResponse where a fault takes the answer away.
    """
    world.clock.call(CALL_SECONDS)
    hooks, message = world.state(CallHooks), understand(request)
    if message is not None:
        return _aws(world, message, hooks.interceptors, hooks.observers, hooks.admission)
    route = _route(request)
    if route is not None:
        return _http(world, request, *route, hooks.interceptors)
    if "Authorization" in request.headers and "AWS4" in request.headers["Authorization"]:
        return _unmodelled(world, request)
    return json_answer(404, {"error": f"path: expected a known path; saw {request.method} {request.path}"})


def direct(world: World, request: Request) -> Response:
    """Answer the world's own actors: no virtual time, no faults."""
    with world.clock.frozen():
        message = understand(request)
        if message is None:
            return _unmodelled(world, request)
        return _aws(world, message, ())


def json_answer(status: int, document: object, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON document; its keys are sorted, so that equal documents are equal bytes."""
    body = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str).encode() + b"\n"
    return Response(status, Headers([("Content-Type", "application/json"), *(headers or {}).items()]), body)


def _aws(
    world: World,
    message: Message,
    interceptors: Sequence[Interceptor],
    observers: Sequence[Observer] = (),
    admission: Admission | None = None,
) -> Response:
    call = AwsCall(world, message)
    count = world.count(call.service, call.operation, call.region)
    purpose = (call.service, call.operation, call.region, count)

    def handled() -> Response:
        try:
            if admission is not None:
                admission(call)
            answer = done()
        except AwsError as error:
            answer = message.write(error, request_id)
        for observe in observers:
            observe(call, answer)
        return answer

    def done() -> Response:
        fn = OPERATIONS.get((call.service, call.operation))
        if call.service not in emulator.LACKING:
            emulator.prepare(message.request, call.service)
        elif fn is None:
            raise emulator.NotEmulated(f"{call.service}:{call.operation}")
        with seeding.tied_to(world.purpose(*purpose)):
            if fn is None:
                return emulator.answer(message.request)
            return message.write(fn(call), request_id)

    request_id = f"{world.rng('request', *purpose).getrandbits(128):032x}"
    try:
        return _within(call, interceptors, handled)
    except AwsError as error:
        return message.write(error, request_id)
    except NotImplementedError as error:
        return message.write(AwsError("NotImplemented", f"not in the sandbox: {error}", 501), request_id)


def _http(
    world: World,
    request: Request,
    route: HttpRoute,
    args: Mapping[str, str],
    interceptors: Sequence[Interceptor],
) -> Response:
    call = HttpCall(
        world=world,
        service=request.path.split("/")[1],
        operation=route.answer.__name__,
        region=args.get("region", ""),
        method=request.method,
        path=request.path,
        args=args,
        query=dict(parse_qsl(request.query, keep_blank_values=True)),
        headers=request.headers,
        body=request.body,
        reads=route.reads,
    )

    def handled() -> Response:
        reply = route.answer(call)
        if isinstance(reply, PageReply):
            return Response(reply.status, Headers([("Content-Type", "text/html")]), reply.text.encode())
        return json_answer(reply.status, reply.document, reply.headers)

    try:
        return _within(call, interceptors, handled)
    except AwsError as error:
        plain = JsonReply(error.status or 400, {"error": error.message})
        refused = REFUSALS[call.service](call, error) if call.service in REFUSALS else plain
        return json_answer(refused.status, refused.document, refused.headers)


def _within(call: AwsCall | HttpCall, interceptors: Sequence[Interceptor], handled: Proceed) -> Response:
    """`handled`, with the interceptors around it, the oldest outermost."""
    proceed = handled
    for intercept in reversed(interceptors):
        proceed = _bind(intercept, call, proceed)
    return proceed()


def _bind(intercept: Interceptor, call: AwsCall | HttpCall, proceed: Proceed) -> Proceed:
    return lambda: intercept(call, proceed)


def _route(request: Request) -> tuple[HttpRoute, dict[str, str]] | None:
    for route in ROUTES:
        match = route.pattern.fullmatch(request.path) if route.method == request.method else None
        if match:
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def _unmodelled(world: World, request: Request) -> Response:
    """Signed calls that botocore's models do not know are moto's affair."""
    emulator.prepare(request)
    with seeding.tied_to(world.purpose("unmodelled", world.count("unmodelled", request.path, ""))):
        return emulator.answer(request)
