"""The rollback job of docs/ci-rollback.md: what it tells the shell works, against the sandbox."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import urllib3
from ruamel.yaml import YAML

from drcore.cli.app import app
from drcore.record.events import read_events
from tests.support.emulated import world
from tests.support.exhaustive import EXHAUSTIVE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "ci-rollback.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
RELEASE, RUN = "2025.12.3", "f-ci-1"
SOON = "2026-01-05T11:00:00Z"  # in the world's time


@dataclass(frozen=True)
class Job:
    """The two scripts of one kind of CI: the first ends at a question, the second goes on."""

    ask: tuple[str, ...]
    go_on: tuple[str, ...]


def jobs() -> dict[str, Job]:
    actions, asks, goes_on = (YAML(typ="safe", pure=True).load(block) for block in BLOCKS)
    steps = {name: [each for each in job["steps"] if "run" in each] for name, job in actions["jobs"].items()}
    named = {name: tuple(each["run"] for each in of if each["name"] != "install") for name, of in steps.items()}
    built = (tuple(build["phases"]["build"]["commands"]) for build in (asks, goes_on))
    return {"GitHub Actions": Job(named["ask"], named["go-on"]), "CodePipeline": Job(*built)}


def test_every_command_and_option_of_the_job_should_be_there() -> None:
    for job in jobs().values():
        for script in (*job.ask, *job.go_on):
            for name, rest in re.findall(r"drcore (\w+) ([^|\n]*)", script):
                known = {flag for each in COMMANDS[name].params for flag in each.opts}
                assert set(re.findall(r"(?:^| )(--?[a-z-]+)", rest)) <= known, f"{name} {rest}"
        assert "drcore execute f" in job.ask[-1] and "drcore resume" in job.go_on[-1]


def test_an_input_should_reach_the_shell_as_a_variable_only() -> None:
    """Else whoever starts the job could write a command into one."""
    for job in jobs().values():
        assert not [script for script in (*job.ask, *job.go_on) if "${{" in script or "#{" in script]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """What the shell of a job finds: an environment that allows `execute`, where a release has just gone wrong."""
    home, folder = tmp_path / "home", tmp_path / "home" / "parameters" / "ci"
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    shutil.copytree(ROOT / "parameters", home / "parameters")
    shutil.copytree(home / "parameters" / "sandbox", folder)
    with world(31) as address:
        told: dict[str, Any] = {"name": "bad-release", "options": {}}
        assert urllib3.request("POST", f"{address}/_sandbox/faults", json=told, timeout=60).status == 200
        yaml = YAML(typ="safe", pure=True)
        service = yaml.load((folder / "service.yaml").read_text().replace("{world}", address))
        for name in ("world", "drill_policy", "faults"):
            del service[name]
        with (folder / "service.yaml").open("w") as file:
            yaml.dump(service | {"environment": "ci", "modes": ["rehearse", "execute"]}, file)
        for path in folder.glob("?.yaml"):
            path.write_text(path.read_text().replace("{world}", address))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DRCORE_"))}
        yield inherited | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DRCORE_HOME": str(home),
            "DRCORE_ENVIRONMENT": "ci",
            "RELEASE": RELEASE,
            "RUN": RUN,
        }


def told_to(script: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],  # as GitHub Actions starts it
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not EXHAUSTIVE, reason="two whole runs, and a world for each")
@pytest.mark.parametrize("job", jobs().values(), ids=jobs())
def test_the_job_should_ask_and_then_roll_back(job: Job, tmp_path: Path, environment: Mapping[str, str]) -> None:
    asked = told_to("\n".join(job.ask), tmp_path, environment)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    for _ in range(12):  # as often as something is asked that could not be known before
        printed = re.findall(r"^run: .*?(?=^drcore resume)", asked.stdout, re.DOTALL | re.MULTILINE)[-1]
        filled = printed.replace("<who>", "Ada").replace("<why>", "seen").replace("<time with a zone, soon>", SOON)
        asked = told_to("\n".join(job.go_on), tmp_path, {**environment, "APPROVALS": filled})
        if asked.returncode != 3:
            break
    # The errors began an hour before anybody started the job: users are well again, in more than the RTO.
    assert (asked.returncode, "Verdict  target missed" in asked.stdout) == (1, True), asked.stdout + asked.stderr
    events = read_events(tmp_path / "records" / RUN)
    assert {line["by"] for line in events if line["event"] == "consent" and line["how"] == "approvals file"} == {"Ada"}
    assert [line["choice"] for line in events if line["event"] == "decision"]
