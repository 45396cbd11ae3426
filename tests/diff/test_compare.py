"""The comparison finds every difference, and calls it what the policy says; what it cannot trust it refuses."""

from __future__ import annotations

import base64
import gzip
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drcore.diff import Class, ExportSource, Policy, Report, compare, judge
from drcore.diff.keys import KeySchema
from drcore.errors import BadInput
from tests.support import exports, plain_diff

POINT = datetime(2026, 1, 5, 9, tzinfo=UTC)
BEFORE, AFTER = "2026-01-04T10:00:00.000000Z", "2026-01-05T10:00:00.000000Z"
GOOD, BAD = "api/2026.01.1", "worker/2026.01.2"
POLICY = Policy(POINT, (BAD,), "UpdatedAt", "Writers")
PK = KeySchema(("pk",))
Item = dict[str, Any]


def item(number: int, **more: Any) -> Item:
    return {
        "pk": {"S": f"USER#{number}"},
        "Owner": {"S": str(number)},
        "Sources": {"SS": ["apple", "garmin"]},
        "UpdatedAt": {"S": BEFORE},
        "Writers": writers(GOOD),
    } | more


def writers(*names: str) -> Item:
    return {"L": [{"S": name} for name in names]}


def compared(
    folder: Path, restored: list[Item], live: list[Item], policy: Policy = POLICY, key: KeySchema = PK, **options: Any
) -> Report:
    a, b = exports.full(folder / "a", restored, per_file=3), exports.full(folder / "b", live, per_file=3)
    return compare(ExportSource(a, key=key), ExportSource(b), policy, out=folder / "out", **options)


def found(report: Report) -> dict[str, tuple[str, str]]:
    told = {next(iter(each.key.values()))["S"]: (str(each.kind), each.reason) for each in report.differences()}
    assert len(told) == report.differs
    return told


# ── classes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

OTHER = {"Owner": {"S": "somebody else"}}
CASES: dict[str, tuple[Item, str, str]] = {
    "written by a faulty writer": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": writers(GOOD, BAD)},
        "corrupted",
        f"changed, last written by {BAD}",
    ),
    "a single writer, and it is faulty": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": {"S": BAD}},
        "corrupted",
        f"changed, last written by {BAD}",
    ),
    "changed, its time untouched": (
        OTHER,
        "corrupted",
        f"changed, but UpdatedAt is {BEFORE}, not after 2026-01-05T09:00:00.000Z",
    ),
    "changed at the recovery point itself": (
        OTHER | {"UpdatedAt": {"S": "2026-01-05T09:00:00Z"}},
        "corrupted",
        "changed, but UpdatedAt is 2026-01-05T09:00:00Z, not after 2026-01-05T09:00:00.000Z",
    ),
    "changed a microsecond after it": (
        OTHER | {"UpdatedAt": {"S": "2026-01-05T09:00:00.000001Z"}},
        "legit",
        f"changed by {GOOD}",
    ),
    "changed after it, in another zone": (
        OTHER | {"UpdatedAt": {"S": "2026-01-05T10:30:00+01:00"}},
        "legit",
        f"changed by {GOOD}",
    ),
    "changed, its time no longer one": (
        OTHER | {"UpdatedAt": {"S": "yesterday"}},
        "corrupted",
        "changed, but UpdatedAt is yesterday, which is no time",
    ),
    "changed, its time without a zone": (
        OTHER | {"UpdatedAt": {"S": "2026-01-05T10:00:00"}},
        "corrupted",
        "changed, but UpdatedAt is 2026-01-05T10:00:00, which is no time",
    ),
    "changed, its time in seconds": (OTHER | {"UpdatedAt": {"N": "1767607201"}}, "legit", f"changed by {GOOD}"),
    "changed, its time in milliseconds": (
        OTHER | {"UpdatedAt": {"N": "1767603600000"}},
        "corrupted",
        "changed, but UpdatedAt is 1767603600000, not after 2026-01-05T09:00:00.000Z",
    ),
    "changed later by somebody else": (OTHER | {"UpdatedAt": {"S": AFTER}}, "legit", f"changed by {GOOD}"),
    "changed on top of a faulty write": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": writers(BAD, GOOD)},
        "conflict",
        f"changed by {GOOD} on top of a write by {BAD}",
    ),
    "a writer whose name only begins alike": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": writers(f"{BAD}1")},
        "legit",
        f"changed by {BAD}1",
    ),
    "the name of a faulty writer in another attribute": (
        {"Owner": {"S": BAD}, "UpdatedAt": {"S": AFTER}},
        "legit",
        f"changed by {GOOD}",
    ),
    "nobody noted": (
        OTHER | {"UpdatedAt": {"S": AFTER}, "Writers": {"L": []}},
        "legit",
        "changed, nothing speaks against it",
    ),
}


def test_each_item_should_get_its_class_and_its_reason(tmp_path: Path) -> None:
    restored = [item(number) for number in range(len(CASES))]
    live = [item(number, **change) for number, (change, _, _) in enumerate(CASES.values())]
    wanted = {f"USER#{number}": (kind, reason) for number, (_, kind, reason) in enumerate(CASES.values())}
    assert found(compared(tmp_path, restored, live)) == wanted
    for old, new, (kind, reason) in zip(restored, live, wanted.values(), strict=True):
        assert judge(old, new, POLICY) == (kind, reason)


def test_the_time_missing_altogether_should_be_corruption(tmp_path: Path) -> None:
    live = item(1, **OTHER)
    del live["UpdatedAt"]
    assert found(compared(tmp_path, [item(1)], [live])) == {
        "USER#1": ("corrupted", "changed, but UpdatedAt is missing, which is no time")
    }


def test_deleted_and_added_should_say_who_wrote(tmp_path: Path) -> None:
    report = compared(tmp_path, [item(1), item(2)], [item(2), item(3), item(4, Writers=writers(BAD))])
    assert found(report) == {
        "USER#1": ("deleted", "in the restored state, not in the live one"),
        "USER#3": ("added", f"only in the live state, written by {GOOD}"),
        "USER#4": ("added", f"only in the live state, last written by {BAD}"),
    }
    assert report.counts == dict.fromkeys(Class, 0) | {Class.UNCHANGED: 1, Class.DELETED: 1, Class.ADDED: 2}
    images = {each.kind: (each.restored, each.live) for each in report.differences(Class.DELETED)}
    assert images == {Class.DELETED: (item(1), None)}


def test_an_escaped_name_of_a_writer_should_be_found(tmp_path: Path) -> None:
    r"""JSON may write `/` as `\/`, and any letter as \\u….."""
    changed = item(1, Owner={"S": "x"}, UpdatedAt={"S": AFTER}, Writers=writers(BAD))
    line = exports.compact({"Item": changed}).replace(b"worker/", rb"w\u006frker\/")
    a, b = exports.full(tmp_path / "a", [item(1)]), exports.write(tmp_path / "b", [line])
    report = compare(ExportSource(a, key=PK), ExportSource(b), POLICY, out=tmp_path / "out")
    assert report.counts[Class.CORRUPTED] == 1


def test_without_rules_every_change_should_be_legit(tmp_path: Path) -> None:
    assert compared(tmp_path, [item(1)], [item(1, **OTHER)], Policy()).counts[Class.LEGIT] == 1


def test_a_naive_recovery_point_should_be_refused() -> None:
    with pytest.raises(BadInput, match="expected a time with a zone"):
        Policy(datetime(2026, 1, 5, 9), (), "UpdatedAt", "")  # noqa: DTZ001


# ── what only looks different, or alike ──────────────────────────────────────────────────────────────────────────────


def test_what_only_looks_different_should_be_unchanged(tmp_path: Path) -> None:
    old = item(1, Number={"N": "50"}, Data={"BS": ["AAE=", "/w=="]})
    new = dict(reversed(old.items())) | {
        "Sources": {"SS": ["garmin", "apple"]},
        "Number": {"N": "5E+1"},
        "Data": {"BS": ["/w==", "AAE="]},
    }
    report = compared(tmp_path, [old], [new])
    assert report.counts[Class.UNCHANGED] == 1
    assert list(report.differences()) == []


def test_the_key_of_a_nested_map_should_not_be_taken_for_the_items(tmp_path: Path) -> None:
    """A search for `"pk":{"S":"` would find the nested one first."""
    restored, live = (
        [{"Meta": {"M": {"pk": {"S": "same"}}}} | item(number, **more) for number in (1, 2)] for more in ({}, OTHER)
    )
    assert set(found(compared(tmp_path, restored, live))) == {"USER#1", "USER#2"}


def test_files_should_not_be_aligned_with_each_other(tmp_path: Path) -> None:
    restored = [item(number) for number in range(20)]
    assert compared(tmp_path, restored, restored[::-1]).differs == 0


def test_empty_sides_should_be_compared_too(tmp_path: Path) -> None:
    assert compared(tmp_path / "1", [], []).differs == 0
    assert compared(tmp_path / "2", [], [item(1)]).counts[Class.ADDED] == 1
    assert compared(tmp_path / "3", [item(1)], []).counts[Class.DELETED] == 1


@pytest.mark.parametrize(
    ("names", "keys", "respelled"),
    [
        (("pk",), [{"pk": {"S": "1"}}, {"pk": {"S": "1.0"}}, {"pk": {"S": "é"}}], []),
        (("pk",), [{"pk": {"N": "50"}}, {"pk": {"N": "5"}}], [{"pk": {"N": "5E+1"}}, {"pk": {"N": "5.0"}}]),
        (("pk",), [{"pk": {"B": "AAE="}}, {"pk": {"B": "AAEC"}}], []),
        (("pk", "sk"), [{"pk": {"S": "a"}, "sk": {"S": "bc"}}, {"pk": {"S": "ab"}, "sk": {"S": "c"}}], []),
        (
            ("pk", "sk"),
            [{"pk": {"S": "a"}, "sk": {"N": "1"}}, {"pk": {"S": "a"}, "sk": {"N": "-1"}}],
            [{"pk": {"S": "a"}, "sk": {"N": "1.0"}}, {"pk": {"S": "a"}, "sk": {"N": "-1E0"}}],
        ),
        (("pk", "sk"), [{"pk": {"B": "AAE="}, "sk": {"B": "AA=="}}, {"pk": {"B": "AA=="}, "sk": {"B": "AQA="}}], []),
        (("pk", "sk"), [{"pk": {"N": "1"}, "sk": {"S": "2"}}, {"pk": {"N": "12"}, "sk": {"S": ""}}], []),
    ],
)
def test_keys_of_all_types_should_find_their_items(
    names: tuple[str, ...], keys: list[Item], respelled: list[Item], tmp_path: Path
) -> None:
    restored = [key | {"a": {"N": str(number)}} for number, key in enumerate(keys)]
    same = [key | {"a": {"N": str(number)}} for number, key in enumerate(respelled or keys)]
    assert compared(tmp_path / "same", restored, same[::-1], key=KeySchema(names)).counts[Class.UNCHANGED] == len(keys)
    one = compared(tmp_path / "one", restored, [same[0] | {"a": {"N": "9"}}, *same[1:]], key=KeySchema(names))
    assert [each.restored for each in one.differences()] == [restored[0]]


# ── incremental exports ──────────────────────────────────────────────────────────────────────────────────────────────


def key(number: int) -> Item:
    return {"pk": {"S": f"USER#{number}"}}


@pytest.fixture
def window(tmp_path: Path) -> ExportSource:
    """1 was corrupted, 2 deleted, 3 added, 4 written without a change, 5 came and went."""
    bad = item(1, **OTHER, Writers=writers(BAD))
    rows = [(key(1), item(1), bad), (key(2), item(2), None), (key(3), None, item(3)), (key(4), item(4), item(4))]
    return ExportSource(exports.incremental(tmp_path / "window", [*rows, (key(5), None, None)]))


def test_an_incremental_export_with_itself_should_tell_what_happened_in_its_window(
    window: ExportSource, tmp_path: Path
) -> None:
    report = compare(window, window, POLICY, out=tmp_path / "out")
    assert {name: kind for name, (kind, _) in found(report).items()} == {
        "USER#1": "corrupted",
        "USER#2": "deleted",
        "USER#3": "added",
    }
    assert report.counts[Class.UNCHANGED] == 1


def test_what_an_incremental_export_did_not_touch_should_be_unchanged(window: ExportSource, tmp_path: Path) -> None:
    """As the live side it is the state after its window, as the restored side the state before it."""
    before = ExportSource(exports.full(tmp_path / "before", [item(number) for number in (1, 2, 4, 6, 7)]))
    report = compare(before, window, POLICY, out=tmp_path / "out")
    assert {name: kind for name, (kind, _) in found(report).items()} == {
        "USER#1": "corrupted",
        "USER#2": "deleted",
        "USER#3": "added",
    }
    assert report.counts[Class.UNCHANGED] == 3
    after = [item(1, **OTHER, Writers=writers(BAD)), item(3), item(4), item(6), item(8)]
    report = compare(window, ExportSource(exports.full(tmp_path / "after", after)), POLICY, out=tmp_path / "out")
    assert {name: kind for name, (kind, _) in found(report).items()} == {
        "USER#1": "corrupted",
        "USER#2": "deleted",
        "USER#3": "added",
    }
    assert report.counts[Class.UNCHANGED] == 3


def test_two_different_windows_should_be_refused_rather_than_guessed_at(window: ExportSource, tmp_path: Path) -> None:
    other = ExportSource(exports.incremental(tmp_path / "other", [(key(1), item(1), item(1)), (key(9), None, item(9))]))
    with pytest.raises(BadInput, match="5 keys are in one of the two incremental exports only"):
        compare(window, other, POLICY, out=tmp_path / "out")


def test_an_export_of_new_images_only_should_not_pass_for_the_state_before(tmp_path: Path) -> None:
    rows = [(key(1), None, item(1))]
    new = ExportSource(exports.incremental(tmp_path / "new", rows, outputView="NEW_IMAGE"))
    with pytest.raises(BadInput, match="expected old images too"):
        compare(new, new, POLICY, out=tmp_path / "out")


# ── what cannot be trusted ───────────────────────────────────────────────────────────────────────────────────────────


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


def test_a_key_that_both_sides_have_twice_should_be_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected each key once, seen twice"):
        compared(tmp_path, [item(1), item(2), item(1)], [item(1), item(1), item(2)])


def test_key_schemas_that_differ_should_be_refused(tmp_path: Path) -> None:
    a = exports.full(tmp_path / "a", [{"pk": {"S": "1"}}])
    b = exports.full(tmp_path / "b", [{"pk": {"N": "1"}}])
    with pytest.raises(BadInput, match=r"expected an item with the key pk \(S\)"):
        compare(ExportSource(a, key=PK), ExportSource(b), POLICY, out=tmp_path / "out")
    with pytest.raises(BadInput, match="expected the same key on both sides, seen pk; id"):
        compare(ExportSource(a, key=PK), ExportSource(b, key=KeySchema(("id",))), POLICY, out=tmp_path / "out")
    with pytest.raises(BadInput, match="--key pk"):
        compare(ExportSource(a), ExportSource(b), POLICY, out=tmp_path / "out")


def test_several_exports_in_a_folder_should_be_named_and_not_mixed(tmp_path: Path) -> None:
    exports.full(tmp_path / "a", [item(1)])
    exports.full(tmp_path / "b", [item(1)])
    with pytest.raises(BadInput, match=r"expected one export .*, seen 2 exports"):
        compare(ExportSource(tmp_path, key=PK), ExportSource(tmp_path), POLICY, out=tmp_path / "out")


# ── against the plain comparison ─────────────────────────────────────────────────────────────────────────────────────


def test_100000_generated_items_should_be_classed_as_the_plain_comparison_does(tmp_path: Path) -> None:
    names = ("pk", "sk")
    restored, live = generated(100_000)
    wanted = plain_diff.classes(restored, live, names, POINT, {BAD})
    a = exports.full(tmp_path / "a", restored, per_file=30_000)
    b = exports.full(tmp_path / "b", live, per_file=17_000)
    report = compare(ExportSource(a, key=KeySchema(names)), ExportSource(b), POLICY, out=tmp_path / "out")
    told = {plain_diff.key_of(each.key, names): str(each.kind) for each in report.differences()}
    assert told == {each: kind for each, kind in wanted.items() if kind != "unchanged"}
    assert {str(kind): count for kind, count in report.counts.items() if count} == Counter(wanted.values())
    assert len(set(wanted.values())) == 6, "every class is there"


def generated(count: int) -> tuple[list[Item], list[Item]]:
    chance = random.Random(20260105)  # noqa: S311
    pool = [value(chance, 2) for _ in range(1000)]  # to choose from is ten times quicker than to make
    restored = [thing(number, chance, pool) for number in range(count)]
    live = [each for each in (changed(each, chance, pool) for each in restored) if each]
    live += [thing(number, chance, pool) for number in range(count, count + count // 500)]
    chance.shuffle(live)
    return restored, live


def thing(number: int, chance: random.Random, pool: list[Item]) -> Item:
    return {
        "pk": {"S": f"USER#{number // 3}"},
        "sk": {"N": str(number % 3 * 10)},
        "UpdatedAt": {"S": BEFORE},
        "Writers": writers(GOOD),
        chance.choice("abcdef"): chance.choice(pool),
        chance.choice("abcdef"): chance.choice(pool),
    }


def value(chance: random.Random, depth: int) -> Item:
    kind = chance.choice(["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + ["M", "L"] * (depth > 0))
    texts = chance.sample(["", "1", "é", 'a"b', "x/y", "\\"], 2)
    match kind:
        case "S":
            return {"S": texts[0]}
        case "N":
            return {"N": chance.choice(["0", "1", "50", "-0.5", "1234567890123456789012345678901234567.8"])}
        case "B":
            return {"B": base64.b64encode(texts[0].encode()).decode()}
        case "BOOL":
            return {"BOOL": chance.random() < 0.5}
        case "NULL":
            return {"NULL": True}
        case "NS":
            return {"NS": chance.sample(["0", "1", "50", "-0.5"], 2)}
        case "BS":
            return {"BS": [base64.b64encode(text.encode()).decode() for text in texts]}
        case "M":
            return {"M": {text: value(chance, depth - 1) for text in texts}}
        case "L":
            return {"L": [value(chance, depth - 1) for _ in texts]}
    return {"SS": texts}


def changed(old: Item, chance: random.Random, pool: list[Item]) -> Item | None:
    turn = chance.random()
    if turn < 0.7:
        return old
    if turn < 0.8:  # the same in another form and order
        names = chance.sample(list(old), len(old))
        return {name: otherwise(old[name]) for name in names}
    if turn < 0.81:
        return None
    new = old | {chance.choice("abcdef"): chance.choice(pool)}  # may be the same by chance
    new["UpdatedAt"] = {"S": chance.choice([BEFORE, AFTER, AFTER, AFTER, "2026-01-05T12:00:00", "?"])}
    new["Writers"] = writers(*chance.choice([(GOOD,), (GOOD, BAD), (BAD, GOOD), (BAD, GOOD, GOOD), ()]))
    return (
        new
        if chance.random() < 0.8
        else old | {name: new[name] for name in new if name not in ("UpdatedAt", "Writers")}
    )


def otherwise(old: Mapping[str, Any]) -> Item:
    ((kind, content),) = old.items()
    match kind:
        case "N":
            return {"N": f"{content}E0"}
        case "NS" | "SS" | "BS":
            return {kind: content[::-1]}
        case "M":
            return {"M": {name: otherwise(content[name]) for name in reversed(content)}}
    return dict(old)


# ── and besides ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_progress_should_say_what_is_done_how_far_and_of_how_many(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    compared(tmp_path, [item(n) for n in range(7)], [item(1, **OTHER)], progress=lambda *told: seen.append(told))
    assert [(doing.split()[0], done, total) for doing, done, total in seen[-3:]] == [
        ("reading", 1, 1),
        ("comparing", 0, None),
        ("looking", 7, 7),
    ]
    assert (seen[0][1], seen[0][2]) == (3, 7)


def test_a_plan_that_only_names_the_comparison_should_not_import_what_it_needs() -> None:
    code = "import sys, drcore.diff, drcore.diff.in_place_repair, drcore.diff.sample, drcore.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"duckdb", "numpy", "simdjson", "orjson", "isal", "xxhash", "pyspark"} & set(loaded) == set()
