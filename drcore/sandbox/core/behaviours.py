"""How AWS behaves where its documents do not say: as assumed, or as a real account has answered (`drcore probe`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drcore.sandbox.core.lateness import USUAL, Lateness, Told
from drcore.sandbox.core.world import World

FORMAT = 1


class UnknownBehaviour(ValueError):
    """A file of answers is none, or holds a value that this behaviour cannot have; says expected and seen."""


@dataclass(frozen=True, slots=True)
class Known:
    """One behaviour: as assumed, and which words it may be; seconds where there are none. `either`: now and then."""

    assumed: str | float
    words: tuple[str, ...] = ()


KNOWN: Mapping[str, Known] = {
    "reserved-below-provisioned": Known("refused", ("refused", "accepted")),
    "stop-deployment": Known("either", ("either", "Pending", "Succeeded")),
    "restore-survives-its-session": Known("survives", ("survives", "fails")),
    "table-policy-takes": Known(10.0),
    "metric-delay": Known(USUAL[Told.METRIC][1]),
}
"""By the keys of the questions of `drcore probe`. Answers to the others change nothing here."""


class Behaviours:
    """The behaviours of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._values = {key: known.assumed for key, known in KNOWN.items()}

    def take(self, answers: Mapping[str, object]) -> None:
        """Behave as an account has answered. Raises UnknownBehaviour."""
        for key, value in answers.items():
            known = KNOWN.get(key)
            if known is None:
                continue
            if known.words and value not in known.words:
                raise UnknownBehaviour(f"answers.{key}: expected one of {', '.join(known.words)}; saw {value!r}")
            if not known.words and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
                raise UnknownBehaviour(f"answers.{key}: expected seconds; saw {value!r}")
            self._values[key] = str(value) if known.words else float(str(value))
        if "metric-delay" in answers:
            self._world.state(Lateness).settle(Told.METRIC, self.seconds("metric-delay"))

    def word(self, key: str) -> str:
        """A behaviour that is one of some words."""
        return str(self._values[key])

    def seconds(self, key: str) -> float:
        """A behaviour that takes a time."""
        return float(self._values[key])


def read_answers(path: Path) -> Mapping[str, object]:
    """The answers that `drcore probe` has kept. Raises UnknownBehaviour."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UnknownBehaviour(f"{path}: expected a file of answers; {error}") from error
    answers = document.get("answers") if isinstance(document, dict) else None
    if not isinstance(answers, dict) or document.get("format") != FORMAT:
        raise UnknownBehaviour(f"{path}: expected answers of format {FORMAT}; saw another document")
    return answers
