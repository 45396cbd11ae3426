"""DNS messages, answered as the name servers of the zone would; as well the names of the load balancers.

Just enough of RFC 1035 for a resolver: one question, answers of type A, EDNS with a client subnet (RFC 7871).
Any other question is refused, as an authoritative server does.
"""

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from drcore.sandbox.core.world import World
from drcore.sandbox.services.elasticloadbalancing import TTL, LoadBalancers
from drcore.sandbox.services.route53.operations import Route53

_KINDS = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 15: "MX", 16: "TXT", 28: "AAAA"}
_OPT, _CLIENT_SUBNET = 41, 8
_NO_ERROR, _NAME_ERROR, _REFUSED = 0, 3, 5
_AUTHORITATIVE = 0x8400


class NotDns(ValueError):
    """The bytes are no DNS question."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and the network of the client it is asked for (empty: the asker itself)."""

    id: int
    flags: int
    name: str
    kind: int
    asked: bytes
    """The question section as it came, which the answer repeats."""
    edns: bool
    subnet: str


def answer(world: World, wire: bytes, asker: str) -> bytes:
    """The answer to a DNS message from `asker` (an IP address), by Route 53's record sets and health checks.

    Raises NotDns where nothing sensible can be answered.
    """
    question = read(wire)
    route53 = world.state(Route53)
    zone, kind = route53.zone_of(question.name), _KINDS.get(question.kind, "")
    now = world.clock.now()
    if zone is None:
        nodes = world.state(LoadBalancers).nodes(question.name, now)
        return _write(question, _REFUSED if nodes is None else _NO_ERROR, TTL, (nodes if kind == "A" else None) or ())
    record = zone.answer(question.name, kind, now, route53.client(question.subnet or asker))
    if record is None:
        there = any(r["Name"] == question.name for r in zone.records) or question.name == zone.name
        return _write(question, _NO_ERROR if there else _NAME_ERROR, 0, ())
    ttl, values = route53.values(record, now)
    return _write(question, _NO_ERROR, ttl, values if kind == "A" else ())


def read(wire: bytes) -> Question:
    """The question in a message. Raises NotDns."""
    try:
        number, flags, questions, answers, authorities, extras = struct.unpack_from("!6H", wire)
        if flags & 0x8000 or questions != 1 or answers or authorities:
            raise NotDns("expected one question and nothing else")
        name, at = _name(wire, 12)
        kind, _ = struct.unpack_from("!2H", wire, at)
        asked, at = wire[12 : at + 4], at + 4
        edns, subnet = _extras(wire, at, extras)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise NotDns(f"cut short or garbled: {error}") from error
    return Question(number, flags, name, kind, asked, edns, subnet)


def _name(wire: bytes, at: int) -> tuple[str, int]:
    """A name without compression, which no question needs; and where it ends."""
    labels = []
    while size := wire[at]:
        if size > 63:
            raise NotDns("a compressed name in a question")
        labels.append(wire[at + 1 : at + 1 + size].decode("ascii").lower())
        at += 1 + size
    return ".".join(labels) + ".", at + 1


def _extras(wire: bytes, at: int, count: int) -> tuple[bool, str]:
    """Whether EDNS is spoken, and the client subnet in it."""
    for _ in range(count):
        _, at = _name(wire, at)
        kind, _, _, size = struct.unpack_from("!HHIH", wire, at)
        at += 10
        if kind == _OPT:
            return True, _subnet(wire[at : at + size])
        at += size
    return False, ""


def _subnet(options: bytes) -> str:
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from("!2H", options, at)
        if code == _CLIENT_SUBNET and struct.unpack_from("!H", options, at + 4)[0] == 1:
            return str(ipaddress.IPv4Address(options[at + 8 : at + 4 + size].ljust(4, b"\0")[:4]))
        at += 4 + size
    return ""


def _write(question: Question, code: int, ttl: int, values: Sequence[str]) -> bytes:
    addresses = [ipaddress.IPv4Address(value).packed for value in values]
    flags = _AUTHORITATIVE | question.flags & 0x0100 | code
    head = struct.pack("!6H", question.id, flags, 1, len(addresses), 0, int(question.edns))
    rows = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, ttl, len(packed)) + packed for packed in addresses]
    opt = b"\0" + struct.pack("!HHIH", _OPT, 1232, 0, 0) if question.edns else b""
    return head + question.asked + b"".join(rows) + opt
