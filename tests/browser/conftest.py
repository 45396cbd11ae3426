"""One browser for the pages of a module, and the settings of readers that they are looked at by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.notebook_page import CHROMIUM, OPTIONS
from tests.support.exhaustive import EXHAUSTIVE

SETTINGS: dict[str, dict[str, Any]] = {
    "phone, dark": {"color_scheme": "dark", "viewport": {"width": 375, "height": 800}},
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 375, "height": 800}},
}
SAMPLED = list(SETTINGS)[: None if EXHAUSTIVE else 1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()
