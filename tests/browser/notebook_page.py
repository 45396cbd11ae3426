"""A notebook in JupyterLab as a person uses it: by its menus, cells and input fields."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Dialog, Locator, Page, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Each text of a cell's output that has a wait in it, as often as it changes.
_WATCH = """cell => {
    window.waits = [];
    const note = () => {
        const text = cell.querySelector('.jp-OutputArea')?.innerText ?? '';
        if (text.includes('… WAITING') && text !== window.waits.at(-1)) window.waits.push(text);
    };
    new MutationObserver(note).observe(cell, {childList: true, subtree: true, characterData: true});
}"""
_PATIENCE = 60_000  # milliseconds, on a machine that has other things to do
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]  # what a container has none of


@contextmanager
def browser_page() -> Iterator[Page]:
    """An empty page of a browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(_PATIENCE)
        expect.set_options(timeout=_PATIENCE)
        page.on("dialog", _leave)
        yield page
        browser.close()


def _leave(dialog: Dialog) -> None:
    dialog.accept()  # "changes you made may not be saved"


class Notebook:
    """The notebook that is open. A cell is named by a part of its source."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.hosts = page, set[str]()
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2].split(":")[0]))
        page.goto(url)
        self.await_kernel()

    def await_kernel(self) -> None:
        """The kernel answers; the indicator in the toolbar says so too early."""
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def menu(self, name: str, command: str) -> None:
        """Choose an entry of a menu, and confirm it where Jupyter asks."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{name}$")).click()
        self.page.locator(f'li[data-command="{command}"]').click()

    def confirm(self) -> None:
        """Say yes to what Jupyter asks."""
        self.page.locator(".jp-Dialog .jp-mod-accept").click()

    def cell(self, source: str) -> Locator:
        return self.page.locator(".jp-CodeCell").filter(has=self.page.locator(".jp-Editor", has_text=source))

    def start(self, source: str) -> str:
        """Run a cell without waiting for it; what stood in its prompt before."""
        prompt = self.cell(source).locator(".jp-InputArea-prompt")
        before = prompt.inner_text()
        prompt.click()
        self.page.keyboard.press("Control+Enter")
        return before

    def run(self, source: str, *answers: str) -> str:
        """Run a cell, answer what it asks, wait until it is over; the text under it."""
        before = self.start(source)
        for answer in answers:
            self.answer(answer)
        self.await_over(source, before)
        return self.cell(source).locator(".jp-OutputArea").first.inner_text()

    def await_over(self, source: str, before: str) -> None:
        """Wait until a cell has a new number."""
        expect(self.cell(source).locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]:"))
        expect(self.cell(source).locator(".jp-InputArea-prompt")).not_to_have_text(before)

    def double_click(self, source: str) -> str:
        """Select a cell, and click twice on the button that runs it and goes to the next one; its prompt before."""
        prompt = self.cell(source).locator(".jp-InputArea-prompt")
        before = prompt.inner_text()
        prompt.click()
        self.page.locator('.jp-Toolbar [data-command="notebook:run-cell-and-select-next"]').first.dblclick()
        return before

    def answer_until_over(self, source: str, before: str, answer: Callable[[str], str]) -> list[str]:
        """Answer all that a cell asks, until it has a new number; the questions."""
        asked: list[str] = []
        numbered = self.cell(source).locator(".jp-InputArea-prompt", has_text=re.compile(r"\[\d+\]:"))
        field, over = self.page.locator(".jp-Stdin-input"), numbered.filter(has_not_text=before)
        while True:
            field.or_(over).first.wait_for()
            if over.count():
                return asked
            asked.append(self.answer(answer(self.question().last.inner_text())))

    def watch_waits(self, source: str) -> None:
        """Keep from now on what stands under a cell while it waits for something."""
        self.cell(source).evaluate(_WATCH)

    def waits(self) -> list[str]:
        """What stood under the cell that was watched, whenever it had changed."""
        found: list[str] = self.page.evaluate("window.waits")
        return found

    def question(self) -> Locator:
        """What is asked now."""
        return self.page.locator(".jp-Stdin-prompt").filter(has=self.page.locator("xpath=..//input"))

    def answer(self, text: str) -> str:
        """Type into the field and press Enter; the question."""
        field = self.page.locator(".jp-Stdin-input").last
        field.wait_for()
        asked = self.page.locator(".jp-Stdin-prompt").last.inner_text()
        field.fill(text)
        field.press("Enter")
        gone = "asked => ![...document.querySelectorAll('.jp-Stdin-prompt')].some(each => each.innerText === asked)"
        self.page.wait_for_function(gone, arg=asked)
        return asked

    def add_after(self, source: str, code: str) -> None:
        """Put a new cell under another one."""
        self.cell(source).locator(".jp-InputArea-prompt").click()
        for key in ("Escape", "b", "Enter"):
            self.page.keyboard.press(key)
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Escape")

    def save(self) -> None:
        """Save, and wait until the server has written it."""
        with self.page.expect_response(lambda answer: answer.request.method == "PUT" and "/api/contents" in answer.url):
            self.page.keyboard.press("Control+s")

    def errors(self) -> list[str]:
        """The error outputs that stand in the notebook."""
        return self.page.locator(
            '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'
        ).all_inner_texts()

    def picture(self, folder: Path, name: str) -> None:
        """What a person sees now, for who wants to look."""
        self.page.screenshot(path=folder / f"{name}.png")
