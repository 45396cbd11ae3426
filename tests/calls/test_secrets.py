"""A secret that turns up anywhere in a real drill is in no file of its record, and in no word of the launcher."""

from __future__ import annotations

import base64
import html
import json
import shutil
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import boto3
import pytest

from drcore.record.redact import HIDDEN
from drcore.sandbox.syncwell.company.names import ADMINISTRATOR_KEY
from tests.support.command import Said, drcore
from tests.support.emulated import world

ROOT = Path(__file__).parents[2]
PLAIN = "Pl4inQx92LmVt4RbZk8WcYd"  # in an environment variable, of letters that every name may have
ODD = "0dd\"Q<x&9>'é/+=%Lm2\\Vt4Rb"  # in an environment variable, of letters that are escaped here or there
KEY = "k3yXw9/2+Lq=vT7&ZrBn5Hs"  # only in Secrets Manager: the status page's
SECRETS = {"plain": PLAIN, "odd": ODD, "key": KEY}
ENVIRONMENT = {"PLANTED_TOKEN": PLAIN, "PLANTED_SECRET": ODD}
ALL = " and ".join(SECRETS.values())
REGIONS = ("us-east-1", "us-west-2")
WATCH = ROOT / "tests" / "support" / "children"  # what it has makes every Python process tell whom it starts
PART = 14  # so many letters of a secret on end are a part of it

WORDS = """import os, json
words = " and ".join([os.environ["PLANTED_TOKEN"], os.environ["PLANTED_SECRET"], {key!r}])
"""
SHOWN = """from drcore.record.evidence import Chart, Limit, Mark, Series, Table
now = run.run.clock.now()
run._screen.keep(Table("planted-table", f"table {words}", ("a", words), ((words, now), (words[:0], 1.5))))
run._screen.keep(Chart("planted-chart", f"chart {words}", words, (Series(words, (now,), (1.0,), words),),
    (Limit(words, 2.0),), (Mark(words, now),), words))
print(words, flush=True)
words"""
RAISED = """from drcore.plans.f import health
def broken(*_):
    raise ValueError(f"seen {words}, {words!r}, {json.dumps(words)}, {json.dumps(json.dumps(words))}")
health.read_signals = broken"""


@dataclass(frozen=True)
class Drilled:
    """What a drill left behind."""

    said: Said
    folder: Path

    def texts(self) -> dict[str, bytes]:
        """Everything that was written, by where it stands; pictures also unpacked."""
        files = {path.name: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        names = {f"the name of {name}": name.encode() for name in files}
        spoken = {"stdout": self.said.out.encode(), "stderr": self.said.err.encode()}
        pictures = {
            f"{name}, unpacked": b"".join(chunks(body)) for name, body in files.items() if name.endswith(".png")
        }
        return files | names | spoken | pictures | {"pictures of the notebook": b"".join(self._pictures())}

    def _pictures(self) -> Iterator[bytes]:
        for cell in json.loads((self.folder / "notebook.ipynb").read_text())["cells"]:
            for output in cell.get("outputs", ()):
                if picture := output.get("data", {}).get("image/png"):
                    yield from chunks(base64.b64decode("".join(picture)))


def chunks(png: bytes) -> Iterator[bytes]:
    """The parts of a PNG that could hold words, as they are and uncompressed."""
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if kind not in (b"IDAT", b"PLTE", b"IHDR"):
            yield body
        for start in range(len(body)) if kind in (b"zTXt", b"iTXt") else ():
            try:
                yield zlib.decompress(body[start:])
            except zlib.error:
                continue
        at += length + 12


def spellings(secret: str) -> set[bytes]:
    """A secret, whole and in parts, in every way in which a file could hold it."""
    parts = {secret[start : start + PART] for start in range(len(secret) - PART + 1)}
    texts = set()
    for part in parts:
        in_json = json.dumps(part)[1:-1]
        texts |= {
            part,
            repr(part)[1:-1],
            in_json,
            json.dumps(part, ensure_ascii=False)[1:-1],
            json.dumps(in_json)[1:-1],
        }
        texts |= {html.escape(part), html.escape(part, quote=False), part.replace('"', '""')}
        texts |= {quote(part, safe=""), quote(part), quote_plus(part)}
    encoded = {secret.encode().hex()} | {
        base64.b64encode(bytes(before) + secret.encode()).decode()[4:24] for before in range(3)
    }
    return {text.encode() for text in texts | encoded}


def leaks(drilled: Drilled) -> list[str]:
    """Where a secret can be read, and in which spelling."""
    texts = drilled.texts()
    return [
        f"{name} in {where}: {spelling!r}"
        for name, secret in SECRETS.items()
        for spelling in sorted(spellings(secret))
        for where, text in texts.items()
        if spelling in text
    ]


def client(service: str, region: str, address: str) -> Any:
    session: Any = boto3.Session(ADMINISTRATOR_KEY, "secret", region_name=region)
    return session.client(service, endpoint_url=address)


def plant(address: str) -> None:
    """Put the secrets where AWS answers with them."""
    client("secretsmanager", REGIONS[0], address).put_secret_value(SecretId="syncwell/statuspage-key", SecretString=KEY)
    for region in REGIONS:
        cloudwatch = client("cloudwatch", region, address)
        cloudwatch.put_metric_alarm(
            AlarmName=f"syncwell-planted-{PLAIN}",
            AlarmDescription=ALL,
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": "FunctionName", "Value": "nothing"}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        cloudwatch.set_alarm_state(AlarmName=f"syncwell-planted-{PLAIN}", StateValue="ALARM", StateReason=ALL)
        # A step shows the first 120 letters of this, which end within the secret.
        told = "closed for a good reason, " * 4 + PLAIN
        client("codepipeline", region, address).disable_stage_transition(
            pipelineName="syncwell-backend", stageName="Deploy", transitionType="Inbound", reason=told
        )
        s3, place = client("s3", region, address), {"Bucket": f"syncwell-releases-{region}", "Key": "releases.json"}
        manifest = json.loads(s3.get_object(**place)["Body"].read())
        oldest = manifest["releases"][0] | {"release": ALL, "note": ALL}
        s3.put_object(**place, Body=json.dumps({"releases": [oldest, *manifest["releases"]]}).encode())


def drill(folder: Path, cell: str) -> Drilled:
    """A drill of the project's own plan, with one more cell in its notebook, after the preflight."""
    home, records = folder / "home", folder / "records"
    for part in ("parameters", "notebooks"):
        shutil.copytree(ROOT / part, home / part)
    path = home / "notebooks" / "f_backend_rollback.ipynb"
    notebook = json.loads(path.read_text())
    planted: dict[str, Any] = {
        "cell_type": "code",
        "id": "planted",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
    }
    after = [each["id"] for each in notebook["cells"]].index("preflight") + 1
    notebook["cells"].insert(after, planted | {"source": WORDS.format(key=KEY) + cell})
    path.write_text(json.dumps(notebook))
    with world() as address:
        plant(address)
        said = drcore(
            *("drill", "f", "--world", address, "--records", records, "--fault", "bad-canary-stuck"),
            *("-p", "run_id=f-secret", "-p", f"bug=they saw {ALL}"),
            environment=ENVIRONMENT
            | {"DRCORE_HOME": str(home), "PYTHONPATH": str(WATCH), "CHILDREN": str(folder / "children")},
        )
    return Drilled(said, records / "f-secret")


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    return drill(tmp_path_factory.mktemp("shown"), SHOWN)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    return drill(tmp_path_factory.mktemp("raised"), RAISED)


def test_a_secret_should_be_in_no_file_and_no_word_of_a_drill(drilled: Drilled) -> None:
    assert leaks(drilled) == []


def test_the_secrets_should_have_turned_up_in_that_drill(drilled: Drilled) -> None:
    """Else the test above would prove nothing."""
    texts = {name: text.decode(errors="replace") for name, text in drilled.texts().items()}
    assert f"they saw {HIDDEN} and {HIDDEN} and {HIDDEN}" in texts["parameters.json"]
    assert f"syncwell-planted-{HIDDEN}" in texts["journal.jsonl"]
    assert f"syncwell-planted-{HIDDEN}" in texts["alarm-history.csv"]
    assert f"table {HIDDEN} and {HIDDEN}" in texts["journal.jsonl"]
    for name in ("planted-table.csv", "planted-chart.csv", "notebook.ipynb", "notebook.html"):
        assert HIDDEN in texts[name]
    assert "planted-chart.png, unpacked" in texts
    assert '"event":"verdict"' in texts["journal.jsonl"]


def test_a_secret_should_be_in_no_process_list(drilled: Drilled) -> None:
    """Neither in a word of a child nor, where it is not inherited from whoever called, in its environment."""
    started = (drilled.folder.parents[1] / "children").read_text()
    children = [json.loads(line) for line in started.splitlines()]
    assert any("ipykernel" in str(words) for _, (_, words, *_) in children), "else nobody was watched"
    for event, (program, words, *more) in children:
        assert not [name for name in SECRETS if SECRETS[name] in f"{program} {words}"], (event, program)
        assert KEY not in str(more), (event, program)


def test_a_secret_should_be_in_no_file_and_no_word_of_a_drill_that_raised(failed: Drilled) -> None:
    assert leaks(failed) == []


def test_the_secrets_should_have_turned_up_in_what_was_raised(failed: Drilled) -> None:
    assert failed.said.exit == 4
    assert f"ValueError: seen {HIDDEN} and {HIDDEN} and {HIDDEN}, " in failed.said.out
    cells = json.loads((failed.folder / "notebook.ipynb").read_text())["cells"]
    raised = {cell["id"]: each for cell in cells for each in cell.get("outputs", ()) if each["output_type"] == "error"}
    assert list(raised) == ["detect"]
    assert HIDDEN in raised["detect"]["evalue"] and HIDDEN in "".join(raised["detect"]["traceback"])


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_the_search_should_find_what_it_looks_for(secret: str, tmp_path: Path) -> None:
    (tmp_path / "notebook.ipynb").write_text('{"cells": []}')
    for number, spelling in enumerate(sorted(spellings(secret))):
        (tmp_path / str(number)).write_bytes(b"<td>" + spelling + b"</td>")
    found = leaks(Drilled(Said(0, "", ""), tmp_path))
    assert {leak.partition(" in ")[2].partition(":")[0] for leak in found} == {
        path.name for path in tmp_path.iterdir() if path.name.isdecimal()
    }
