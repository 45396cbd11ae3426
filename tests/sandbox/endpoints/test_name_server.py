"""The name servers answer a resolver that knows nothing of the sandbox (dnspython)."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.endpoints.name_server import NotDns
from drcore.sandbox.syncwell.company.names import NODES
from tests.sandbox.endpoints.test_http_server import WAIT, Served
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld

NAME = "api.syncwell.example."
HOST = {region: f"syncwell-{region}-1.{region}.elb.amazonaws.com." for region in (EAST, WEST)}


def _question(name: str = NAME, kind: str = "A", subnet: str = "") -> dns.message.Message:
    question = dns.message.make_query(name, kind)
    if subnet:
        question.use_edns(options=[dns.edns.ECSOption(subnet, 24)])
    return question


def _ask(sandbox: InProcess, **asked: Any) -> dns.message.Message:
    question = _question(**asked)
    answer = dns.message.from_wire(sandbox.resolve(question.to_wire()))
    assert question.is_response(answer)
    return answer


def _addresses(answer: dns.message.Message) -> list[str]:
    return [row.address for rows in answer.answer for row in rows]


@cache
def nodes_now() -> dict[str, list[str]]:
    """The addresses of the nodes by region, as a world has them that nothing has happened to."""
    sandbox = SyncWellWorld().sandbox
    return {region: _addresses(_ask(sandbox, name=HOST[region])) for region in (EAST, WEST)}


def test_the_name_of_a_load_balancer_should_have_an_address_for_each_of_its_nodes() -> None:
    assert {region: len(set(nodes) & set(NODES[region])) for region, nodes in nodes_now().items()} == {EAST: 2, WEST: 2}
    nobody = _ask(SyncWellWorld().sandbox, name=HOST[EAST].replace("-1.", "-2."))
    assert nobody.rcode() == dns.rcode.REFUSED


def test_it_should_answer_with_authority_the_address_of_a_region_and_its_ttl() -> None:
    answer = _ask(SyncWellWorld().sandbox)
    assert answer.flags & dns.flags.AA
    assert answer.answer[0].ttl == 60
    assert set(_addresses(answer)) in (set(nodes_now()[EAST]), set(nodes_now()[WEST]))


def test_it_should_answer_by_the_weights_to_one_client_and_to_many() -> None:
    sandbox = SyncWellWorld().sandbox
    one = Counter(_addresses(_ask(sandbox))[0] for _ in range(40))
    many = Counter(_addresses(_ask(sandbox, subnet=f"203.0.{n}.0"))[0] for n in range(60))
    assert 17 <= one[nodes_now()[EAST][0]] <= 23
    assert 18 <= many[nodes_now()[EAST][0]] <= 42


def test_it_should_go_on_answering_while_us_east_1_is_out_and_leave_the_region_out() -> None:
    world = SyncWellWorld().broken("region-outage", region=EAST)
    world.sleep(90)
    answers = {address for _ in range(20) for address in _addresses(_ask(world.sandbox))}
    assert answers == set(_addresses(_ask(world.sandbox, name=HOST[WEST])))


def test_a_question_should_cost_virtual_time_as_a_call_does() -> None:
    world = SyncWellWorld()
    before = world.now
    _ask(world.sandbox)
    assert (world.now - before).total_seconds() == pytest.approx(0.05)


def test_it_should_tell_what_is_not_there_from_what_is_not_its_affair() -> None:
    sandbox = SyncWellWorld().sandbox
    assert _ask(sandbox, name="nobody.syncwell.example.").rcode() == dns.rcode.NXDOMAIN
    assert _ask(sandbox, name="example.com.").rcode() == dns.rcode.REFUSED
    no_such_type = _ask(sandbox, kind="AAAA")
    assert (no_such_type.rcode(), no_such_type.answer) == (dns.rcode.NOERROR, [])


@pytest.mark.parametrize("wire", [b"", b"GET / HTTP/1.1\r\n", b"\0" * 12, b"\xff" * 40], ids=repr)
def test_it_should_not_answer_what_is_no_question(wire: bytes) -> None:
    with pytest.raises(NotDns):
        SyncWellWorld().sandbox.resolve(wire)


@pytest.fixture
def served() -> Iterator[Served]:
    server = Served(7)
    yield server
    server.process.terminate()
    server.end()


def test_the_port_of_the_server_should_speak_dns_over_udp_and_tcp_beside_http(served: Served) -> None:
    port = urlsplit(served.address).port or 0
    for ask in (dns.query.udp, dns.query.tcp):
        answer = ask(_question(subnet="198.51.100.0"), "127.0.0.1", port=port, timeout=WAIT)
        assert _addresses(answer)[0] in (*NODES[EAST], *NODES[WEST])
    assert served.request("GET", "/_sandbox/clock")[0] == 200
