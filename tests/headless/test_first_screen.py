"""The page of a run begins with the answer: what, where, how it ended, what it cost, who decided, when."""

from __future__ import annotations

import re
from pathlib import Path

from drcore.headless.first_screen import FirstScreen, Said, headings
from drcore.headless.nbformat_light import as_text, nbformat
from drcore.headless.page import write_page

v4 = nbformat.v4
WORD = "hunter2-hunter2"
FIRST = FirstScreen(
    "f-drill-1",
    (("Plan", "F, Backend"), ("Run", "f-drill-1")),
    ("users: 12 requests failed",),
    (("fault", "09:00:00"), ("healthy", "09:03:00")),
    (Said("09:00:05", "ann <ann@x>", "Decide: roll back", f"it hurts {WORD}"),),
)


def page_of(folder: Path, first: FirstScreen | None) -> str:
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# Plan F"), v4.new_markdown_cell("text\n\n## 1. *Detect*")])
    notebook.metadata.papermill = {}
    (folder / "notebook.ipynb").write_bytes(as_text(notebook))
    page = folder / "notebook.html"
    words = ("GOAL REACHED",)
    write_page(
        folder / "notebook.ipynb",
        page,
        title="F",
        redact=lambda text: text.replace(WORD, "***"),
        verdict=words,
        first=first,
    )
    return page.read_text()


def test_the_page_should_begin_with_the_answer_then_the_contents_then_the_steps(tmp_path: Path) -> None:
    text = page_of(tmp_path, FIRST)
    parts = ["F, Backend", "GOAL REACHED", "12 requests", "fault", "ann", "it hurts", 'href="#', "<main>"]
    places = [text.index(part, text.index("<body>")) for part in parts]
    assert places == sorted(places)
    assert re.findall(r'<a href="#[^"]+">([^<]+)</a>', text) == ["Plan F", "1. Detect"]


def test_what_it_begins_with_should_be_escaped_and_hold_no_secret(tmp_path: Path) -> None:
    text = page_of(tmp_path, FIRST)
    assert "&lt;ann@x&gt;" in text
    assert WORD not in text


def test_each_printed_sheet_should_name_the_run_and_its_number(tmp_path: Path) -> None:
    text = page_of(tmp_path, FIRST)
    assert '@bottom-left { content: "f-drill-1"; }' in text
    assert "counter(page)" in text


def test_a_title_should_not_leave_the_style_sheet(tmp_path: Path) -> None:
    notebook = tmp_path / "notebook.ipynb"
    page_of(tmp_path, None)
    write_page(notebook, tmp_path / "odd.html", title='x"; } </style><b>', redact=str)
    assert 'content: "x  styleb"' in (tmp_path / "odd.html").read_text()


def test_headings_should_be_those_of_the_first_two_ranks() -> None:
    assert headings("# One\n### no\n## `Two`\ntext # no") == ["One", "Two"]
