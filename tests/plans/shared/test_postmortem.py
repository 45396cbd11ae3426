"""The draft of a postmortem: what the journal knows with its lines, questions where only people know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from drcore.engine.context import Run
from drcore.engine.outcome import StepName
from drcore.errors import StepFailed, Unknown
from drcore.learn.postmortem import LESSONS, ROOT_CAUSES, Sentence
from drcore.plans.shared.postmortem import postmortem, seen_in
from drcore.record.events import read_events
from drcore.record.proof import verify
from drcore.run.runbook import Runbook
from tests.support.engine_world import EAST, WEST, Things, mend

MEND = StepName("mend", "Mend", "T.1")
PARTS = [
    *("Summary", "Impact", "Root causes", "Trigger", "Resolution", "Detection", "Action items", "Lessons learned"),
    *("Timeline (UTC)", "Supporting information"),
]
SOURCE = re.compile(r"\[(?:journal (\d+)|evidence/([^\]]+))\]$")


def harmed(run: Run[Any]) -> Iterator[Sentence]:
    yield from seen_in(run, MEND, "Two regions were bad", first=True)


def told(run: Run[Any]) -> Iterable[Sentence]:
    return ()


WRITE = postmortem(
    StepName("postmortem", "Postmortem", "T.2"), headline="Tiny trouble", summary=told, impact=harmed, needs=(MEND,)
)


@pytest.fixture
def things() -> Things:
    return Things()


Opened = Callable[..., Runbook]


def carried(opened: Opened, things: Things) -> Runbook:
    """A run that mends what is bad, or fails to, and then writes its postmortem."""
    step = mend(things)
    run = opened(step, WRITE)
    with suppress(StepFailed):
        run.step(step)
    run.step(WRITE, despite="it is written all the same")
    return run


def text_of(run: Runbook) -> str:
    return (run.record.folder / "evidence" / "postmortem.md").read_text()


def part(text: str, title: str) -> list[str]:
    """The lines of a part."""
    return [line for line in text.partition(f"## {title}\n\n")[2].partition("\n\n## ")[0].splitlines() if line]


def test_its_parts_should_be_those_of_the_form_in_their_order(opened: Opened, things: Things) -> None:
    text = text_of(carried(opened, things))
    assert text.startswith("# Postmortem: Tiny trouble\n\n**Date:** 20")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert re.findall(r"^### (.+)$", text, re.MULTILINE) == list(LESSONS)


def test_each_sentence_should_name_a_line_that_tells_of_it(opened: Opened, things: Things) -> None:
    run = carried(opened, things)
    lines = {line["n"]: line for line in read_events(run.record.folder)}
    text = text_of(run)
    sentences = [line for title in PARTS for line in part(text, title) if line.startswith("- ") and "[ ]" not in line]
    assert sentences
    for sentence in sentences:
        found = SOURCE.search(sentence)
        assert found, sentence
        if found[1]:
            assert str(lines[int(found[1])].get("step", "")) in sentence or "Two regions" in sentence
        else:
            assert (run.record.folder / "evidence" / found[2]).is_file()
    assert len(part(text, "Resolution")) == len(things.acts) == 2
    for sentence in part(text, "Resolution"):
        line = lines[int(SOURCE.search(sentence)[1])]  # type: ignore[index]  # seen above
        assert (line["event"], line["outcome"]) == ("result", "DONE") and line["target"] in sentence
    first_look = min(n for n, line in lines.items() if line["event"] == "look" and line["step"] == "Mend")
    assert part(text, "Impact") == [f"- Two regions were bad. [journal {first_look}]"]


def test_what_was_seen_of_one_target_should_name_the_look_at_that_one(opened: Opened, things: Things) -> None:
    run = carried(opened, things)
    lines = {line["n"]: line for line in read_events(run.record.folder)}
    for target in (EAST, WEST):
        (sentence,) = seen_in(run.run, MEND, "It was bad", target=target)
        assert lines[int(sentence.source)]["target"] == str(target)


def test_root_causes_and_lessons_should_be_questions_only(opened: Opened, things: Things) -> None:
    text = text_of(carried(opened, things))
    assert part(text, "Root causes") == [f"- [ ] {each}" for each in ROOT_CAUSES]
    asked = [f"- [ ] {each}" for questions in LESSONS.values() for each in questions]
    assert [line for line in part(text, "Lessons learned") if not line.startswith("#")] == asked


def test_what_did_not_go_well_should_be_an_action_item_without_an_owner(opened: Opened, things: Things) -> None:
    things.troubles = [Unknown("the region is silent")] * 20
    text = text_of(carried(opened, things))
    rows = [line for line in part(text, "Action items") if "Mend" in line]
    assert len(rows) == 2
    assert all(row.endswith("| mend | | |") and "[journal " in row for row in rows)
    assert part(text, "Resolution") == ["The record of this run tells nothing of it."]


def test_a_run_that_is_no_drill_should_ask_for_its_trigger(opened: Opened, things: Things) -> None:
    (question,) = part(text_of(carried(opened, things)), "Trigger")
    assert question.startswith("- [ ] ")


def test_it_should_be_bound_into_the_record_and_written_anew_when_it_is_carried_out_again(
    opened: Opened, things: Things
) -> None:
    run = carried(opened, things)
    run.step(WRITE)
    run.close()
    assert verify(run.record.folder).holds
    bound = [line for line in read_events(run.record.folder) if line.get("name") == "evidence/postmortem.md"]
    assert [line["event"] for line in bound] == ["file", "file-open", "file"]
