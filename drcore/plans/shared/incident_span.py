"""Where the axis of a chart begins, so that the incident fills it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from drcore.record.evidence import Mark, Series

_BEFORE = timedelta(minutes=15)


def begins(judged: Iterable[tuple[Series, float]], marks: Iterable[Mark]) -> datetime | None:
    """A little before the first moment, or the first minute in which a series is over its threshold. None: neither."""
    moments = [mark.at for mark in marks]
    for series, most in judged:
        moments += [
            at for at, value in zip(series.times, series.values, strict=True) if value is not None and value > most
        ]
    return min(moments) - _BEFORE if moments else None
