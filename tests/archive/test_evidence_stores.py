"""Records in S3 stand in the archive beside those that are here; a region that is away is told, and loses nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drcore.archive.evidence_stores import build_with
from drcore.archive.site import BuiltArchive
from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.engine.prepare import HOME
from drcore.launcher.world import inject
from drcore.parameters import Service, at_world, read
from drcore.services import s3
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.golden import unpack
from tests.support.loopback import Loopback, on_loopback
from tests.support.many_runs import break_one

pytestmark = pytest.mark.skipif(not EXHAUSTIVE, reason="a sandbox of its own, in a process of its own")
NOW = datetime(2026, 11, 28, tzinfo=UTC)
EAST, WEST = "us-east-1", "us-west-2"


@dataclass
class Stores:
    """A world with evidence stores, the golden record that is put there, an archive."""

    world: Loopback
    golden: Path
    here: Path
    into: Path

    @property
    def service(self) -> Service:
        return at_world(read(HOME / "parameters" / "sandbox" / "service.yaml", Service), self.world.address)

    def put(self, region: str, folder: Path, name: str) -> None:
        """As a run archives its record, in the files that are read."""
        calls = CallGate(lambda *_, **__: None)
        aws = Aws(calls, endpoint=self.service.endpoint, role=self.service.role, run_id="t-1")
        with calls.during(Writes.ALLOWED):
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                key = f"records/{name}/{path.relative_to(folder).as_posix()}"
                until = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=400)
                s3.put_locked(aws, region, self.service.evidence.buckets[region], key, path.read_bytes(), until)

    def build(self) -> BuiltArchive:
        return build_with(self.into, [self.here], self.service, NOW)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    below = tmp_path_factory.mktemp("stores")
    golden = unpack(below, "f-golden-killed") / "f-golden-killed"
    with on_loopback(below / "runs") as world:
        (below / "here").mkdir()
        yield Stores(world, golden, below / "here", below / "archive")


def test_what_lies_in_a_store_should_be_shown_and_a_region_that_is_away_told(stores: Stores, tmp_path: Path) -> None:
    stores.put(EAST, stores.golden, "f-golden-killed")
    stores.put(WEST, stores.golden, "f-other")
    shutil.copytree(stores.golden, stores.here / "f-here")
    break_one(stores.golden, stores.here / "f-other")
    built = stores.build()
    whole = built.runs  # the world's own past drills are among them
    assert (built.made, built.notes) == (whole, ()) and whole >= 4
    text = (stores.into / "runs" / "f-golden-killed" / "index.html").read_text()
    assert "read from s3://syncwell-evidence-us-east-1/records/" in text and "record INCOMPLETE" in text
    assert "f-other-stored" in (stores.into / "index.html").read_text(), "beside the one that was changed here"
    assert stores.build().made == 0, "nothing is fetched again"

    inject(stores.service, "region-outage", {"region": EAST})
    built = stores.build()
    assert (built.runs, built.made) == (whole, 0), "what was read before stands"
    (told,) = built.notes
    assert "s3://syncwell-evidence-us-east-1/records/ in us-east-1 cannot be read" in told
    assert "cannot be read: records that lie there only are missing, or old" in (stores.into / "index.html").read_text()
