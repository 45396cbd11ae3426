"""The page of a run in a real browser: by any setting, at any width, and by the keyboard alone; axe finds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from drcore.headless.first_screen import FirstScreen, Said
from drcore.headless.page import write_page
from tests.browser.conftest import SAMPLED, SETTINGS
from tests.browser.notebook_page import CHROMIUM
from tests.support.exhaustive import EXHAUSTIVE

REFERENCES = sorted((Path(__file__).parents[1] / "notebooks" / "reference").glob("*.ipynb"))
SHOWN = REFERENCES if EXHAUSTIVE else [each for each in REFERENCES if each.name.startswith("f_")]
DECIDED = tuple(Said(f"09:00:{at:02}", "ada", f"Step {at}", "a reason") for at in range(30))
# A table's first corner has no name: what stands in its row and column says it.
KNOWN = {"empty-table-header"}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; .ci/run installs one")


def page_of(notebook: Path, folder: Path) -> str:
    first = FirstScreen("f-drill-1", (("Plan", "F"),), moments=(("fault", "09:00:00"),), people=DECIDED)
    write_page(notebook, folder / "page.html", title="A run", redact=str, verdict=("goal reached",), first=first)
    return (folder / "page.html").as_uri()


@pytest.mark.parametrize("setting", SAMPLED)
@pytest.mark.parametrize("notebook", SHOWN, ids=[each.stem for each in SHOWN])
def test_the_page_of_a_run_should_not_be_hard_to_read(
    browser: Browser, notebook: Path, setting: str, tmp_path: Path
) -> None:
    page = browser.new_page(**SETTINGS[setting])
    page.goto(page_of(notebook, tmp_path))
    found = Axe().run(page)
    wrong = [each for each in found.response["violations"] if each["id"] not in KNOWN]
    assert wrong == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing stands beside the page"
    cut = "e => e.getBoundingClientRect().right > e.closest('.dr-card').getBoundingClientRect().right"
    assert page.locator(".dr-value").evaluate_all(f"all => all.filter({cut}).map(e => e.textContent)") == []
    dark = page.evaluate("getComputedStyle(document.querySelector('.dr-card')).backgroundColor")
    assert (dark == "rgb(27, 30, 35)") is ("dark" in setting)
    page.close()


def test_decisions_that_scroll_should_be_reached_by_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(page_of(SHOWN[0], tmp_path))
    decisions = page.get_by_label("Decisions")
    for _ in range(2):  # the summary, then the list itself
        page.keyboard.press("Tab")
    expect(decisions).to_be_focused()
    page.keyboard.press("End")
    expect(decisions.get_by_text("Step 29")).to_be_in_viewport()
    page.close()
