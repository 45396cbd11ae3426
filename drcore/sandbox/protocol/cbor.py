"""The Smithy RPC v2 CBOR protocol, which moto does not speak."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel, Shape, ShapeResolver
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer

from drcore.sandbox.protocol.exchange import Headers, Request, Response

PROTOCOL = "smithy-rpc-v2-cbor"

_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")
_SHAPES: dict[str, Any] = {
    "Error": {"type": "structure", "members": {"__type": {"shape": "Text"}, "message": {"shape": "Text"}}},
    "Text": {"type": "string"},
}
_ERROR = ShapeResolver(_SHAPES).get_shape_by_name("Error")

# botocore reads and writes CBOR for the client's side; the data items are the same on the server's.
_READER: Any = RpcV2CBORParser()
_WRITER: Any = RpcV2CBORSerializer()


def operation_named(request: Request) -> str | None:
    """The operation of a CBOR request, or None if the request speaks another protocol.

    Path and header are those of smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html.
    """
    if request.headers.get("smithy-protocol") != "rpc-v2-cbor":
        return None
    match = _PATH.search(request.path)
    return match[1] if match else None


def read(shape: Shape | None, body: bytes) -> dict[str, Any]:
    """The input in a body."""
    parsed: dict[str, Any] = {}
    if shape is not None and body:
        _READER._parse_payload({"body": body}, shape, parsed)
    return parsed


def write(model: OperationModel, result: Mapping[str, Any] | Exception) -> Response:
    """The answer for an output, or for an error with `code` and `message`."""
    status = 200
    shape: Shape | None = model.output_shape
    if isinstance(result, Exception):
        code = getattr(result, "code")  # noqa: B009 - only AwsError comes here; its module imports this one
        status, shape = _status(model, code), _ERROR
        result = {"__type": code, "message": getattr(result, "message", "")}
    body = b"" if shape is None else _WRITER._serialize_body_params(result, shape)
    return Response(status, Headers([("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor")]), body)


def _status(model: OperationModel, code: str) -> int:
    for shape in model.error_shapes:
        if shape.name == code:
            return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
    return 400
