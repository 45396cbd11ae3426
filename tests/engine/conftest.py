"""Runs of a tiny plan."""

from tests.support.opened import door, opened

__all__ = ["door", "opened"]
