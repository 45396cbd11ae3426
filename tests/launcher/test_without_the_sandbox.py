"""A runner in production has none of the packages that the emulated world is made of, and lacks nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.command import drcore
from tests.support.emulated import world

ROOT = Path(__file__).parents[2]
EXTRA = ("moto", "aws_xray_sdk", "flask", "flask_cors", "time_machine", "werkzeug")
PIP = "pip install 'drcore[sandbox]'"

OURS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "drcore").rglob("*.py")
    if not path.is_relative_to(ROOT / "drcore" / "sandbox")
)
IMPORT_ALL = f"""
import importlib, json, sys
for name in {OURS}:
    importlib.import_module(name)
import drcore.run
drcore.run.warm_up()
print(json.dumps([name for name in {EXTRA} if sys.modules.get(name)]))
"""


@pytest.fixture
def production(tmp_path: Path) -> Mapping[str, str]:
    """The environment of processes in which none of these packages can be imported."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import sys; sys.modules.update(dict.fromkeys({EXTRA}))")
    return {"PYTHONPATH": str(folder)}


def test_no_module_of_ours_should_import_what_only_the_sandbox_needs() -> None:
    """Tried in an environment that has it all, so that an import that is excused when it fails shows too."""
    ran = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, check=True, capture_output=True, text=True)
    assert json.loads(ran.stdout.splitlines()[-1]) == []
    assert len(OURS) > 100


def test_a_whole_drill_should_pass_without_them(production: Mapping[str, str], tmp_path: Path) -> None:
    """On a world that is served elsewhere, as staging's would be."""
    with world() as address:
        said = drcore("drill", "f", "--world", address, "--records", tmp_path / "records", environment=production)
    assert said.exit == 0, said.err


@pytest.mark.parametrize("command", ["drill", "rehearse", "lab"])
def test_asking_for_the_sandbox_without_them_should_be_bad_input(
    production: Mapping[str, str], tmp_path: Path, command: str
) -> None:
    more = ["--no-browser"] if command == "lab" else []
    said = drcore(command, "f", "--json", "--records", tmp_path / "records", *more, environment=production)
    assert said.exit == 2
    assert said.json["error"] == "BadInput" and PIP in said.json["message"] and "moto" in said.json["message"]
    assert "Nothing was touched" in said.json["message"]
    assert not (tmp_path / "records").exists()


def test_serving_the_sandbox_without_them_should_be_bad_input(production: Mapping[str, str]) -> None:
    said = drcore("sandbox", environment=production)
    assert said.exit == 2 and PIP in said.err
