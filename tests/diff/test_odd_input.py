"""Whatever is odd is named with its place, or classed and counted; it never ends a comparison by chance."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.cli.differences import show_differences
from drcore.diff import Class, ExportSource, Policy, TableSource, changes, compare, request
from drcore.diff.in_place_repair import write_for
from drcore.diff.keys import KeySchema
from drcore.diff.policy import micros_of_number, micros_of_text
from drcore.diff.report import Difference
from drcore.errors import BadInput, Rejected, Unknown
from tests.diff.test_export import files, relist, rewrite
from tests.diff.test_table import REGION, aws_at, body
from tests.support import exports
from tests.support.diff_cases import OTHER, PK, POINT, POLICY, compared, item
from tests.support.pages_server import Pages, pages, serving

SOURCES = b'{"SS":["apple","garmin"]}'
EIGHT = 1_767_600_000_000_000  # 2026-01-05T08:00:00Z


@pytest.mark.parametrize("form", ["1767600000", "1767600000000", "1767600000000000", "1767600000000000000", "1.7676E9"])
def test_a_number_should_be_a_time_in_whatever_unit_it_is(form: str) -> None:
    assert micros_of_number(form) == EIGHT


@pytest.mark.parametrize("form", ["9.9E125", "-1", "-1767600000", "NaN", "Infinity", "1E400", "x", ""])
def test_a_number_that_is_no_time_should_be_none(form: str) -> None:
    assert micros_of_number(form) is None


def test_the_last_digit_of_a_number_should_not_be_lost() -> None:
    assert micros_of_number("1767600000.000001") == EIGHT + 1


@pytest.mark.parametrize(
    "form",
    [
        *("2026-01-05t08:00:00z", "2026-01-05T08:00:00Z", "2026-01-05 08:00:00z", "2026-01-05T09:00:00.000+01:00"),
        *("2026-01-05T07:59:60Z", "20260105T080000Z", "1767600000", "1767600000000"),
    ],
)
def test_every_form_of_a_time_that_the_standards_allow_should_be_read(form: str) -> None:
    assert micros_of_text(form) == EIGHT


@pytest.mark.parametrize("form", ["yesterday", "2026-01-05T08:00:00", "", "12", "2026-13-05T08:00:00Z", "9" * 400])
def test_a_text_that_is_no_time_should_be_none(form: str) -> None:
    assert micros_of_text(form) is None


@pytest.mark.parametrize(
    "value", [{"N": "9.9E125"}, {"N": "-9E125"}, {"S": "?"}, {"M": {}}, {"NULL": True}, {"N": "x"}]
)
def test_one_odd_time_should_end_nothing(value: dict[str, Any], tmp_path: Path) -> None:
    odd = item(2, UpdatedAt=value)
    report = compared(tmp_path, [item(1), odd, item(3)], [item(1, **OTHER), odd, item(3, **OTHER, UpdatedAt=value)])
    assert +Counter(report.counts) == {Class.UNCHANGED: 1, Class.CORRUPTED: 2}


def test_a_time_after_now_should_not_be_believed(tmp_path: Path) -> None:
    now = datetime(2026, 1, 5, 10, tzinfo=UTC)
    policy = Policy(POINT, (), "UpdatedAt", now=now)
    times = (now + timedelta(minutes=1), now + timedelta(days=1))
    live = [item(number, **OTHER, UpdatedAt={"S": time.isoformat()}) for number, time in enumerate(times)]
    kinds = {each.key["pk"]["S"]: each for each in compared(tmp_path, [item(0), item(1)], live, policy).differences()}
    assert (kinds["USER#0"].kind, kinds["USER#1"].kind) == (Class.LEGIT, Class.CORRUPTED)
    assert "which is later than 2026-01-05T10:00:00.000Z, when it was read" in kinds["USER#1"].reason


def test_what_dynamodb_writes_itself_should_be_nobodys_data(tmp_path: Path) -> None:
    old = item(1, **{"aws:rep:updatetime": {"N": "1.1"}, "aws:rep:deleting": {"BOOL": False}})
    new = item(1, **{"aws:rep:updatetime": {"N": "2.1"}})
    assert compared(tmp_path / "same", [old], [new]).counts[Class.UNCHANGED] == 1
    assert compared(tmp_path / "other", [old], [new | OTHER]).counts[Class.CORRUPTED] == 1
    assert [change.path for change in changes(old, new | OTHER)] == ["Owner"]
    for kind, live in ((Class.CORRUPTED, new | OTHER), (Class.DELETED, None)):
        write = write_for(Difference(kind, {"pk": old["pk"]}, "", old, live))
        assert "aws:rep" not in str(write)


# ── what lies in files ───────────────────────────────────────────────────────────────────────────────────────────────


def lists(**change: Any) -> Callable[[Path], None]:
    return lambda base: relist(base, **change)


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a name of a file that is a number": (
        lists(dataFileS3Key=5),
        r"manifest-files\.json: line 2: dataFileS3Key: expected a text, seen 5",
    ),
    "a name that no file can have": (lists(dataFileS3Key="x" * 300), "expected the data file x"),
    "a checksum that is a number": (
        lambda base: second(base, md5Checksum=5),
        "line 2: md5Checksum: expected a text, seen 5",
    ),
    "a count that is a text": (lists(itemCount="3"), "line 2: itemCount: expected 0 or more, seen '3'"),
    "a count that is true": (lists(itemCount=True), "line 2: itemCount: expected 0 or more, seen True"),
    "a byte order mark": (
        lambda base: rewrite(base, lambda data: b"\xef\xbb\xbf" + data),
        r"00001\.json\.gz: line 1: expected one JSON object, seen a byte order mark before it",
    ),
    "a value that is none": (
        lambda base: rewrite(base, lambda data: data.replace(SOURCES, b'{"L":["x"]}', 1)),
        r"00001\.json\.gz: line 1 beside .*00001\.json\.gz: line 1: the item .*USER#3.*expected a value with its",
    ),
    "an item without its key": (
        lambda base: rewrite(base, lambda data: data.replace(b'"pk":{"S":"USER#4"},', b"")),
        r"00001\.json\.gz: line 2: expected an item with the key pk",
    ),
}


def second(base: Path, **change: object) -> None:
    """Change the second line of the list of files, and nothing else."""
    path = base / "manifest-files.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1] |= change
    path.write_bytes(b"".join(exports.compact(line) + b"\n" for line in lines))
    (base / "manifest-files.checksum").write_text(exports.md5(path))


@pytest.mark.parametrize(("spoil", "message"), ODD.values(), ids=ODD)
def test_odd_files_should_be_bad_input_with_their_place(
    spoil: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    bases = [exports.full(tmp_path / name, [item(n) for n in range(9)], per_file=3) for name in ("a", "b")]
    spoil(bases[1])
    with pytest.raises(BadInput, match=message):
        compare(ExportSource(bases[0], key=PK), ExportSource(bases[1]), POLICY, out=tmp_path / "out")


def test_a_prefix_may_hold_what_ends_a_line_elsewhere(tmp_path: Path) -> None:
    base = exports.full(tmp_path / "a", [item(n) for n in range(6)], per_file=3)
    name = f"a\u2028b\u0085c\x0c/AWSDynamoDB/{base.name}/data/{files(base)[1].name}"
    relist(base, dataFileS3Key=name)
    assert compare(ExportSource(base, key=PK), ExportSource(base), POLICY, out=tmp_path / "out").differs == 0


def test_keys_that_are_not_those_of_their_image_should_be_named(tmp_path: Path) -> None:
    rows = [({"pk": {"S": "a"}}, {"pk": {"S": "a"}}, {"pk": {"S": "c"}})]
    side = ExportSource(exports.incremental(tmp_path / "a", rows))
    with pytest.raises(BadInput, match=r"0\.json\.gz: line 1: expected the Keys to be those of the image"):
        compare(side, side, POLICY, out=tmp_path / "out")


def test_a_span_in_which_nothing_changed_should_need_no_key(tmp_path: Path) -> None:
    nothing = ExportSource(exports.incremental(tmp_path / "a", []))
    whole = ExportSource(exports.full(tmp_path / "b", [item(1), item(2)]))
    assert sum(compare(nothing, nothing, POLICY, out=tmp_path / "out").counts.values()) == 0
    assert +Counter(compare(whole, nothing, POLICY, out=tmp_path / "out").counts) == {Class.UNCHANGED: 2}
    empty = ExportSource(exports.full(tmp_path / "c", []))
    with pytest.raises(BadInput, match="--key pk"):
        compare(whole, empty, POLICY, out=tmp_path / "out")


def test_a_manifest_may_be_named_in_place_of_its_folder(tmp_path: Path) -> None:
    base = exports.full(tmp_path / "a", [item(1)])
    one, other = (ExportSource(base / f"manifest-{name}.json", key=PK) for name in ("summary", "files"))
    assert compare(one, other, POLICY, out=tmp_path / "out").counts[Class.UNCHANGED] == 1


# ── what is asked of AWS ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_exported_table_should_only_be_asked_for_its_key_where_nobody_else_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lie in the region that has failed."""
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Away"
    base = exports.full(tmp_path / "a", [{"pk": {"S": "1"}}], tableArn=arn)
    asked: list[str] = []
    call = Aws.call

    def away(self: Aws, service: str, region: str, operation: str, /, **more: Any) -> Any:
        asked.append(region)
        if region == "eu-west-1":
            raise Unknown("describe_table in eu-west-1: ServiceUnavailable")
        return call(self, service, region, operation, **more)

    monkeypatch.setattr(Aws, "call", away)
    with serving(Pages([pages(body([{"pk": {"S": "1"}}]), 1)])) as address:
        aws = aws_at(address)
        export = ExportSource(base, aws, REGION)
        assert compare(export, TableSource(aws, REGION, "T"), Policy(), out=tmp_path / "out").differs == 0
    assert "eu-west-1" not in asked
    with pytest.raises(BadInput, match="--key pk"):
        compare(export, ExportSource(exports.full(tmp_path / "b", [])), Policy(), out=tmp_path / "out")
    assert asked[-1] == "eu-west-1"


@pytest.mark.parametrize("code", ["NoSuchBucket", "InvalidBucketName", "ParamValidationError"])
def test_a_bucket_that_there_is_not_should_be_bad_input(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise Rejected(f"s3 list_objects_v2 in us-east-1: {code}", code)

    monkeypatch.setattr(Aws, "pages", none)
    side = ExportSource("s3://no-such-bucket-x/full", aws_at("http://127.0.0.1:9"), REGION, PK)
    with pytest.raises(BadInput, match=f"s3://no-such-bucket-x/full: expected an export in a bucket, .*{code}"):
        compare(side, side, Policy(), out=tmp_path / "out")


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("arn:aws:dynamodb:us-west-2:999999999999:table/T", "expected an ARN of account 123456789012"),
        ("arn:aws-cn:dynamodb:us-west-2:123456789012:table/T", "seen 123456789012 in aws-cn"),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/T", "expected an ARN in us-east-1 or us-west-2"),
        ("arn:aws:dynamodb:us-west-2:123456789012:table/T/stream/2026", "expected the ARN of a table"),
        ("arn:aws:dynamodb:us-west-2:123456789012:table/T/index/I", "expected the ARN of a table"),
    ],
)
def test_an_arn_should_be_used_whole(arn: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = {"Account": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/r/s"}
    monkeypatch.setattr(Aws, "call", lambda *_, **__: identity)
    for words in ((arn, "T"), ("T", arn)):
        with pytest.raises(BadInput, match=message):
            request.sources(request.DiffRequest(*words))


# ── what reaches a terminal ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_an_item_holds_should_be_seen_by_a_terminal_and_not_obeyed(tmp_path: Path) -> None:
    acts = "a\x1b[2J\x1b]0;owned\x07\r\nCORRUPTED: 0\u202e\x9b2J"
    old, new = ({"pk": {"S": acts}, "UpdatedAt": {"S": acts}, "v": {"S": value}} for value in "12")
    report = compared(tmp_path, [old], [new], Policy(POINT, (), "UpdatedAt"))
    with (tmp_path / "shown").open("w+", encoding="utf-8", newline="") as stream:
        show_differences(report, stream)
        stream.seek(0)
        shown = stream.read()
    assert "CORRUPTED: 0" in shown
    assert not any(letter in shown for letter in "\x1b\x07\r\u202e\x9b")
    assert not any(line.startswith("CORRUPTED") for line in shown.split("\n"))


def test_gzip_of_several_members_crlf_and_no_last_newline_should_be_equal_items(tmp_path: Path) -> None:
    kept = [item(number) for number in range(9)]
    bases = [exports.full(tmp_path / name, kept, per_file=3) for name in "abcd"]
    rewrite(bases[1], lambda data: data.replace(b"\n", b"\r\n"))
    rewrite(bases[2], lambda data: data.rstrip(b"\n"))
    path = files(bases[3])[1]
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(lines[0]) + gzip.compress(b"".join(lines[1:])))
    relist(bases[3])
    for base in bases[1:]:
        report = compare(ExportSource(bases[0], key=PK), ExportSource(base), POLICY, out=tmp_path / "out")
        assert +Counter(report.counts) == {Class.UNCHANGED: 9}


@pytest.mark.parametrize("link", [False, True], ids=["by its name", "by a link"])
def test_a_data_file_outside_of_the_export_should_not_be_read(link: bool, tmp_path: Path) -> None:
    base = exports.full(tmp_path / "a", [item(n) for n in range(6)], per_file=3)
    path, outside = files(base)[1], tmp_path / "outside.json.gz"
    path.rename(outside)
    if link:
        path.symlink_to(outside)
    else:
        second(base, dataFileS3Key="AWSDynamoDB/../../outside.json.gz")
    with pytest.raises(BadInput, match=r"expected the data file .* found none"):
        compare(ExportSource(base, key=PK), ExportSource(base), POLICY, out=tmp_path / "out")


@pytest.mark.parametrize("deep", [200, 900])
@pytest.mark.parametrize("side", [0, 1])
def test_an_item_with_more_levels_than_dynamodb_has_is_named(tmp_path: Path, deep: int, side: int) -> None:
    lists = b'{"L":[' * deep + b"]}" * deep
    values = [lists, b'{"S":"x"}'][:: 1 if side == 0 else -1]
    places = [
        exports.write(tmp_path / str(number), [b'{"Item":{"pk":{"S":"a"},"v":%b}}' % value])
        for number, value in enumerate(values)
    ]
    one, other = (ExportSource(each, key=KeySchema(("pk",))) for each in places)
    with pytest.raises(BadInput, match=r"json\.gz: line 1"):
        compare(one, other, Policy(), out=tmp_path / "out")


def test_a_version_of_the_manifest_that_is_not_known_is_refused(tmp_path: Path) -> None:
    place = exports.full(tmp_path / "a", [{"pk": {"S": "a"}}], version="2099-01-01")
    with pytest.raises(BadInput, match="expected version 2020-06-30 or 2023-08-01, seen 2099-01-01"):
        compare(ExportSource(place), ExportSource(place), Policy(), out=tmp_path / "out")
