"""An export that cannot be trusted is refused with a reason, and leaves no answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drcore.diff import ExportSource, compare
from drcore.errors import BadInput
from tests.support import exports
from tests.support.diff_cases import (
    PK,
    POLICY,
    item,
)


def files(base: Path) -> list[Path]:
    return sorted((base / "data").glob("*.gz"))


def cut_off(base: Path) -> None:
    path = files(base)[1]
    path.write_bytes(path.read_bytes()[:-30])
    relist(base)


def damaged(base: Path) -> None:
    files(base)[1].write_bytes(b"\x1f\x8b\x08" + bytes(40))
    relist(base)


def relist(base: Path, **change: Any) -> None:
    """Make the manifest fit the files again, but for `change`, which goes into its second line."""
    lines = [json.loads(line) for line in (base / "manifest-files.json").read_text().splitlines()]
    for line, path in zip(lines, files(base), strict=True):
        line["md5Checksum"] = exports.md5(path)
    lines[1] |= change
    (base / "manifest-files.json").write_bytes(b"".join(exports.compact(line) + b"\n" for line in lines))
    (base / "manifest-files.checksum").write_text(exports.md5(base / "manifest-files.json"))


def rewrite(base: Path, change: Callable[[bytes], bytes]) -> None:
    path = files(base)[1]
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))
    relist(base)


def last(data: bytes) -> bytes:
    return data.splitlines()[-1]


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "a gzip that breaks off": (cut_off, "expected a whole gzip file, seen after"),
    "a gzip that is damaged": (
        damaged,
        "expected a whole gzip file",
    ),
    "a file that changed": (lambda base: files(base)[1].write_bytes(gzip.compress(b"")), "the file has changed"),
    "a file that is missing": (lambda base: files(base)[1].unlink(), "expected the data file .* found none"),
    "a line too few": (
        lambda base: rewrite(base, lambda data: data[: -len(last(data)) - 1]),
        "expected 3 items by the manifest, seen 2",
    ),
    "a count that is wrong": (
        lambda base: relist(base, itemCount=4),
        "expected 9 items by manifest-summary.json, seen 10",
    ),
    "a file listed twice": (
        lambda base: relist(
            base, dataFileS3Key="AWSDynamoDB/01700000000000-a1b2c3d4/data/00000000000000000000.json.gz"
        ),
        "expected each file once|expected the checksum",
    ),
    "a manifest that changed": (
        lambda base: (base / "manifest-files.json").write_text("{}\n"),
        "expected the checksum of manifest-files.checksum",
    ),
    "a manifest without its summary": (
        lambda base: (base / "manifest-summary.json").unlink(),
        "manifest-summary.json: expected a manifest, found none",
    ),
    "a folder without a manifest": (lambda base: (base / "manifest-files.json").unlink(), "expected one export"),
    "another format": (lambda base: exports.seal(base, {"itemCount": 9, "outputFormat": "ION"}), "seen ION"),
    "a line that is no JSON": (
        lambda base: rewrite(base, lambda data: data.replace(last(data), b'{"Item":{"pk":{"S":"USER#5"')),
        r"00001\.json\.gz: line 3: expected one JSON object, seen '\{\"Item",
    ),
    "two items on a line, and an empty line": (
        lambda base: rewrite(base, lambda data: data.replace(b"}\n{", b"},{", 1).replace(b"}\n", b"}\n\n", 1)),
        "line 1: expected one JSON object",
    ),
    "a line that is no item": (
        lambda base: rewrite(base, lambda data: data.replace(last(data), b'{"Metadata":{}}')),
        'expected a line {"Item": …}, seen .*Metadata',
    ),
    "an item without its key": (
        lambda base: rewrite(base, lambda data: data.replace(last(data), b'{"Item":{"sk":{"S":"x"}}}')),
        r"expected an item with the key pk \(S\), seen .*sk",
    ),
    "a key of another type": (
        lambda base: rewrite(base, lambda data: data.replace(last(data), b'{"Item":{"pk":{"N":"5"}}}')),
        r"expected an item with the key pk \(S\), seen .*\"N\"",
    ),
    "a key twice": (
        lambda base: rewrite(base, lambda data: data.replace(last(data), exports.compact({"Item": item(1)}))),
        "expected each key once, seen twice: .*USER#1",
    ),
    "a key twice that the other side lacks": (
        lambda base: rewrite(
            base, lambda data: b"".join([exports.compact({"Item": item(77)}) + b"\n"] * 2 + [last(data)])
        ),
        "expected each key once, seen twice: .*USER#77",
    ),
}


@pytest.mark.parametrize("side", [0, 1], ids=["restored", "live"])
@pytest.mark.parametrize(("spoil", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_trusted_should_be_refused_and_leave_no_answer(
    spoil: Callable[[Path], object], message: str, side: int, tmp_path: Path
) -> None:
    bases = [exports.full(tmp_path / name, [item(n) for n in range(9)], per_file=3) for name in ("a", "b")]
    restored, live = (ExportSource(base, key=PK) for base in bases)
    compare(restored, live, POLICY, out=tmp_path / "out")
    spoil(bases[side])
    with pytest.raises(BadInput, match=message):
        compare(restored, live, POLICY, out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_several_exports_in_a_folder_should_be_named_and_not_mixed(tmp_path: Path) -> None:
    exports.full(tmp_path / "a", [item(1)])
    exports.full(tmp_path / "b", [item(1)])
    with pytest.raises(BadInput, match=r"expected one export .*, seen 2 exports"):
        compare(ExportSource(tmp_path, key=PK), ExportSource(tmp_path), POLICY, out=tmp_path / "out")
