"""CloudWatch's minutes as a run may judge them: only those that are whole by the environment's `metric_delay_s`.

The newest minutes are missing or incomplete for some minutes (aws-facts 0.3), so every window that is judged ends
`metric_delay_s` ago. A minute that changes after that shows that metrics are later here than the parameter says: then
nothing that was read can be believed, and the look that notices it is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Metric, Points

ONE = timedelta(minutes=1)
_REMEMBERED = timedelta(minutes=10)  # so far back each look reads again, to notice what has changed


class MetricMinutes:
    """The minutes that one run reads. What it has judged it remembers, and compares with what it reads later."""

    def __init__(self, aws: Aws, now: Callable[[], datetime], delay_s: float) -> None:
        self._aws, self._now = aws, now
        self.delay_s = delay_s
        self._judged: dict[tuple[str, Metric], dict[datetime, float | None]] = {}

    @property
    def until(self) -> datetime:
        """When the last minute ended that is whole by now."""
        return minute_of(self._now() - timedelta(seconds=self.delay_s))

    def last(self, minutes: float) -> tuple[datetime, datetime]:
        """The span of the last so many minutes that are whole by now."""
        until = self.until
        return until - timedelta(minutes=minutes), until

    def until_now(self, minutes: float) -> tuple[datetime, datetime]:
        """The span of the last so many minutes that are over: what there is of them yet. For what is not late at all.

        And for what is only looked for: enough of it is trouble, too little is not quiet.
        """
        until = minute_of(self._now())
        return until - timedelta(minutes=minutes), until

    def read(
        self, region: str, metrics: Sequence[Metric], since: datetime, until: datetime | None = None
    ) -> tuple[Points, ...]:
        """Each metric by the minute, in the order asked for, up to the last whole minute; `until` ends it earlier.

        Raises Rejected; Unknown where CloudWatch does not answer, or a minute that was whole has changed since.
        """
        end = min(until or self.until, self.until)
        begin = min(since, end - _REMEMBERED)
        read = cloudwatch.minutes(self._aws, region, metrics, begin, end)
        minutes = [begin + number * ONE for number in range(int((end - begin) / ONE))]
        changed = [
            change
            for metric, points in zip(metrics, read, strict=True)
            for change in self._changed(region, metric, points, minutes)
        ]
        if changed:
            others = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
            raise Unknown(
                f"metrics are later here than metric_delay_s = {self.delay_s:g}: {changed[0]}{others}. "
                "Raise metric_delay_s in service.yaml if this goes on"
            )
        return tuple(points.within(since, end) for points in read)

    def _changed(self, region: str, metric: Metric, points: Points, minutes: Iterable[datetime]) -> Iterable[str]:
        """What is not as it was when it was judged, in words; from now on what was read now is."""
        judged = self._judged.setdefault((region, metric), {})
        for minute in minutes:
            value = points.by_time.get(minute)
            if judged.get(minute, value) != value:
                late = (self._now() - minute - ONE).total_seconds()
                yield (
                    f"{metric.namespace} {metric.name} of {minute:%H:%M} in {region} was {_shown(judged[minute])}, "
                    f"{late:.0f} s after that minute it is {_shown(value)}"
                )
            judged[minute] = value


def minute_of(moment: datetime) -> datetime:
    """The begin of the minute that a moment lies in."""
    return moment.replace(second=0, microsecond=0)


def _shown(value: float | None) -> str:
    return "not there" if value is None else f"{value:g}"
