"""Reading a record of any version as one kind of run.

The journal says all that is needed: no plan is asked, so a run of a plan that has changed since, or that is gone, is
read as well as one of today. What cannot be read is told; a record is never left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from drcore.archive.steps import ReadStep, WayBack, steps_of, ways_back
from drcore.clock import parse_time
from drcore.engine.outcome import Seconds
from drcore.engine.verdict import Objective, Verdict, Word
from drcore.errors import BadInput, Exit
from drcore.record.ending import is_open, refusal, runner_ended
from drcore.record.events import Event, Kind, lines_of, parsed
from drcore.record.files import JOURNAL, PARAMETERS
from drcore.record.history import History
from drcore.record.manifest import bound_files
from drcore.record.proof import Proof, verify

NOBODY = "no person"  # who consents where a drill policy does


class Worth(StrEnum):
    """What a record is worth."""

    HOLDS = "holds"
    INCOMPLETE = "INCOMPLETE"  # what is there holds; it was not closed, as where the run was killed
    WRITING = "BEING WRITTEN"  # its lines hold, a run is at work on it
    BROKEN = "BROKEN"  # not as it was written
    UNREADABLE = "CANNOT BE READ"  # no journal, or one that only a newer drcore knows


@dataclass(frozen=True, slots=True)
class ReadRun:
    """A run, as its record tells it. What a record does not say is empty or None; `problems` says what is wrong.

    `begun` is by the clock of the machine, the times of lines and moments are the environment's own, which a sandbox
    makes up. `word` is the verdict as the command line gave it; empty where the run has ended nowhere. `planned` are
    the keys of the plan's steps with their fingerprints, `policy` is the digest of what IAM had to allow; a record of
    format 1 has neither. `people` are who began it, then who has consented to something.
    """

    folder: Path
    run_id: str
    worth: Worth
    problems: tuple[str, ...] = ()
    proof: Proof | None = None
    plan: str = ""
    mode: str = ""
    environment: str = ""
    production: bool = False
    begun: datetime | None = None
    people: tuple[str, ...] = ()
    host: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    planned: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""
    word: str = ""
    why: str = ""
    exit: int | None = None
    verdict: Verdict | None = None
    lost_s: float | None = None
    moments: Mapping[str, datetime] = field(default_factory=dict)
    earliest: Mapping[str, datetime] = field(default_factory=dict)
    steps: tuple[ReadStep, ...] = ()
    back: tuple[WayBack, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @property
    def history(self) -> History:
        """The lines of the journal, as questions."""
        return History(self.events)

    @property
    def reached(self) -> bool:
        """Whether the run went as well as it can, and its record proves it."""
        return went_well(self.worth, self.word)

    def step(self, key: str) -> ReadStep | None:
        """A step by its key; None where the run did not begin it."""
        return next((step for step in self.steps if step.key == key), None)


def went_well(worth: Worth, word: str) -> bool:
    """Whether a run went as well as it can, by a record that proves it."""
    return worth is Worth.HOLDS and word in (Word.REACHED, Word.COULD_RUN)


def folders(records: Path) -> list[Path]:
    """All that stands where a record may stand: each folder below `records`, the broken and the empty too."""
    return sorted(path for path in records.iterdir() if path.is_dir() and not path.name.startswith("."))


def read(folder: Path) -> ReadRun:
    """A record as a run. Raises OSError where this machine cannot read a file, nothing for what is wrong inside."""
    parameters = _parameters(folder)
    try:
        proof = verify(folder)
    except BadInput as error:
        return _bare(folder, Worth.UNREADABLE, (str(error),), parameters)
    worth = _worth(proof)
    events = proof.events
    if not proof.holds:  # what can be read beyond the first line that is wrong
        events = tuple(event for line in lines_of(folder / JOURNAL) if (event := parsed(line)))
    try:
        return _told(folder, parameters, worth, proof, events)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        # Only of a line that was changed, or of a journal by somebody else: what is there is not understood.
        why = f"a line lacks what it must have: {type(error).__name__} {error}"
        return _bare(folder, Worth.BROKEN, (*proof.problems, why), parameters, proof, events)


def _worth(proof: Proof) -> Worth:
    if not proof.holds:
        return Worth.BROKEN
    if proof.writing:
        return Worth.WRITING
    return Worth.HOLDS if proof.complete else Worth.INCOMPLETE


def _parameters(folder: Path) -> Mapping[str, Any]:
    """As plain data: the models of today refuse what an earlier version has written."""
    with suppress(OSError, ValueError):
        data = json.loads((folder / PARAMETERS).read_bytes())
        if isinstance(data, dict):
            return data
    return {}


def _bare(
    folder: Path,
    worth: Worth,
    problems: tuple[str, ...],
    parameters: Mapping[str, Any],
    proof: Proof | None = None,
    events: tuple[Event, ...] = (),
) -> ReadRun:
    """A run whose journal says nothing that can be understood: what its parameters say of it."""
    service = parameters.get("service")
    fields = {**parameters, "environment": service.get("environment") if isinstance(service, dict) else None}
    plan, mode, environment = (
        fields[name] if isinstance(fields.get(name), str) else "" for name in ("plan", "mode", "environment")
    )
    return ReadRun(
        folder,
        folder.name,
        worth,
        problems,
        proof,
        plan=plan,
        mode=mode,
        environment=environment,
        parameters=parameters,
        events=events,
    )


def _told(
    folder: Path, parameters: Mapping[str, Any], worth: Worth, proof: Proof, events: tuple[Event, ...]
) -> ReadRun:
    history = History(events)
    host = next(history.lines(Kind.HOST), {})
    opened = next(history.lines(Kind.OPENED), None) or parameters
    last_opened = history.last(Kind.OPENED, Kind.OPENED_AGAIN) or {}
    service = parameters.get("service", {})
    began = host.get("wall_time") or (events[0]["time"] if events else "")
    steps = steps_of(history)
    verdict = _verdict(history, steps)
    word, why, end = _ended(history, worth)
    return ReadRun(
        folder,
        str(opened.get("run_id") or folder.name),
        worth,
        proof.problems,
        proof,
        plan=str(opened.get("plan", "")),
        mode=str(opened.get("mode", "")),
        environment=str(opened.get("environment") or service.get("environment", "")),
        production=bool(service.get("production", False)),
        begun=parse_time(began) if began else None,
        people=tuple(dict.fromkeys(_people(history))),
        host=host,
        parameters=parameters,
        planned=dict(last_opened.get("steps", {})),
        policy=str(last_opened.get("policy", "")),
        word=word,
        why=why,
        exit=end,
        verdict=verdict,
        lost_s=history.lost_s(),
        moments=history.moments(),
        earliest=history.earliest(),
        steps=steps,
        back=ways_back(history),
        files={name: str(line.get("title", "")) for name, line in bound_files(list(events)).items()},
        events=events,
    )


def _people(history: History) -> Iterator[str]:
    for line in history.lines(Kind.HOST):
        yield f"{line.get('user', '?')}@{line.get('host', '?')}"
    for line in history.lines(Kind.CONSENT):
        if line.get("by") not in ("", None, NOBODY):
            yield str(line["by"])


def _ended(history: History, worth: Worth) -> tuple[str, str, int | None]:
    """The word, why, the exit code: of the verdict, unless the runner, a refusal or a signal came after it."""
    verdict, runner, refused = history.last(Kind.VERDICT), runner_ended(history), refusal(history)
    if runner and runner["exit"] > Exit.BAD_INPUT:
        return _ENDS.get(runner["exit"], Word.STOPPED), str(runner["detail"]), int(runner["exit"])
    if refused and not (verdict and verdict["exit"] == Exit.ROLLBACK_FAILED):
        return Word.REFUSED, str(refused["why"]), int(Exit.REFUSED)
    if verdict and not (is_open(history) and worth is Worth.HOLDS):
        return str(verdict["word"]), str(verdict["why"]), int(verdict["exit"])
    if worth is Worth.HOLDS:  # sealed by who ended it, without the run having been closed
        return Word.STOPPED, "it was ended before the run was closed", None
    return "", "the run has no end in its journal: it was killed, or it goes on", None


_ENDS = {
    int(Exit.REFUSED): Word.REFUSED,
    int(Exit.RUNNER_FAILED): Word.RUNNER_FAILED,
    int(Exit.ROLLBACK_FAILED): Word.ROLLBACK_FAILED,
}


def _verdict(history: History, steps: tuple[ReadStep, ...]) -> Verdict | None:
    """The verdict as a run of today has it; None where there is none, or one in a word that is not known here."""
    line = history.last(Kind.VERDICT)
    if line is None or line["word"] not in list(Word):
        return None
    ended = [step.seconds for step in steps if step.outcome]
    return Verdict(
        word=Word(line["word"]),
        why=str(line["why"]),
        rto=_objective(line.get("rto")),
        rpo=_objective(line.get("rpo")),
        seconds=Seconds(sum(s.machine for s in ended), sum(s.human for s in ended), sum(s.cloud for s in ended)),
        moments=history.moments(),
        exit=Exit(line["exit"]),
        untold=tuple(map(str, line.get("untold", ()))),
        remarks=tuple(map(str, line.get("remarks", ()))),
        earliest=history.earliest(),
    )


def _objective(measured: Mapping[str, float | None] | None) -> Objective:
    return (
        Objective(measured["target_s"], measured["measured_s"], measured.get("least_s"))
        if measured
        else Objective(None)
    )
