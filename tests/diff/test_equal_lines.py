"""Lines that are equal as text are never parsed, and no answer is another for it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drcore.diff import Class, ExportSource, Policy, Report, compare
from drcore.diff.keys import KeySchema
from drcore.errors import BadInput, RunnerFailed
from tests.diff.test_export import files, relist, rewrite
from tests.support import exports, plain_diff
from tests.support.diff_cases import BAD, OTHER, PK, POINT, POLICY, Item, compared, item, writers
from tests.support.exhaustive import EXHAUSTIVE

SAME = [item(number) for number in range(100, 120)]  # so that most lines are equal, and the tier is taken
MOST = "drcore.diff.equal_lines._SEARCHED"  # lines: with more, hashes are paired part by part on disk
WAYS = {"searched in memory": 1000, "paired on disk": 0}


def test_only_what_differs_as_text_should_be_parsed(tmp_path: Path) -> None:
    report = compared(tmp_path, [*SAME, item(1), item(2)], [item(1, **OTHER), *SAME[::-1], item(3)])
    assert report.lines == "20 equal as text on both sides, 2 and 2 parsed"
    assert report.counts[Class.UNCHANGED] == 20
    assert report.differs == 3


def test_where_most_lines_differ_as_text_the_tier_should_be_left_and_it_be_said(tmp_path: Path) -> None:
    said: list[str] = []
    turned = [dict(reversed(each.items())) for each in SAME]
    report = compared(tmp_path, SAME, [*turned[1:], SAME[0]], progress=lambda doing, *_: said.append(doing))
    assert report.lines == "most differ as text (5.0% are equal), each was parsed"
    assert "most lines differ as text (5% are equal): each is parsed" in said
    assert (report.counts[Class.UNCHANGED], report.differs) == (20, 0)
    assert not any("differs" in each for each in said), "another order of attributes is nothing to be looked at"


def test_a_sample_that_misleads_should_do_no_harm(tmp_path: Path) -> None:
    """The first lines are equal, and all that come after them are not."""
    many = [item(number, Filler={"S": "x" * 2000}) for number in range(2000)]
    turned = many[:700] + [dict(reversed(each.items())) for each in many[700:]]
    a, b = (exports.full(tmp_path / name, side, per_file=2000) for name, side in (("a", many), ("b", turned)))
    report = compare(ExportSource(a, key=PK), ExportSource(b), POLICY, out=tmp_path / "out")
    assert report.lines == "most differ as text (35.0% are equal), each was parsed"
    assert (report.counts[Class.UNCHANGED], report.differs) == (2000, 0)


# ── a key that is in more than one line ──────────────────────────────────────────────────────────────────────────────

X, Y, Z = item(1), item(1, **OTHER), item(1, Owner={"S": "a third"})
TWICE: dict[str, tuple[list[Item], list[Item], str]] = {
    "once among equal lines, once in the rest of the restored side": ([X, Y], [X], "a"),
    "once among equal lines, once in the rest of the live side": ([X], [X, Y], "b"),
    "one line of it equal, one not, on both sides": ([X, Y], [X, Z], "a"),
    "an equal line twice on one side": ([X, X], [X], "a"),
    "an equal line twice on the other": ([X], [X, X], "b"),
    "an equal line twice on one side, never on the other": ([X, X], [], "a"),
    "an equal line twice on the other, never on the one": ([], [X, X], "b"),
    "an equal line twice on both": ([X, X], [X, X], "a"),
    "twice in one rest": ([Y, Z], [], "a"),
    "twice in the other": ([], [Y, Z], "b"),
    "three lines, one of them equal": ([X, Y, Z], [X], "a"),
}


@pytest.mark.parametrize("most", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("restored", "live", "side"), TWICE.values(), ids=TWICE)
def test_a_key_that_a_side_has_twice_should_be_refused(
    restored: list[Item], live: list[Item], side: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MOST, most)
    with pytest.raises(BadInput, match=f"/{side}/.*expected each key once, seen twice: .*USER#1'"):
        compared(tmp_path, [*SAME, *restored], [*live, *SAME])


def test_two_different_lines_of_a_key_that_are_the_same_on_both_sides_should_be_unchanged(tmp_path: Path) -> None:
    report = compared(tmp_path, [*SAME, X, Y], [Y, X, *SAME])
    assert (report.counts[Class.UNCHANGED], report.differs) == (22, 0)


def test_a_key_should_be_found_among_equal_lines_however_it_is_written(tmp_path: Path) -> None:
    key = KeySchema(("id",))
    same = [{"id": {"N": str(number)}} for number in range(10)]
    with pytest.raises(BadInput, match="expected each key once, seen twice"):
        compared(tmp_path, [*same, {"id": {"N": "5.0"}, "v": {"S": "x"}}], same, Policy(), key)


# ── against the plain comparison ─────────────────────────────────────────────────────────────────────────────────────

VALUES = st.sampled_from([{"S": "x"}, {"N": "1"}, {"N": "1.0"}, {"SS": ["a", "b"]}, {"SS": ["b", "a"]}, {"NULL": True}])
LINES = st.fixed_dictionaries(
    {"pk": st.sampled_from("abcde").map(lambda text: {"S": text}), "v": VALUES},
    optional={"Writers": st.sampled_from([writers(BAD), writers("good")])},
)
SIDE = st.lists(LINES, max_size=6)


def key_of(each: Item) -> str:
    return str(each["pk"]["S"])


def plainly(restored: list[Item], live: list[Item]) -> Counter[str]:
    """The counts of the plain comparison."""
    return Counter(plain_diff.classes(restored, live, ("pk",), POINT, {BAD}).values())


def lines_of(side: list[Item], key: str) -> Counter[bytes]:
    return Counter(exports.compact(each) for each in side if key_of(each) == key)


@settings(
    max_examples=400 if EXHAUSTIVE else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(
    both=SIDE, restored=SIDE, live=SIDE, order=st.randoms(use_true_random=False), most=st.sampled_from([*WAYS.values()])
)
def test_every_overlap_of_keys_should_be_answered_as_by_the_plain_comparison(
    both: list[Item],
    restored: list[Item],
    live: list[Item],
    order: Any,
    most: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Equal lines, rests, keys in one, two or all three of them, on one side or on both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MOST, most)
        answered_as_plainly(both, restored, live, order, tmp_path_factory.mktemp("overlap"))


def answered_as_plainly(both: list[Item], restored: list[Item], live: list[Item], order: Any, folder: Path) -> None:
    one, other = [*SAME, *both, *restored], [*both, *live, *SAME]
    order.shuffle(other)
    twice = {key for side in (one, other) for key, times in Counter(map(key_of, side)).items() if times > 1}
    # Of a key that is twice nothing wrong can be said where both sides have the same lines of it, each once.
    harmless = {key for key in twice if lines_of(one, key) == lines_of(other, key) == Counter({*lines_of(one, key)})}
    if twice - harmless:
        with pytest.raises(BadInput, match="expected each key once, seen twice"):
            compared(folder, one, other)
        return
    wanted = plainly(*([each for each in side if key_of(each) not in twice] for side in (one, other)))
    wanted["unchanged"] += sum(key_of(each) in twice for each in one)
    report = compared(folder, one, other)
    assert {str(kind): count for kind, count in report.counts.items() if count} == dict(wanted)


# ── however the files are written ────────────────────────────────────────────────────────────────────────────────────


def members(base: Path) -> None:
    path = files(base)[1]
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(lines[0]) + gzip.compress(b"".join(lines[1:])))
    relist(base)


def blanks(data: bytes) -> bytes:
    return b"".join(json.dumps(json.loads(line)).encode() + b"\n" for line in data.splitlines())


FORMS: dict[str, Callable[[Path], object]] = {
    "white space": lambda base: rewrite(base, blanks),
    "CRLF": lambda base: rewrite(base, lambda data: data.replace(b"\n", b"\r\n")),
    "no last newline": lambda base: rewrite(base, lambda data: data.rstrip(b"\n")),
    "two members": members,
}


@pytest.mark.parametrize("side", "ab")
@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS)
def test_equal_items_should_stay_equal_however_their_lines_are_written(
    change: Callable[[Path], object], side: str, tmp_path: Path
) -> None:
    a, b = (exports.full(tmp_path / name, SAME, per_file=6) for name in "ab")
    change(a if side == "a" else b)
    report = compare(ExportSource(a, key=PK), ExportSource(b), POLICY, out=tmp_path / "out")
    assert (report.counts[Class.UNCHANGED], report.differs) == (20, 0)


def test_two_equal_exports_should_need_no_key(tmp_path: Path) -> None:
    a, b = (exports.full(tmp_path / name, side, per_file=6) for name, side in (("a", SAME), ("b", SAME[::-1])))
    report = compare(ExportSource(a), ExportSource(b), POLICY, out=tmp_path / "out")
    assert (report.counts[Class.UNCHANGED], report.differs, list(report.differences())) == (20, 0, [])


def test_an_incremental_export_beside_itself_should_not_be_taken_for_equal(tmp_path: Path) -> None:
    changes = [({"pk": each["pk"]}, each, each | OTHER) for each in SAME]
    side = ExportSource(exports.incremental(tmp_path / "a", changes))
    report = compare(side, side, POLICY, out=tmp_path / "out")
    assert (report.differs, report.lines) == (20, "")


def test_a_line_that_is_no_item_should_be_refused_though_both_sides_have_it(tmp_path: Path) -> None:
    bases = [
        exports.full(tmp_path / name, [*SAME, more], per_file=6) for name, more in (("a", item(1)), ("b", item(2)))
    ]
    for base in bases:
        rewrite(base, lambda data: data.replace(data.split(b"\n")[0], b"{}", 1))
    with pytest.raises(BadInput, match=r'00001\.json\.gz: line 1: expected a line \{"Item"'):
        compare(ExportSource(bases[0], key=PK), ExportSource(bases[1]), POLICY, out=tmp_path / "out")


# ── several processes ────────────────────────────────────────────────────────────────────────────────────────────────


def told(report: Report) -> tuple[dict[Class, int], list[str], str]:
    return dict(report.counts), sorted(map(str, report.differences())), report.lines


@pytest.mark.parametrize(
    ("turned", "most", "forked"),
    [(False, 1000, False), (False, 1000, True), (False, 0, True), (True, 0, True)],
    ids=["equal lines, started afresh", "equal lines", "paired on disk", "none"],
)
def test_two_jobs_should_give_the_same_answer(
    turned: bool, most: int, forked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drcore.diff.workers._alone", lambda: forked)
    monkeypatch.setattr(MOST, most)
    monkeypatch.setattr("drcore.diff.gzip_lines._PART", 1)  # so that each file is a part
    live = [each | OTHER if number % 5 == 3 else each for number, each in enumerate(SAME)]
    live = [dict(reversed(each.items())) if turned else each for each in live]
    a, b = (exports.full(tmp_path / name, side, per_file=6) for name, side in (("a", SAME), ("b", live)))
    reports = [
        compare(ExportSource(a, key=PK), ExportSource(b), POLICY, out=tmp_path / f"out{jobs}", jobs=jobs)
        for jobs in (1, 2)
    ]
    assert told(reports[0]) == told(reports[1])
    assert reports[0].differs == 4


def test_what_a_worker_refuses_should_be_said_as_without_it(tmp_path: Path) -> None:
    a, b = (exports.full(tmp_path / name, SAME, per_file=6) for name in "ab")
    rewrite(b, lambda data: data[:-5])
    with pytest.raises(BadInput, match=r"00001\.json\.gz: line 6: expected one JSON object"):
        compare(ExportSource(a, key=PK), ExportSource(b), POLICY, out=tmp_path / "out", jobs=2)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_worker_that_dies_should_be_no_answer() -> None:
    from drcore.diff import workers

    with workers.JobPool(2) as pool, pytest.raises(RunnerFailed, match="nothing was concluded"):
        list(pool.each(_dies, [0, 1]))


def _dies(status: int) -> None:
    """Here it lives, as one of the processes is this one."""
    import os
    from multiprocessing import parent_process

    if parent_process():
        os._exit(status + 1)


def test_many_small_files_should_be_read_together(tmp_path: Path) -> None:
    a, b = (exports.full(tmp_path / name, SAME, per_file=1) for name in "ab")
    rows: list[str] = []
    compare(
        ExportSource(a, key=PK),
        ExportSource(b),
        POLICY,
        out=tmp_path / "out",
        progress=lambda doing, *_: rows.append(doing),
    )
    assert Counter(doing.split()[0] for doing in rows)["reading"] == 2, "once a side, not once a file"
