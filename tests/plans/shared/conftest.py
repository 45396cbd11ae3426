"""Runs of a tiny plan, for steps that need no world."""

from tests.support.opened import door, opened

__all__ = ["door", "opened"]
