"""A drill of plan F stepped through by a person in JupyterLab: `drcore lab`, a real browser, a real kernel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drcore.headless.nbformat_light import nbformat
from drcore.plans import f
from drcore.record.files import NOTEBOOK
from drcore.record.proof import verify
from drcore.sandbox.syncwell.company.names import STATUS_PAGE_KEY
from tests.browser.lab_story import Story
from tests.browser.notebook_page import CHROMIUM, Notebook, browser_page
from tests.support.running_lab import running_lab

PHRASE = "ROLL BACK TO 2026.01.1 IN us-east-1, us-west-2"
PLANTED = "print(run.run.secret(run.run.service.status_page.api_key))"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; .ci/run installs one")


@pytest.fixture(scope="module")
def story(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    records, pictures = tmp_path_factory.mktemp("records"), tmp_path_factory.mktemp("pictures")
    words = ("lab", "f", "--mode", "drill", "--fault", "bad-release")
    with running_lab(*words, records=records, environment={"DRCORE_HOME": str(home)}) as lab, browser_page() as page:
        story, notebook = Story(lab), Notebook(page, lab.url)
        notebook.picture(pictures, "1 opened")
        until_the_aliases_are_back(notebook, story, pictures)
        interrupt_and_go_on(notebook, story, pictures)
        plant_a_secret(notebook, story)
        restart_and_run_all(notebook, story, pictures)
        notebook.save()
        story.errors, story.hosts = notebook.errors(), notebook.hosts
        story.charts = page.locator(".jp-RenderedImage img").evaluate_all("all => all.map(each => each.naturalWidth)")
        notebook.menu("File", "filemenu:shutdown")
        notebook.confirm()
        story.exit = lab.end()
    print(f"pictures: {pictures}")  # noqa: T201  # pytest shows it where a test fails
    return story


def until_the_aliases_are_back(notebook: Notebook, story: Story, pictures: Path) -> None:
    for source in ('environment = "sandbox"  #', "# The parameters of this run", "runbook(", "run.preflight"):
        story.texts[source] = notebook.run(source)
    story.texts["too early"] = notebook.run("f.LAMBDA")
    notebook.picture(pictures, "2 too early")
    story.texts["opened twice"] = notebook.run("runbook(")
    for source in ("run.overview", "f.DETECT", "f.AUTOMATIC", "f.NOTIFY"):
        story.texts[source] = notebook.run(source)
    story.texts["wrong phrase"] = notebook.run("f.DECIDE", "roll back, please")
    notebook.picture(pictures, "3 wrong phrase")
    story.texts["f.DECIDE"] = notebook.run("f.DECIDE", PHRASE, "users cannot sync")
    story.texts["f.INVESTIGATING"] = notebook.run("f.INVESTIGATING", "go")
    before = notebook.double_click("f.FREEZE")
    story.texts["asked by a double click"] = "\n".join(notebook.answer_until_over("f.FREEZE", before, lambda _: "go"))
    story.texts["f.STOP)"] = notebook.run("f.STOP)")
    story.texts["f.LAMBDA"] = notebook.run("f.LAMBDA", "go")
    notebook.picture(pictures, "4 rolled back")


def interrupt_and_go_on(notebook: Notebook, story: Story, pictures: Path) -> None:
    """Interrupt a question, restart the kernel, and run the next step alone."""
    before = notebook.start("f.API")
    notebook.question().first.wait_for()
    story.texts["asking"] = notebook.cell("f.API").locator(".jp-OutputArea").first.inner_text()
    notebook.picture(pictures, "5 asking")
    notebook.menu("Kernel", "kernelmenu:interrupt")
    notebook.await_over("f.API", before)
    story.texts["interrupted"] = notebook.cell("f.API").locator(".jp-OutputArea").first.inner_text()
    notebook.picture(pictures, "6 interrupted")
    notebook.menu("Kernel", "kernelmenu:restart")
    notebook.confirm()
    notebook.await_kernel()
    given = "# The parameters of this run"
    for source in (given, 'environment = "sandbox"  #', given):  # so that each cell gets another number than before
        notebook.run(source)
    story.texts["opened anew"] = notebook.run("runbook(")
    notebook.run("run.preflight")
    story.texts["overview anew"] = notebook.run("run.overview")
    story.texts["f.API"] = notebook.run("f.API", "go")
    notebook.picture(pictures, "7 gone on")


def plant_a_secret(notebook: Notebook, story: Story) -> None:
    notebook.add_after("f.LAMBDA", PLANTED)
    story.texts["planted"] = notebook.run(PLANTED)
    notebook.save()
    story.on_disk = (story.lab.folder / NOTEBOOK).read_text()


def restart_and_run_all(notebook: Notebook, story: Story, pictures: Path) -> None:
    """Go on in a fresh kernel; every question is answered as it wants to be."""
    before = notebook.cell("run.close").locator(".jp-InputArea-prompt").inner_text()
    notebook.watch_waits("f.VERIFY")
    notebook.menu("Run", "runmenu:restart-and-run-all")
    notebook.confirm()
    story.asked = notebook.answer_until_over("run.close", before, lambda question: "go")
    story.waits = notebook.waits()
    notebook.picture(pictures, "8 closed")


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_shut_down_should_end_it_with_the_journals_verdict_and_a_record_that_holds(story: Story) -> None:
    assert (story.exit, story.lab.told["verdict"]) == (0, "goal reached"), story.lab.said
    assert verify(story.lab.folder).problems == ()
    bound = {line["name"] for line in story.of("file")}
    assert {"notebook.ipynb", "notebook.html", "parameters.json"} <= bound
    assert (story.lab.folder / "archived.json").exists(), "a drill's record is archived"


def test_nothing_should_be_asked_of_the_world_outside(story: Story) -> None:
    """No news, no updates, no fonts from somewhere."""
    assert story.hosts == {"127.0.0.1"}


def test_no_error_should_stand_in_the_finished_notebook(story: Story) -> None:
    assert story.errors == []


def test_every_chart_should_be_drawn(story: Story) -> None:
    assert len(story.charts) >= 5
    assert min(story.charts) >= 900, "pixels"


def test_cards_should_be_rendered_as_html(story: Story) -> None:
    assert "SANDBOX, not production" in story.texts["runbook("]
    assert re.search(r"(\d+) of \1 as expected", story.texts["run.preflight"])
    assert "✔ DONE" in story.texts["f.LAMBDA"]
    assert "<" not in story.texts["f.LAMBDA"]


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_question_should_say_where_it_acts_and_on_what(story: Story) -> None:
    assert story.asked
    for question in story.asked:
        assert "sandbox, not production | account 123456789012 | us-east-1, us-west-2" in question
    assert "POINT stage prod" in story.texts["asking"]


def test_a_wrong_phrase_should_be_refused_and_asked_again_the_next_time(story: Story) -> None:
    assert "Refused" in story.texts["wrong phrase"]
    assert "Traceback" not in story.texts["wrong phrase"]
    assert [line["granted"] for line in story.of("consent") if line["step"] == f.DECIDE.title] == [False, True]
    assert "users cannot sync" in story.texts["f.DECIDE"]


def test_who_has_decided_should_not_be_asked_again_after_a_restart(story: Story) -> None:
    assert not any(PHRASE in question for question in story.asked)
    assert not any("Lambda rollback" in question for question in story.asked)


# ── what is seen meanwhile, and after an interrupt ───────────────────────────────────────────────────────────────────


def test_what_is_seen_should_stand_above_the_question(story: Story) -> None:
    """In a card that fills in its place, with what is left of the RTO."""
    asking = " ".join(story.texts["asking"].split())
    assert re.search(r"… ASKING ?API Gateway rollback", asking) and "RTO" in asking
    assert asking.index("seen now, before it asks") < asking.index("Type 'go'")
    assert "LOOKING" not in asking, "it is drawn anew, not once more"
    assert re.search(r"API Gateway rollback: looking [\d:]+ → asking [\d:]+ → acting", story.texts["f.API"])


def test_an_interrupt_should_be_one_calm_sentence(story: Story) -> None:
    assert "was interrupted; it has changed nothing. To go on: run.go_on()" in story.texts["interrupted"]
    assert "Traceback" not in story.texts["interrupted"] and "KeyboardInterrupt" not in story.texts["interrupted"]
    assert [line["key"] for line in story.of("interrupted")] == [f.API.key]


def test_a_restarted_kernel_should_know_what_was_done(story: Story) -> None:
    place = [step.key for step in f.PLAN.steps].index(f.API.key)
    assert f"{f.API.title} was begun and did not end: it has changed nothing" in story.texts["opened anew"]
    assert "DONE" in story.texts["f.API"], "without what it needs being run again"
    assert f"{place - 1} carried out so far" in story.texts["overview anew"], "all but who acknowledges, not asked here"


def test_a_wait_should_count_in_its_place(story: Story) -> None:
    """One card, which is drawn anew: how many are good, since when, until when."""
    assert len(story.waits) > 2
    for text in story.waits:
        assert text.count("… WAITING") == 1
        assert re.search(r"as expected\s*\d of \d", text)
    assert len(set(re.findall(r"now\s*([\d:]+) UTC", " ".join(story.waits)))) > 2, "its clock goes on"


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_that_comes_too_early_should_be_refused(story: Story) -> None:
    assert "needs Decide" in story.texts["too early"]
    assert f.LAMBDA.title in [line["what"] for line in story.of("refused")]


def test_the_journal_should_notice_cells_that_are_run_again(story: Story) -> None:
    opened = [line["event"] for line in story.events if line["event"].startswith("opened")]
    assert opened == ["opened", *["opened-again"] * 3], "once, once more in the same kernel, twice in another"
    assert "SANDBOX, not production" in story.texts["opened twice"]
    assert len([line for line in story.of("step") if line["step"] == f.DECIDE.title]) == 3


def test_no_act_should_be_done_twice(story: Story) -> None:
    assert story.done_twice() == []


def test_a_double_click_should_ask_once(story: Story) -> None:
    assert story.texts["asked by a double click"].count("Type 'go' to go on") == 1
    assert len([line for line in story.of("consent") if line["step"] == f.FREEZE.title]) == 1


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_secret_should_stay_on_the_screen_and_never_get_to_the_disk(story: Story) -> None:
    assert STATUS_PAGE_KEY in story.texts["planted"], "the test would prove nothing"
    assert STATUS_PAGE_KEY not in story.on_disk
    assert "[redacted]" in story.on_disk
    kept = [path for path in story.lab.folder.rglob("*") if path.is_file()]
    assert [path for path in kept if STATUS_PAGE_KEY.encode() in path.read_bytes()] == []
    assert [path for path in kept if story.lab.token.encode() in path.read_bytes()] == []


def test_the_notebook_should_say_when_each_cell_was_run(story: Story) -> None:
    cells = nbformat.read(story.lab.folder / NOTEBOOK, as_version=4).cells
    times = {cell.id: cell.metadata.get("execution", {}) for cell in cells if cell.cell_type == "code"}
    assert [name for name, told in times.items() if "shell.execute_reply" not in told] == []
