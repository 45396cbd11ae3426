"""How the emulated services write points in time."""

from datetime import UTC, datetime

MINUTE = 60
"""Seconds; the resolution of every metric here."""


def aware(moment: datetime | float | str) -> datetime:
    """A moment as the layer parsed it (naive means UTC, as in moto) as an aware UTC datetime."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """`2026-01-05T09:00:00Z`, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def precise(moment: datetime) -> str:
    """`2026-01-05T09:00:00.000Z`, to the millisecond."""
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp())


def floor(moment: datetime, seconds: int = MINUTE) -> int:
    """The start, in whole seconds since 1970, of the period of `seconds` that `moment` lies in."""
    return epoch(moment) // seconds * seconds
