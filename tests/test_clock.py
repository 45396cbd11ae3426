"""Time: what is good must stay good, and a clock that does not answer is no time at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Barrier, Thread

import pytest

from drcore.clock import RemoteClock, WallClock, clock_at, iso, parse_time, until
from drcore.errors import Unknown
from tests.support.manual_clock import START, ManualClock

Answer = Callable[[dict[str, float]], tuple[int, bytes]]


def wait(seen: str, *, within: float = 60, hold: float = 0) -> tuple[str, float | None, float]:
    """Watch a sequence of looks (`g` is good; the last one stays), 10 s apart. Last look, good since, seconds slept."""
    clock = ManualClock()
    looks = iter(seen)
    last = seen[-1]
    got, since = until(clock, lambda: next(looks, last), lambda look: look == "g", within=within, every=10, hold=hold)
    return got, (since - START).total_seconds() if since else None, clock.slept


def test_what_is_good_at_once_should_cost_no_time() -> None:
    assert wait("g") == ("g", 0, 0)


def test_it_should_look_once_even_without_any_time() -> None:
    assert wait("g", within=0) == ("g", 0, 0)
    assert wait("b", within=0) == ("b", None, 0)


def test_the_last_look_should_fall_at_the_deadline_and_count() -> None:
    assert wait("bbbbbbg") == ("g", 60, 60)
    assert wait("bbbbbbbg") == ("b", None, 60)


def test_what_flaps_should_begin_to_hold_anew() -> None:
    assert wait("bgbgggg", hold=30) == ("g", 30, 60)


def test_what_flaps_beyond_the_deadline_should_not_count_as_good() -> None:
    assert wait("gb" * 20 + "b", within=30, hold=20) == ("b", None, 30)


def test_the_time_for_holding_should_be_added_to_the_time_for_getting_there() -> None:
    assert wait("bbbg", within=30, hold=300) == ("g", 30, 330)


def test_what_breaks_while_it_holds_should_end_the_wait_after_the_deadline() -> None:
    assert wait("gggggggggb", within=30, hold=300) == ("b", None, 90)


class SleepyClock(ManualClock):
    """A clock on a machine that sleeps for so many seconds more, each time that somebody waits for it."""

    def __init__(self, *more: float) -> None:
        super().__init__()
        self._more = iter(more)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds + next(self._more, 0))


def test_time_in_which_nobody_looked_should_prove_nothing() -> None:
    clock = SleepyClock(0, 1000)
    seen, since = until(clock, lambda: "g", lambda look: look == "g", within=60, every=10, hold=30)
    assert (seen, since) == ("g", START + timedelta(seconds=1020)), "it holds from the look after the gap"
    short = SleepyClock(0, 20)
    assert until(short, lambda: "g", lambda look: True, within=60, every=10, hold=30) == ("g", START), "no gap yet"


def test_a_jump_of_the_clock_should_end_no_wait_by_itself() -> None:
    looks = iter("bbbg")
    seen, since = until(SleepyClock(1000), lambda: next(looks), lambda look: look == "g", within=60, every=10)
    assert (seen, since) == ("g", START + timedelta(seconds=1030))


@pytest.mark.parametrize("text", ["2026-01-05T09:41:12", "2026-01-05", "09:41", "yesterday", "", "2026-13-05T00:00Z"])
def test_a_time_without_a_zone_or_without_sense_should_be_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a time with a zone|Invalid isoformat|month must be"):
        parse_time(text)


def test_every_time_should_become_utc() -> None:
    nine = datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert parse_time("2026-01-05T10:00:00+01:00") == nine
    assert parse_time("2026-01-05T10:00:00+01:00").tzinfo is UTC
    assert iso(nine.astimezone(timezone(timedelta(hours=-8)))) == "2026-01-05T09:00:00.000Z"


def test_a_written_time_should_be_read_as_the_same_millisecond() -> None:
    moment = datetime(2026, 1, 5, 9, 41, 12, 987654, tzinfo=UTC)
    assert iso(moment) == "2026-01-05T09:41:12.987Z"
    assert iso(parse_time(iso(moment))) == iso(moment)


def test_the_wall_clock_should_be_aware_and_count_what_was_slept() -> None:
    clock = WallClock()
    assert clock.now().tzinfo is UTC
    clock.sleep(0)
    assert clock.slept == 0
    assert isinstance(clock_at(None), WallClock)


@pytest.fixture
def source() -> Iterator[Callable[[Answer], str]]:
    """Serves a time source on loopback, answering as a test says."""
    running: list[HTTPServer] = []

    def serve(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, reply = answer(json.loads(body or "{}"))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(reply)

            do_POST = do_GET  # noqa: N815  # the name that the library asks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}/clock"

    yield serve
    for server in running:
        server.shutdown()
        server.server_close()


def test_the_environments_own_time_should_be_asked_for_and_let_pass(source: Callable[[Answer], str]) -> None:
    world = ManualClock()

    def answer(asked: dict[str, float]) -> tuple[int, bytes]:
        world.sleep(asked.get("sleep", 0))
        return 200, json.dumps({"now": iso(world.now())}).encode()

    clock = clock_at(source(answer))
    assert isinstance(clock, RemoteClock)
    assert clock.now() == START
    clock.sleep(300)
    assert clock.now() == START + timedelta(seconds=300)
    assert clock.slept == 300
    with clock.person():
        pass
    assert clock.now() == START + timedelta(seconds=300), "less than a second is no thought"


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"down"), (200, b"{}"), (200, b"[]"), (200, b'{"now": "2026-01-05T09:00:00"}'), (200, b'{"now": 5}')],
)
def test_an_answer_without_the_time_should_be_unknown(
    source: Callable[[Answer], str], status: int, body: bytes
) -> None:
    clock = RemoteClock(source(lambda asked: (status, body)))
    with pytest.raises(Unknown, match="without the time"):
        clock.now()


def test_a_time_source_that_is_gone_should_be_unknown_and_no_sleep_should_count() -> None:
    clock = RemoteClock("http://127.0.0.1:9/clock")
    with pytest.raises(Unknown, match="does not answer"):
        clock.sleep(5)
    assert clock.slept == 0


def test_calls_together_should_be_in_flight_at_once_and_answer_in_order() -> None:
    meet = Barrier(3)

    def call(number: int) -> int:
        meet.wait(30)
        return number

    assert WallClock().together([lambda: call(1), lambda: call(2), lambda: call(3)]) == [1, 2, 3]


def test_a_time_source_should_hear_of_calls_in_flight_together_that_are_made_in_order(
    source: Callable[[Answer], str],
) -> None:
    heard: list[object] = []

    def answer(asked: dict[str, float]) -> tuple[int, bytes]:
        heard.append(asked)
        return 200, b'{"now": "2026-01-05T09:00:00Z"}'

    clock = RemoteClock(source(answer))
    assert clock.together([lambda: heard.append("first"), lambda: heard.append("second")]) == [None, None]
    assert heard == [{"together": 2}, "first", "second"]
    assert clock.together([lambda: 7]) == [7], "one alone is not announced"
    assert len(heard) == 3
