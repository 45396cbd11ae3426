"""Records as they lie in S3: found below an address, fetched one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.errors import BadInput
from drcore.parameters import Service
from drcore.record.files import JOURNAL, MANIFEST, PARAMETERS
from drcore.services import s3

_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record in a bucket: the start of its keys, which ends with a slash, and all of them.

    `tags` are those of what the keys hold: they change where anything does.
    """

    aws: Aws
    region: str
    bucket: str
    start: str
    keys: tuple[str, ...]
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The run's id, by the name of its folder."""
        return self.start.rstrip("/").rpartition("/")[2] or self.bucket

    @property
    def url(self) -> str:
        """Where it lies."""
        return f"s3://{self.bucket}/{self.start}"

    def fetch(self, folder: Path) -> None:
        """Write its files into a folder that is made for it. Raises Rejected, Unknown; BadInput for a key that is none.

        The newest version of each object is what is fetched.
        """
        for key in self.keys:
            name = key.removeprefix(self.start)
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise BadInput(f"s3://{self.bucket}/{key}: expected a file of a record, seen a way out of its folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.fetch(self.aws, self.region, self.bucket, key, path)


def stored_records(url: str, service: Service) -> list[StoredRecord]:
    """The records below `s3://BUCKET/PREFIX`, by name, as an environment's role sees them.

    Raises BadInput where there is none, Rejected or Unknown where S3 does not say.
    """
    match = _URL.fullmatch(url)
    if not match:
        raise BadInput(f"RUN: expected s3://BUCKET/PREFIX, seen {url!r}")
    bucket, prefix = match[1], match[2] or ""
    region = next((at for at, name in service.evidence.buckets.items() if name == bucket), service.runner_region)
    aws = Aws(CallGate(lambda *_, **__: None), endpoint=service.endpoint, role=service.role)
    tags = dict(sorted(s3.tagged(aws, region, bucket, prefix)))
    keys = list(tags)
    starts = sorted(
        {
            key.removesuffix(key.rpartition("/")[2])
            for key in keys
            if key.rpartition("/")[2] in (JOURNAL, PARAMETERS, MANIFEST)
        }
    )
    if not starts:
        raise BadInput(f"RUN: expected records below {url}, seen none among {len(keys)} objects")
    return [_record(aws, region, bucket, start, tags) for start in starts]


def _record(aws: Aws, region: str, bucket: str, start: str, tags: Mapping[str, str]) -> StoredRecord:
    keys = tuple(key for key in tags if key.startswith(start) and key != start)
    return StoredRecord(aws, region, bucket, start, keys, tuple(tags[key] for key in keys))
