"""The postmortem as far as a run can tell it: a draft in Markdown, each sentence with its source.

Its parts are those of Google SRE's example, in their order. What the journal knows is filled in, each sentence with the
number of the journal's line, or the file of evidence, that it comes from. Root causes and lessons stay empty, with the
questions that a person must answer: a draft that looks finished stops the thinking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.clock import iso, parse_time
from drcore.engine import lock
from drcore.engine.context import F, Run
from drcore.engine.labels import label
from drcore.engine.outcome import Answer, Check, Outcome, StepName, Target, yes
from drcore.engine.step import Patience, Step
from drcore.record.events import Event, Kind, Named
from drcore.record.evidence import Document, Exhibit

NAME = "postmortem"
ROOT_CAUSES = (
    "What made this possible, beside the change that set it off?",
    "Why did tests, reviews, and the staged way out not stop it?",
    "Which of these causes would have been enough by itself?",
)
LESSONS = {
    "What went well": ("What did we do, or have, that made it smaller?",),
    "What went wrong": ("What cost us time, or users?", "Which of our tools, data, people was not there?"),
    "Where we got lucky": ("What would have made it worse, and only by chance was not so?",),
}
_TRIGGER = ("What set it off: which change, by whom, at what time?",)
_ACTIONS = ("What keeps this from happening again, and what makes it smaller when it does?",)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its source: the number of a line of the journal, or the name of a file of evidence."""

    text: str
    source: int | str

    def __str__(self) -> str:
        where = f"journal {self.source}" if isinstance(self.source, int) else f"evidence/{self.source}"
        return f"{' '.join(self.text.split()).rstrip('.')}. [{where}]"


@dataclass(frozen=True, slots=True)
class Draft:
    """How much of the postmortem the record fills in, and how much is left to people."""

    sentences: int = field(metadata=label("sentences with their sources"), compare=False)
    questions: int = field(metadata=label("questions that people must answer"))


Told = Callable[[Run[F]], Iterable[Sentence]]


def postmortem(
    name: StepName, *, headline: str, summary: Told[F], impact: Told[F], needs: tuple[StepName, ...]
) -> Step[F, Draft]:
    """Write the draft `postmortem.md` into the record. It only reads the journal, and stops nobody.

    `headline` is its title. `summary` and `impact` are what a plan can tell beside the journal's own moments: each
    sentence names its source (`seen_in`). What is not known is left out, not guessed.
    """

    def look(run: Run[F], target: Target) -> Draft:
        text = written(run, headline, summary(run), impact(run))
        return Draft(text.count("[journal ") + text.count("[evidence/"), text.count("- [ ]"))

    def expect(run: Run[F], target: Target, seen: Draft) -> Check:
        return yes(f"{seen.sentences} sentences, each with its source; {seen.questions} questions are left to people")

    def shows(run: Run[F], states: Mapping[Target, Draft]) -> Iterator[Exhibit]:
        text = written(run, headline, summary(run), impact(run))
        yield Document(NAME, "Postmortem: a draft, which people complete", text)

    return Step(
        name,
        changes="nothing: what the record knows is written down, for people to go on with",
        look=look,
        expect=expect,
        needs=needs,
        gate=False,
        patience=Patience(within=0),
        shows=shows,
    )


def seen_in(run: Run[Any], step: Named, text: str, *, first: bool = False) -> Iterator[Sentence]:
    """A sentence about what a step has seen, with the line of its first or last look; none where it did not look."""
    lines = [line["n"] for line in run.history.lines(Kind.LOOK, step=step)]
    if lines:
        yield Sentence(text, lines[0 if first else -1])


def written(run: Run[Any], headline: str, summary: Iterable[Sentence], impact: Iterable[Sentence]) -> str:
    """The whole draft. Raises Rejected, Unknown where what a plan tells of it cannot be read."""
    host = next(run.history.lines(Kind.HOST))
    opened = next(run.history.lines(Kind.OPENED))
    day = Sentence(parse_time(opened["time"]).strftime("%Y-%m-%d"), opened["n"])
    drafted = Sentence(f"drafted by drcore from run {run.id}, as {host['user']}", host["n"])
    parts = [
        f"# Postmortem: {headline}",
        f"**Date:** {day}",
        f"**Authors:** {drafted} People who add to it put their names here.",
        "**Status:** draft. Nobody has reviewed it.",
        _part("Summary", [*summary, *_moments(run)]),
        _part("Impact", impact),
        _part("Root causes", (), ROOT_CAUSES),
        _part("Trigger", _injected(run), () if run.history.moments().get("fault") else _TRIGGER),
        _part("Resolution", _done(run)),
        _part("Detection", _detected(run)),
        _actions(run),
        "\n\n".join(["## Lessons learned", *(_part(part, (), asked, "###") for part, asked in LESSONS.items())]),
        _part("Timeline (UTC)", _timeline(run)),
        _part("Supporting information", _evidence(run)),
    ]
    return "\n\n".join(parts) + "\n"


def _part(title: str, told: Iterable[Sentence], questions: Iterable[str] = (), mark: str = "##") -> str:
    lines = [f"- {each}" for each in told] + [f"- [ ] {each}" for each in questions]
    return "\n".join([f"{mark} {title}", "", *(lines or ["The record of this run tells nothing of it."])])


def _moments(run: Run[Any]) -> Iterator[Sentence]:
    """When it began, was noticed, was decided, was over; the earliest that it may have been, where that is known."""
    for line in run.history.lines(Kind.MOMENT):
        bounds = f", at the earliest {line['earliest']}" if "earliest" in line else ""
        yield Sentence(f"{line['name'].capitalize()}: {line['at']}{bounds}", line["n"])


def _injected(run: Run[Any]) -> Iterator[Sentence]:
    for line in run.history.lines(Kind.MOMENT):
        if line["name"] == "fault" and run.setting.fault:
            yield Sentence(f"This was a drill: the fault {run.setting.fault['name']} was injected", line["n"])


def _detected(run: Run[Any]) -> Iterator[Sentence]:
    for line in run.history.lines(Kind.MOMENT):
        if line["name"] == "detected":
            before = (each for each in run.history.lines(Kind.LOOK) if each["n"] < line["n"])
            look = next((each for each in reversed([*before]) if each["check"] == Answer.YES), None)
            yield Sentence(f"It was noticed at {line['at']}", line["n"])
            if look:
                yield Sentence(f"{look['step']}{_at(look)}: {look['why']}", look["n"])


def _done(run: Run[Any]) -> Iterator[Sentence]:
    """What this run has changed, each by the result of its act."""
    for line in _results(run):
        if line["outcome"] == Outcome.DONE and run.history.has(Kind.INTENT, step=_of(line), target=line["target"]):
            yield Sentence(f"{line['step']}{_at(line)}: {line['why']}", line["n"])


def _actions(run: Run[Any]) -> str:
    """A table to be filled in: a row for each step that did not go well at last, and one for what people add."""
    last: dict[str, Event] = {}
    for line in _results(run):
        last[f"{line['key']} {line['target']}"] = line
    bad = [line for line in last.values() if line["outcome"] in (Outcome.FAILED, Outcome.UNKNOWN)]
    rows = [f"| {_cell(Sentence(_ended(line), line['n']))} | mend | | |" for line in bad]
    head = ["## Action items", "", "| what | type | owner | ticket |", "|---|---|---|---|", *rows]
    return "\n".join([*head, "| | | | |", "", *(f"- [ ] {each}" for each in _ACTIONS)])


def _timeline(run: Run[Any]) -> Iterator[Sentence]:
    """Moments at the time that they have, decisions and results at that of their line; oldest first."""
    told = [
        (line["at"], Sentence(f"{line['at']} {line['name']}", line["n"])) for line in run.history.lines(Kind.MOMENT)
    ]
    for line in run.history.lines(Kind.DECISION):
        by = run.history.decided(_of(line))
        told.append((line["time"], Sentence(f"{line['time']} decided by {by.by}: {line['choice']}", line["n"])))
    for line in _results(run):
        if line["outcome"] != Outcome.ALREADY:
            text = f"{line['time']} {line['step']}{_at(line)} is {line['outcome']}"
            told.append((line["time"], Sentence(text, line["n"])))
    yield from (sentence for _, sentence in sorted(told, key=lambda each: (iso(parse_time(each[0])), each[1].source)))


def _evidence(run: Run[Any]) -> Iterator[Sentence]:
    """The files of evidence as they are bound now, each once."""
    files = {line["name"]: line for line in run.history.lines(Kind.FILE) if line["name"].startswith("evidence/")}
    for name, line in sorted(files.items()):
        if name != f"evidence/{NAME}.md":
            yield Sentence(line["title"], name.removeprefix("evidence/"))


def _results(run: Run[Any]) -> Iterator[Event]:
    """The results of the plan's steps; the lock is none of them."""
    return (line for line in run.history.lines(Kind.RESULT) if line["key"] not in (lock.TAKE.key, lock.GIVE.key))


def _ended(line: Event) -> str:
    return f"{line['step']}{_at(line)} is {line['outcome']}: {line['why']}"


def _at(line: Event) -> str:
    target = line.get("target", "all")
    return "" if target == "all" else f" ({target})"


def _cell(sentence: Sentence) -> str:
    return str(sentence).replace("|", "\\|")


def _of(line: Event) -> StepName:
    """The step that a line tells of."""
    return StepName(str(line["key"]), str(line["step"]), "")
