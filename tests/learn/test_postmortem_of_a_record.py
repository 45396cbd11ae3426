"""The postmortem of a finished run: each sentence with a source that tells of it, people's words kept."""

from __future__ import annotations

import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from drcore.archive.reader import read
from drcore.launcher.postmortem import draft_of
from drcore.learn.postmortem import Sentence, Teller, sentences_of, written
from drcore.record.events import read_events
from drcore.record.files import JOURNAL, PARAMETERS
from drcore.record.history import History
from drcore.record.proof import verify
from tests.support.command import contents, in_process

GOLDEN = Path(__file__).parents[1] / "record" / "golden"
SOURCE = re.compile(r"\[(journal (\d+)|evidence/[^\]]+)\](?!:)")


def unpacked(name: str, below: Path) -> Path:
    with tarfile.open(GOLDEN / f"{name}.tgz") as archive:
        archive.extractall(below, filter="data")
    return below / name


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return unpacked("f-golden-gone-back", tmp_path)


def sentences(text: str) -> list[str]:
    """The lines of a draft that tell something: no headings, questions, heads of tables."""
    told = [line for line in text.partition("<!-- drcore")[0].splitlines() if line.startswith(("- ", "| "))]
    return [line for line in told if "[ ]" not in line and line.strip("| ") and not line.startswith("| what")]


def test_every_sentence_should_have_a_link_to_what_it_comes_from(record: Path) -> None:
    assert in_process("postmortem", record).exit == 0
    text = (record / "postmortem.md").read_text()
    links = dict(re.findall(r"^\[([^\]]+)\]: <([^>]+)>$", text, re.MULTILINE))
    lines = len(read_events(record))
    assert len(sentences(text)) > 20
    for sentence in sentences(text):
        source = SOURCE.search(sentence)
        assert source, sentence
        path, _, line = links[source[1]].partition("#L")
        assert (record / path).is_file() and (not line or 1 <= int(line) <= lines), sentence


def test_an_event_that_is_not_there_should_not_be_told(record: Path) -> None:
    """Each line that is a source is left out once, and what came from it is gone."""
    events = read_events(record)
    whole = written(Teller(History(events), "f-1", "bad-canary"), "x", (), ())
    numbers = {int(found[2]) for found in SOURCE.finditer(whole) if found[2]}
    assert len(numbers) > 20
    for number in numbers:
        left = [line for line in events if line["n"] != number]
        text = written(Teller(History(left), "f-1", "bad-canary"), "x", (), ())
        assert f"[journal {number}]" not in text


def test_what_the_plan_itself_had_to_say_should_be_kept_while_its_line_is_there(tmp_path: Path) -> None:
    events = [{"n": 7, "time": "2026-01-05T09:00:00.000Z", "event": "look"}]
    own = "# Postmortem: x\n\n## Impact\n\n- Seven users. [journal 7]\n- Eight. [journal 8]\n\n## Root causes\n"
    assert [*sentences_of(own, "Impact", History(events))] == [Sentence("Seven users", 7)]


def test_made_again_it_should_keep_what_people_wrote_in_both_files(record: Path) -> None:
    in_process("postmortem", record)
    markdown, notebook = record / "postmortem.md", record / "postmortem.ipynb"
    markdown.write_text(markdown.read_text().replace("- [ ] What made this", "- [x] A cache. What made this"))
    cells = nbformat.read(notebook, as_version=4)
    nbformat.validate(cells)
    causes = next(n for n, cell in enumerate(cells.cells) if cell.source.startswith("## Root causes"))
    cells.cells[causes].source = cells.cells[causes].source.replace("- [ ] Why did", "- [x] No test. Why did")
    cells.cells.insert(causes + 1, nbformat.v4.new_code_cell("1 + 1"))
    nbformat.write(cells, notebook)
    assert in_process("note", record, "It was the cache").exit == 0
    assert in_process("postmortem", record).exit == 0
    text, made = markdown.read_text(), nbformat.read(notebook, as_version=4)
    nbformat.validate(made)
    assert "- [x] A cache. What made this" in text and "- [ ] What made this" not in text
    assert "- [x] No test. Why did" in made.cells[causes].source and "- [ ] Why did" not in made.cells[causes].source
    assert (made.cells[causes + 1].source, len(made.cells)) == ("1 + 1", len(cells.cells))
    for whole in (text, "\n".join(cell.source for cell in made.cells)):
        assert whole.count("remarks: It was the cache. [journal ") == 1
    assert verify(record).holds


def test_missed_targets_should_become_action_items(record: Path) -> None:
    lines = (record / JOURNAL).read_text().splitlines()
    told = Teller(History([json.loads(line) for line in lines]), "f-1", "")
    text = written(told, "x", (), ())
    rows = [line for line in text.splitlines() if line.startswith("| ") and "[journal " in line]
    assert any("Find out why the run ended as gone back" in row for row in rows)


@pytest.mark.parametrize("name", ["f-golden-killed", "g-golden-sealed"])
def test_a_record_of_an_earlier_format_should_be_told_too(name: str, tmp_path: Path) -> None:
    text = draft_of(read(unpacked(name, tmp_path)))
    assert all(SOURCE.search(sentence) for sentence in sentences(text))


def test_the_draft_of_another_run_should_be_left_alone(record: Path, tmp_path: Path) -> None:
    """People's words in it are about that run; neither file is written where one of them is of another."""
    other, out = unpacked("f-golden-sealed", tmp_path), tmp_path / "made" / "for-it"
    assert in_process("postmortem", record, "--out", out).exit == 0
    for only in ("postmortem.md", "postmortem.ipynb"):
        for path in out.iterdir():
            if path.name != only:
                path.unlink()
        before = contents(out)
        refused = in_process("postmortem", other, "--out", out, "--json")
        assert (refused.exit, contents(out)) == (3, before)
        assert "is the postmortem of f-golden-gone-back" in refused.json["message"]
        assert in_process("postmortem", record, "--out", out).exit == 0


def test_no_sentence_should_be_told_twice_and_moments_in_the_order_of_time(tmp_path: Path) -> None:
    """Also where the plan has written a draft of its own within its run: it told some of it already."""
    folder = unpacked("f-golden-sealed", tmp_path)
    run = read(folder)
    own = written(Teller(run.history, run.run_id, ""), "our own", (), ())
    (folder / "evidence" / "postmortem.md").write_text(own)
    text = draft_of(replace(run, files={**run.files, "evidence/postmortem.md": "Postmortem"}))
    assert text.startswith("# Postmortem: our own")
    for part in ("Summary", "Impact"):
        told = text.partition(f"## {part}")[2].partition("\n## ")[0].splitlines()
        assert len(told) == len({*told} - {""}) + told.count(""), part
    moments = re.findall(r"^- \w+: (\d{4}-\S+Z)", text, re.MULTILINE)
    assert len(moments) > 3 and moments == sorted(moments)


def test_what_is_broken_or_not_ours_should_be_left_alone(record: Path) -> None:
    (record / "postmortem.md").write_text("# My own\n")
    before = contents(record)
    assert in_process("postmortem", record).exit == 3
    assert contents(record) == before
    (record / "postmortem.md").unlink()
    with (record / PARAMETERS).open("a") as file:
        file.write(" ")
    assert in_process("postmortem", record, "--json").json["message"].startswith("f-golden-gone-back is BROKEN")
    assert in_process("postmortem", record, "--out", record / "nowhere").exit in (2, 3)
