"""A live table is read past botocore's parser, whole or not at all, with everything else of a call as ever."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from moto import mock_aws

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.diff import Class, ExportSource, Policy, TableSource, compare
from drcore.diff.items import equal
from drcore.diff.keys import KeySchema
from drcore.errors import BadInput, Rejected, RunnerFailed, Unknown
from tests.support import exports
from tests.support.pages_server import Answer, Pages, pages, serving

REGION = "us-east-1"
Item = dict[str, Any]


def item(number: int, **more: Any) -> Item:
    return {"pk": {"S": f"U{number}"}, "Tags": {"SS": ["a", "b"]}, "Data": {"B": "AAE="}, "N": {"N": "1"}} | more


def body(items: list[Item]) -> list[bytes]:
    return [exports.compact(each) for each in items]


def aws_at(address: str) -> Aws:
    return Aws(CallGate(lambda *_, **__: None), endpoint=address)


def everything(body: bytes) -> tuple[list[Item], Item]:
    page = json.loads(body)
    return page.pop("Items"), page | {"Items": []}


def refused(code: str, status: int = 400) -> Answer:
    return status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}).encode()


# ── the event that botocore emits and does not document ──────────────────────────────────────────────────────────────


def test_botocore_should_be_the_version_whose_event_this_was_written_for() -> None:
    """When this fails, read `_do_get_response` in botocore/endpoint.py, see the tests below pass, then change it."""
    assert botocore.__version__ == "1.44.5"


def test_the_event_should_hand_out_rows_and_leave_the_rest_to_the_parser() -> None:
    table = Pages([pages(body([item(number) for number in range(5)]), 2)])
    with serving(table) as address:
        rows = list(aws_at(address).scan_raw(REGION, "T", 0, 1, everything))
    assert [each["pk"]["S"] for page in rows for each in page] == ["U0", "U1", "U2", "U3", "U4"]
    asked = [parameters for _, parameters in table.seen]
    assert [each.get("ExclusiveStartKey") for each in asked] == [None, {"page": {"N": "1"}}, {"page": {"N": "2"}}]
    assert all(each["ConsistentRead"] is True for each in asked)


def test_an_ordinary_scan_should_go_through_the_parser_as_before() -> None:
    with serving(Pages([pages(body([item(1)]), 1)])) as address:
        aws = aws_at(address)
        list(aws.scan_raw(REGION, "T", 0, 1, everything))
        assert list(aws.pages("dynamodb", REGION, "scan", "Items", TableName="T")) == [item(1, Data={"B": b"\x00\x01"})]


def test_two_scans_in_turns_should_each_be_read_by_their_own_reader() -> None:
    def count(body: bytes) -> tuple[int, Item]:
        rows, left = everything(body)
        return len(rows), left

    with serving(Pages([pages(body([item(number) for number in range(4)]), 2)])) as address:
        aws = aws_at(address)
        both = zip(aws.scan_raw(REGION, "T", 0, 1, everything), aws.scan_raw(REGION, "T", 0, 1, count), strict=True)
        assert [(len(rows), number) for rows, number in both] == [(2, 2), (2, 2)]


def test_each_page_should_be_admitted_and_noted_as_any_call() -> None:
    calls = CallGate(lambda *_, **__: None)
    with serving(Pages([pages(body([item(1), item(2)]), 1)])) as address:
        list(Aws(calls, endpoint=address).scan_raw(REGION, "T", 0, 1, everything))
    assert [(call.operation, call.answer, call.write, call.request_id) for call in calls.made] == [
        ("Scan", "OK", False, "r-1")
    ] * 2
    assert calls.made[0].command.startswith("aws dynamodb scan --region us-east-1 --table-name T --consistent-read")


def test_a_region_that_is_away_should_not_be_scanned() -> None:
    calls = CallGate(lambda *_, **__: None)
    calls.failed_region = REGION
    with serving(Pages([pages([], 1)])) as address, pytest.raises(RuntimeError, match="has failed"):
        list(Aws(calls, endpoint=address).scan_raw(REGION, "T", 0, 1, everything))


@pytest.mark.parametrize(
    "answer", [refused("ProvisionedThroughputExceededException"), refused("InternalServerError", 500)]
)
def test_what_can_be_tried_again_should_be_tried_again(answer: Answer) -> None:
    table = Pages([pages(body([item(1), item(2)]), 1)], before=lambda _, count: answer if count == 1 else None)
    with serving(table) as address:
        assert sum(map(len, aws_at(address).scan_raw(REGION, "T", 0, 1, everything))) == 2
    assert len(table.seen) == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused("AccessDeniedException"), Rejected),
        (refused("InternalServerError", 500), Unknown),
        ((200, b"<html>a proxy</html>"), Unknown),
        ((200, b'{"Count":1,"Items":[{"pk"'), Unknown),
    ],
)
def test_a_page_that_does_not_come_should_be_an_error_and_no_shorter_answer(
    answer: Answer, kind: type[Exception]
) -> None:
    table = Pages([pages(body([item(1), item(2)]), 1)], before=lambda _, count: answer if count > 0 else None)
    with serving(table) as address, pytest.raises(kind):
        list(aws_at(address).scan_raw(REGION, "T", 0, 1, everything))


def test_a_page_whose_checksum_is_wrong_should_not_be_believed() -> None:
    with serving(Pages([pages(body([item(1)]), 1)], checksum=1)) as address, pytest.raises(Unknown, match="checksum"):
        list(aws_at(address).scan_raw(REGION, "T", 0, 1, everything))


# ── a table as a source ──────────────────────────────────────────────────────────────────────────────────────────────


def compared(address: str, folder: Path, segments: int = 1) -> Counter[Class]:
    export = exports.full(folder / "export", [item(number) for number in range(100)])
    table = TableSource(aws_at(address), REGION, "T", segments)
    return Counter(compare(ExportSource(export), table, Policy(), out=folder / "out").counts)


@pytest.mark.parametrize("segments", [1, 3])
def test_a_table_should_be_compared_with_an_export_whatever_its_segments(segments: int, tmp_path: Path) -> None:
    live = [item(number, Tags={"SS": ["b", "a"]}) for number in range(1, 99)] + [item(99, N={"N": "2"}), item(100)]
    table = Pages([pages(body(live[segment::segments]), 7) for segment in range(segments)])
    with serving(table) as address:
        counts = compared(address, tmp_path, segments)
    assert +counts == {Class.UNCHANGED: 98, Class.LEGIT: 1, Class.DELETED: 1, Class.ADDED: 1}
    assert {each.get("TotalSegments") for name, each in table.seen if name == "Scan"} == {
        segments if segments > 1 else None
    }


def test_a_table_whose_attributes_come_in_another_order_should_not_be_looked_at_item_by_item(tmp_path: Path) -> None:
    export = exports.full(tmp_path / "export", [item(number) for number in range(20)])
    turned = [dict(reversed(item(number).items())) for number in range(20)]
    said: list[str] = []
    with serving(Pages([pages(body(turned), 7)])) as address:
        table = TableSource(aws_at(address), REGION, "T")
        report = compare(
            ExportSource(export), table, Policy(), out=tmp_path / "out", progress=lambda doing, *_: said.append(doing)
        )
    assert report.counts[Class.UNCHANGED] == 20
    assert "looking at what differs" not in said


def test_an_item_that_is_scanned_twice_should_fail_the_comparison(tmp_path: Path) -> None:
    table = Pages([pages(body([item(1), item(2), item(1)]), 2)])
    with serving(table) as address, pytest.raises(BadInput, match=r"T: expected each key once, seen twice: .*U1"):
        compared(address, tmp_path)


@pytest.mark.parametrize("segments", [1, 3])
def test_a_table_deleted_meanwhile_should_be_said_and_not_be_a_short_table(segments: int, tmp_path: Path) -> None:
    def gone(operation: str, count: int) -> Answer | None:
        return refused("ResourceNotFoundException") if operation == "Scan" and count >= 2 else None

    table = Pages([pages(body([item(number) for number in range(100)]), 7)] * segments, before=gone)
    with serving(table) as address, pytest.raises(RunnerFailed, match="T: the table was deleted while it was read"):
        compared(address, tmp_path, segments)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_table_made_anew_meanwhile_should_be_noticed(tmp_path: Path) -> None:
    table = Pages([pages(body([item(number) for number in range(100)]), 50)])

    def anew(operation: str, count: int) -> None:
        table.created += operation == "Scan"

    table.before = anew
    with serving(table) as address, pytest.raises(RunnerFailed, match="deleted and made anew"):
        compared(address, tmp_path)


def test_a_page_that_counts_more_than_it_has_should_be_refused(tmp_path: Path) -> None:
    (page,) = pages(body([item(1)]), 1)
    table = Pages([[page.replace(b'"Count":1', b'"Count":2')]])
    with serving(table) as address, pytest.raises(BadInput, match="expected 2 items on a page, seen 1"):
        compared(address, tmp_path)


def test_tables_with_different_keys_should_not_be_compared(tmp_path: Path) -> None:
    with serving(Pages([pages([], 1)])) as one, serving(Pages([pages([], 1)], keys={"pk": "N"})) as other:
        tables = [TableSource(aws_at(address), REGION, "T") for address in (one, other)]
        with pytest.raises(BadInput, match=r"expected the same key on both sides, seen pk \(S\); pk \(N\)"):
            compare(tables[0], tables[1], Policy(), out=tmp_path / "out")


# ── beside moto, which parses what it is sent ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def account() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", REGION)
        for name in ("Restored", "Live"):
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": "sk", "AttributeType": "N"},
                    {"AttributeName": "pk", "AttributeType": "B"},
                ],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            )
        yield client


def test_two_tables_should_be_compared_in_an_account(account: Any, tmp_path: Path) -> None:
    for number in range(30):
        kept = {
            "pk": {"B": bytes([number % 3])},
            "sk": {"N": str(number)},
            "a": {"L": [{"S": 'é\n"x"'}, {"NULL": True}]},
        }
        account.put_item(TableName="Restored", Item=kept)
        account.put_item(TableName="Live", Item=kept | ({"a": {"S": "?"}} if number == 7 else {}))
    aws = Aws(CallGate(lambda *_, **__: None))
    tables = [TableSource(aws, REGION, name) for name in ("Restored", "Live")]
    report = compare(tables[0], tables[1], Policy(), out=tmp_path / "out")
    (only,) = report.differences()
    assert report.counts[Class.UNCHANGED] == 29
    assert equal(only.key, {"pk": {"B": b"\x01"}, "sk": {"N": "7"}})
    with pytest.raises(BadInput, match="Gone: expected a table in us-east-1, found none"):
        compare(tables[0], TableSource(aws, REGION, "Gone"), Policy(), out=tmp_path / "out")


def test_an_export_in_s3_should_be_fetched_and_its_table_be_asked_for_the_key(account: Any, tmp_path: Path) -> None:
    kept = [{"pk": {"B": "AQ=="}, "sk": {"N": str(number)}} for number in range(10)]
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/Live"
    exports.full(tmp_path / "export", kept, per_file=3, tableArn=arn)
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(Bucket="exports")
    for path in (tmp_path / "export").rglob("*.*"):
        if path.is_file():
            s3.put_object(
                Bucket="exports", Key=f"some/prefix/{path.relative_to(tmp_path / 'export')}", Body=path.read_bytes()
            )
    aws = Aws(CallGate(lambda *_, **__: None))
    there = ExportSource("s3://exports/some/prefix/AWSDynamoDB/01700000000000-a1b2c3d4", aws, REGION)
    assert compare(there, there, Policy(), out=tmp_path / "out").counts[Class.UNCHANGED] == 10
    table = TableSource(aws, REGION, "Live")
    assert (
        compare(ExportSource("s3://exports/", aws, REGION), table, Policy(), out=tmp_path / "out").counts[Class.DELETED]
        == 10
    )
    with pytest.raises(BadInput, match=r"expected one export with its manifest-files\.json, seen none"):
        compare(ExportSource("s3://exports/other", aws, REGION), table, Policy(), out=tmp_path / "out")
    s3.delete_object(Bucket="exports", Key=f"some/prefix/AWSDynamoDB/01700000000000-a1b2c3d4/data/{0:020d}.json.gz")
    with pytest.raises(BadInput, match="expected an export in a bucket, found none"):
        compare(there, table, Policy(), out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_export_in_s3_without_an_account_should_be_refused(tmp_path: Path) -> None:
    there = ExportSource("s3://exports/x", key=KeySchema(("pk",)))
    with pytest.raises(BadInput, match="expected an account and a region"):
        compare(there, there, Policy(), out=tmp_path / "out")
