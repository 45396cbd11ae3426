"""A plan as a person carries it out in a shell, where drcore cannot run.

It is made from the parameters alone: names of the environment stand in it, and whatever an incident changes (an id, a
version, a time) is a variable of the shell that a look fills.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from drcore.engine.outcome import StepName


@dataclass(frozen=True, slots=True)
class HandAct:
    """What a person does of one step.

    `do`, `look` and `undo` are lines for sh, bash or zsh, which use what was set before them; empty: there are none.
    `shows` says what the look must show before the next act. `by_hand` is what is done without a command: in the
    console of a store, by a word with somebody. `asks` is who is asked first, where the step's consent does not say it;
    `back` says in words what `undo` does, or why there is no way back.
    """

    step: StepName
    do: str = ""
    look: str = ""
    shows: str = ""
    undo: str = ""
    back: str = ""
    by_hand: str = ""
    asks: str = ""


@dataclass(frozen=True, slots=True)
class HandCard:
    """All of it: `first` sets the variables that the acts use, each by a look; `tools` are what the shell needs."""

    first: str
    acts: tuple[HandAct, ...]
    tools: tuple[str, ...] = ("aws", "curl", "jq")


def words(names: Iterable[str]) -> str:
    """Names as the words of a command, quoted where the shell would read more into them."""
    return shlex.join(names)


def quoted(value: object) -> str:
    """A text as one word of a command; anything else as one word of JSON."""
    return shlex.quote(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
