"""`drcore diff` keeps its contract: exit codes, one JSON object, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drcore.cli.app import app
from drcore.diff import ExportSource, TableSource, request
from drcore.errors import BadInput
from tests.support import exports
from tests.support.command import Said
from tests.support.pages_server import Pages, pages, serving

FIELDS = {"counts", "differences", "seconds", "cpu_seconds", "peak_rss_mb", "details", "remarks", "lines"}
CLASSES = {"unchanged", "corrupted", "legit", "conflict", "deleted", "added"}
RULES = ["--recovery-point", "2026-01-05T09:00:00Z", "--modified", "At", "--faulty-writer", "bad", "--writer", "By"]
Item = dict[str, Any]


def item(number: int, **more: Any) -> Item:
    return {"pk": {"S": str(number)}, "At": {"S": "2026-01-04T09:00:00Z"}, "By": {"S": "good"}} | more


def said(*words: str | Path) -> Said:
    result = CliRunner().invoke(app, ["diff", *map(str, words)], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def sides(tmp_path: Path) -> list[Path]:
    restored = [item(number) for number in range(5)]
    live = [item(0, Owner={"S": "x"}), item(1, Owner={"S": "x"}, By={"S": "bad"}, At={"S": "2026-01-06T09:00:00Z"})]
    live += [item(2, Owner={"S": "x"}, At={"S": "2026-01-06T09:00:00Z"}), item(3), item(9)]
    return [exports.full(tmp_path / "a", restored), exports.full(tmp_path / "b", live)]


@pytest.mark.parametrize(("engine", "name"), [("duckdb", "a\\b"), ("spark", "it's"), ("spark", "[1]")])
def test_a_folder_whose_name_duckdb_reads_otherwise_should_be_refused(
    sides: list[Path], tmp_path: Path, engine: str, name: str
) -> None:
    ended = said(*sides, "--key", "pk", "--engine", engine, "--out", tmp_path / name)
    assert ended.exit == 2
    assert "--out: expected a folder whose name has no" in ended.err
    assert not (tmp_path / name).exists()


def test_differences_should_exit_with_1_and_be_told_in_one_json_object(sides: list[Path], tmp_path: Path) -> None:
    ended = said(*sides, "--key", "pk", *RULES, "--out", tmp_path / "out", "--json")
    assert ended.exit == 1
    assert len(ended.out.splitlines()) == 1
    told = ended.json
    assert set(told) == FIELDS
    assert told["counts"] == dict.fromkeys(CLASSES, 0) | {
        "unchanged": 1,
        "corrupted": 2,
        "legit": 1,
        "deleted": 1,
        "added": 1,
    }
    assert (told["differences"], told["details"]) == (5, str(tmp_path / "out"))
    assert told["seconds"] >= 0
    assert told["peak_rss_mb"] > 10
    assert json.loads((tmp_path / "out" / "report.json").read_bytes()) == told
    for expected in (
        "corrupted",
        "1: changed, last written by bad",
        "0: changed, but At is 2026-01-04T09:00:00Z",
        "Details",
    ):
        assert expected in ended.err


def test_no_difference_should_exit_with_0(sides: list[Path], tmp_path: Path) -> None:
    ended = said(sides[0], sides[0], "--key", "pk", "--out", tmp_path / "out")
    assert ended.exit == 0
    assert "unchanged" in ended.out


WRONG: dict[str, tuple[list[str], str]] = {
    "a naive time": (
        ["--recovery-point", "2026-01-05T09:00:00", "--modified", "At"],
        "--recovery-point: expected a time in UTC, such as 2026-01-05T09:41:12Z, seen '2026-01-05T09:00:00'",
    ),
    "a local time": (
        ["--recovery-point", "2026-01-05T10:00:00+01:00", "--modified", "At"],
        "expected a time in UTC and not in local time, seen '2026-01-05T10:00:00+01:00'; is it 2026-01-05T09:00:00Z?",
    ),
    "no time at all": (["--recovery-point", "noon", "--modified", "At"], "--recovery-point: expected a time in UTC"),
    "a recovery point alone": (
        ["--recovery-point", "2026-01-05T09:00:00Z"],
        "--recovery-point: expected --modified with it",
    ),
    "an attribute alone": (["--modified", "At"], "--modified: expected --recovery-point with it"),
    "a writer alone": (["--faulty-writer", "bad"], "--faulty-writer: expected --writer with it"),
    "no key": ([], "--key pk"),
    "three keys": (
        ["--key", "a", "--key", "b", "--key", "c"],
        "key: expected one or two attribute names, seen a, b, c",
    ),
    "another engine": (["--key", "pk", "--engine", "sqlite"], "engine: expected one of duckdb, spark, seen 'sqlite'"),
    "no segment": (["--key", "pk", "--segments", "0"], "--segments: expected 1 to 1000, seen 0"),
    "a segment for each thread that there can be": (["--segments", "99999999"], "--segments: expected 1 to 1000"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_bad_input_should_exit_with_2_and_say_what_is_wrong(
    words: list[str], message: str, sides: list[Path], tmp_path: Path
) -> None:
    ended = said(*sides, *words, "--out", tmp_path / "out", "--json")
    assert (ended.exit, ended.json["exit"], ended.json["error"]) == (2, 2, "BadInput")
    assert message in ended.json["message"]
    assert message in ended.err


def test_a_world_that_is_no_address_should_be_bad_input(sides: list[Path], tmp_path: Path) -> None:
    ended = said("SyncWellMetadata", sides[0], "--world", "nonsense", "--out", tmp_path / "out")
    assert ended.exit == 2
    assert "--world: expected an address that begins with http:// or https://, seen 'nonsense'" in ended.err


def test_an_empty_name_should_be_bad_input_and_not_the_folder_that_one_stands_in(tmp_path: Path) -> None:
    ended = said("", "SyncWellMetadata", "--out", tmp_path / "out")
    assert ended.exit == 2
    assert "seen an empty name" in ended.err


def test_a_folder_that_is_not_there_should_be_bad_input(tmp_path: Path) -> None:
    ended = said(tmp_path / "none", tmp_path / "none", "--out", tmp_path / "out")
    assert ended.exit == 2
    assert "expected the folder of an export, found none" in ended.err


def test_an_environment_that_there_is_not_should_be_bad_input(tmp_path: Path) -> None:
    ended = said("Restored", "Live", "--environment", "mars", "--out", tmp_path / "out")
    assert ended.exit == 2
    assert "--environment: expected one of production, sandbox, staging, seen 'mars'" in ended.err


def test_a_world_that_does_not_answer_should_exit_with_4_and_never_with_1(tmp_path: Path) -> None:
    ended = said("Restored", "Live", "--world", "http://127.0.0.1:9", "--out", tmp_path / "out", "--json")
    assert (ended.exit, ended.json["error"]) == (4, "RunnerFailed")
    assert "not completed, nothing was concluded" in ended.err


@pytest.mark.parametrize("error", [MemoryError(), OSError("disk full"), ZeroDivisionError("?")])
def test_whatever_breaks_should_exit_with_4_and_never_with_1(
    error: Exception, sides: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(request, "compare", broken)
    ended = said(*sides, "--key", "pk", "--out", tmp_path / "out")
    assert ended.exit == 4
    assert f"not completed, nothing was concluded: {type(error).__name__}" in ended.err


def test_an_out_that_is_a_file_should_be_bad_input_and_stay(sides: list[Path], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    ended = said(*sides, "--key", "pk", "--out", tmp_path / "out")
    assert ended.exit == 2
    assert (tmp_path / "out").read_text() == "mine"


def test_an_account_that_is_not_the_environments_should_be_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drcore.calls.aws.Aws.call", lambda *_, **__: {"Account": "999999999999"})
    ended = said("Restored", "Live", "--out", tmp_path / "out")
    assert ended.exit == 2
    assert "sandbox: expected account 123456789012, seen 999999999999" in ended.err


def test_words_should_be_read_as_what_they_name(sides: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drcore.calls.aws.Aws.call", lambda *_, **__: {"Account": "123456789012"})
    monkeypatch.chdir(sides[0].parents[2])
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/SyncWellMetadata"
    restored, live = request.sources(request.DiffRequest("a", arn, segments=3))
    assert isinstance(restored, ExportSource)
    assert restored.place == Path("a")
    assert isinstance(live, TableSource)
    assert (live.region, live.table, live.segments) == ("us-east-1", "SyncWellMetadata", 3)
    bucket, table = request.sources(request.DiffRequest("s3://b/x", "SyncWellMetadata", region="us-east-1"))
    assert isinstance(bucket, ExportSource)
    assert (bucket.place, bucket.region) == ("s3://b/x", "us-east-1")
    assert isinstance(table, TableSource)
    assert (table.region, table.table) == ("us-east-1", "SyncWellMetadata")
    with pytest.raises(BadInput, match="--region: expected one of"):
        request.sources(request.DiffRequest("T", "T", region="mars"))
    with pytest.raises(BadInput, match="expected the ARN of a table"):
        request.sources(request.DiffRequest("arn:aws:s3:::b", "T"))


def test_a_table_should_be_read_in_its_environment(sides: list[Path], tmp_path: Path) -> None:
    table = Pages([pages([exports.compact(item(number)) for number in range(5)], 2)])
    with serving(table) as address:
        ended = said(sides[0], "SyncWellMetadata", "--world", address, "--out", tmp_path / "out", "--json")
    assert (ended.exit, ended.json["counts"]["unchanged"]) == (0, 5), ended.err
    assert {name for name, _ in table.seen} == {"AssumeRole", "DescribeTable", "Scan", "GetCallerIdentity"}
