"""moto as a function from request to answer."""

import io
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import unquote_to_bytes

import moto.core.base_backend
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.config import default_user_config
from moto.core.model_instances import reset_model_data
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from drcore.sandbox.moto import startup
from drcore.sandbox.protocol.exchange import Headers, Request, Response

assert startup.LOADER  # imported for what it does

default_user_config["lambda"]["use_docker"] = False
default_user_config["batch"]["use_docker"] = False
# moto draws an id for what holds a service's resources, in the first call or before it, as the process knows the
# service already or not: with numbers instead, that does not shift what the call draws.
vars(moto.core.base_backend)["uuid4"] = count().__next__


LACKING = frozenset(
    {"health", "route53-recovery-cluster"}
    | {
        "appconfig",
        "appconfigdata",
        "application-autoscaling",
        "cloudtrail",
        "ecs",
        "logs",
        "sagemaker",
        "sagemaker-runtime",
        "stepfunctions",
    }
)
"""Services that moto knows nothing of, or that the sandbox keeps itself: what it does not answer nobody does."""


class NotEmulated(NotImplementedError):
    """moto has no such operation."""


class _Dispatcher(DomainDispatcherApplication):
    """moto lists its source directory to find the backend of a host, which never changes."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


_APP = _Dispatcher()
_PREPARED: set[str] = set()


def answer(request: Request) -> Response:
    """Let moto answer an AWS request. moto's state belongs to the process, so there is one world in it.

    Raises NotImplementedError, in this or moto's own form, where moto has no such operation.
    """
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        started.extend((int(status.split(maxsplit=1)[0]), Headers(headers)))

    body = b"".join(_APP(_environ(request), start_response))
    status, headers = started
    if status == 404 and body.startswith(b"<!doctype html>"):
        # Flask found no route; a caller would read the bare 404 as "there is no such resource".
        raise NotEmulated(f"{request.method} {request.path}")
    return Response(status, headers, body)


def prepare(request: Request, service: str = "") -> None:
    """Import the backend of a request, so that what an import draws does not shift what the call draws.

    Of a service that is named that is done once.
    """
    if service not in _PREPARED:
        _APP.get_application(_environ(request))
        _PREPARED.update({service} - {""})


def backends() -> Iterator[tuple[str, str, BaseBackend]]:
    """The backends in use, each with its service and region (`aws` for a global service)."""
    in_use: list[BackendDict[Any]] = vars(BackendDict)["_instances"]
    for service in in_use:
        for _, region, backend in service.iter_backends():
            yield service.service_name, region, backend


def reset() -> None:
    """Forget every resource."""
    BackendDict.reset()
    reset_model_data()


def _environ(request: Request) -> dict[str, Any]:
    """The request in WSGI's terms, with the two extras that moto's own server adds.

    RAW_URI keeps percent-encoding (S3 keys), and user metadata keeps its underscores.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": request.target,
        "REQUEST_URI": request.target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    # The body is whole by now; werkzeug would wait for chunks.
    sent = {name: value for name, value in request.headers.items() if name.lower() != "transfer-encoding"}
    environ |= {environ_key_for_header(name): value for name, value in sent.items()}
    environ["CONTENT_LENGTH"] = str(len(request.body))
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
        environ_key_for_header(name): name for name in request.headers if should_preserve_original_header_name(name)
    }
    return environ
