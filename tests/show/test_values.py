"""No value shows a memory address."""

from __future__ import annotations

from drcore.show.values import plain


def test_a_value_should_never_show_a_memory_address() -> None:
    assert plain(object()) == "a object"
    assert plain({"b", "a"}) == "a, b"
    assert plain(None) == "none"
