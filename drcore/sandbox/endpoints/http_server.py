"""The loopback server."""

import contextlib
import select
import socket
import struct
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from drcore.sandbox.endpoints import control
from drcore.sandbox.endpoints.application import Application
from drcore.sandbox.endpoints.name_server import NotDns
from drcore.sandbox.protocol.exchange import Dropped, Headers, NoResponse, Request, Response

POLL = 0.05
"""Wall seconds between two looks whether it is time to stop."""


class Server(ThreadingHTTPServer):
    """Serves an Application on 127.0.0.1 until it is told to stop or nobody has spoken for a while.

    One port number for all: HTTP over TCP, DNS over UDP and TCP.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, application: Application, port: int, idle_seconds: float) -> None:
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        super().__init__(("127.0.0.1", port), _Connection)
        self.application = application
        self.stopping = threading.Event()
        self._idle_seconds = idle_seconds
        self._last_heard = time.monotonic()
        self._at_work = 0
        self._lock = threading.Lock()

    def server_bind(self) -> None:
        """Take the port for TCP, then for UDP; a free one that is free for one of them only is not taken."""
        wanted = self.server_address
        while True:
            super().server_bind()
            try:
                self._datagrams.bind(self.server_address)
            except OSError:
                self.socket.close()
                if wanted[1] != 0:
                    raise
                self.socket, self.server_address = socket.socket(self.address_family, self.socket_type), wanted
            else:
                return

    @property
    def address(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.server_port}"

    def serve(self) -> None:
        """Serve until POST /_sandbox/stop or idleness; an exception of a signal handler passes through."""
        threading.Thread(target=self._answer_datagrams, daemon=True).start()
        try:
            with contextlib.suppress(_Stopped):
                self.serve_forever(POLL)
        finally:
            self.stopping.set()
            self._datagrams.close()
            self.server_close()

    def _answer_datagrams(self) -> None:
        """Resolve DNS questions until the server stops; what is no question gets no answer."""
        while not self.stopping.is_set():
            readable, _, _ = select.select([self._datagrams], [], [], POLL)
            if readable:
                wire, asker = self._datagrams.recvfrom(4096)
                with self.at_work(), contextlib.suppress(NotDns):
                    self._datagrams.sendto(self.application.resolve(wire, asker[0]), asker)

    def service_actions(self) -> None:
        """Called by serve_forever between requests."""
        idle = time.monotonic() - self._last_heard > self._idle_seconds and not self._at_work
        if idle or self.stopping.is_set():
            raise _Stopped

    @contextlib.contextmanager
    def at_work(self) -> Any:
        """While a request is being answered the server is not idle, however long that takes."""
        with self._lock:
            self._at_work += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                self._last_heard = time.monotonic()


class _Stopped(Exception):
    """Leaves serve_forever from its own thread; shutdown() would have to wait for it from another."""


class _Connection(BaseHTTPRequestHandler):
    """One keep-alive connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_one_request(self) -> None:
        # A DNS message comes with its length in front, whose first byte no HTTP method begins with.
        if self.rfile.peek(1)[:1] == b"\0":  # type: ignore[attr-defined]
            self._resolve()
            return
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        with self.server.at_work():
            self._answer()

    def handle_expect_100(self) -> bool:
        """Say `100 Continue` at once: botocore waits a second for it before it sends the body to S3."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quiet: what was called is in the record of the run, not on the terminal."""

    def _answer(self) -> None:
        headers = Headers((name, value.strip()) for name, value in self.headers.items())
        request = Request(self.command, self.path, headers, self._body(headers))
        try:
            answer = self.server.application.answer(request)
        except Dropped:
            self.close_connection = True
        except NoResponse:
            self._wait_for_the_caller_to_leave()
            self.close_connection = True
        except Exception as error:  # noqa: BLE001
            # A fault of the sandbox itself must look like one, not like the dropped connection of a drill.
            traceback.print_exc()
            self._send(Response(500, Headers(), f"sandbox: {error!r}".encode()))
        else:
            self._send(answer)
            if (self.command, request.path) == ("POST", control.STOP):
                self.server.stopping.set()

    def _resolve(self) -> None:
        with self.server.at_work():
            (size,) = struct.unpack("!H", self.rfile.read(2))
            try:
                answer = self.server.application.resolve(self.rfile.read(size), self.client_address[0])
            except NotDns:
                self.close_connection = True
                return
            self.wfile.write(struct.pack("!H", len(answer)) + answer)
            self.wfile.flush()
            self.close_connection = False

    def _body(self, headers: Headers) -> bytes:
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(headers.get("Content-Length", "0")))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _send(self, answer: Response) -> None:
        bodiless = self.command == "HEAD" or answer.status in (204, 304)
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        length = answer.headers.get("Content-Length", "0") if bodiless else str(len(answer.body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if not bodiless:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _wait_for_the_caller_to_leave(self) -> None:
        """The caller closes when its own read timeout is over; that is the only clock that matters here."""
        while not self.server.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], POLL)
            if readable:
                return
