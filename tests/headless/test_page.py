"""The page says what the notebook says, and nothing in it runs or is fetched."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import drcore
from drcore.headless.html_cleaner import sanitised
from drcore.headless.nbformat_light import as_text, nbformat
from drcore.headless.page import write_page

v4 = nbformat.v4
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
RUN = {
    "start_time": "2026-01-05T09:00:00+00:00",
    "end_time": "2026-01-05T09:01:10.5+00:00",
    "exception": None,
}


def shown(
    folder: Path,
    *cells: Any,
    run: Mapping[str, Any] = RUN,
    title: str = "Plan F",
    redact: Callable[[str], str] = str,
) -> str:
    notebook = v4.new_notebook(cells=list(cells))
    notebook.metadata.papermill = dict(run)
    (folder / "notebook.ipynb").write_bytes(as_text(notebook))
    page = folder / "notebook.html"
    write_page(folder / "notebook.ipynb", page, title=title, redact=redact)
    return page.read_text()


def code(source: str, *outputs: Any, name: str = "", status: str = "completed", tags: tuple[str, ...] = ()) -> Any:
    cell = v4.new_code_cell(source, outputs=list(outputs), execution_count=3)
    cell.id = name or cell.id
    cell.metadata.update(papermill={"status": status, "duration": 1.25}, tags=list(tags))
    return cell


def display(form: str, data: str, **metadata: Any) -> Any:
    return v4.new_output("display_data", data={form: data, "text/plain": "plain"}, metadata=metadata)


class Tags(HTMLParser):
    """Every tag of a page with its attributes; `looks` is all of it that a browser tells apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.looks: list[object] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))
        self.looks.append((tag, {name: style(value) if name == "style" else value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.looks.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.looks.append([data])


def style(value: str | None) -> list[list[str]]:
    """The declarations of a style in order, without what only spaces them out."""
    pairs = [declaration.split(":", 1) for declaration in (value or "").split(";") if declaration.strip()]
    return [[re.sub(r"\s*,\s*", ",", part.strip()) for part in pair] for pair in pairs]


def assert_harmless(page: str) -> None:
    for tag, attributes in Tags(page).all:
        assert tag not in {
            "script",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
            "link",
            "foreignobject",
            "use",
        }
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            address = (attributes.get(name) or "").strip().lower()
            assert not address.startswith(("javascript:", "vbscript:", "data:text"))
            assert tag == "a" or address == "" or address.startswith("data:image/")
        assert not re.search(r"url|position", attributes.get("style") or "")


def test_it_should_show_markdown_code_and_every_kind_of_output(tmp_path: Path) -> None:
    page = shown(
        tmp_path,
        v4.new_markdown_cell("# Halt\n\n> Why: *calm*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n`drcore resume`"),
        code(
            "run.step(halt)",
            v4.new_output("stream", name="stdout", text="out \x1b[31mred\x1b[0m <b>"),
            v4.new_output("execute_result", data={"text/plain": "<result>"}, execution_count=3),
            display("text/html", "<p>a card</p>"),
            display("text/markdown", "*told*"),
        ),
    )
    assert page.startswith("<!DOCTYPE html>")
    for text in ("Halt", "<em>calm</em>", "<td>1</td>", "<code>drcore resume</code>", "run.step(halt)"):
        assert text in page
    for text in (
        "out red &lt;b&gt;",
        "&lt;result&gt;",
        "<p>a card</p>",
        "<em>told</em>",
        "Code [3]: run, 1.2 s",
    ):
        assert text in page
    assert "\x1b" not in page
    assert "<details open" not in page


def test_it_should_need_neither_script_nor_network(tmp_path: Path) -> None:
    page = shown(
        tmp_path,
        v4.new_markdown_cell("<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://example.com/y.png)"),
        code(
            "x",
            display("application/javascript", "alert(1)"),
            display("image/svg+xml", "<svg onload='x()'/>"),
        ),
        code(
            "x",
            display("text/html", '<img src="https://example.com/y.png"><link href="https://example.com">'),
        ),
    )
    assert_harmless(page)
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\(", page)


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<svg><foreignObject><iframe src='javascript:alert(1)'></iframe></foreignObject></svg>",
        "<svg><use href='https://example.com/x.svg#a'/><animate onbegin=alert(1) attributeName=x></svg>",
        "<svg></p><style><a title='</style><img src onerror=alert(1)>'>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src onerror=alert(1)&gt;'>",
        "<a href='java&#10;script:alert(1)'>x</a><a href=' data:text/html,x'>y</a>",
        "<img src='data:text/html;base64,eA=='>",
        "<div style='background:url(https://example.com)'>x</div><div style='background:u\\72l(//x)'>y</div>",
        "<div style='position:fixed;inset:0'>REACHED</div>",
        "<p style='background-image:image-set(\"https://example.com/x\" 1x)'>x</p>",
        "<form action='https://example.com'><input autofocus onfocus=alert(1)></form>",
        "<base href='https://example.com'><object data='x'></object><embed src='x'>",
    ],
)
def test_it_should_take_the_harm_out_of_untrusted_html(attack: str) -> None:
    assert_harmless(sanitised(attack))
    assert sanitised(sanitised(attack)) == sanitised(attack)


@pytest.mark.parametrize(
    "card",
    [
        '<div style="border:1px solid #ccc;border-left:6px solid #070;padding:8px;color:#111;">x</div>',
        '<div style="display:flex;gap:8px;margin:0 0 4px;background:#fafafa;border-radius:4px;">x</div>',
        '<table><tbody><tr><th scope="row">a</th><td style="text-align:right;">1</td></tr></tbody></table>',
        "<details open><summary>By hand</summary><pre>aws lambda update-alias</pre></details>",
        f'<img alt="A chart" src="data:image/png;base64,{PNG}">',
        '<a href="https://docs.aws.amazon.com/x">documentation</a>',
    ],
)
def test_it_should_leave_the_cards_as_they_are(card: str) -> None:
    assert Tags(sanitised(card)).looks == Tags(card).looks


def test_it_should_keep_every_style_of_the_cards() -> None:
    sheet = (Path(drcore.__file__).parent / "show/templates/show.css").read_text()
    rules = re.findall(r"\.dr-[\w-]+ \{ (.*?) \}", sheet)
    assert rules
    for rule in rules:
        [(_, attributes)] = Tags(sanitised(f"<div style='{rule}'>x</div>")).all
        assert style(attributes["style"]) == style(rule)


def test_it_should_keep_what_a_figure_is_said_to_show(tmp_path: Path) -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    page = shown(
        tmp_path,
        code(
            "x",
            display("image/png", PNG, **{"image/png": {"alt": 'Errors "fall" to 0 %'}}),
            display("image/svg+xml", svg, alt="The way"),
            display("image/jpeg", '" onload="alert(1)'),
        ),
    )
    images = [attributes for tag, attributes in Tags(page).all if tag == "img"]
    assert [image["alt"] for image in images] == [
        'Errors "fall" to 0 %',
        "The way",
        "A figure without a description",
    ]
    assert images[0]["src"] == f"data:image/png;base64,{PNG}"
    assert_harmless(page)


def test_it_should_show_the_parameters_of_the_run(tmp_path: Path) -> None:
    page = shown(tmp_path, code("region = 'us-west-2'", tags=("injected-parameters",)))
    assert '<details class="code" open><summary>The parameters of this run' in page
    assert "region = &#39;us-west-2&#39;" in page


def test_it_should_let_a_failed_run_look_failed(tmp_path: Path) -> None:
    error = v4.new_output("error", ename="E", evalue="x", traceback=["\x1b[31mTraceback\x1b[0m", "E: <b>"])
    page = shown(
        tmp_path,
        code("fine"),
        code("1 / 0", error, name="halt", status="failed"),
        code("later", status="pending"),
        run=RUN | {"exception": True, "failure": "Cell halt: E: <b>"},
    )
    assert "The notebook did not run to its end. Cell halt: E: &lt;b&gt;" in page
    assert "1 of 3 code cells were not run." in page
    assert '<a href="#halt">' in page
    assert '<section class="cell failed" id="halt">' in page
    assert "Traceback\nE: &lt;b&gt;" in page
    assert "2026-01-05 09:00:00 UTC to 2026-01-05 09:01:10 UTC" in page


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        (RUN, "The notebook ran to its end."),
        (RUN | {"end_time": None}, "The notebook was cut off while it was running."),
        ({}, "This notebook was not run headless"),
    ],
)
def test_it_should_say_how_the_run_ended(tmp_path: Path, run: dict[str, Any], verdict: str) -> None:
    assert verdict in shown(tmp_path, code("x"), run=run)


def test_it_should_hide_secrets_before_they_are_escaped(tmp_path: Path) -> None:
    page = shown(
        tmp_path,
        v4.new_markdown_cell("a&b<c"),
        code("'a&b<c'", v4.new_output("stream", name="stdout", text="a&b<c"), display("text/html", "a&b<c")),
        title="a&b<c",
        redact=lambda text: text.replace("a&b<c", "[redacted]"),
    )
    assert "a&amp;b" not in page
    assert page.count("[redacted]") == 5


def test_it_should_be_small(tmp_path: Path) -> None:
    page = shown(tmp_path, *[code("run.step(x)", display("text/html", "<p>a card</p>")) for _ in range(60)])
    assert len(page) < 40_000
