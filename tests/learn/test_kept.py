"""A draft that is made again keeps what people wrote, and loses what the record does not tell any more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drcore.learn.kept import Drafted, as_file, from_file, merged

NEW = """\
# Postmortem

**Status:** draft.

## Impact

- Two users. [journal 3]
- Three users. [journal 4]

## Root causes

- [ ] Why?
- [ ] Why not earlier?
"""


def again(text: str, new: str = NEW) -> str:
    """What is made of the draft that people have changed to `text`."""
    return merged(new, Drafted(text, merged(NEW, None).made)).text


def test_what_nobody_has_touched_should_stay_as_it_is() -> None:
    assert again(NEW) == NEW


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- [ ] Why?", "- [x] Why?\n\n  Because of a cache.\n\n  It was old."),
        ("- Two users. [journal 3]", "- Two users, both of them ours. [journal 3]"),
        ("- Two users. [journal 3]", "- Two users. [journal 3]\n- And the CEO."),
        ("**Status:** draft.", "**Status:** reviewed by Ana."),
        ("- [ ] Why not earlier?\n", ""),
        ("# Postmortem\n", "# Postmortem\n\nRead this first.\n"),
        ("## Root causes\n", "## Root causes\n\n### The cache\n\nIt was old.\n"),
        ("- [ ] Why not earlier?\n", "- [ ] Why not earlier?\n\n## Appendix\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"),
    ],
)
def test_what_people_wrote_changed_ticked_or_took_out_should_stay(old: str, new: str) -> None:
    assert old in NEW
    theirs = NEW.replace(old, new)
    once = merged(NEW, Drafted(theirs, merged(NEW, None).made))
    assert once.text.split() == theirs.split()
    assert merged(NEW, once).text == once.text, "also when it is made a third time"


def test_a_sentence_whose_event_is_gone_should_go_and_what_stood_behind_it_stay() -> None:
    theirs = NEW.replace("[journal 4]\n", "[journal 4]\n- Ours: the CEO.\n")
    text = again(theirs, NEW.replace("- Three users. [journal 4]\n", ""))
    assert "Three users" not in text
    assert "- Two users. [journal 3]\n- Ours: the CEO.\n" in text


def test_a_new_sentence_should_come_in() -> None:
    more = NEW.replace("[journal 4]\n", "[journal 4]\n- Four users. [journal 5]\n")
    theirs = NEW.replace("- [ ] Why?", "- [x] Why? A cache.")
    assert again(theirs, more) == more.replace("- [ ] Why?", "- [x] Why? A cache.")


def test_a_file_should_give_back_what_was_put_into_it_and_what_people_wrote_below() -> None:
    drafted = merged(NEW, None)
    text = as_file(drafted, "[journal 3]: <journal.jsonl#L3>\n")
    assert from_file(text) == drafted
    below = from_file(f"{text}\nSee also the chat.\n")
    assert below and below.text == f"{NEW}See also the chat.\n"
    assert from_file("# Mine\n") is None


WORDS = st.sampled_from(["a", "b", "- c", "", "## Impact", "### x", "- Two users. [journal 3]", "- [ ] Why?"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), WORDS), max_size=6), st.sets(st.integers(0, 11), max_size=4))
def test_whatever_people_add_should_be_there_once_more_each_time(added: list[tuple[int, str]], gone: set[int]) -> None:
    lines = [line for number, line in enumerate(NEW.splitlines()) if number not in gone]
    for place, line in added:
        lines.insert(min(place, len(lines)), line)
    once = merged(NEW, Drafted("\n".join(lines), merged(NEW, None).made))
    theirs = [line for _, line in added if line in ("a", "b", "- c", "### x")]
    assert sorted(line for line in once.text.splitlines() if line in theirs) == sorted(theirs)
    assert merged(NEW, once).text.split() == once.text.split()
