"""Two sides that do not belong together are refused before anything is counted; what is doubtful is said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drcore.diff import Class, ExportSource, Policy, Report, TableSource, compare
from drcore.diff.keys import KeySchema
from drcore.errors import BadInput
from tests.diff.test_table import REGION, aws_at, body
from tests.support import exports
from tests.support.pages_server import Pages, pages, serving

PK = KeySchema(("pk",))
OLD, NEW = {"pk": {"S": "a"}, "v": {"S": "1"}}, {"pk": {"S": "a"}, "v": {"S": "2"}}
OTHER_TABLE = {"tableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/Other", "tableId": "other"}
Told = dict[str, Any]


def at(time: str) -> str:
    return f"2026-01-05T{time}:00.000Z"


def full(folder: Path, when: str, **told: Any) -> ExportSource:
    return ExportSource(exports.full(folder, [OLD], exportTime=at(when), **told), key=PK)


def span(folder: Path, since: str, until: str, **told: Any) -> ExportSource:
    times = {"exportFromTime": at(since), "exportToTime": at(until)}
    return ExportSource(exports.incremental(folder, [({"pk": OLD["pk"]}, OLD, NEW)], **times, **told))


def of(restored: ExportSource | TableSource, live: ExportSource | TableSource, out: Path, **policy: Any) -> Report:
    return compare(restored, live, Policy(**policy), out=out / "out")


@pytest.mark.parametrize(("when", "fits"), [("09:59", False), ("10:00", True), ("11:00", True), ("11:01", False)])
@pytest.mark.parametrize("window_is_live", [True, False], ids=["live", "restored"])
def test_a_full_state_should_be_of_a_moment_in_the_span_beside_it(
    when: str, fits: bool, window_is_live: bool, tmp_path: Path
) -> None:
    one, other = full(tmp_path / "full", when), span(tmp_path / "span", "10:00", "11:00")
    sides = (one, other) if window_is_live else (other, one)
    if fits:
        assert of(*sides, tmp_path).counts[Class.LEGIT] == window_is_live
        return
    with pytest.raises(BadInput, match="what happened in between is in neither"):
        of(*sides, tmp_path)


@pytest.mark.parametrize(("since", "until", "fits"), [("09:00", "10:00", True), ("09:01", "10:00", False)])
def test_two_spans_should_meet(since: str, until: str, fits: bool, tmp_path: Path) -> None:
    first, second = span(tmp_path / "a", "08:00", "09:00"), span(tmp_path / "b", since, until)
    for sides in ((first, second), (second, first)):
        if fits:
            assert sum(of(*sides, tmp_path).counts.values()) == 1
        else:
            with pytest.raises(BadInput, match="expected spans that meet"):
                of(*sides, tmp_path)


@pytest.mark.parametrize(
    "told",
    [
        OTHER_TABLE,
        {"tableId": "made anew under its name"},
        {"tableArn": "arn:aws:dynamodb:us-east-1:999999999999:table/T"},
        {"tableArn": None},
    ],
)
def test_an_incremental_export_should_say_nothing_of_another_table(told: Told, tmp_path: Path) -> None:
    one, other = full(tmp_path / "full", "10:00"), span(tmp_path / "span", "10:00", "11:00", **told)
    for each in ((one, other), (other, one)):
        with pytest.raises(BadInput, match="expected the same table on both sides"):
            of(*each, tmp_path)


def test_the_replicas_of_a_global_table_should_be_one_table(tmp_path: Path) -> None:
    west = {"tableArn": "arn:aws:dynamodb:us-west-2:123456789012:table/T", "tableId": "west"}
    sides = full(tmp_path / "full", "10:00", **west), span(tmp_path / "span", "10:00", "11:00")
    assert of(*sides, tmp_path).counts[Class.LEGIT] == 1


def test_two_full_exports_may_be_of_two_tables_as_a_restored_one_has_another_name(tmp_path: Path) -> None:
    report = of(full(tmp_path / "a", "10:00"), full(tmp_path / "b", "11:00", **OTHER_TABLE), tmp_path)
    assert (report.counts[Class.UNCHANGED], report.remarks) == (1, ())


def test_a_span_beside_a_table_should_be_said_to_end_before_it(tmp_path: Path) -> None:
    with serving(Pages([pages(body([NEW]), 1)], arn=exports.TABLE)) as address:
        table = TableSource(aws_at(address), REGION, "T")
        told = {"tableId": "one"}
        report = of(span(tmp_path / "span", "08:00", "09:00", **told), table, tmp_path)
        assert report.counts[Class.LEGIT] == 1
        assert ["counts as unchanged" in remark for remark in report.remarks] == [True]
        with pytest.raises(BadInput, match="expected the same table on both sides"):
            of(span(tmp_path / "other", "08:00", "09:00"), table, tmp_path)


@pytest.mark.parametrize(
    ("when", "told", "said"),
    [
        ("09:00", {}, True),
        ("08:30", {}, True),
        ("08:48", {}, False),
        ("09:00", OTHER_TABLE, False),  # a table that was restored to the point is exported later
    ],
)
def test_a_good_state_of_another_moment_than_the_recovery_point_should_be_said(
    when: str, told: Told, said: bool, tmp_path: Path
) -> None:
    point = datetime(2026, 1, 5, 8, 48, tzinfo=UTC)
    sides = full(tmp_path / "a", when, **told), full(tmp_path / "b", "10:00")
    remarks = of(*sides, tmp_path, recovery_point=point, modified="UpdatedAt").remarks
    assert [("not of the recovery point 2026-01-05T08:48" in remark) for remark in remarks] == [True] * said


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"outputView": None}, "expected outputView NEW_AND_OLD_IMAGES or NEW_IMAGE, seen none"),
        ({"outputView": "OLD_IMAGE"}, "expected outputView"),
        ({"exportType": "PARTIAL_EXPORT"}, "expected exportType FULL_EXPORT or INCREMENTAL_EXPORT, seen PARTIAL"),
        ({"exportFromTime": None}, "expected exportFromTime of an incremental export, seen none"),
        ({"exportToTime": "noon"}, "exportToTime: "),
        ({"exportToTime": 5}, "exportToTime: expected a text, seen 5"),
        ({"outputFormat": None}, "expected outputFormat DYNAMODB_JSON, seen none"),
        ({"itemCount": True}, "expected an itemCount, seen True"),
        ({"itemCount": -1}, "expected an itemCount, seen -1"),
    ],
)
def test_what_a_manifest_says_should_be_known_or_refused(told: Told, message: str, tmp_path: Path) -> None:
    base = exports.incremental(tmp_path / "a", [({"pk": OLD["pk"]}, OLD, NEW)], **told)
    with pytest.raises(BadInput, match=message):
        of(ExportSource(base), ExportSource(base), tmp_path)


def test_a_manifest_without_a_kind_should_be_a_full_one_as_it_was_before_there_were_two(tmp_path: Path) -> None:
    side = ExportSource(exports.full(tmp_path / "a", [OLD], exportType=None), key=PK)
    assert of(side, side, tmp_path).counts[Class.UNCHANGED] == 1
