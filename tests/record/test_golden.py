"""A record of yesterday is proved by the code of today: the golden records are never made anew.

Each was left behind by a real run at revision fa5ad87, when a record was of format 1. What is changed in how a journal
or a manifest is written or read must go on proving them, and finding what is wrong with them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drcore.cli.app import app
from drcore.errors import Refused
from drcore.record.events import Event, Kind, read_events
from drcore.record.files import JOURNAL, MANIFEST, NOTEBOOK, PARAMETERS
from drcore.record.journal import Record
from drcore.record.proof import verify
from drcore.record.redact import Redactor
from drcore.record.resumable import see_resumable
from tests.support.golden import unpack
from tests.support.manual_clock import ManualClock

PLANS = ("a", "f", "g")
SEALED, GONE_BACK, KILLED = ([f"{plan}-golden-{how}" for plan in PLANS] for how in ("sealed", "gone-back", "killed"))
CLOSED = [*SEALED, *GONE_BACK]
# How many lines each has, and the digest of its last one, as drcore said when the run ended or was killed.
HEADS = {
    "a-golden-gone-back": (1240, "0399ed7d9c1530918c6d0010bcd52829186e6723d0fd0078dc769d465b45d8b4"),
    "a-golden-killed": (953, "a9db697c5e44e30b491346e1180ddfdc1a7b677a1420ca58e66bf9e6ff6fa33f"),
    "a-golden-sealed": (1095, "86888b8899dd09ddc7624f2243d8d4e3efe87bc94789dc16850104f795235f27"),
    "f-golden-gone-back": (872, "14510dee404f9c4f2009a6b3b45b4456a278060013a01e237eae0ba5726b7d8f"),
    "f-golden-killed": (234, "07dc745111b39cafe51c6a952ddc9b638f1c790087f65676b5be2fb9be398eb6"),
    "f-golden-sealed": (718, "4a8ce9e0604441a4a1efe7aceef5cb8e58261edfd50675bb81d9fd690d34c017"),
    "g-golden-gone-back": (1989, "4e94a31271ab581f360fe9086bfeb09deba695b8103e38795e57c422307c8524"),
    "g-golden-killed": (230, "4a4cc7fd020b1b382633da371e9992fb7916476fe97d88df3fd5cb392150c495"),
    "g-golden-sealed": (1613, "77ba3d6ec2f227ae0feab5afacf0f0e0d8d38b3b9b83b4d971ab25a170d747fd"),
}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All golden records, unpacked. A test that changes one puts it back."""
    return unpack(tmp_path_factory.mktemp("golden"))


@contextmanager
def flipped(path: Path, place: int) -> Iterator[None]:
    """A file with one bit of one byte flipped."""
    content = path.read_bytes()
    changed = bytearray(content)
    changed[place] ^= 1
    path.write_bytes(changed)
    yield
    path.write_bytes(content)


def kept(folder: Path) -> dict[str, Event]:
    """The files that the journal binds, each with its last line; read here without the code that is tested."""
    return {line["name"]: line for line in read_events(folder) if line["event"] == "file"}


def test_there_should_be_a_finished_a_killed_and_a_gone_back_run_of_each_plan(records: Path) -> None:
    assert {path.name for path in records.iterdir()} == set(HEADS) == {*CLOSED, *KILLED}
    for names, word in ((SEALED, "goal reached"), (GONE_BACK, "gone back")):
        verdicts = [[line for line in read_events(records / name) if line["event"] == "verdict"][-1] for name in names]
        assert [line["word"] for line in verdicts] == [word] * len(PLANS)
    for name in KILLED:
        events = [line["event"] for line in read_events(records / name)]
        assert "result" not in events[last(events, "intent") :], f"{name}: in the middle of an act"
        assert not {"closed", "verdict", "archiving"} & {*events}
        assert not (records / name / MANIFEST).exists()


def last(events: list[str], event: str) -> int:
    return len(events) - 1 - events[::-1].index(event)


@pytest.mark.parametrize("name", HEADS)
def test_a_golden_record_should_be_of_the_revision_and_of_a_machine_without_a_name(records: Path, name: str) -> None:
    first = read_events(records / name)[0]
    assert (first["revision"], first["host"], first["user"]) == ("fa5ad87", "runbook-host", "root")
    assert "format" not in first


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_record_should_hold(records: Path, name: str) -> None:
    proof = verify(records / name)
    assert proof.proven, proof.problems
    assert (proof.lines, proof.head) == HEADS[name]
    assert len(proof.notes) == 1, "only what no look at the folder can show"
    assert set(kept(records / name)) > {PARAMETERS, NOTEBOOK}
    assert said(records / name) == (0, "HOLDS", True, True)


@pytest.mark.parametrize("name", KILLED)
def test_the_record_of_a_killed_run_should_hold_as_far_as_it_goes(records: Path, name: str) -> None:
    proof = verify(records / name)
    assert proof.holds and not proof.complete
    assert (proof.lines, proof.head) == HEADS[name]
    assert said(records / name) == (1, "INCOMPLETE", True, False)


def said(folder: Path) -> tuple[int, str, bool, bool]:
    """What the command line says: exit code and first word; whether it holds, whether it is complete."""
    result = CliRunner().invoke(app, ["verify", str(folder), "--json"])
    told = json.loads(result.stdout.splitlines()[-1])
    return result.exit_code, result.stdout.split()[0], told["holds"], told["complete"]


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("part", [0, 0.25, 0.5, 0.75, 1])
def test_a_flipped_byte_of_the_journal_should_be_named_by_its_line(records: Path, name: str, part: float) -> None:
    journal = records / name / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    # Nothing binds the last line of a run that was killed, so of its last two nothing can tell which was changed.
    last = len(lines) - 1 - 2 * (name in KILLED)
    index = round(part * last)
    with flipped(journal, sum(map(len, lines[:index])) + len(lines[index]) // 2):
        proof = verify(records / name)
    assert proof.word == "BROKEN"
    assert proof.problems[0].startswith(f"line {index + 1}: ")


@pytest.mark.parametrize("name", HEADS)
def test_a_flipped_byte_of_a_bound_file_should_be_named_by_the_file_and_its_line(records: Path, name: str) -> None:
    bound = kept(records / name)
    with ExitStack() as stack:
        for number, each in enumerate(bound):  # in each at another place
            path = records / name / each
            stack.enter_context(flipped(path, number * (path.stat().st_size - 1) // len(bound)))
        problems = verify(records / name).problems
    assert {*problems} == {f"{each}: changed after line {line['n']} bound it" for each, line in bound.items()}


def test_a_run_that_was_killed_while_it_wrote_a_file_anew_should_hold(records: Path, tmp_path: Path) -> None:
    """From the line that says that a file is about to be written, to the one that binds it again."""
    folder = shutil.copytree(records / "g-golden-sealed", tmp_path / "g")
    opened = next(line for line in read_events(folder) if line["event"] == "file-open")
    lines = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (folder / JOURNAL).write_bytes(b"".join(lines[: opened["n"]]))
    (folder / MANIFEST).unlink()
    (folder / opened["name"]).write_bytes(b"half")
    proof = verify(folder)
    assert (proof.problems, proof.complete, proof.lines) == ((), False, opened["n"])


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("before", ["", '"files', '"evidence/', '.csv": "', '"lines": ', '"run_id": "', "\n}"])
def test_a_flipped_byte_of_the_manifest_should_be_laid_to_it(records: Path, name: str, before: str) -> None:
    manifest = records / name / MANIFEST
    with flipped(manifest, manifest.read_text().index(before) + len(before)):
        proof = verify(records / name)
    assert proof.word == "BROKEN"
    assert proof.problems[0].startswith(f"{MANIFEST}: ")


@pytest.mark.parametrize("name", CLOSED)
def test_a_flipped_byte_of_the_head_should_be_named_by_both_that_differ(records: Path, name: str) -> None:
    """Nothing here can tell which of the two was changed: the last line, or its digest in the manifest."""
    manifest = records / name / MANIFEST
    with flipped(manifest, manifest.read_text().index('"head": "') + 20):
        problems = verify(records / name).problems
    assert problems == (f"line {HEADS[name][0]}: changed (its digest is not the head in {MANIFEST})",)


@pytest.mark.parametrize("name", HEADS)
def test_an_old_record_should_be_gone_on_with_and_sealed_in_the_format_it_was_begun_in(
    records: Path, name: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(records / name, tmp_path / name)
    record = Record(folder, ManualClock(), Redactor((), {}))
    record.append(Kind.OPENED_AGAIN)
    record.seal()
    record.close()
    proof = verify(folder)
    assert proof.proven and proof.lines == HEADS[name][0] + 1
    assert not [line for line in read_events(folder) if "format" in line]


@pytest.mark.parametrize("name", KILLED)
def test_a_run_of_an_earlier_version_is_not_gone_on_with_and_its_revision_is_named(records: Path, name: str) -> None:
    before = (records / name / JOURNAL).read_bytes()
    with pytest.raises(Refused, match="begun before steps had keys") as refused:
        see_resumable(records / name)
    assert "by revision fa5ad87 only" in str(refused.value)
    assert (records / name / JOURNAL).read_bytes() == before
