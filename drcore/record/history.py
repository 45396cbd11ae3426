"""What a run asks of its journal: one answer for all who ask.

An act stands from its first intent until it is undone. What is done once more after that stands anew. Steps are asked
for by what names them, so a changed title changes no answer.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice

from drcore.clock import parse_time
from drcore.record.events import Event, Kind, Named, key_of
from drcore.record.journal_lines import kind_at

_AS_EXPECTED = ("ALREADY", "DONE")  # outcomes


@dataclass(frozen=True, slots=True)
class Act:
    """One act that stands: the line of its first try, that of its last one, how many there were."""

    first: Event
    last: Event
    tries: int


@dataclass(frozen=True, slots=True)
class Answered:
    """How the tries of an act that stands were answered: the last answer (empty: none), how many got none at all."""

    answer: str
    lost: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision: the choice (empty: none was made yet), who made it, why."""

    choice: str = ""
    by: str = ""
    reason: str = ""


class History:
    """The lines of a journal, oldest first, as questions. What is appended to them later is seen too."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        # Where each kind is, as far as is known: most lines are calls, and a run asks for the few others all the time.
        self._of_kind: dict[str, array[int]] = {}
        self._known = 0
        self._standing: dict[tuple[str, str], Act] = {}
        self._stood = 0  # so many intents and undone acts are in what stands

    def __len__(self) -> int:
        return len(self._events)

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────

    def lines(self, *kinds: Kind, step: Named | None = None, target: object = None) -> Iterator[Event]:
        """The lines of some kinds; only those of a step, or of one of its targets, where one is given."""
        return self._those(step, target, self._places(kinds))

    def all(self) -> Sequence[Event]:
        """Every line."""
        return self._events

    def _places(self, kinds: Iterable[Kind], *, backwards: bool = False) -> Iterator[int]:
        """Where in the journal the lines of some kinds are."""
        for place in range(self._known, len(self._events)):
            self._of_kind.setdefault(kind_at(self._events, place), array("L")).append(place)
        self._known = len(self._events)
        places = [self._of_kind.get(kind, array("L")) for kind in dict.fromkeys(kinds)]
        return merge(*map(reversed, places), reverse=True) if backwards else merge(*places)

    def _those(self, step: Named | None, target: object, places: Iterable[int]) -> Iterator[Event]:
        for line in map(self._events.__getitem__, places):
            if (not step or key_of(line) == step.key) and (target is None or line.get("target") == str(target)):
                yield line

    def has(self, *kinds: Kind, step: Named | None = None, target: object = None) -> bool:
        """Whether there is such a line."""
        return next(self.lines(*kinds, step=step, target=target), None) is not None

    def last(self, *kinds: Kind, step: Named | None = None, target: object = None) -> Event | None:
        """The last such line, or None."""
        return next(self._those(step, target, self._places(kinds, backwards=True)), None)

    # ── acts ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def standing(self) -> dict[tuple[str, str], Act]:
        """The acts that stand, by key of the step and target, in the order in which they were begun."""
        for place in islice(self._places((Kind.INTENT, Kind.UNDONE)), self._stood, None):
            line, self._stood = self._events[place], self._stood + 1
            what = (key_of(line), str(line.get("target", "")))
            if line["event"] == Kind.UNDONE:
                self._standing.pop(what, None)
            else:
                earlier = self._standing.get(what)
                self._standing[what] = Act(earlier.first, line, earlier.tries + 1) if earlier else Act(line, line, 1)
        return dict(self._standing)

    def act(self, step: Named, target: object = None) -> Act | None:
        """The act of a step that stands; of any of its targets, the last one begun, where none is given."""
        acts = [
            act
            for (key, of), act in self.standing().items()
            if key == step.key and (target is None or of == str(target))
        ]
        return acts[-1] if acts else None

    def intended(self, step: Named, target: object = None) -> bool:
        """Whether the run has set out to do a step, and has not undone it since."""
        return self.act(step, target) is not None

    def on_its_way(self, step: Named) -> tuple[Event, ...]:
        """The first intents of a step's acts of which nobody has seen what became of them, one a target, oldest first.

        An act is over when it is as expected, was backed out of, or was undone, since its last try.
        """
        begun: dict[str, Event] = {}
        for line in self.lines(Kind.INTENT, Kind.RESULT, Kind.BACKED_OUT, Kind.UNDONE, step=step):
            if line["event"] == Kind.INTENT:
                begun.setdefault(line["target"], line)
            elif line["event"] != Kind.RESULT or line["outcome"] in _AS_EXPECTED:
                begun.pop(line["target"], None)
        return tuple(begun.values())

    def backed_out(self, step: Named, target: object) -> bool:
        """Whether the last try of an act was backed out of."""
        line = self.last(Kind.INTENT, Kind.BACKED_OUT, step=step, target=target)
        return bool(line and line["event"] == Kind.BACKED_OUT)

    def ended(self, step: Named, by: Named, target: object) -> bool:
        """Whether an act stands that a later act `by` of the run, which stands too, was to bring to its end.

        It is not where the first one was begun anew after that.
        """
        acts = self.standing()
        begun, over = acts.get((step.key, str(target))), acts.get((by.key, str(target)))
        return bool(begun and over and begun.first["n"] < over.last["n"])

    def answered(self, step: Named, target: object) -> Answered:
        """What an act's tries gave back, also those before a restart.

        A try is lost where the journal holds neither an answer nor a refusal: what was asked for may have been done.
        """
        answer, lost, open_ = "", 0, False
        for line in self.lines(Kind.INTENT, Kind.ACTED, Kind.ACT_FAILED, Kind.UNDONE, step=step, target=target):
            match line["event"]:
                case Kind.INTENT:
                    lost, open_ = lost + open_, True
                case Kind.ACTED:
                    answer, open_ = line["answer"], False
                case Kind.ACT_FAILED:
                    lost, open_ = lost + (open_ and not line["refused"]), False
                case Kind.UNDONE:
                    answer, lost, open_ = "", 0, False
        return Answered(answer, lost + open_)

    # ── what was decided and settled ─────────────────────────────────────────────────────────────────────────────

    def decided(self, step: Named) -> Decided:
        """What was decided in a step that is a decision."""
        made, asked = self.last(Kind.DECISION, step=step), self.last(Kind.CONSENT, step=step)
        if not made:
            return Decided()
        return Decided(made["choice"], *((asked["by"], asked["reason"]) if asked else ()))

    def choices(self, step: Named) -> tuple[str, ...]:
        """All that was decided in a step that is a decision, oldest first: it may be asked more than once."""
        return tuple(line["choice"] for line in self.lines(Kind.DECISION, step=step))

    def answer(self, step: Named) -> str:
        """Which of several answers a step's question was given last; empty where none was."""
        asked = self.last(Kind.CONSENT, step=step)
        return str(asked.get("answer", "")) if asked and asked["granted"] else ""

    def moments(self) -> dict[str, datetime]:
        """The moments of the incident that were dated, each by its first line."""
        dated: dict[str, datetime] = {}
        for line in self.lines(Kind.MOMENT):
            dated.setdefault(line["name"], parse_time(line["at"]))
        return dated

    def earliest(self) -> dict[str, datetime]:
        """Of the moments that are known within bounds only, when they may have been at the earliest."""
        dated: dict[str, datetime] = {}
        for line in self.lines(Kind.MOMENT):
            if "earliest" in line:
                dated.setdefault(line["name"], parse_time(line["earliest"]))
        return dated

    def lost_s(self) -> float | None:
        """The seconds of data that may be lost; None before a step has measured it."""
        line = self.last(Kind.LOST)
        return float(line["seconds"]) if line else None

    def failed_region(self) -> str:
        """The region that a person has confirmed to have failed; empty if none."""
        regions = [line.get("failed_region", "") for line in self.lines(Kind.DECISION)]
        return str(next((region for region in reversed(regions) if region), ""))
