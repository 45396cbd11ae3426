"""DNS: asking name servers directly, independent of any AWS API."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

from drcore.calls.gate import Call, CallGate, Plane
from drcore.errors import NoAnswer, Unknown

_SECONDS = 2.0


def answers(calls: CallGate, server: str, name: str, subnets: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What a name server answers for an A record to clients in some subnets, one answer each.

    `server` is HOST, HOST:PORT, or a URL whose host and port are meant. Raises Unknown when one answer does not come.
    """
    return tuple(_ask(calls, server, name, subnet) for subnet in subnets)


def addresses(calls: CallGate, server: str, name: str) -> tuple[str, ...]:
    """The addresses that a name server, or a resolver, knows of a name. Raises Unknown, also where there are none."""
    known = _ask(calls, server, name, "")
    if not known:
        raise Unknown(f"DNS {name} at {server}: no address")
    return known


def _ask(calls: CallGate, server: str, name: str, subnet: str) -> tuple[str, ...]:
    host, port = _place(server)
    network, _, bits = subnet.partition("/")
    options: list[dns.edns.Option] = [dns.edns.ECSOption(network, int(bits))] if subnet else []
    query = dns.message.make_query(name, "A", use_edns=0, options=options)
    call = Call(
        service="dns",
        operation="Query",
        region="",
        write=False,
        plane=Plane.DATA,
        parameters={"server": server, "name": name} | ({"subnet": subnet} if subnet else {}),
        command=shlex.join(
            ["dig", f"@{host}", "-p", str(port), name, "A", *([f"+subnet={subnet}"] if subnet else []), "+short"]
        ),
    )
    calls.admit(call)
    try:
        reply = _sent(query, host, port)
    except (dns.exception.DNSException, OSError) as error:
        calls.note(call, type(error).__name__)
        raise NoAnswer(f"DNS {name} at {host}: {type(error).__name__}") from error
    code = reply.rcode()
    calls.note(call, "OK" if code == dns.rcode.NOERROR else dns.rcode.to_text(code))
    if code != dns.rcode.NOERROR:
        raise NoAnswer(f"DNS {name} at {host}: {dns.rcode.to_text(code)}")
    return tuple(sorted(item.address for each in reply.answer for item in each if hasattr(item, "address")))


def _sent(query: dns.message.Message, host: str, port: int) -> dns.message.Message:
    try:
        reply = dns.query.udp(query, host, timeout=_SECONDS, port=port)
    except dns.exception.Timeout:  # a datagram may be lost on its way
        reply = dns.query.udp(query, host, timeout=_SECONDS, port=port)
    if reply.flags & dns.flags.TC:  # it holds a part of the answer
        return dns.query.tcp(query, host, timeout=_SECONDS, port=port)
    return reply


def _place(server: str) -> tuple[str, int]:
    parts = urlsplit(server if "//" in server else f"//{server}")
    return parts.hostname or server, parts.port or 53
