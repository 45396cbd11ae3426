"""A draft that is made again: what people wrote in it stays where they wrote it.

Which lines were ours is known by their digests, which the draft carries along. A line of ours that is gone from the new
draft goes. A line of ours that a person has changed, ticked or taken out is theirs: it is not put back. Theirs stand
behind the line that they stood behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drcore.record.files import digest

_BELOW = "<!-- drcore: what stands below is made again each time -->"
_MADE = re.compile(r"<!-- made: ([0-9a-f ]*) -->")
_DEFINITION = re.compile(r"^\[(?:journal \d+|evidence/[^\]\n]+)\]: <[^>\n]*>\n?", re.MULTILINE)
_SHORT = 12  # characters of a digest: enough for the lines of one document


@dataclass(frozen=True, slots=True)
class Drafted:
    """A text, and the digests of those of its lines that were made, also of those that people have taken out since."""

    text: str
    made: frozenset[str]


def merged(new: str, old: Drafted | None) -> Drafted:
    """The new draft with what people wrote in the old one, None where there is none."""
    fresh = [*_named(new.splitlines())]
    made = frozenset(name for _, name in fresh if name)
    if old is None:
        return Drafted(new, made)
    standing = [*_named(old.text.splitlines(), old.made)]
    there = {name for _, name in standing}
    taken_out = {name for _, name in fresh if name in old.made and name not in there}
    lines = [(line, name) for line, name in fresh if name not in taken_out]
    theirs, tight = _theirs(standing, old.made, {name for _, name in lines if name})
    out, close_up = [*theirs.get("", ())], "" in tight
    for line, name in lines:
        if name or not close_up:
            out.append(line)
        close_up = False
        if name and name in theirs:
            out += theirs[name]
            close_up = name in tight
    return Drafted("\n".join(out).rstrip("\n") + "\n", made)


def _theirs(
    standing: Iterable[tuple[str, str]], made: frozenset[str], anchors: set[str]
) -> tuple[dict[str, list[str]], set[str]]:
    """What people wrote, by the line of ours that it stands behind (empty: at the top); after which ours come at once.

    An empty line is theirs where it stands between two of theirs, or before one.
    """
    by_anchor, tight = dict[str, list[str]](), set[str]()
    anchor, blanks, last_is_theirs = "", 0, False
    for line, name in standing:
        if not name:
            blanks += 1
            continue
        if name in made:
            if last_is_theirs and not blanks:
                tight.add(anchor)
            anchor = name if name in anchors else anchor
        else:
            by_anchor.setdefault(anchor, []).extend([""] * blanks + [line])
        last_is_theirs, blanks = name not in made, 0
    return by_anchor, tight


def _named(lines: Iterable[str], made: frozenset[str] | None = None) -> Iterator[tuple[str, str]]:
    """Each line with what it is known by: its heading and its text. An empty line has no name.

    A heading of people's, one that is not in `made`, is a line of theirs below ours.
    """
    heading, met = "", dict[str, int]()
    for line in lines:
        if not line.strip():
            yield line, ""
            continue
        is_heading = line.startswith("#")
        text = line.rstrip() if is_heading else f"{heading}\n{line.rstrip()}"
        met[text] = met.get(text, 0) + 1
        name = digest(f"{text}\n{met[text]}".encode())[:_SHORT]
        if is_heading and (made is None or name in made):
            heading = line.rstrip()
        yield line, name


# ── One file ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_file(drafted: Drafted, definitions: str) -> str:
    """The draft as a file, with what its sources point at and the digests that it carries along behind it."""
    return f"{drafted.text}\n{_BELOW}\n\n{definitions}\n<!-- made: {' '.join(sorted(drafted.made))} -->\n"


def from_file(text: str) -> Drafted | None:
    """A draft as its file holds it; None for a text that carries no digests, which nothing can be told of.

    What people wrote below the end is theirs too.
    """
    digests = _MADE.search(text)
    above, mark, below = text.partition(_BELOW)
    if not digests or not mark:
        return None
    theirs = [line for line in without_definitions(_MADE.sub("", below)).splitlines() if line.strip()]
    return Drafted("\n".join([above.rstrip("\n"), *theirs]) + "\n", frozenset(digests[1].split()))


def without_definitions(text: str) -> str:
    """A text without the lines that say what sources point at."""
    return _DEFINITION.sub("", text)
