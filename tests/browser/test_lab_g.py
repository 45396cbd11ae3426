"""A drill of plan G stepped through by a person in JupyterLab: one halt, a restart after it, two choices by typing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from drcore.plans import g
from drcore.record.proof import verify
from tests.browser.lab_story import Story
from tests.browser.notebook_page import CHROMIUM, Notebook, browser_page
from tests.support.running_lab import running_lab

FAULT = "data-corruption:share=0.025,minutes=4,old_jobs=6"
SWITCH, HOLD = "SWITCH TO ", "HOLD ALL "
GO_ON = ("run.go_on()", "run.go_on()  # once more")
GIVEN = "# The parameters of this run"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; .ci/run installs one")


@pytest.fixture(scope="module")
def story(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    records, pictures = tmp_path_factory.mktemp("records"), tmp_path_factory.mktemp("pictures")
    words = ("lab", "g", "--mode", "drill", "--fault", FAULT)
    with running_lab(*words, records=records, environment={"DRCORE_HOME": str(home)}) as lab, browser_page() as page:
        story, notebook = Story(lab), Notebook(page, lab.url)
        halt(notebook, story, pictures)
        restart(notebook, story)
        go_on_to_the_remedy(notebook, story, pictures)
        go_on_to_the_end(notebook, story, pictures)
        notebook.save()
        story.errors, story.hosts = notebook.errors(), notebook.hosts
        notebook.menu("File", "filemenu:shutdown")
        notebook.confirm()
        story.exit = lab.end()
    print(f"pictures: {pictures}")  # noqa: T201  # pytest shows it where a test fails
    return story


def answering(story: Story, notebook: Notebook, *chosen: str) -> Callable[[str], str]:
    """What a person types who does what is asked for: of several answers the one that begins with one of these."""

    def answer(question: str) -> str:
        if question.startswith("Why"):
            return "it is a drill"
        title = question.splitlines()[1].partition(":")[0]
        story.texts[f"asked: {title}"] = notebook.page.locator(".jp-CodeCell:has(.jp-Stdin-input)").inner_text()
        one = re.search(r"Type '(.+)' to go on", question)
        return one[1] if one else next(line for line in question.splitlines() if line.startswith(chosen))

    return answer


def halt(notebook: Notebook, story: Story, pictures: Path) -> None:
    """Up to the halt, each cell by itself; the halt by a double click."""
    for source in ('environment = "sandbox"  #', GIVEN, "runbook(", "run.preflight"):
        story.texts[source] = notebook.run(source)
    for source in ("g.DETECT", "g.NOTIFY", "g.ACKNOWLEDGE", "g.CONFIRM", "g.MAINTENANCE"):
        before = notebook.start(source)
        notebook.answer_until_over(source, before, answering(story, notebook))
    before = notebook.double_click("g.HALT")
    notebook.question().first.wait_for()
    notebook.picture(pictures, "1 the halt is asked for")
    story.asked = notebook.answer_until_over("g.HALT", before, answering(story, notebook))
    notebook.picture(pictures, "2 halted")
    story.texts["too early"] = notebook.run("g.NOTHING_WRITES")


def restart(notebook: Notebook, story: Story) -> None:
    notebook.menu("Kernel", "kernelmenu:restart")
    notebook.confirm()
    notebook.await_kernel()
    for source in (GIVEN, 'environment = "sandbox"  #', GIVEN):  # so that each cell gets another number than before
        notebook.run(source)
    story.texts["opened anew"] = notebook.run("runbook(")


def go_on_to_the_remedy(notebook: Notebook, story: Story, pictures: Path) -> None:
    """By `run.go_on()`, which ends where the remedy is asked for and something else is typed; then by its own cell."""
    notebook.add_after("g.HALT", GO_ON[0])
    notebook.watch_waits(GO_ON[0])
    before, fitting = notebook.start(GO_ON[0]), answering(story, notebook, SWITCH, HOLD)
    notebook.answer_until_over(
        GO_ON[0], before, lambda question: "the switch, please" if "\nDecide:" in question else fitting(question)
    )
    story.waits = notebook.waits()
    story.texts["wrong phrase"] = notebook.cell(GO_ON[0]).locator(".jp-OutputArea").first.inner_text()
    before = notebook.start("g.DECIDE")
    notebook.question().first.wait_for()
    notebook.picture(pictures, "3 two remedies")
    notebook.answer_until_over("g.DECIDE", before, fitting)
    story.texts["g.DECIDE"] = notebook.cell("g.DECIDE").locator(".jp-OutputArea").first.inner_text()


def go_on_to_the_end(notebook: Notebook, story: Story, pictures: Path) -> None:
    notebook.add_after("g.DECIDE", GO_ON[1])
    fitting = answering(story, notebook, SWITCH, HOLD)

    def answer(question: str) -> str:
        if "\nDecide on jobs:" in question:
            notebook.picture(pictures, "4 what becomes of jobs")
        return fitting(question)

    notebook.answer_until_over(GO_ON[1], notebook.start(GO_ON[1]), answer)
    notebook.picture(pictures, "5 gone on")
    story.texts["run.close"] = notebook.run("run.close")


def test_it_should_end_with_the_goal_and_a_record_that_holds(story: Story) -> None:
    assert (story.exit, story.lab.told["verdict"]) == (0, "goal reached"), story.lab.said
    assert verify(story.lab.folder).problems == ()
    assert [text for text in story.errors if "Traceback" in text] == []
    assert story.hosts == {"127.0.0.1"}


def test_what_is_decided_on_should_stand_above_each_question(story: Story) -> None:
    assert "seen now, before it asks" in story.texts["asked: Confirm"]
    halted = story.texts["asked: Halt all writes"]
    assert halted.index("What the halt changes") < halted.index("Type 'HALT ALL WRITES")


def test_a_halt_by_a_double_click_should_be_asked_for_and_begun_once(story: Story) -> None:
    assert [question.startswith("Why") for question in story.asked] == [False, True]
    assert len([line for line in story.of("consent") if line["step"] == g.HALT.title]) == 1
    assert story.sent_twice() == []


def test_a_step_that_comes_too_early_should_be_refused(story: Story) -> None:
    assert "needs Deny writes" in story.texts["too early"]
    assert g.NOTHING_WRITES.title in [line["what"] for line in story.of("refused")]


def test_a_restarted_kernel_should_go_on_after_the_halt(story: Story) -> None:
    assert g.DENY.title in story.texts["opened anew"]
    assert not any("Halt all writes" in line["step"] for line in story.of("consent")[-10:])


def test_a_wait_should_count_in_its_place(story: Story) -> None:
    restoring = [text for text in story.waits if "… WAITING" in text and g.RESTORE.title in text.split("… WAITING")[1]]
    assert len(set(restoring)) > 2, "it changes while somebody looks"
    for text in story.waits:
        assert text.count("… WAITING") == 1, "one card, drawn anew"
        assert re.search(r"as expected\s+\d+ of \d+", text)


def test_each_choice_should_have_its_numbers_beside_each_other_and_be_taken_by_typing(story: Story) -> None:
    assert "Traceback" not in story.texts["wrong phrase"] and "Show more outputs" not in story.texts["wrong phrase"]
    assert "typed 'the switch, please', not" in story.texts["wrong phrase"]
    remedies, jobs = story.texts["asked: Decide"], story.texts["asked: Decide on jobs"]
    assert remedies.index("changes lost") < remedies.index("Type one of these phrases")
    assert jobs.index("jobs between recovery point and halt that change data") < jobs.index("Type one of these phrases")
    taken = {line["step"]: line.get("answer") for line in story.of("consent") if line["granted"]}
    assert (taken[g.DECIDE.title], taken[g.JOBS.title]) == ("switch", "hold-all-and-keep")
    assert "the flag jobs_not_before stays on" in " ".join(story.lab.told["remarks"])
