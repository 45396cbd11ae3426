"""Which AWS operation a request asks for."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.model import OperationModel
from moto.core.request import Request as MotoRequest
from moto.core.request import determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

from drcore.sandbox.protocol import cbor
from drcore.sandbox.protocol.exchange import Request
from drcore.sandbox.protocol.messages import Message, moto_request

SIGNED_AS: Mapping[str, tuple[str, ...]] = {
    "apigateway": ("apigateway", "apigatewayv2"),
    "appconfig": ("appconfig", "appconfigdata"),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "events": ("events", "eventbridgev2"),
    "elasticloadbalancing": ("elbv2", "elb"),
    "monitoring": ("cloudwatch",),
    "sagemaker": ("sagemaker", "sagemaker-runtime", "sagemaker-metrics"),
    "servicequotas": ("service-quotas",),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
"""The services behind a signing name, where botocore calls them otherwise or there are several."""


def understand(request: Request) -> Message | None:
    """The AWS call in a request, or None where it names no operation that botocore knows.

    Service and region are those of the SigV4 credential scope; the signature itself is not checked.
    """
    scope = _scope(request)
    if scope is None:
        return None
    region, signed_as = scope
    for service in SIGNED_AS.get(signed_as, (signed_as,)):
        try:
            protocol, model, labels, routed = _route(service, request)
        except (HTTPException, NotImplementedError, OperationNotFoundError, UnknownServiceError):
            continue
        return Message(
            service=service,
            operation=model.name,
            region=region,
            protocol=protocol,
            request=request,
            model=model,
            labels=labels,
            routed=routed,
        )
    return None


def operations_of(service: str) -> tuple[str, ...]:
    """The operations of a botocore service; empty if there is no such service."""
    try:
        return tuple(get_service_model(service).operation_names)
    except UnknownServiceError:
        return ()


def errors_of(service: str, operation: str) -> tuple[str, ...]:
    """The codes of the errors that an operation's model declares; empty if there is no such operation."""
    if operation not in operations_of(service):
        return ()
    shapes = get_service_model(service).operation_model(operation).error_shapes
    return tuple(str(shape.metadata.get("error", {}).get("code") or shape.name) for shape in shapes)


def fields_of(service: str, operation: str) -> dict[str, tuple[str, ...]]:
    """The fields of an operation's answer by their paths, with the members of those that are enums; empty if none.

    A list is passed through (`Table.Replicas.ReplicaStatus`), of a map `*` stands for its keys.
    """
    if operation not in operations_of(service):
        return {}
    fields: dict[str, tuple[str, ...]] = {}
    _walk(get_service_model(service).operation_model(operation).output_shape, (), (), fields)
    return fields


def _walk(shape: Any, path: tuple[str, ...], above: tuple[str, ...], fields: dict[str, tuple[str, ...]]) -> None:
    if shape is None or above.count(shape.name) > 1:  # some shapes hold themselves
        return
    if shape.type_name == "list":
        _walk(shape.member, path, above, fields)
    elif shape.type_name == "map":
        _walk(shape.value, (*path, "*"), above, fields)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            fields[".".join((*path, name))] = tuple(getattr(member, "enum", ()))
            _walk(member, (*path, name), (*above, shape.name), fields)


def _scope(request: Request) -> tuple[str, str] | None:
    """Region and signing name: `AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/SERVICE/aws4_request, …`."""
    _, mark, credential = request.headers.get("Authorization", "").partition("Credential=")
    parts = credential.partition(",")[0].split("/")
    if not mark or len(parts) < 5:
        return None
    return parts[-3], parts[-2].lower()


def _route(service: str, request: Request) -> tuple[str, OperationModel, dict[str, Any], MotoRequest | None]:
    model = get_service_model(service)
    named = cbor.operation_named(request)
    if named is not None and cbor.PROTOCOL in model.metadata.get("protocols", ()):
        return cbor.PROTOCOL, model.operation_model(named), {}, None
    protocol = determine_request_protocol(model, request.headers.get("Content-Type"))
    routed = moto_request(request)
    operation, labels = get_service_router(service).match(routed)
    return protocol, operation, labels, routed
