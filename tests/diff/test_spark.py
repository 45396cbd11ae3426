"""The same text gives the same answer on Spark."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from drcore.diff import Class, ExportSource, Policy, compare
from drcore.diff.keys import KeySchema
from drcore.diff.spark import HOW
from drcore.errors import BadInput
from tests.support import exports
from tests.support.pairs import FAULTY, POINT, generate

THERE = importlib.util.find_spec("pyspark") is not None
needed = pytest.mark.skipif(not THERE or not shutil.which("java"), reason="no pyspark, or no Java 17: make spark")
POLICY = Policy(POINT, (FAULTY,), "UpdatedAt", "Writers")
KEY = KeySchema(("pk", "sk"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    generate(folder, 5000, seed=3)
    return folder


@needed
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the gateway's own sockets, when it ends
def test_spark_on_two_cores_should_find_what_duckdb_finds(pairs: Path, tmp_path: Path) -> None:
    restored, live = ExportSource(pairs / "restored", key=KEY), ExportSource(pairs / "live")
    ours = compare(restored, live, POLICY, out=tmp_path / "duckdb")
    theirs = compare(restored, live, POLICY, out=tmp_path / "spark", engine="spark")
    assert theirs.counts == ours.counts
    assert ours.counts[Class.CORRUPTED] > 10
    assert sorted(map(str, theirs.differences())) == sorted(map(str, ours.differences()))


@needed
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_cluster_should_be_given_the_rows_where_all_of_it_sees_them(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    key = {"pk": {"S": "new"}, "sk": {"S": "sync"}}
    window = ExportSource(
        exports.incremental(tmp_path / "window", [(key, None, key), (key | {"pk": {"S": "x"}}, None, None)])
    )
    report = compare(
        ExportSource(pairs / "restored"),
        window,
        POLICY,
        out=tmp_path / "spark",
        engine="spark",
        shared=(tmp_path / "shared").as_uri(),
    )
    assert (report.differs, report.counts[Class.ADDED]) == (1, 1)
    assert list((tmp_path / "shared").iterdir()) == [], "nothing is left where the cluster saw it"


@pytest.mark.skipif(THERE, reason="pyspark is there")
def test_without_pyspark_it_should_be_said_how_to_get_it(pairs: Path, tmp_path: Path) -> None:
    side = ExportSource(pairs / "restored", key=KEY)
    with pytest.raises(BadInput, match="make spark"):
        compare(side, side, POLICY, out=tmp_path / "out", engine="spark")
    assert "drcore[spark]" in HOW
