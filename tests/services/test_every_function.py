"""What holds for every function of drcore/services/, found by itself: it says what happened, and in which way.

A refusal is Rejected and names what was asked, a request to come back later is Busy, no answer is Unknown, and an
answer that lacks something is a shorter value or Unknown, never a failure of ours.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drcore.calls.gate import Writes, WriteStopped
from drcore.calls.http import Http
from drcore.errors import Busy, Rejected, Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from tests.services.conftest import aws_of, open_gate, passing
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.in_process_transport import end_in
from tests.support.page_by_page import PageByPage
from tests.support.service_calls import ASKS, EAST, Asking, ServiceFunction, parameters
from tests.support.world_clock import WorldClock

Faulty = Callable[..., None]
# Pages for all, which refuse nobody: whatever else they show is not known.
PUBLIC = {"aws_status.issues", "partners.page"}
OVER_AWS_OR_HTTP = [each for each in ASKS if "calls" not in parameters(each)]  # DNS has no refusals, and no faults here
PATIENT = {"logs.insights"}  # waits for a place among the account's queries by itself, and then knows nothing
each_function = pytest.mark.parametrize("function", ASKS, ids=str)
each_call = pytest.mark.parametrize("function", OVER_AWS_OR_HTTP, ids=str)


Change = Callable[[str, dict[str, Any]], object]
_changes: list[Change] = []


@pytest.fixture(scope="module")
def asking(world: InProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """One for all, as to make a client costs more than to use it."""
    gate = open_gate()
    aws = aws_of(world, gate)

    def change(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        for each in _changes:
            each(model.name, parsed)

    aws.session.events.register("after-call", change)
    with pytest.MonkeyPatch.context() as patch:
        end_in(world, patch)
        yield Asking(aws, Http(gate, WorldClock(world)), gate, world, tmp_path_factory.mktemp("fetched"))


@pytest.fixture(scope="module")
def pages(asking: Asking) -> PageByPage:
    pages = PageByPage(asking.aws.session)
    asking.aws._clients.clear()  # a client takes over what is registered when it is made
    return pages


@contextmanager
def changing(change: Change) -> Iterator[None]:
    """Change what is answered, by the names of the operations, before anybody reads it."""
    _changes.append(change)
    try:
        yield
    finally:
        _changes.remove(change)


OWN, READY = ("asked", "asked-without-stream"), {"ACTIVE"}


@pytest.fixture(scope="module", autouse=True)
def _own_tables(world: InProcess) -> None:
    """Tables that nobody uses, so that what is set on them changes nothing else; one is to lose its stream."""
    for name in OWN:
        world.world.client("dynamodb", EAST).create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )


# ── No answer, or a refusal. What was refused has changed nothing, so that one world serves


@each_call
def test_a_refusal_is_rejected_and_names_what_was_refused(
    function: ServiceFunction, asking: Asking, faulty: Faulty
) -> None:
    ask = function.prepare(asking)
    faulty("access-denied")
    with pytest.raises(Unknown if str(function) in PUBLIC else Rejected) as refused:
        ask()
    last = asking.gate.made[-1]
    assert not isinstance(refused.value, Busy)
    assert ("403" if last.service == "http" else f"perform: {last.service}:{last.operation}") in str(refused.value)


@each_call
def test_a_request_to_come_back_later_is_busy(function: ServiceFunction, asking: Asking, faulty: Faulty) -> None:
    ask = function.prepare(asking)
    faulty("throttling")
    with pytest.raises(Unknown if str(function) in PATIENT | PUBLIC else Busy):
        ask()


@each_call
def test_no_answer_is_unknown_and_a_write_is_made_once(
    function: ServiceFunction, asking: Asking, faulty: Faulty
) -> None:
    ask = function.prepare(asking)
    before = len(asking.gate.made)
    faulty("dropped-connection")
    with pytest.raises(Unknown):
        ask()
    assert sum(call.write for call in asking.gate.made[before:]) <= 1


# ── An answer that lacks something


def parts(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The paths to all that an answer holds, of a list to the first of it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, each in inner:
        if name == "ResponseMetadata":
            continue
        yield (*path, name)
        if name not in ("Item", "Responses"):  # data, not the answer's own
            yield from parts(each, *path, name)


def shape(value: Any) -> Any:
    """A copy of an answer, with what is no part of it but data left out."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value[:1]] if isinstance(value, list) else None


def take_out(operation: str, path: tuple[str | int, ...], answered: str, answer: Any) -> None:
    """Take a part out of an operation's answer, where it has one."""
    if answered == operation:
        with suppress(KeyError, IndexError, TypeError):
            for name in path[:-1]:
                answer = answer[name]
            del answer[path[-1]]


ODD: tuple[tuple[type, tuple[Any, ...]], ...] = (
    (bool, (True, False)),  # before int, which it is too
    (str, ("", "A_NEW_MEMBER", "-1", "2026-13-45T99:99:99Z", "a\u2028b", "{", "x" * 300)),
    (int, (-1, 0, 2**63)),
    (float, (-1.0, 0.0, float("nan"), float("inf"))),
    (datetime, (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))),
    (list, ([],)),
    (dict, ({},)),
    (bytes, (b"", b"\xff")),
)
"""What botocore hands out where a service says something that nobody has seen yet, by what it usually is."""


def put_in(operation: str, path: tuple[str | int, ...], drawn: int, answered: str, answer: Any) -> None:
    """Let a part of an operation's answer be something odd of the same type, where it has one."""
    if answered == operation:
        with suppress(KeyError, IndexError, TypeError):
            for name in path[:-1]:
                answer = answer[name]
            for of, odd in ODD:
                if isinstance(answer[path[-1]], of):
                    answer[path[-1]] = copy.deepcopy(odd[drawn % len(odd)])
                    break


@each_function
def test_it_has_an_answer_and_without_a_part_of_it_a_shorter_one_or_none(
    function: ServiceFunction, asking: Asking
) -> None:
    """So it is where a part says something odd. A write is made once: what it answers is read in one place only."""
    answers: dict[str, Any] = {}
    ask = function.prepare(asking)
    if function.module == "dynamodb.settings":  # one change of a table at a time: what another test has asked for ends
        own = asking.world.world.client("dynamodb", EAST)
        passing(
            asking.world, lambda: {own.describe_table(TableName=each)["Table"]["TableStatus"] for each in OWN} == READY
        )
    made = len(asking.gate.made)
    with changing(lambda operation, answer: answers.setdefault(operation, shape(answer))):
        ask()
    assert asking.gate.made[-1].answer in ("OK", "PolicyNotFoundException")
    if any(call.write for call in asking.gate.made[made:]):
        return
    paths = [(name, path) for name, answer in answers.items() for path in parts(answer)]
    for operation, path in paths if EXHAUSTIVE else paths[::2]:
        print(f"{operation} without {path}")  # noqa: T201  # shown where it fails
        with changing(partial(take_out, operation, path)), suppress(Unknown, Rejected):
            ask()
    if not paths:
        return

    @settings(max_examples=150 if EXHAUSTIVE else 2)
    @given(st.sampled_from(paths), st.integers(0, 6))
    def says_something_odd(where: tuple[str, tuple[str | int, ...]], drawn: int) -> None:
        with changing(partial(put_in, *where, drawn)), suppress(Unknown, Rejected):
            ask()

    says_something_odd()


# ── Lists


@each_call
def test_a_list_is_whole_one_entry_a_page(function: ServiceFunction, asking: Asking, pages: PageByPage) -> None:
    """The first page is empty, as one may be whose entries a filter has left out."""
    ask = function.prepare(asking)
    try:
        with asking.gate.during(Writes.STOPPED):
            whole = ask()
    except WriteStopped:
        return
    with asking.gate.during(Writes.STOPPED), pages.cut():
        found = ask()
    assert found == whole or not pages.asked, "DNS may answer one weight or the other"
