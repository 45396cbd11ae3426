"""Whatever has become of a journal, each command that reads it ends with a word about it: never with an error of ours.

Damaged as a disk, an editor or a bad copy leaves it; or proved, and saying what nobody wrote.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drcore import plans
from drcore.engine.prepare import prepare
from drcore.errors import Exit
from drcore.parameters import Mode
from drcore.record.events import FIRST
from drcore.record.files import JOURNAL, MANIFEST, digest
from drcore.record.manifest import manifest_of
from drcore.record.proof import verify
from tests.support.command import Said, in_process
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.sealed_records import write

EXAMPLES = 1500 if EXHAUSTIVE else 10
GOOD_ENDS = {Exit.REACHED, Exit.MISSED, Exit.BAD_INPUT, Exit.REFUSED}
odd: st.SearchStrategy[object] = st.one_of(
    st.sampled_from([None, True, {}, [], "", "x\x00", 10**30, -1, 1.5e308, [[]], {"a": {}}, "2026-13-45", "\x1b[2J"]),
    st.text(max_size=8),
)
in_place_of_a_line = st.one_of(
    st.sampled_from(
        [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"n":1}', b"NaN", b"[" * 9999, b'"x"', b"\xef\xbb\xbf{}"]
    ),
    st.binary(max_size=30).filter(lambda each: b"\n" not in each),
)
READERS: dict[str, list[str]] = {
    "verify": ["verify", "{run}"],
    "verify the newest": ["verify"],
    "list": ["list"],
    "archive": ["archive", "--into", "{site}"],
    "postmortem": ["postmortem", "{run}", "--out", "{site}"],
    "compare": ["compare", "{run}", "{run}"],
    "note": ["note", "{run}", "a remark"],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "f-odd"
    folder.mkdir()
    prepare(plans.find("f"), "sandbox", Mode.DRILL, {}, run_id="f-odd", seed=1).write(folder)
    return write(folder)


def lines_of(folder: Path) -> list[bytes]:
    return (folder / JOURNAL).read_bytes().split(b"\n")[:-1]


@st.composite
def damaged(draw: st.DrawFn, lines: list[bytes]) -> bytes:
    """A journal as a disk, an editor, a bad copy leaves it."""
    left, place = [*lines], draw(st.integers(0, len(lines) - 1))
    match draw(st.sampled_from(["line", "cut", "gone", "twice", "end", "carriage returns", "bit", "nothing"])):
        case "line":
            left[place] = draw(in_place_of_a_line)
        case "cut":
            left[place] = left[place][: draw(st.integers(0, len(left[place])))]
        case "gone":
            del left[place]
        case "twice":
            left.insert(place, left[draw(st.integers(0, len(lines) - 1))])
        case "end":
            left = left[:place]
        case "carriage returns":
            left = [each + b"\r" for each in left]
        case "bit":
            changed = bytearray(left[place])
            changed[draw(st.integers(0, len(changed) - 1))] ^= 1 << draw(st.integers(0, 7))
            left[place] = bytes(changed)
        case _:
            left = []
    return b"\n".join(left) + draw(st.sampled_from([b"\n", b"", b"\x00"]))


@st.composite
def rewritten(draw: st.DrawFn, lines: list[bytes]) -> tuple[bytes, bytes]:
    """A journal in which one field is odd, or gone, with all that proves it made anew; its manifest."""
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    events = events[: draw(st.integers(1, len(events)))]
    event = draw(st.sampled_from(events))
    name = draw(st.sampled_from(sorted(set(event) - {"n", "prev"})))
    if draw(st.booleans()):
        del event[name]
    else:
        event[name] = draw(odd)
    last, content = FIRST, b""
    for number, each in enumerate(events, start=1):
        each |= {"n": number, "prev": last}
        line = json.dumps(each, separators=(",", ":")).encode()
        content, last = content + line + b"\n", digest(line)
    try:
        return content, manifest_of("f-odd", [*events], last)
    except (KeyError, TypeError):  # of a line that is none any more
        return content, b"{}"


def said(command: str, folder: Path, site: Path) -> Said:
    words = [each.format(run=folder, site=site) for each in READERS[command]]
    words += [] if command in ("archive", "postmortem", "compare", "note") else ["--records", str(folder.parent)]
    words += ["--records", str(folder.parent)] if command == "archive" else []
    return in_process(*words, "--json")


def check(ended: Said, command: str) -> None:
    assert ended.exit in GOOD_ENDS, f"{command}: {ended.err[-400:]}"
    assert isinstance(ended.json, dict), f"{command}: {ended.out[-400:]}"


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_a_damaged_journal_is_told_by_every_command(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder, site = copied(whole, tmp_path_factory)
    (folder / JOURNAL).write_bytes(data.draw(damaged(lines_of(whole))))
    if data.draw(st.booleans()):
        (folder / MANIFEST).unlink()
    command = data.draw(st.sampled_from([*READERS]))
    check(said(command, folder, site), command)
    if verify(folder).problems:
        ended = in_process("resume", folder, "--json")
        assert ended.exit == Exit.REFUSED and "BROKEN" in ended.err, "nothing goes on from it"


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_a_proved_journal_with_odd_fields_is_told_by_every_command(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder, site = copied(whole, tmp_path_factory)
    content, manifest = data.draw(rewritten(lines_of(whole)))
    (folder / JOURNAL).write_bytes(content)
    (folder / MANIFEST).write_bytes(manifest)
    command = data.draw(st.sampled_from([*READERS]))
    check(said(command, folder, site), command)


def test_a_damaged_record_hides_none_of_the_others(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "f-good")
    shutil.copytree(whole, tmp_path / "f-bad")
    (tmp_path / "f-bad" / JOURNAL).write_text("{}\n")
    ended = in_process("list", "--records", tmp_path, "--json")
    assert {each["run"]: each["verdict"] for each in ended.json["records"]}["f-bad"] == "BROKEN"
    assert len(ended.json["records"]) == 2


def copied(whole: Path, temporary: pytest.TempPathFactory) -> tuple[Path, Path]:
    top = temporary.mktemp("odd")
    return shutil.copytree(whole, top / "records" / whole.name), top / "site"
