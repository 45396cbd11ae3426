"""The archive in a real browser: searched, filtered, opened, at any width, by any setting; axe finds nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from drcore.archive.site import build
from tests.browser.conftest import SAMPLED, SETTINGS
from tests.browser.notebook_page import CHROMIUM
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.golden import unpack
from tests.support.many_runs import break_one, make

NOW = datetime(2026, 11, 28, tzinfo=UTC)
MANY = 500 if EXHAUSTIVE else 2
PLANS = ("a", "f", "g") if EXHAUSTIVE else ("f",)
LOOKED_AT = ("index", "runs/f-broken/index", *(("plans/f", "runs/f-golden-gone-back/index") if EXHAUSTIVE else ()))

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; .ci/run installs one")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many runs made from the golden ones, which are among them, and one that was changed."""
    records, into = tmp_path_factory.mktemp("records"), tmp_path_factory.mktemp("built") / "archive"
    ends = ("sealed", "gone-back", "killed")
    real = [unpack(records, name) / name for name in (f"{plan}-golden-{end}" for plan in PLANS for end in ends)]
    make(real, records, MANY, until=NOW)
    break_one(real[0], records / "f-broken")
    build(into, [records], NOW)
    return into


class Watched:
    """A page with what went wrong in it, and what it asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.asked: set[str] = set()
        page.on("console", lambda message: self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self.asked.add(request.url.partition(":")[0]))

    def rows(self) -> list[str]:
        """The names of the runs that are shown."""
        return self.page.locator("#list tbody tr:visible td:nth-child(2) a").all_inner_texts()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page()
    watched = Watched(page)
    yield watched
    page.close()
    assert watched.wrong == []
    assert watched.asked <= {"file", "data"}, "nothing is fetched from elsewhere"


def test_a_run_should_be_found_by_search_and_filter_and_opened(archive: Path, watched: Watched) -> None:
    page = watched.page
    page.goto((archive / "index.html").as_uri())
    whole = watched.rows()
    assert len(whole) == MANY + 3 * len(PLANS) + 1
    page.get_by_label("Search", exact=True).fill("golden gone-back")
    assert set(watched.rows()) == {f"{plan}-golden-gone-back" for plan in PLANS}
    expect(page.get_by_role("status")).to_have_text(f"{len(PLANS)} of {len(whole)} runs.")
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_role("status")).to_have_text(f"{len(whole)} runs.")
    page.get_by_label("Record", exact=True).select_option("BROKEN")
    assert watched.rows() == [f"{PLANS[0]}-golden-sealed (f-broken)"]
    page.get_by_label("Record", exact=True).select_option("")
    page.get_by_label("Verdict", exact=True).select_option("gone back")
    page.get_by_label("Person", exact=True).select_option("Ada")
    page.get_by_label("Plan", exact=True).select_option("f")
    page.get_by_label("From", exact=True).fill("2026-11-27")
    page.get_by_label("To", exact=True).fill("2026-11-27")
    assert "f-golden-gone-back" in watched.rows() and len(watched.rows()) < len(whole) / 2
    page.reload()
    assert "f-golden-gone-back" in watched.rows() and len(watched.rows()) < len(whole) / 2, "the address keeps it"
    page.get_by_role("link", name="f-golden-gone-back", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("f-golden-gone-back")
    pictures = page.locator("img")
    pictures.evaluate_all("all => all.forEach(each => each.loading = 'eager')")
    page.wait_for_load_state("load")
    page.wait_for_function("[...document.images].every(each => each.complete)")
    assert min(pictures.evaluate_all("all => all.map(each => each.naturalWidth)")) >= 900
    notebook = page.get_by_role("link", name="notebook.ipynb").get_attribute("href")
    assert notebook and (archive / "runs" / "f-golden-gone-back" / notebook).is_file(), "to be downloaded"


def test_a_run_should_be_found_from_its_plan(archive: Path, watched: Watched) -> None:
    watched.page.goto((archive / "plans" / "f.html").as_uri())
    expect(watched.page.get_by_role("img").first).to_have_attribute("aria-label", re.compile("^RTO: \\d+ values"))
    watched.page.get_by_text(re.compile(r"The \d+ runs of it")).first.click()
    watched.page.locator("details[open] tbody a").first.click()
    expect(watched.page.get_by_role("heading", level=1)).to_contain_text("f-")


def test_the_newest_run_should_be_compared_with_the_one_before(archive: Path, watched: Watched) -> None:
    page = watched.page
    page.goto((archive / "plans" / "f.html").as_uri())
    page.get_by_role("link", name="The newest run beside the one before it").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Plan F: two runs compared")
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
    page.locator("strong a").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("f-")


def test_all_should_be_read_without_a_script(archive: Path, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((archive / "index.html").as_uri())
    assert page.locator("#list tbody tr").count() == MANY + 3 * len(PLANS) + 1
    assert not page.get_by_label("Search", exact=True).is_visible()
    page.close()


def test_the_first_key_should_lead_past_the_head(archive: Path, watched: Watched) -> None:
    watched.page.goto((archive / "index.html").as_uri())
    watched.page.keyboard.press("Tab")
    expect(watched.page.get_by_text("Skip to the content")).to_be_focused()
    watched.page.keyboard.press("Enter")
    expect(watched.page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize("setting", SAMPLED)
def test_no_page_should_be_hard_to_read(
    archive: Path, browser: Browser, setting: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """WCAG 2.2 AA as far as axe can tell, in each setting; nothing is wider than the screen."""
    pictures = tmp_path_factory.mktemp("pictures")
    page = browser.new_page(bypass_csp=True, **SETTINGS[setting])
    for name in LOOKED_AT:
        page.goto((archive / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        found = Axe().run(page)
        assert found.response["violations"] == [], f"{name}: {found.generate_report()}"
        page.screenshot(path=pictures / f"{name.replace('/', ' ')} {setting}.png")
    page.close()
    print(f"pictures: {pictures}")  # noqa: T201  # pytest shows it where a test fails
