"""A server on loopback that treats each request as told, down to the bytes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from threading import Thread


class Server:
    """A server on loopback that treats each request as told; counts what arrives."""

    def __init__(self, treat: Callable[[socket.socket], object]) -> None:
        self.requests: list[str] = []
        self._treat = treat
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            text = b""
            while b"\r\n\r\n" not in text:
                text += connection.recv(65536)
            self.requests.append(text.decode(errors="replace"))
            self._treat(connection)

    def close(self) -> None:
        self._listener.close()


def never_answer(connection: socket.socket) -> None:
    while connection.recv(65536):  # until the other side has had enough
        pass


def hang_up(connection: socket.socket) -> None:
    connection.close()


def answer(status: str, body: str = "", *headers: str) -> Callable[[socket.socket], object]:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body]
    return lambda connection: connection.sendall("\r\n".join(lines).encode())


@contextlib.contextmanager
def serving(treat: Callable[[socket.socket], object]) -> Iterator[Server]:
    server = Server(treat)
    yield server
    server.close()
