"""Putting a record where nobody can change it: the evidence store, under Object Lock.

The folder on this machine is the spool: it stays, and `archived.json` in it says where the copy lies. The copy's
manifest is the anchor outside that shows whether the folder was rewritten as a whole.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.clock import WallClock
from drcore.parameters import Service
from drcore.record.files import MANIFEST, RECEIPT, write_atomically
from drcore.services import s3


def archive(folder: Path, service: Service) -> str:
    """Copy a sealed record into the evidence store of the runner's region. Returns where it lies.

    The intent stands in the journal already ("archiving"). Raises Rejected, Unknown; what was copied until then stays.
    """
    region = service.runner_region
    bucket = service.evidence.buckets[region]
    calls = CallGate(lambda *_, **__: None)  # the record is sealed: its receipt takes the place of journal lines
    aws = Aws(calls, endpoint=service.endpoint, role=service.role, run_id=folder.name)
    until = WallClock().now() + timedelta(days=service.evidence.retain_days)
    names = sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".") and path.name != RECEIPT
    )
    names.sort(key=lambda path: path.name == MANIFEST)  # last: a manifest in the archive means that all is there
    versions = {}
    with calls.during(Writes.ALLOWED):
        for path in names:
            key = f"records/{folder.name}/{path.relative_to(folder).as_posix()}"
            versions[key] = s3.put_locked(aws, region, bucket, key, path.read_bytes(), until)
    receipt = {"bucket": bucket, "region": region, "versions": versions}
    write_atomically(folder / RECEIPT, (json.dumps(receipt, indent=1, sort_keys=True) + "\n").encode())
    return f"s3://{bucket}/records/{folder.name}/"


def archived_at(folder: Path) -> str:
    """Where a record's copy lies; empty while it lies here only."""
    try:
        receipt = json.loads((folder / RECEIPT).read_bytes())
    except (OSError, ValueError):
        return ""
    manifest = next((key for key in receipt["versions"] if key.count("/") == 2 and key.endswith(f"/{MANIFEST}")), "")
    return f"s3://{receipt['bucket']}/{manifest.removesuffix(MANIFEST)}" if manifest else ""
