"""The wire protocols of AWS: parameters read, answers written."""

import gzip
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import (
    AWSPreparedRequest,
    HeadersDict,
    create_request_object,
    prepare_request_dict,
)
from botocore.parsers import ResponseParserFactory
from botocore.serialize import create_serializer
from botocore.utils import parse_timestamp
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request as MotoRequest
from moto.core.serialize import SerializationContext, get_serializer_class

from drcore.sandbox.protocol import cbor
from drcore.sandbox.protocol.exchange import Headers, Request, Response


class AwsError(Exception):
    """An error as AWS would answer it; it is written in the protocol of the call.

    `code` is what boto3 shows, or the name of the model's shape for it (CloudWatch calls the shape
    ResourceNotFoundException and the code ResourceNotFound; the code is what is sent). `status` is the HTTP
    status; left out, it is the one of the service's model, else 400.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Ready:
    """An output that is written already, in the JSON of the call's protocol: for answers that are long."""

    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One AWS request, understood: names are botocore's (`lambda`, `UpdateAlias`)."""

    service: str
    operation: str
    region: str
    protocol: str
    request: Request = field(repr=False)
    model: OperationModel = field(repr=False)
    labels: Mapping[str, Any] = field(repr=False)
    routed: MotoRequest | None = field(repr=False)
    """The request in moto's terms, where its route was found by that."""

    def params(self) -> dict[str, Any]:
        """The input by its botocore shape names; times are aware, blobs are bytes."""
        plain = self._unzipped()
        if self.protocol == cbor.PROTOCOL:
            return cbor.read(self.model.input_shape, plain.body)
        parser = PROTOCOL_PARSERS[self.protocol](self.model, timestamp_parser=_utc)
        request = self.routed if self.routed is not None and plain is self.request else moto_request(plain)
        parsed: dict[str, Any] = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": dict(self.labels),
            }
        )
        return parsed

    def _unzipped(self) -> Request:
        """The request as it was before botocore zipped it, which it does from 10 kB where the model allows it."""
        if not self.model.request_compression or self.request.headers.get("Content-Encoding") != "gzip":
            return self.request
        headers = ((name, value) for name, value in self.request.headers.items() if name.lower() != "content-encoding")
        return replace(self.request, headers=Headers(headers), body=gzip.decompress(self.request.body))

    def rewrite(self, params: Mapping[str, Any]) -> Request:
        """The same request with other parameters (their shape names, as for `params`)."""
        asked = create_serializer(self.protocol).serialize_to_request(dict(params), self.model)
        prepare_request_dict(asked, f"http://{self.request.headers.get('Host', '127.0.0.1')}")
        prepared = create_request_object(asked).prepare()
        return as_request(prepared, extra=(("Authorization", self.request.headers["Authorization"]),))

    def write(self, result: Mapping[str, Any] | Ready | AwsError, request_id: str) -> Response:
        """The answer for an output (by its shape names) or an error."""
        if isinstance(result, Ready):
            answer = Response(200, Headers([("Content-Type", "application/x-amz-json-1.0")]), result.body)
        elif self.protocol == cbor.PROTOCOL:
            answer = cbor.write(self.model, result)
        else:
            answer = self._serialize(result, request_id)
        status = answer.status
        if isinstance(result, AwsError) and result.status is not None:
            status = result.status
        stamped = Headers([*answer.headers.items(), ("x-amzn-RequestId", request_id)])
        return Response(status, stamped, answer.body)

    def read(self, answer: Response) -> dict[str, Any]:
        """The output in an answer, as boto3 would give it without ResponseMetadata; raises AwsError.

        A streaming body (S3's GetObject) is bytes.
        """
        parser: Any = _PARSERS.create_parser(self.protocol)
        output: dict[str, Any] = parser.parse(
            {
                "headers": HeadersDict(dict(answer.headers)),
                "status_code": answer.status,
                "body": _Stream(answer.body) if self._streams(answer) else answer.body,
                "context": {"operation_name": self.operation},
            },
            self.model.output_shape,
        )
        del output["ResponseMetadata"]
        if answer.status >= 300:
            error = output["Error"]
            raise AwsError(str(error.get("Code", answer.status)), error.get("Message", ""), answer.status)
        return {name: bytes(v) if isinstance(v, _Stream) else v for name, v in output.items()}

    def _streams(self, answer: Response) -> bool:
        return answer.status < 300 and bool(self.model.has_streaming_output)

    def _serialize(self, result: Mapping[str, Any] | AwsError, request_id: str) -> Response:
        serializer = get_serializer_class(self.service, self.protocol)
        with warnings.catch_warnings():
            # moto warns of codes outside the service's model; throttling is such a code everywhere.
            warnings.simplefilter("ignore")
            written = serializer(self.model, SerializationContext(request_id)).serialize(result)
        body = written["body"]
        return Response(
            written["status_code"],
            Headers(written["headers"].items()),
            body.encode() if isinstance(body, str) else body,
        )


class _Stream(bytearray):
    """A body that botocore passes on as it is, as it does with a stream, instead of decoding it."""


def as_request(prepared: AWSPreparedRequest, extra: Iterable[tuple[str, str]] = ()) -> Request:
    """A request that botocore is about to send, as it would arrive."""
    url = urlsplit(prepared.url)
    body: Any = prepared.body or b""
    if hasattr(body, "read"):
        body = body.read()
    headers = [(name, _text(value)) for name, value in prepared.headers.items()]
    headers = [*headers, ("Host", url.netloc), *extra]
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return Request(prepared.method, target, Headers(headers), body.encode() if isinstance(body, str) else body)


def moto_request(request: Request) -> MotoRequest:
    """A request in moto's terms, for its routing and parsing."""
    url = f"http://{request.headers.get('Host', '127.0.0.1')}{request.target}"
    converted = MotoRequest.from_primitives(request.method, url, request.headers, request.body)
    converted.environ["RAW_URI"] = request.target
    return converted


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _utc(value: Any) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    parsed: datetime = parse_timestamp(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


_PARSERS = ResponseParserFactory()
_PARSERS.set_parser_defaults(timestamp_parser=_utc)
