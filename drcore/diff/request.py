"""From the words of a command line to a comparison."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.clock import WallClock, parse_time
from drcore.diff import manifest
from drcore.diff.compare import compare
from drcore.diff.keys import KeySchema
from drcore.diff.policy import Policy
from drcore.diff.report import Report
from drcore.diff.source import ExportSource, Progress, Source, TableSource
from drcore.engine.prepare import HOME
from drcore.errors import BadInput, DrcoreError, Rejected, RunnerFailed, Unknown
from drcore.parameters import Service, at_world, read

_ARN = "arn:"
_S3 = "s3://"
_MOST_SEGMENTS = 1000
"""Each is a thread with a connection; DynamoDB itself would take a million."""
_TABLE = re.compile(r"table/[A-Za-z0-9_.-]{1,255}")


@dataclass(frozen=True, slots=True)
class DiffRequest:
    """What `drcore diff` was asked for."""

    restored: str
    live: str
    recovery_point: str = ""
    faulty: tuple[str, ...] = ()
    modified: str = ""
    writer: str = ""
    ttl: str = ""
    key: tuple[str, ...] = ()
    engine: str = "duckdb"
    out: Path = Path("diff")
    environment: str = "sandbox"
    world: str = ""
    region: str = ""
    segments: int = 1
    shared: str = ""
    allow_unmatched: bool = False
    jobs: int = 0


def carry_out(order: DiffRequest, progress: Progress | None = None) -> Report:
    """Compare what was asked for. Raises BadInput, or RunnerFailed when it was not completed; nothing else."""
    try:
        rules = policy(order)
        restored, live = sources(order)
        return compare(
            restored,
            live,
            rules,
            out=order.out,
            engine=order.engine,
            shared=order.shared,
            allow_unmatched=order.allow_unmatched,
            jobs=order.jobs,
            progress=progress,
        )
    except (Unknown, Rejected) as error:
        raise RunnerFailed(f"not completed, nothing was concluded: {error}") from error
    except DrcoreError:
        raise
    except Exception as error:  # whatever it is, its exit code must not be the one that says "differences"
        raise RunnerFailed(f"not completed, nothing was concluded: {type(error).__name__}: {error}") from error


def policy(order: DiffRequest) -> Policy:
    """The policy by its options. Raises BadInput for a time that is naive or local, or half a rule."""
    point = _utc(order.recovery_point) if order.recovery_point else None
    halves = (
        ("--modified", order.modified, "--recovery-point", point),
        ("--recovery-point", point, "--modified", order.modified),
        ("--faulty-writer", order.faulty, "--writer", order.writer),
    )
    for given, value, missing, other in halves:
        if value and not other:
            raise BadInput(f"{given}: expected {missing} with it, as it decides nothing alone")
    return Policy(point, order.faulty, order.modified, order.writer, WallClock().now(), order.ttl)


def sources(order: DiffRequest) -> tuple[Source, Source]:
    """Both sides: a table's name or ARN, the folder of an export, or its s3 URL. Raises BadInput."""
    if not 1 <= order.segments <= _MOST_SEGMENTS:
        raise BadInput(f"--segments: expected 1 to {_MOST_SEGMENTS}, seen {order.segments}")
    if order.jobs < 0:
        raise BadInput(f"--jobs: expected 1 or more, or 0 for one a core, seen {order.jobs}")
    key = KeySchema(order.key) if order.key else None
    words = (order.restored, order.live)
    if "" in words:
        raise BadInput("expected two tables or exports, seen an empty name")
    aws, region = (None, "") if all(map(_is_folder, words)) else _account(order, [_arn(word) for word in words])
    restored, live = (_source(word, key, aws, region, order.segments) for word in words)
    return restored, live


def _source(word: str, key: KeySchema | None, aws: Aws | None, region: str, segments: int) -> Source:
    if _is_folder(word):
        return ExportSource(Path(word), aws, region, key)
    assert aws is not None
    if word.startswith(_S3):
        return ExportSource(word, aws, region, key)
    if arn := _arn(word):
        return TableSource(aws, arn.region, arn.table, segments)
    return TableSource(aws, region, word, segments)


def _is_folder(word: str) -> bool:
    """A word with a slash is a folder, and so is one that names a folder with an export in it."""
    if word.startswith((_S3, _ARN)):
        return False
    path = Path(word)
    if path.name in (manifest.SUMMARY, manifest.FILES) and path.is_file():
        return True
    return "/" in word or (path.is_dir() and next(path.rglob(manifest.FILES), None) is not None)


class _Arn(NamedTuple):
    """The ARN of a table, whole."""

    partition: str
    region: str
    account: str
    table: str


def _arn(word: str) -> _Arn | None:
    if not word.startswith(_ARN):
        return None
    parts = word.split(":")
    if len(parts) != 6 or parts[2] != "dynamodb" or not _TABLE.fullmatch(parts[5]):
        raise BadInput(f"expected the ARN of a table, seen {word}")
    return _Arn(parts[1], parts[3], parts[4], parts[5].removeprefix("table/"))


def _account(order: DiffRequest, arns: list[_Arn | None]) -> tuple[Aws, str]:
    """The account of the environment, after a look at whether it is that one, and that of each ARN."""
    folder = HOME / "parameters"
    known = sorted(path.name for path in folder.iterdir() if (path / "service.yaml").is_file())
    if order.environment not in known:
        raise BadInput(f"--environment: expected one of {', '.join(known)}, seen {order.environment!r}")
    service = read(folder / order.environment / "service.yaml", Service)
    if order.world and not service.world:
        raise BadInput(f"--world: expected none in {order.environment}, which has no world of its own")
    service = at_world(service, order.world.rstrip("/") or None)
    region = order.region or service.runner_region
    if region not in service.regions:
        raise BadInput(f"--region: expected one of {', '.join(service.regions)}, seen {region!r}")
    # Nothing is written to AWS: the gate stays shut, and there is no record that calls could be noted in.
    aws = Aws(CallGate(lambda *_, **__: None), endpoint=service.endpoint, role=service.role, run_id="diff")
    identity = aws.call("sts", region, "get_caller_identity")
    seen = identity["Account"]
    if seen != service.account:
        raise BadInput(f"{order.environment}: expected account {service.account}, seen {seen}. Nothing was read")
    partition = str(identity.get("Arn", "arn:aws:")).split(":")[1]
    for arn in filter(None, arns):
        expected = (partition, service.account)
        if (arn.partition, arn.account) != expected:
            raise BadInput(
                f"table/{arn.table}: expected an ARN of account {service.account} in partition {partition}, "
                f"seen {arn.account} in {arn.partition}. Nothing was read"
            )
        if arn.region not in service.regions:
            raise BadInput(
                f"table/{arn.table}: expected an ARN in {' or '.join(service.regions)}, seen {arn.region}. "
                "Nothing was read"
            )
    return aws, region


def _utc(text: str) -> datetime:
    try:
        moment = parse_time(text)
    except ValueError as error:
        raise BadInput(
            f"--recovery-point: expected a time in UTC, such as 2026-01-05T09:41:12Z, seen {text!r}"
        ) from error
    if datetime.fromisoformat(text).utcoffset() != timedelta(0):
        raise BadInput(
            f"--recovery-point: expected a time in UTC and not in local time, seen {text!r}; "
            f"is it {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}?"
        )
    return moment
