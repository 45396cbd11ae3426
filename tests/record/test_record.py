"""A record proves itself: whatever was changed is found, and named by the right line or file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drcore.errors import BadInput, Refused
from drcore.record.events import FIRST, FORMAT, Kind, read_events
from drcore.record.files import EVIDENCE, JOURNAL, MANIFEST, NOTEBOOK, digest
from drcore.record.proof import verify
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.sealed_records import LAST, change_lines, open_record, problem, write, writing


def test_a_record_should_hold_as_it_was_written(sealed: Path) -> None:
    proof = verify(sealed)
    assert proof.holds and proof.problems == () and proof.lines == LAST
    assert proof.head == json.loads((sealed / MANIFEST).read_bytes())["head"]
    assert len(proof.notes) == 1 and "rewritten as a whole" in proof.notes[0]


def test_each_line_should_carry_its_number_and_the_digest_of_the_line_before(sealed: Path) -> None:
    last = FIRST
    for number, line in enumerate((sealed / JOURNAL).read_bytes().splitlines(), start=1):
        event = json.loads(line)
        assert (event["n"], event["prev"]) == (number, last)
        assert event["time"] == "2026-01-05T09:00:00.000Z"
        last = digest(line)


@pytest.mark.parametrize("number", range(1, LAST + 1))
def test_a_flipped_line_should_be_named(sealed: Path, number: int) -> None:
    def flip(lines: list[bytes]) -> None:
        lines[number - 1] = lines[number - 1].replace(b'"time":"2026', b'"time":"2025')

    change_lines(sealed, flip)
    assert problem(sealed).startswith(f"line {number}: ")
    assert verify(sealed).lines == number - (number < LAST)


@pytest.mark.parametrize("number", range(1, LAST + 1))
def test_a_line_with_another_digest_or_number_in_it_should_be_named(sealed: Path, number: int) -> None:
    original = (sealed / JOURNAL).read_bytes()
    for field, value in (("prev", "f" * 64), ("n", 99), ("n", number - 1), ("n", True), ("event", 5), ("time", None)):

        def change(lines: list[bytes], field: str = field, value: object = value) -> None:
            lines[number - 1] = json.dumps(json.loads(lines[number - 1]) | {field: value}).encode()

        (sealed / JOURNAL).write_bytes(original)
        change_lines(sealed, change)
        assert problem(sealed).startswith(f"line {number}: "), field


@pytest.mark.parametrize("number", range(1, LAST))
def test_a_dropped_line_should_be_named(sealed: Path, number: int) -> None:
    change_lines(sealed, lambda lines: lines.__delitem__(number - 1))
    assert problem(sealed).startswith(f"line {number}: is missing")


def test_lines_dropped_at_the_end_should_be_named_by_the_manifest(sealed: Path) -> None:
    change_lines(sealed, lambda lines: lines.__delitem__(-1))
    assert problem(sealed).startswith(f"line {LAST}: missing")
    change_lines(sealed, lambda lines: lines.__delitem__(slice(4, None)))
    assert problem(sealed).startswith("line 5: missing, and all after it (the manifest counts 11 lines)")


def forged(lines: list[bytes], number: int) -> bytes:
    """A line that fits behind the line before it."""
    prev = digest(lines[number - 2]) if number > 1 else FIRST
    event = {"n": number, "time": "2026-01-05T09:00:00.000Z", "event": "decision", "choice": "wipe", "prev": prev}
    return json.dumps(event).encode()


@pytest.mark.parametrize("number", range(1, LAST + 1))
def test_an_inserted_line_should_be_named_even_if_it_fits_behind_the_one_before(sealed: Path, number: int) -> None:
    change_lines(sealed, lambda lines: lines.insert(number - 1, forged(lines, number)))
    named = problem(sealed)
    # Of two lines that claim the first place, the one that others follow is the older one; else it is the second.
    assert named.startswith(f"line {number}: ")


@pytest.mark.parametrize("number", range(1, LAST + 1))
@pytest.mark.parametrize("copied", [1, 4, LAST])
def test_a_line_copied_to_another_place_should_be_named(sealed: Path, number: int, copied: int) -> None:
    change_lines(sealed, lambda lines: lines.insert(number - 1, lines[copied - 1]))
    alike = {number, number + 1} if number == copied else {number, number - 1} if number == copied + 1 else {number}
    assert problem(sealed).split(":")[0] in {f"line {each}" for each in alike}, "of two copies either may be named"


@pytest.mark.parametrize("number", range(1, LAST))
def test_swapped_lines_should_be_named_by_the_first(sealed: Path, number: int) -> None:
    def swap(lines: list[bytes]) -> None:
        lines[number - 1], lines[number] = lines[number], lines[number - 1]

    change_lines(sealed, swap)
    assert problem(sealed).startswith(f"line {number}: ")


def test_a_line_appended_after_the_end_should_be_named(sealed: Path) -> None:
    change_lines(sealed, lambda lines: lines.append(forged(lines, LAST + 1)))
    assert problem(sealed).startswith(f"line {LAST + 1}: added after the record was closed")


def test_the_last_line_written_anew_should_be_named(sealed: Path) -> None:
    change_lines(sealed, lambda lines: lines.__setitem__(LAST - 1, forged(lines, LAST)))
    assert problem(sealed).startswith(f"line {LAST}: changed")


@pytest.mark.parametrize("cut", [1, 2, 30, 200])
def test_a_journal_cut_off_anywhere_should_name_the_first_line_that_is_gone(sealed: Path, cut: int) -> None:
    content = (sealed / JOURNAL).read_bytes()[:-cut]
    lines = content.count(b"\n")
    (sealed / JOURNAL).write_bytes(content)
    assert problem(sealed).startswith(f"line {lines + 1}: missing")


@pytest.mark.parametrize("name", [f"{EVIDENCE}/rates.csv", f"{EVIDENCE}/rates.svg", NOTEBOOK])
def test_a_file_that_was_changed_or_lost_should_be_named_with_the_line_that_binds_it(sealed: Path, name: str) -> None:
    line = next(event["n"] for event in read_events(sealed) if event.get("name") == name)
    content = (sealed / name).read_bytes()
    (sealed / name).write_bytes(content + b" ")
    assert problem(sealed) == f"{name}: changed after line {line} bound it"
    (sealed / name).unlink()
    assert problem(sealed) == f"{name}: missing, bound by line {line}"


def test_a_stray_file_should_be_noted(sealed: Path) -> None:
    (sealed / EVIDENCE / "planted.csv").write_text("a,b\n")
    assert f"{EVIDENCE}/planted.csv is bound by no line of the journal." in verify(sealed).notes


def test_a_manifest_that_was_changed_should_be_found(sealed: Path) -> None:
    original = (sealed / MANIFEST).read_text()
    for old, new in (
        ('"t-1"', '"t-2"'),
        ("rates.csv", "rates.cvs"),
        ("{", "["),
        ('"lines"', '"liens"'),
        ("\n", "\n\n"),
    ):
        (sealed / MANIFEST).write_text(original.replace(old, new, 1))
        assert problem(sealed).startswith(MANIFEST), (old, new)


def test_a_record_that_was_never_closed_should_hold_and_be_incomplete(sealed: Path) -> None:
    assert (verify(sealed).complete, verify(sealed).proven, verify(sealed).word) == (True, True, "holds")
    (sealed / MANIFEST).unlink()
    proof = verify(sealed)
    assert (proof.holds, proof.complete, proof.proven, proof.word) == (True, False, False, "INCOMPLETE")
    assert any("not closed" in note for note in proof.notes)


def test_a_change_should_weigh_more_than_a_missing_end(sealed: Path) -> None:
    (sealed / MANIFEST).unlink()
    change_lines(sealed, lambda lines: lines.__delitem__(3))
    assert problem(sealed).startswith("line 4: is missing")
    assert verify(sealed).word == "BROKEN"


@pytest.mark.parametrize("digit", range(10))
def test_a_count_of_lines_that_was_changed_should_be_laid_to_the_manifest(sealed: Path, digit: int) -> None:
    whole = (sealed / MANIFEST).read_text()
    (sealed / MANIFEST).write_text(whole.replace(f'"lines": {LAST}', f'"lines": {digit}1'))
    assert digit == 1 or problem(sealed).startswith(f"{MANIFEST}: ")


# ── the format ───────────────────────────────────────────────────────────────────────────────────────────────────────


def formats(folder: Path) -> list[object]:
    return [event.get("format") for event in read_events(folder)]


def test_the_first_line_should_say_the_format_and_no_other(sealed: Path) -> None:
    assert formats(sealed) == [FORMAT] + [None] * (LAST - 1)


def test_a_record_whose_first_line_was_torn_should_say_its_format(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text('{"n":1,"time":"2026-01-05T09:0')
    with writing(tmp_path) as record:
        record.append(Kind.OPENED)
    assert formats(tmp_path) == [FORMAT, None]


def of_format(folder: Path, value: object, count: int, **fields: object) -> Path:
    """A record of some lines that follow each other, of which the first says this format; none where it is None."""
    last, lines = FIRST, []
    for number in range(1, count + 1):
        first = {"format": value, **fields} if number == 1 and value is not None else {}
        event = {"n": number, "time": "2026-01-05T09:00:00.000Z", "event": "host", **first, "prev": last}
        lines.append(json.dumps(event).encode())
        last = digest(lines[-1])
    folder.mkdir()
    (folder / JOURNAL).write_bytes(b"".join(line + b"\n" for line in lines))
    return folder


def test_a_record_without_a_format_should_hold_and_keep_its_format_when_it_is_gone_on_with(tmp_path: Path) -> None:
    folder = of_format(tmp_path / "t-1", None, 3)
    assert verify(folder).holds
    with writing(folder) as record:
        record.append(Kind.OPENED_AGAIN)
        record.seal()
    assert formats(folder) == [None] * 4
    assert verify(folder).proven


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("value", [FORMAT + 1, 0, -1, "2", None, [2]])
def test_a_record_of_an_unknown_format_should_be_refused_and_left_as_it_is(
    tmp_path: Path, value: object, count: int
) -> None:
    folder = of_format(tmp_path / "t-1", value if value is not None else {}, count, packages=["another form"])
    with (folder / JOURNAL).open("ab") as journal:
        journal.write(b"torn")
    before = (folder / JOURNAL).read_bytes()
    with pytest.raises(BadInput, match=f"of format {FORMAT} or lower, seen format .* To read it takes a newer drcore"):
        verify(folder)
    with pytest.raises(Refused, match=r"To read it takes a newer drcore\. Nothing was changed\."):
        open_record(folder)
    assert (folder / JOURNAL).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [JOURNAL]


def test_a_format_that_was_changed_should_be_broken_not_of_a_newer_drcore(sealed: Path) -> None:
    change_lines(sealed, lambda lines: lines.__setitem__(0, lines[0].replace(b'"format":2', b'"format":3')))
    assert problem(sealed).startswith("line 1: ")


def test_what_is_no_record_should_be_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"expected a record with a journal\.jsonl"):
        verify(tmp_path)
    assert read_events(tmp_path) == []


@dataclass(frozen=True)
class Mutation:
    """One change of a journal, and the numbers by which it may be named."""

    content: bytes
    lines: frozenset[int]


TEMPLATE: list[bytes] = []


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    lines = list(TEMPLATE)
    kind = draw(st.sampled_from(["flip", "drop", "insert", "move", "cut"]))
    at = draw(st.integers(0, len(lines) - 1))
    whole = b"".join(line + b"\n" for line in lines)
    if kind == "flip":
        place = draw(st.integers(0, len(whole) - 1))
        flipped = bytearray(whole)
        flipped[place] ^= 1 << draw(st.integers(0, 7))
        return Mutation(bytes(flipped), frozenset({whole[:place].count(b"\n") + 1}))
    if kind == "cut":
        left = whole[: draw(st.integers(0, len(whole) - 1))]
        return Mutation(left, frozenset({left.count(b"\n") + 1}))
    line = lines[at]
    if kind == "drop":
        del lines[at]
        named = {at + 1}
    elif kind == "insert":
        lines.insert(at, line := draw(st.sampled_from([*TEMPLATE, b"{}", b"", forged(TEMPLATE, at + 1), b"[1]"])))
        alike = [number for number in (at, at + 2) if 0 < number <= len(lines) and lines[number - 1] == line]
        named = {at + 1, *alike}
    else:
        to = draw(st.integers(0, len(lines) - 1).filter(lambda to: to != at))
        lines.insert(to, lines.pop(at))
        named = {min(at, to) + 1}
    return Mutation(b"".join(line + b"\n" for line in lines), frozenset(named))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("record") / "t-1")
    TEMPLATE[:] = (folder / JOURNAL).read_bytes().split(b"\n")[:-1]
    return folder


@settings(max_examples=400 if EXHAUSTIVE else 60, deadline=None)
@given(data=st.data())
def test_any_single_change_of_a_sealed_journal_should_be_found_and_named(template: Path, data: st.DataObject) -> None:
    mutation = data.draw(mutations())
    (template / JOURNAL).write_bytes(mutation.content)
    assert problem(template).split(": ")[0] in {f"line {number}" for number in mutation.lines}


@settings(max_examples=100 if EXHAUSTIVE else 20, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_of_a_bound_file_should_be_found_and_named(template: Path, data: st.DataObject) -> None:
    (template / JOURNAL).write_bytes(b"".join(line + b"\n" for line in TEMPLATE))
    name = data.draw(st.sampled_from([f"{EVIDENCE}/rates.csv", f"{EVIDENCE}/rates.svg", NOTEBOOK, MANIFEST]))
    content = (template / name).read_bytes()
    flipped = bytearray(content)
    flipped[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (template / name).write_bytes(flipped)
    named = problem(template)
    (template / name).write_bytes(content)
    assert name in named
