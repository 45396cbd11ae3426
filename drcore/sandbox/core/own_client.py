"""boto3 answered in this process, without a socket."""

import io
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from drcore.sandbox.moto.startup import LOADER
from drcore.sandbox.protocol.exchange import Dropped, NoResponse, Request, Response
from drcore.sandbox.protocol.messages import as_request

ENDPOINT = "http://127.0.0.1:9"
"""Where nothing listens: a client that misses the in-process door cannot reach anything."""


def attach(session: boto3.Session, handle: Callable[[Request], Response]) -> None:
    """Let `handle` answer each call of the session's clients, those made from now on.

    A dropped connection or a missing answer is what botocore would raise at the socket.
    """

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        try:
            answer = handle(as_request(request))
        except Dropped:
            raise ConnectionClosedError(endpoint_url=request.url) from None
        except NoResponse:
            raise ReadTimeoutError(endpoint_url=request.url) from None
        headers: Any = HeadersDict(dict(answer.headers))
        return AWSResponse(request.url, answer.status, headers, _Raw(answer.body))

    events: Any = session.events
    events.register("before-send.*", send)


def own_session(handle: Callable[[Request], Response]) -> boto3.Session:
    """A session for the world's own clients."""
    core = botocore.session.Session()
    core.register_component("data_loader", LOADER)
    core.set_credentials("sandbox", "sandbox")
    session = boto3.Session(botocore_session=core, region_name="us-east-1")
    attach(session, handle)
    return session


def own_client(session: boto3.Session, service: str, region: str) -> Any:
    """A client of that session that neither retries nor validates what the world itself writes."""
    config = Config(
        retries={"total_max_attempts": 1},
        parameter_validation=False,
        user_agent="sandbox",
        s3={"addressing_style": "path"},
    )
    return session.client(service, region_name=region, endpoint_url=ENDPOINT, config=config)


class _Raw(io.BytesIO):
    """The body in the way urllib3 hands it over."""

    def stream(self, *_: object, **__: object) -> Any:
        yield self.read()
