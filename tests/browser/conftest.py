"""One browser for the pages of a module, the settings of readers, a home where a person is asked."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.notebook_page import CHROMIUM, OPTIONS
from tests.support.exhaustive import EXHAUSTIVE

ROOT = Path(__file__).parents[2]
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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout's notebooks and parameters, but for the policy that approves what nobody is asked for."""
    home = tmp_path_factory.mktemp("home")
    for name in ("notebooks", "parameters"):
        shutil.copytree(ROOT / name, home / name)
    service = home / "parameters" / "sandbox" / "service.yaml"
    text = service.read_text()
    service.write_text(re.sub(r"^drill_policy:\n(?:  .*\n?)+", "", text, flags=re.MULTILINE))
    assert "drill_policy" not in service.read_text()
    return home
