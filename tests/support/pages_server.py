"""A loopback server that answers Scan with prepared pages, for what moto is too slow or too kind for."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes]
_SESSION = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA0000000000000000</AccessKeyId>"
    b"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    b"</Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
    b"</AssumeRoleResponse>"
)
_IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Account>123456789012</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r-1</RequestId>"
    b"</ResponseMetadata></GetCallerIdentityResponse>"
)


@dataclass
class Pages:
    """A table as its pages: a list for each segment, each page a body as DynamoDB writes it.

    `before` may answer in the place of the server; it is given the operation and how many of it came before.
    """

    segments: list[list[bytes]]
    keys: Mapping[str, str] = field(default_factory=lambda: {"pk": "S"})
    before: Callable[[str, int], Answer | None] = lambda operation, count: None
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    created: float = 1767603600.0
    checksum: int | None = None  # in place of the right one
    arn: str = ""

    def answer(self, operation: str, asked: dict[str, Any]) -> Answer:
        count = sum(name == operation for name, _ in self.seen)
        self.seen.append((operation, asked))
        if told := self.before(operation, count):
            return told
        if operation == "DescribeTable":
            return 200, json.dumps({"Table": self.table()}).encode()
        page = int(asked.get("ExclusiveStartKey", {}).get("page", {}).get("N", "0"))
        return 200, self.segments[asked.get("Segment", 0)][page]

    def table(self) -> dict[str, Any]:
        kinds = ("HASH", "RANGE")
        return {
            "TableName": "T",
            "TableStatus": "ACTIVE",
            "TableId": "one",
            "TableArn": self.arn,
            "CreationDateTime": self.created,
            "KeySchema": [
                {"AttributeName": name, "KeyType": kind} for name, kind in zip(self.keys, kinds, strict=False)
            ],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, kind in self.keys.items()
            ],
        }


def pages(items: list[bytes], size: int) -> list[bytes]:
    """The pages of one segment, from items as JSON."""
    parts = [items[start : start + size] for start in range(0, len(items), size)] or [[]]
    made = []
    for number, part in enumerate(parts, 1):
        more = b',"LastEvaluatedKey":{"page":{"N":"%d"}}' % number if number < len(parts) else b""
        made.append(b'{"Count":%d,"Items":[%b]%b,"ScannedCount":%d}' % (len(part), b",".join(part), more, len(part)))
    return made


@contextmanager
def serving(table: Pages) -> Iterator[str]:
    """Serve a table; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            if operation:
                status, answer = table.answer(operation, json.loads(body))
            elif b"Action=AssumeRole" in body:  # STS, which every command asks first
                table.seen.append(("AssumeRole", {}))
                status, answer = 200, _SESSION
            else:
                table.seen.append(("GetCallerIdentity", {}))
                status, answer = 200, _IDENTITY
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("x-amzn-requestid", "r-1")
            crc = zlib.crc32(answer) if table.checksum is None else table.checksum
            self.send_header("x-amz-crc32", str(crc))
            self.end_headers()
            self.wfile.write(answer)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
