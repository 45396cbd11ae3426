"""The archive shows every record, asks nothing of the network, and reads only what is new."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from drcore.archive import site
from drcore.archive.site import build
from drcore.errors import BadInput, Refused
from drcore.record.events import Kind
from drcore.record.files import JOURNAL, MANIFEST, PAGE, write_atomically
from tests.support.golden import unpack
from tests.support.many_runs import another, break_one
from tests.support.sealed_records import open_record
from tests.support.show_cards import EVIL, EVIL_STEP

NOW = datetime(2026, 11, 28, tzinfo=UTC)
GOLDEN = ("f-golden-sealed", "f-golden-killed", "f-golden-gone-back")


@dataclass
class Archive:
    """What was built of which records."""

    records: Path
    into: Path

    def again(self, now: datetime = NOW) -> site.BuiltArchive:
        return build(self.into, [self.records], now)

    def text(self, name: str) -> str:
        return (self.into / name).read_text()


class _Page(HTMLParser):
    """The elements of a page, its links, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.words += " "
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Golden records, one that was changed, one that is empty, one whose names are hostile."""
    records, into = tmp_path_factory.mktemp("records"), tmp_path_factory.mktemp("built") / "archive"
    unpack(records, *GOLDEN)
    break_one(records / "f-golden-sealed", records / "f-broken")
    (records / "f-empty").mkdir()
    evil(records / "f-evil")
    shutil.copytree(records / "f-golden-sealed", records / "f-golden-sealed-2")
    shutil.copytree(records / "f-evil", records / "f-evil-2")
    build(into, [records], NOW)
    return Archive(records, into)


def evil(folder: Path) -> None:
    record = open_record(folder)
    record.append(Kind.HOST, user=EVIL, host=EVIL, revision=EVIL, packages={EVIL: EVIL}, wall_time=None)
    record.append(Kind.OPENED, run_id=EVIL, plan="../../../x", mode=EVIL, environment=EVIL)
    record.append(Kind.FINDING, what=EVIL, check="no", why=EVIL)
    record.append(Kind.STEP, step=EVIL_STEP, plan=EVIL)
    record.append(Kind.CONSENT, step=EVIL_STEP, phrase=EVIL, granted=True, by=EVIL, how=EVIL, reason=EVIL)
    record.append(Kind.DECISION, step=EVIL_STEP, choice=EVIL)
    record.append(Kind.CALL, call=EVIL, region=EVIL, plane=EVIL, write=True, answer=EVIL)
    record.append(Kind.RESULT, step=EVIL_STEP, target=EVIL, outcome="DONE", why=EVIL)
    record.append(Kind.STEP_ENDED, step=EVIL_STEP, outcome="DONE", seconds={})
    record.append(Kind.VERDICT, word=EVIL, why=EVIL, exit=0, rto=None, rpo=None, untold=[EVIL], remarks=[EVIL])
    record.add_evidence("<b>.png", b"none", title=EVIL)
    write_atomically(folder / PAGE, b"<script>alert(1)</script>")
    record.append(Kind.CLOSED, lock="")
    record.close()


def pages(archive: Archive) -> dict[str, str]:
    """Each page that is ours; those that a record has brought along are its own."""
    found = [path for path in archive.into.rglob("*.html") if "record" not in path.parts]
    return {path.relative_to(archive.into).as_posix(): path.read_text() for path in found}


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_record_should_stand_in_the_list_as_what_it_is(archive: Archive) -> None:
    words = " ".join(_Page(archive.text("index.html")).words.split())
    for name in GOLDEN:
        assert name in words
    assert "f-golden-sealed (f-broken) drill in sandbox, bad-canary ? goal reached record BROKEN" in words
    assert "f-empty in ?" in words and "record CANNOT BE READ" in words
    assert "f-golden-killed drill in sandbox" in words and "? no verdict record INCOMPLETE" in words
    assert "8 runs." in words


def test_a_page_of_a_run_should_have_all_that_is_known_of_it(archive: Archive) -> None:
    page = _Page(archive.text("runs/f-golden-gone-back/index.html"))
    words = " ".join(page.words.split())
    for said in ("GONE BACK", "Timeline", "Freeze the pipeline", "consented to: FREEZE syncwell-backend", "Ada"):
        assert said in words
    assert "taken back" in words and "record holds: 872 lines, head 14510dee" in words
    assert {"record/notebook.ipynb", "record/journal.jsonl", "record/evidence/timeline.png"} <= set(page.links)
    assert "it made things worse" in words
    assert "lambda:UpdateAlias" in words and "▲ write" in words


def test_what_is_broken_should_say_so_first(archive: Archive) -> None:
    words = " ".join(_Page(archive.text("runs/f-broken/index.html")).words.split())
    assert words.index("record BROKEN") < words.index("GOAL REACHED")
    assert "line 5: was changed" in words
    assert "Not put in, as nothing proves what they hold: notebook.html" in words
    assert not (archive.into / "runs/f-broken/record/notebook.html").exists()


def test_hostile_words_should_stay_words(archive: Archive) -> None:
    """Nobody can bring an element into a page, lead a link elsewhere, or have a page of a record's own shown."""
    assert "f-evil" in [path.name for path in (archive.into / "runs").iterdir()]
    for name, text in pages(archive).items():
        page = _Page(text)
        assert page.tags.count("script") == (name == "index.html"), name
        assert "b" not in page.tags and "alert(1)" not in text.replace("alert(&#34;1&#34;)", "")
        for link in page.links:
            target, _, _ = link.partition("#")
            assert not target or link == "data:," or (archive.into / name).parent.joinpath(unquote(target)).is_file()
    assert not (archive.into / "runs/f-evil/record/notebook.html").exists()
    assert EVIL.split(">")[1].split("<")[0] in _Page(archive.text("runs/f-evil/index.html")).words


def test_nothing_should_be_fetched_from_elsewhere(archive: Archive) -> None:
    for name, text in pages(archive).items():
        assert [link for link in _Page(text).links if "//" in link] == [], name
        assert "default-src 'none'" in text
        assert len(text) < 2_000_000
    assert "url(" not in archive.text("site.css") and "@import" not in archive.text("site.css")


# ── readiness ────────────────────────────────────────────────────────────────────────────────────────────────────────


def row(archive: Archive, plan: str, mode: str) -> str:
    text = archive.text("index.html")
    rows = [" ".join(_Page(each).words.split()) for each in text.split("<tr>")]
    return next(each for each in rows if each.startswith(plan) and f"{mode} in sandbox," in each)


def test_readiness_should_say_the_last_good_one_and_when_the_next_is_due(archive: Archive) -> None:
    ready = row(archive, "F", "drill")
    assert "functional drill in sandbox, every 91 days" in ready
    assert "2026-11-27 16:48 0 days ago" in ready and "due: changed; by the calendar 2027-02-26" in ready
    assert "parameters: " in ready and "IAM: not known" in ready, "format 1 does not say"
    assert "walk-through" in row(archive, "F", "rehearse") and "OVERDUE: never done well" in row(
        archive, "F", "rehearse"
    )


def test_what_is_overdue_should_be_told_in_words(archive: Archive, tmp_path: Path) -> None:
    later = Archive(archive.records, tmp_path / "later")
    later.again(NOW + timedelta(days=100))
    assert "OVERDUE since 2027-02-26, by 10 days" in row(later, "F", "drill")


# ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_run_should_stand_beside_the_one_before(archive: Archive) -> None:
    """Of each group that has two; of one whose words are hostile too (its plan's name can name no page)."""
    compared = {name: text for name, text in pages(archive).items() if name.startswith("plans/compared-")}
    linked = [link for link in _Page(archive.text("plans/f.html")).links if link.startswith("compared-")]
    assert len(compared) == 2 and len(linked) == 1
    page = _Page(compared[f"plans/{linked[0]}"])
    assert "Nothing really differs." in page.words
    assert {f"../runs/f-golden-sealed{end}/index.html" for end in ("", "-2")} <= set(page.links)


# ── building again ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small(archive: Archive, tmp_path: Path) -> Archive:
    """One record, built; to change it."""
    records = tmp_path / "records"
    shutil.copytree(archive.records / "f-golden-killed", records / "f-golden-killed")
    small = Archive(records, tmp_path / "archive")
    assert small.again().made == 1
    return small


def test_only_what_is_new_or_has_changed_should_be_read(small: Archive) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.into.rglob("*") if path.is_file()}
    assert small.again().made == 0
    assert {path: path.stat().st_mtime_ns for path in small.into.rglob("*") if path.is_file()} == before
    (small.records / "f-empty").mkdir()
    assert (small.again().made, small.again().runs) == (1, 2)
    with (small.records / "f-golden-killed" / JOURNAL).open("ab") as journal:
        journal.write(b"{}\n")
    assert small.again().made == 1
    assert "record BROKEN" in small.text("index.html")
    assert build(small.into, [small.records], NOW, again=True).made == 2


def test_a_run_whose_record_is_gone_should_keep_its_page(small: Archive) -> None:
    shutil.rmtree(small.records / "f-golden-killed")
    built = small.again()
    assert (built.runs, built.made) == (1, 0)
    assert "shown as they were then: f-golden-killed" in built.notes[0]
    assert "shown as they were then" in small.text("index.html")


def test_what_was_cut_off_while_it_was_written_should_be_made_anew(small: Archive) -> None:
    (small.into / "runs" / "f-golden-killed" / "run.json").write_text("{")
    assert small.again().made == 1


def test_two_folders_may_have_runs_of_one_name(small: Archive, tmp_path: Path) -> None:
    shutil.copytree(small.records, tmp_path / "others")
    assert build(small.into, [small.records, tmp_path / "others"], NOW).runs == 2
    assert (small.into / "runs" / "f-golden-killed-2" / "index.html").exists()


def test_a_link_should_not_bring_in_what_lies_elsewhere(small: Archive, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (small.records / "f-golden-killed" / "evidence" / "x.csv").symlink_to(tmp_path / "secret.txt")
    small.again()
    assert list(small.into.rglob("x.csv")) == []


def test_folders_that_are_not_fit_should_be_refused(small: Archive, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(BadInput, match="expected a new folder"):
        build(tmp_path / "mine", [small.records], NOW)
    for inside in (small.records / "archive", tmp_path):
        with pytest.raises(BadInput, match="expected a folder apart from"):
            build(inside, [small.records], NOW)
    with pytest.raises(BadInput, match="expected a folder of records, seen none"):
        build(tmp_path / "new", [tmp_path / "nothing"], NOW)
    assert not (tmp_path / "new").exists()


def test_two_should_not_build_one_archive_at_once(small: Archive) -> None:
    with site.alone(small.into), pytest.raises(Refused, match="another process builds"):
        small.again()


# ── trends ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_that_became_slower_should_be_told_in_words(archive: Archive, tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311
    for number in range(4):
        begun = NOW - timedelta(days=9 - number)
        slower = "Detect" if number == 3 else ""
        another(archive.records / "f-golden-sealed", tmp_path / "records" / f"f-{number}", begun, chance, slower=slower)
    built = Archive(tmp_path / "records", tmp_path / "archive")
    built.again()
    words = " ".join(_Page(built.text("plans/f.html")).words.split())
    assert "Slower than before 2026-11-22 00:00: Detect: p50 2 min" in words and "this run 8 min" in words
    assert "slower: 1 step" in built.text("index.html")
    assert 'aria-label="RTO: 4 values from' in built.text("plans/f.html")
    assert (tmp_path / "records" / "f-3" / MANIFEST).exists()
