"""The postmortem as far as a journal can tell it: a draft in Markdown, each sentence with its source.

Its parts are those of Google SRE's example, in their order. What the journal knows is filled in, each sentence with the
number of the journal's line, or the file of evidence, that it comes from. Root causes and lessons stay empty, with the
questions that a person must answer: a draft that looks finished stops the thinking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drcore.clock import iso, parse_time
from drcore.engine import lock
from drcore.engine.outcome import Answer, Outcome, StepName
from drcore.engine.outcome_word import word_in
from drcore.engine.verdict import Word
from drcore.record.events import Event, Kind, key_of
from drcore.record.files import EVIDENCE, JOURNAL
from drcore.record.history import History

NAME = "postmortem"  # the stem of its file
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
_SOURCE = re.compile(r"\[(journal \d+|evidence/[^\]\n]+)\](?![(:])")
_SENTENCE = re.compile(r"- (.+)\. \[journal (\d+)\]")
_DRAFTED = re.compile(r"drafted by drcore from run ([^\s,]+?)[,.](?=\s|$)", re.MULTILINE)
_WELL = (Word.REACHED, Word.COULD_RUN)
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
class Teller:
    """What a draft is made from: a journal, the run's id, the name of the fault that was injected (empty: none)."""

    history: History
    run_id: str
    fault: str


def written(teller: Teller, headline: str, summary: Iterable[Sentence], impact: Iterable[Sentence]) -> str:
    """The whole draft, of what the journal has now. `summary` and `impact` are said beside what it always tells."""
    host, opened = next(teller.history.lines(Kind.HOST), None), next(teller.history.lines(Kind.OPENED), None)
    day = Sentence(parse_time(opened["time"]).strftime("%Y-%m-%d"), opened["n"]) if opened else "not known."
    by = f"drafted by drcore from run {teller.run_id}"
    drafted = Sentence(f"{by}, as {host['user']}", host["n"]) if host else f"{by}."
    parts = [
        f"# Postmortem: {headline}",
        f"**Date:** {day}",
        f"**Authors:** {drafted} People who add to it put their names here.",
        "**Status:** draft. Nobody has reviewed it.",
        _part("Summary", [*summary, *_verdict(teller), *_moments(teller)]),
        _part("Impact", [*impact, *_cost(teller)]),
        _part("Root causes", (), ROOT_CAUSES),
        _part("Trigger", _injected(teller), () if teller.history.moments().get("fault") else _TRIGGER),
        _part("Resolution", [*_done(teller), *_taken_back(teller)]),
        _part("Detection", _detected(teller)),
        _actions(teller),
        "\n\n".join(["## Lessons learned", *(_part(part, (), asked, "###") for part, asked in LESSONS.items())]),
        _part("Timeline (UTC)", _timeline(teller)),
        _part("Supporting information", _evidence(teller)),
    ]
    return "\n\n".join(parts) + "\n"


def sentences_of(text: str, title: str, history: History) -> Iterator[Sentence]:
    """The sentences of one part of an earlier draft, of which the journal still has the line that they come from."""
    numbers = {line["n"] for line in history.all()}
    part = text.partition(f"\n## {title}\n\n")[2].partition("\n\n## ")[0]
    for line in part.splitlines():
        match = _SENTENCE.fullmatch(line)
        if match and int(match[2]) in numbers:
            yield Sentence(match[1], int(match[2]))


def drafted_from(text: str) -> str:
    """The run that a draft, or a notebook of one, was made from; empty where it does not say so."""
    match = _DRAFTED.search(text)
    return match[1] if match else ""


def link_definitions(text: str, root: str) -> str:
    """What the sources in a text point at, a line each; empty where it has none."""
    sources = dict.fromkeys(_SOURCE.findall(text))
    at = {source: _target(source) for source in sources}
    return "".join(f"[{source}]: <{root}{target}>\n" for source, target in at.items())


def _target(source: str) -> str:
    kind, _, number = source.partition(" ")
    return f"{JOURNAL}#L{number}" if kind == "journal" else source


def _part(title: str, sentences: Iterable[Sentence], questions: Iterable[str] = (), mark: str = "##") -> str:
    lines = [f"- {each}" for each in sentences] + [f"- [ ] {each}" for each in questions]
    return "\n".join([f"{mark} {title}", "", *(lines or ["The record of this run tells nothing of it."])])


def _moments(teller: Teller) -> Iterator[Sentence]:
    """When it began, was noticed, was decided, was over; the earliest that it may have been, if known."""
    lines = sorted(teller.history.lines(Kind.MOMENT), key=lambda line: (parse_time(line["at"]), int(line["n"])))
    for line in lines:
        bounds = f", at the earliest {line['earliest']}" if "earliest" in line else ""
        yield Sentence(f"{line['name'].capitalize()}: {line['at']}{bounds}", line["n"])


def _verdict(teller: Teller) -> Iterator[Sentence]:
    """How it ended, where the run has come to that."""
    line = teller.history.last(Kind.VERDICT)
    if line:
        yield Sentence(f"The verdict is {line['word']}: {line['why']}", line["n"])


def _cost(teller: Teller) -> Iterator[Sentence]:
    """Time and data against their targets, and what steps had to say of users."""
    line = teller.history.last(Kind.VERDICT)
    if line:
        for name, objective in (("RTO", line.get("rto")), ("RPO", line.get("rpo"))):
            if objective:
                yield Sentence(_measured(name, objective), line["n"])
        for remark in line.get("remarks", ()):
            yield Sentence(f"{remark[:1].upper()}{remark[1:]}", line["n"])
    for lost in teller.history.lines(Kind.LOST):
        yield Sentence(f"Up to {lost['seconds']:g} s of data may be lost", lost["n"])
    took = teller.history.last(Kind.STEP_ENDED)
    if line and took:
        ended = [*teller.history.lines(Kind.STEP_ENDED)]
        parts = {part: sum(each["seconds"].get(part, 0) for each in ended) for part in ("machine", "human", "cloud")}
        text = (
            f"The steps took {sum(parts.values()):.0f} s: drcore {parts['machine']:.0f} s, people "
            f"{parts['human']:.0f} s, waiting for AWS {parts['cloud']:.0f} s"
        )
        has_table = any(each["name"] == f"{EVIDENCE}/timeline.csv" for each in teller.history.lines(Kind.FILE))
        yield Sentence(text, "timeline.csv" if has_table else took["n"])


def _measured(name: str, objective: Mapping[str, Any]) -> str:
    target, measured, least = objective["target_s"], objective["measured_s"], objective.get("least_s")
    wanted = "no target is named" if target is None else f"the target is {target:g} s"
    if measured is None:
        return f"{name}: not measured; {wanted}"
    took = f"{measured:.0f} s" if least is None else f"{least:.0f} to {measured:.0f} s"
    missed = ", and was missed" if target is not None and measured > target else ""
    return f"{name}: {took}; {wanted}{missed}"


def _injected(teller: Teller) -> Iterator[Sentence]:
    for line in teller.history.lines(Kind.MOMENT):
        if line["name"] == "fault" and teller.fault:
            yield Sentence(f"This was a drill: the fault {teller.fault} was injected", line["n"])


def _detected(teller: Teller) -> Iterator[Sentence]:
    for line in teller.history.lines(Kind.MOMENT):
        if line["name"] == "detected":
            before = (each for each in teller.history.lines(Kind.LOOK) if each["n"] < line["n"])
            look = next((each for each in reversed([*before]) if each["check"] == Answer.YES), None)
            yield Sentence(f"It was noticed at {line['at']}", line["n"])
            if look:
                yield Sentence(f"{look['step']}{_at(look)}: {look['why']}", look["n"])


def _done(teller: Teller) -> Iterator[Sentence]:
    """What this run has changed, each by the result of its act."""
    for line in _results(teller):
        if line["outcome"] == Outcome.DONE and teller.history.has(Kind.INTENT, step=_of(line), target=line["target"]):
            yield Sentence(f"{line['step']}{_at(line)}: {line['why']}", line["n"])


def _taken_back(teller: Teller) -> Iterator[Sentence]:
    for kind, how in ((Kind.UNDONE, "was taken back"), (Kind.UNDO_FAILED, "could NOT be taken back")):
        for line in teller.history.lines(kind):
            yield Sentence(f"{line['step']}{_at(line)} {how}: {line['why']}", line["n"])


def _missed(teller: Teller) -> Iterator[tuple[Sentence, str]]:
    """What follows from targets that were missed, from what was not told, from a goal that was not reached."""
    line = teller.history.last(Kind.VERDICT)
    if not line:
        return
    for name, objective in (("RTO", line.get("rto")), ("RPO", line.get("rpo"))):
        if not objective or objective["target_s"] is None:
            continue
        if objective["measured_s"] is None or objective["measured_s"] > objective["target_s"]:
            yield Sentence(f"Meet the target. {_measured(name, objective)}", line["n"]), "mitigate"
    for untold in line.get("untold", ()):
        yield Sentence(f"Tell what was not told: {untold}", line["n"]), "process"
    if line["word"] not in _WELL:
        yield Sentence(f"Find out why the run ended as {line['word']}: {line['why']}", line["n"]), "process"


def _actions(teller: Teller) -> str:
    """A table to be filled in: a row for each step that did not go well at last, and one for what people add."""
    last: dict[str, Event] = {}
    for line in _results(teller):
        last[f"{key_of(line)} {line['target']}"] = line
    bad = [line for line in last.values() if line["outcome"] in (Outcome.FAILED, Outcome.UNKNOWN)]
    rows = [f"| {_cell(Sentence(_ended(line), line['n']))} | mend | | |" for line in bad]
    rows += [f"| {_cell(sentence)} | {kind} | | |" for sentence, kind in _missed(teller)]
    head = ["## Action items", "", "| what | type | owner | ticket |", "|---|---|---|---|", *rows]
    return "\n".join([*head, "| | | | |", "", *(f"- [ ] {each}" for each in _ACTIONS)])


def _timeline(teller: Teller) -> Iterator[Sentence]:
    """Moments at the time that they have, decisions and results at that of their line; oldest first."""
    dated = [
        (line["at"], Sentence(f"{line['at']} {line['name']}", line["n"])) for line in teller.history.lines(Kind.MOMENT)
    ]
    for line in teller.history.lines(Kind.DECISION):
        by = teller.history.decided(_of(line))
        dated.append((line["time"], Sentence(f"{line['time']} decided by {by.by}: {line['choice']}", line["n"])))
    for line in teller.history.lines(Kind.NOTE):
        dated.append((line["time"], Sentence(f"{line['time']} {line['by']} remarks: {line['text']}", line["n"])))
    for line in _results(teller):
        if line["outcome"] != Outcome.ALREADY:
            text = f"{line['time']} {line['step']}{_at(line)} is {word_in(line)}"
            dated.append((line["time"], Sentence(text, line["n"])))
    yield from (sentence for _, sentence in sorted(dated, key=lambda pair: (iso(parse_time(pair[0])), pair[1].source)))


def _evidence(teller: Teller) -> Iterator[Sentence]:
    """The files of evidence as they are bound now, each once."""
    files = {line["name"]: line for line in teller.history.lines(Kind.FILE) if line["name"].startswith("evidence/")}
    for name, line in sorted(files.items()):
        if name != f"evidence/{NAME}.md":
            yield Sentence(line["title"], name.removeprefix("evidence/"))


def _results(teller: Teller) -> Iterator[Event]:
    """The results of the plan's steps; the lock is none of them."""
    return (line for line in teller.history.lines(Kind.RESULT) if key_of(line) not in lock.KEYS)


def _ended(line: Event) -> str:
    return f"{line['step']}{_at(line)} is {word_in(line)}: {line['why']}"


def _at(line: Event) -> str:
    target = line.get("target", "all")
    return "" if target == "all" else f" ({target})"


def _cell(sentence: Sentence) -> str:
    return str(sentence).replace("|", "\\|")


def _of(line: Event) -> StepName:
    """The step that a line tells of."""
    return StepName(key_of(line), str(line["step"]), "")
