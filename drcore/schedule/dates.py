"""The dates of exercises as a calendar: iCalendar, RFC 5545."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Calendar, Event, vRecur

from drcore.schedule.due import Scheduled


def as_calendar(exercises: Iterable[Scheduled], now: datetime) -> bytes:
    """Each exercise as one event of a day, that comes again; what is overdue begins today.

    Its UID does not change, so that a calendar that reads the file again moves the event and adds none.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//drcore//schedule//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "drcore: drills and rehearsals")
    for exercise in exercises:
        begins = max(exercise.due, now.date()) if not exercise.is_due else now.date()
        event = Event()
        event.add("uid", f"{exercise.plan}-{exercise.mode}-{exercise.environment}@drcore")
        event.add("dtstamp", now)
        event.add("dtstart", begins)
        event.add("dtend", begins + timedelta(days=1))
        event.add("rrule", vRecur(freq="DAILY", interval=exercise.every.days))
        event.add(
            "summary", f"{exercise.mode} plan {exercise.plan.upper()} in {exercise.environment}: {exercise.title}"
        )
        command = f"drcore {exercise.mode} {exercise.plan} --environment {exercise.environment}"
        event.add("description", f"{command}\n{exercise.state}: {exercise.why}")
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    made: bytes = calendar.to_ical()
    return made
