"""How long the archive of 500 runs takes: built, built again after one new run, its first page opened in a browser."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.notebook_page import CHROMIUM, OPTIONS
from tests.support.golden import unpack
from tests.support.many_runs import another, make

RUNS = 500
NOW = datetime(2026, 11, 28, tzinfo=UTC)
AIMS = {f"{RUNS} runs, archive built": 30.0, f"{RUNS} runs, first page opened": 1.0}  # seconds, on two cores
_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"


def archive(folder: Path, run: Callable[[tuple[str, ...], Path], tuple[float, float]]) -> dict[str, float]:
    """Seconds by name; `run` gives the wall and the CPU seconds of a command in a folder."""
    real = unpack(folder / "real")
    make(sorted(real.iterdir()), folder / "records", RUNS, until=NOW)
    command = (sys.executable, "-c", "from drcore.__main__ import main; main()", "archive")
    wall, cpu = run(command, folder)
    new = real / "f-golden-sealed"
    another(new, folder / "records" / "f-one-more", NOW, random.Random(2))  # noqa: S311
    again, _ = run(command, folder)
    sizes = [path.stat().st_size for path in (folder / "archive").rglob("*.html")]
    return {
        f"{RUNS} runs, archive built": wall,
        f"{RUNS} runs, archive built, CPU": cpu,
        f"{RUNS} runs, built again after one new run": again,
        f"{RUNS} runs, first page opened": opened(folder / "archive" / "index.html"),
        f"{RUNS} runs, largest page in MB": max(sizes) / 1e6,
    }


def opened(page: Path) -> float:
    """Until a browser that has been started has loaded and drawn a page, in seconds."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        tab = browser.new_page()
        tab.goto(page.as_uri())
        seconds = float(tab.evaluate(_LOADED))
        browser.close()
    return seconds
