"""What a drill leaves behind: a folder that is complete, that stands by itself, whose copy nobody can change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from drcore import plans
from drcore.engine import lock
from drcore.record.events import read_events
from drcore.record.files import CARD, CARD_PAGE, EVIDENCE, JOURNAL, MANIFEST, NOTEBOOK, PAGE, PARAMETERS, RECEIPT
from drcore.record.proof import verify
from drcore.sandbox.syncwell.company.names import ADMINISTRATOR_KEY
from tests.support.command import drcore
from tests.support.emulated import world

RUN, REGION, BUCKET = "f-folder", "us-west-2", "syncwell-evidence-us-west-2"
PLAN = plans.find("f")


@dataclass(frozen=True)
class Kept:
    """The record of a drill, in a world that still runs."""

    folder: Path
    address: str

    def client(self, service: str) -> Any:
        session: Any = boto3.Session(ADMINISTRATOR_KEY, "secret", region_name=REGION)
        return session.client(service, endpoint_url=self.address)

    def files(self) -> dict[str, bytes]:
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    records = tmp_path_factory.mktemp("records")
    with world() as address:
        # The fault that leaves the most to do.
        words = [
            "drill",
            "f",
            "--fault",
            "bad-release",
            "--world",
            address,
            "-p",
            f"run_id={RUN}",
            "--records",
            str(records),
        ]
        ended = drcore(*words)
        assert ended.exit == 0, ended.err
        yield Kept(records / RUN, address)


# ── the folder ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_folder_should_hold_everything_and_nothing_else(kept: Kept) -> None:
    names = set(kept.files())
    evidence = {name for name in names if name.startswith(f"{EVIDENCE}/")}
    assert names - evidence == {JOURNAL, MANIFEST, PARAMETERS, NOTEBOOK, PAGE, CARD, CARD_PAGE, RECEIPT}
    assert {Path(name).suffix for name in evidence} == {".csv", ".png"}
    assert [name for name in evidence if name.endswith(".png") and f"{name[:-4]}.csv" not in evidence] == [], (
        "the numbers of every chart lie beside it"
    )


def test_the_manifest_should_bind_every_file_of_the_folder(kept: Kept) -> None:
    manifest = json.loads(kept.files()[MANIFEST])
    assert manifest["run_id"] == RUN
    assert set(manifest["files"]) == set(kept.files()) - {JOURNAL, MANIFEST, RECEIPT}


def test_the_record_should_hold_without_a_reservation(kept: Kept) -> None:
    proof = verify(kept.folder)
    assert proof.holds
    assert len(proof.notes) == 1, "only what no look at the folder can show"


def test_no_file_should_be_empty_or_left_open(kept: Kept) -> None:
    files = kept.files()
    assert [name for name, body in files.items() if not body] == []
    assert [name for name in files if name.endswith(".csv") and files[name].count(b"\n") < 2] == []
    assert [name for name in files if name.endswith(".png") and not files[name].startswith(b"\x89PNG\r\n")] == []
    notebook = json.loads(files[NOTEBOOK])
    statuses = {cell["metadata"]["papermill"]["status"] for cell in notebook["cells"] if cell["cell_type"] == "code"}
    assert statuses == {"completed"}


def test_the_journal_should_say_who_where_what_when_and_why(kept: Kept) -> None:
    events = read_events(kept.folder)
    by_kind: dict[str, list[Any]] = {}
    for line in events:
        by_kind.setdefault(line["event"], []).append(line)
    (host,), (opened,) = by_kind["host"], by_kind["opened"]
    assert {"host", "user", "python", "packages", "revision", "wall_time"} <= set(host)
    assert (opened["run_id"], opened["plan"], opened["mode"], opened["environment"]) == (RUN, "f", "drill", "sandbox")
    identity = next(line for line in by_kind["finding"] if line["what"] == "identity")
    assert "arn:aws:sts::123456789012" in identity["why"]
    assert {line["name"] for line in by_kind["moment"]} >= {"fault", "detected", "decided", "healthy"}
    assert [line["step"] for line in by_kind["step-ended"]] == [step.title for step in PLAN.steps]
    consents = {line["step"]: line for line in by_kind["consent"]}
    assert consents["Decide"]["granted"] is True
    assert "drill policy" in consents["Decide"]["how"] and consents["Decide"]["by"] == "no person"


def test_every_call_to_aws_should_be_noted_with_region_and_request_id(kept: Kept) -> None:
    calls = [
        line for line in read_events(kept.folder) if line["event"] == "call" and not line["call"].startswith("http:")
    ]
    calls = [line for line in calls if not line["call"].startswith("drcore:")]
    assert len(calls) > 100
    assert [line for line in calls if line["region"] not in ("us-east-1", "us-west-2", "us-east-2")] == []
    assert [line["call"] for line in calls if not line["request_id"]] == []
    assert [line["call"] for line in calls if line["write"] and not line["parameters"]] == []


def test_every_act_should_stand_on_disk_as_an_intent_before_its_call(kept: Kept) -> None:
    events = read_events(kept.folder)
    left = 0  # the writes that the last intent is for: the lock is one thing in three buckets
    for line in events:
        if line["event"] == "intent":
            left = 3 if line["key"] in lock.KEYS else 1
        if line["event"] == "call" and line["write"]:
            left -= 1
            assert left >= 0, f"line {line['n']}: a write without an intent before it"


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Seen(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


@pytest.fixture(scope="module")
def page(kept: Kept) -> Seen:
    return Seen((kept.folder / PAGE).read_text())


def test_the_page_should_run_nothing(page: Seen) -> None:
    assert page.tags & {"script", "iframe", "object", "embed", "form", "base", "link", "applet"} == set()
    assert [each for each in page.attributes if each[1].startswith("on")] == []
    assert [each for each in page.attributes if each[2].strip().lower().startswith("javascript:")] == []


def test_the_page_should_fetch_nothing(page: Seen, kept: Kept) -> None:
    fetched = [
        each
        for each in page.attributes
        if each[1] in ("src", "srcset", "href", "data", "poster", "action", "background")
    ]
    assert [each[:2] for each in fetched if not each[2].startswith(("data:image/", "#"))] == []
    text = (kept.folder / PAGE).read_text()
    assert re.findall(r"@import|url\((?!['\"]?data:)", text) == []
    assert [value for _, name, value in page.attributes if name == "http-equiv" and value.lower() == "refresh"] == []


def test_every_picture_of_the_page_should_say_what_it_shows(page: Seen, kept: Kept) -> None:
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert len(pictures) == len(alts) >= len(list((kept.folder / EVIDENCE).glob("*.png")))
    assert [alt for alt in alts if len(alt) < 40] == []


def test_the_page_should_say_the_verdict_of_the_journal(kept: Kept) -> None:
    verdict = next(line for line in reversed(read_events(kept.folder)) if line["event"] == "verdict")
    assert f"{verdict['word'].upper()} (exit {verdict['exit']})" in (kept.folder / PAGE).read_text()


# ── the copy in the archive ──────────────────────────────────────────────────────────────────────────────────────────


def archived(kept: Kept) -> dict[str, Any]:
    """The objects of this record in the evidence store, by the name of their file."""
    found = kept.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"records/{RUN}/")["Contents"]
    return {each["Key"].removeprefix(f"records/{RUN}/"): each["Key"] for each in found}


def test_the_copy_should_be_the_folder_byte_for_byte(kept: Kept) -> None:
    s3 = kept.client("s3")
    copy = {name: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for name, key in archived(kept).items()}
    assert copy == {name: body for name, body in kept.files().items() if name != RECEIPT}


def test_the_receipt_should_name_the_version_of_every_object(kept: Kept) -> None:
    receipt = json.loads(kept.files()[RECEIPT])
    s3 = kept.client("s3")
    assert (receipt["bucket"], receipt["region"]) == (BUCKET, REGION)
    assert receipt["versions"] == {
        key: s3.head_object(Bucket=BUCKET, Key=key)["VersionId"] for key in archived(kept).values()
    }


def test_the_copy_should_be_locked_for_as_long_as_the_parameters_say(kept: Kept) -> None:
    days = json.loads(kept.files()[PARAMETERS])["service"]["evidence"]["retain_days"]
    s3 = kept.client("s3")
    for key in archived(kept).values():
        retention = s3.get_object_retention(Bucket=BUCKET, Key=key)["Retention"]
        assert retention["Mode"] == "GOVERNANCE"
        assert retention["RetainUntilDate"] > datetime.now(UTC) + timedelta(days=days - 1)


def test_a_locked_object_should_not_be_deleted(kept: Kept) -> None:
    s3 = kept.client("s3")
    key = f"records/{RUN}/{MANIFEST}"
    version = s3.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version)


def test_nothing_else_should_be_left_in_the_store(kept: Kept) -> None:
    """The lock of the plan is given back."""
    found = kept.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [each["Key"] for each in found if not each["Key"].startswith("records/")] == []
