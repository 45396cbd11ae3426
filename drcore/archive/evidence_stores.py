"""The archive of what lies in the evidence stores of an environment, of which a region may be away."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from drcore.archive.reader import Worth
from drcore.archive.site import BuiltArchive, RecordToRead, build, kept, signature_of, slug_of
from drcore.archive.stored import StoredRecord, stored_records
from drcore.archive.summary import RunSummary
from drcore.errors import BadInput, Rejected, Unknown
from drcore.parameters import Service

_PREFIX = "records/"  # where a run puts its record


def build_with(
    into: Path,
    records: Sequence[Path],
    service: Service,
    now: datetime,
    *,
    again: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> BuiltArchive:
    """Build the archive of some folders, then of what the evidence stores of an environment have beyond them.

    A record that is here and holds is not fetched. A store that does not answer, or refuses, is named: what was read of
    it before stands as it was. Raises as `build`.
    """
    here = build(into, records, now, again=again, say=say)
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="drcore-archive-") as below:
        known = {} if again else kept(into)
        proven = {
            run.slug for run in kept(into).values() if run.worth is Worth.HOLDS and run.source in map(str, records)
        }
        jobs = [*_fetched(service, known, proven, Path(below), notes, say)]
        there = build(into, records, now, more=jobs, notes=notes, say=say)
    return replace(there, made=here.made + there.made)


def _fetched(
    service: Service,
    known: Mapping[str, RunSummary],
    proven: set[str],
    below: Path,
    notes: list[str],
    say: Callable[[str], None],
) -> Iterator[RecordToRead]:
    taken: set[str] = set()
    away: set[str] = set()
    for region, bucket in service.evidence.buckets.items():
        where = f"s3://{bucket}/{_PREFIX}"
        try:
            stored = stored_records(where, service)
        except BadInput:  # nothing lies there
            continue
        except (Unknown, Rejected) as error:
            away.add(where)
            notes.append(
                f"{where} in {region} cannot be read: records that lie there only are missing, or old. {error}"
            )
            continue
        for record in stored:
            slug = slug_of(record.name)
            before = known.get(slug)
            # A copy in another store is the same record: what was read of one that is away stands.
            if slug in proven or slug in taken or (before and before.source in away):
                continue
            taken.add(slug)
            slug = f"{slug}-stored" if before and not before.source.startswith("s3://") else slug
            signature = signature_of([record.url, *record.keys, *record.tags])
            if slug in known and known[slug].signature == signature:
                continue
            try:
                yield _fetch(record, RecordToRead(below / record.name, where, slug, signature), say)
            except (Unknown, Rejected, BadInput) as error:
                notes.append(f"{record.url} cannot be fetched, and is missing, or old: {error}")


def _fetch(record: StoredRecord, job: RecordToRead, say: Callable[[str], None]) -> RecordToRead:
    say(f"fetching {record.url}")
    job.folder.mkdir()
    record.fetch(job.folder)
    return job
