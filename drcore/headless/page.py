"""The executed notebook as one self-contained HTML page."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from drcore.headless.first_screen import FirstScreen, headings
from drcore.record.files import write_atomically

if TYPE_CHECKING:
    from drcore.headless.nbformat_light import nbformat

_alone = Lock()  # packages that import each other: two threads at once would wait for one another
_TEMPLATES = Path(__file__).parent / "templates"

# The first of an output's forms that is here is shown. Nothing that would need a script.
_FORMS = (
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/latex",
    "text/plain",
)


_CARD = re.compile(r'<div class="(?=dr-card\b)')


@dataclass(frozen=True, slots=True)
class _Cell:
    """What the page says about a code cell."""

    caption: str
    failed: bool
    pending: bool
    open: bool


@dataclass(frozen=True, slots=True)
class _Summary:
    """The box at the top. `failed` is the id of the cell that failed."""

    verdict: str
    lines: tuple[str, ...]
    failed: str


def preload() -> None:
    """Import what a page is made with, which takes a second, while something else is waited for."""
    with _alone:
        from nbconvert.exporters import templateexporter  # noqa: F401
        from nbconvert.filters import markdown2html  # noqa: F401

        from drcore.headless import html_cleaner  # noqa: F401


def write_page(
    notebook: Path,
    page: Path,
    *,
    title: str,
    redact: Callable[[str], str],
    verdict: tuple[str, ...] = (),
    first: FirstScreen | None = None,
) -> None:
    """Write `page` from an executed `notebook`: no script, nothing fetched, every HTML in it sanitised.

    `verdict` are lines for the box at the top: what the journal says of the run; `first` is the rest of that box.

    Strings from an API are untrusted, also where drcore's own cards carry them. Raises OSError when a file
    cannot be read or written, nbformat's errors when `notebook` is not one.
    """
    from drcore.headless.nbformat_light import nbformat, redacted

    preload()  # where a run is stopped early, another thread is at it
    nb = redacted(nbformat.read(notebook, as_version=4), redact)
    write_atomically(
        page, _rendered(nb, redact(title), tuple(map(redact, verdict)), first, redact).encode("utf-8", errors="replace")
    )


def _rendered(
    nb: nbformat.NotebookNode,
    title: str,
    verdict: tuple[str, ...],
    first: FirstScreen | None,
    redact: Callable[[str], str],
) -> str:
    # nbconvert takes a third of a second to import. Its HTMLExporter would add Jupyter's 300 kB of style
    # sheets, and parse the finished page once more to add missing alt texts; those are written below.
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters import markdown2html, strip_ansi

    from drcore.headless.html_cleaner import sanitised
    from drcore.show.site import dark_cards

    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        extra_template_basedirs=[str(_TEMPLATES)],
        template_name="page",
        template_file="index.html.j2",
        file_extension=".html",
        filters={"safe": sanitised, "reachable": _reachable, "strip_ansi": strip_ansi, "markdown2html": markdown2html},
        preprocessors=[],
        default_preprocessors=[],
        config={"NbConvertBase": {"display_data_priority": list(_FORMS)}},
    )
    resources = {"title": title, "verdict": verdict, "summary": _summary(nb), "about": _about, "figure": _figure}
    resources |= {"first": first, "redact": redact, "contents": _contents(nb), "sheet": _sheet(redact(title), first)}
    resources["dark_cards"] = dark_cards()
    text, _ = exporter.from_notebook_node(nb, resources=resources)
    return str(text)


def _contents(nb: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """The headings of the notebook, each with the id of its cell."""
    texts = [cell for cell in nb.cells if cell.cell_type == "markdown"]
    return [(title, cell.get("id", "")) for cell in texts for title in headings(cell.source)]


def _sheet(title: str, first: FirstScreen | None) -> str:
    """What stands on each printed sheet, with nothing in it that could end a text of a style sheet."""
    return re.sub(r"[^\w .,:()-]", "", first.run_id if first else title)


def _figure(output: nbformat.NotebookNode, form: str) -> str:
    data = output.data[form]
    if form == "image/svg+xml":
        # As an image, so that the browser runs nothing in it and follows no reference.
        data = base64.b64encode(data.encode("utf-8", errors="replace")).decode()
    metadata = output.get("metadata", {})
    alt = metadata.get(form, {}).get("alt") or metadata.get("alt") or "A figure without a description"
    source = f"data:{form};base64,{''.join(data.split())}"
    return f'<img alt="{html.escape(alt)}" src="{html.escape(source)}">'


def _reachable(markup: str) -> str:
    """Cards that the keyboard reaches: on a phone a wide one is moved sideways."""
    return _CARD.sub(r'<div tabindex="0" class="', markup)


def _about(cell: nbformat.NotebookNode) -> _Cell:
    about = cell.metadata.get("papermill", {})
    status = about.get("status") or ("completed" if cell.execution_count else "pending")
    failed = status == "failed" or any(output.output_type == "error" for output in cell.outputs)
    injected = "injected-parameters" in cell.metadata.get("tags", [])
    words = {"pending": "not run", "running": "cut off while running"}.get(status, "FAILED" if failed else "run")
    number = f" [{cell.execution_count}]" if cell.execution_count else ""
    seconds = about.get("duration")
    time = f", {seconds:.1f} s" if isinstance(seconds, int | float) else ""
    name = "The parameters of this run" if injected else "Code"
    return _Cell(f"{name}{number}: {words}{time}", failed, status == "pending", failed or injected)


def _summary(nb: nbformat.NotebookNode) -> _Summary:
    run = nb.metadata.get("papermill", {})
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    failed = [cell.get("id", "") for cell in code if _about(cell).failed]
    pending = sum(_about(cell).pending for cell in code)
    if run.get("exception") or failed:
        verdict = f"The notebook did not run to its end. {run.get('failure') or 'A cell failed.'}"
    elif not run.get("start_time"):
        verdict = "This notebook was not run headless; it says nothing about when or in which order."
    elif not run.get("end_time"):
        verdict = "The notebook was cut off while it was running."
    else:
        verdict = "The notebook ran to its end."
    lines = []
    if run.get("start_time"):
        lines.append(f"From {_moment(run['start_time'])} to {_moment(run.get('end_time'))}, by the machine's clock.")
    if pending:
        lines.append(f"{pending} of {len(code)} code cells were not run.")
    return _Summary(verdict, tuple(lines), failed[0] if failed else "")


def _moment(text: str | None) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if text else "an unknown moment"
