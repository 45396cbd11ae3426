"""The card of a plan as files, for paper too."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drcore import plans, show
from drcore.engine.prepare import HOME, place_of
from drcore.errors import BadInput, RunnerFailed
from drcore.parameters import as_data, load
from drcore.record.files import write_atomically

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PATIENCE = 60  # seconds for a browser that has to start first


def write_card(plan: str, environment: str, folder: Path, *, pdf: bool) -> Iterator[Path]:
    """Write the card of a plan in an environment, and give each file. Raises BadInput, RunnerFailed."""
    chosen = plans.find(plan)
    if chosen.by_hand is None:
        known = ", ".join(each for each in plans.ids() if plans.find(each).by_hand)
        raise BadInput(f"plan: expected one that has a card ({known}), seen {chosen.id!r}")
    service, facts = load(HOME / "parameters", environment, chosen.id, chosen.facts)
    browser = _browser() if pdf else ""
    card = show.paper_card(chosen, place_of(chosen, service, as_data(facts)))
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{chosen.id}-{environment}.html"
    for path, text in ((page.with_suffix(".md"), show.as_markdown(card)), (page, show.as_html(card))):
        write_atomically(path, text.encode())
        yield path
    if browser:
        printed = page.with_suffix(".pdf")
        print_page(browser, page, printed)
        yield printed


def _browser() -> str:
    for name in _BROWSERS:
        path = shutil.which(name)
        if path:
            return path
    raise BadInput(
        f"--pdf: expected one of {', '.join(_BROWSERS)} on the PATH, seen none. Without it: print the HTML with any "
        "browser, paper A4. Nothing was written."
    )


def print_page(browser: str, page: Path, to: Path) -> None:
    """Print a page as PDF. Raises RunnerFailed."""
    with tempfile.TemporaryDirectory() as profile:
        words = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        words += [f"--user-data-dir={profile}", "--no-pdf-header-footer", f"--print-to-pdf={to.resolve()}"]
        try:
            ran = subprocess.run(
                [*words, page.resolve().as_uri()],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise RunnerFailed(f"{browser} has not printed {page} within {_PATIENCE} s") from None
    if ran.returncode or not to.exists():
        last = ran.stderr.strip().rpartition("\n")[2]
        raise RunnerFailed(f"{browser} has not printed {page}: {last or f'exit {ran.returncode}'}")
