"""A question about exports that are there anyway: none is made, as one that tells anything takes a large table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from statistics import median

from drcore.errors import Unknown
from drcore.probe.question import AwsQuestion, Value, words
from drcore.probe.session import ProbeSession

CHANGES, NOT_CHANGES = "changes", "not the changes"
_MOST = 100  # exports that are looked at, the newest first
_APART = 10.0  # so many times as many changes as the others
_FEWEST = 2  # of either kind: one export takes longer than another by chance
_LONGER = 2.0  # so many times as long: it follows the changes


@dataclass(frozen=True, slots=True)
class _Done:
    """An incremental export that is complete: of which table, how many items had changed, how long it took."""

    table: str
    items: int
    seconds: float


def _export_time(session: ProbeSession) -> Value:
    """Of the exports of one table, those with many times the changes of others: whether they took longer."""
    by_table: dict[str, list[_Done]] = {}
    for export in _done(session):
        by_table.setdefault(export.table, []).append(export)
    ratios = []
    for exports in by_table.values():
        most = max(export.items for export in exports)
        large = [export.seconds for export in exports if export.items >= most / 2]
        small = [export.seconds for export in exports if _APART * max(1, export.items) <= most]
        if min(len(large), len(small)) >= _FEWEST and median(small) > 0:
            ratios.append(median(large) / median(small))
    if not ratios:
        raise Unknown(
            f"no table in {session.region} has had {_FEWEST} incremental exports with {_APART:g} times the changes of "
            f"{_FEWEST} others: ask again after the first drills in staging"
        )
    return CHANGES if median(ratios) >= _LONGER else NOT_CHANGES


def _done(session: ProbeSession) -> Iterator[_Done]:
    complete = (
        each["ExportArn"]
        for each in _listed(session)
        if (each["ExportType"], each["ExportStatus"]) == ("INCREMENTAL_EXPORT", "COMPLETED")
    )
    for arn in islice(complete, _MOST):
        export = session.aws.call("dynamodb", session.region, "describe_export", ExportArn=arn)["ExportDescription"]
        took = export["EndTime"] - export["StartTime"]
        yield _Done(export["TableArn"], int(export["ItemCount"]), took.total_seconds())


def _listed(session: ProbeSession) -> Iterator[Mapping[str, str]]:
    page: dict[str, str] = {}
    while True:
        answer = session.aws.call("dynamodb", session.region, "list_exports", **page)
        yield from answer["ExportSummaries"]
        if not answer.get("NextToken"):
            return
        page = {"NextToken": answer["NextToken"]}


QUESTIONS = (
    AwsQuestion(
        key="export-time",
        asks="Does the time that an incremental export takes follow the number of changes in it?",
        assumed=words(CHANGES),
        ask=_export_time,
        leans=("drcore/plans/g/p04_recovery_point.py",),
        source="no document says it; the exports that the account has had tell it",
    ),
)
