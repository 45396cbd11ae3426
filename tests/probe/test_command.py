"""The command over HTTP, against a staging account that is emulated and answers otherwise than assumed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from drcore.engine.prepare import HOME
from drcore.errors import Exit
from drcore.probe.own import policy
from drcore.sandbox.syncwell.company.names import ADMINISTRATOR_KEY, RECOVERY_ROLE
from tests.support import emulated

QUESTIONS = ["missing-table", "reserved-below-provisioned", "short-poll"]


def drcore(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run the command without a keyboard; its exit code, its output, what it said beside that."""
    done = subprocess.run(
        [sys.executable, "-m", "drcore", *words],
        cwd=folder,
        env={**os.environ, "DRCORE_HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the parameters of a staging account that knows no rule between its concurrencies."""
    folder = tmp_path_factory.mktemp("staging")
    answers = folder / "answers.json"
    answers.write_text(json.dumps({"format": 1, "answers": {"reserved-below-provisioned": "accepted"}}))
    with emulated.world(1, "--answers", str(answers)) as address:
        text = (HOME / "parameters" / "sandbox" / "service.yaml").read_text()
        before, _, rest = text.partition("\nworld:")
        facts = before + "\n" + rest.partition("\nevidence:")[1].strip() + rest.partition("\nevidence:")[2]
        (folder / "parameters" / "staging").mkdir(parents=True)
        filled = facts.replace("{world}", address).replace("environment: sandbox", "environment: staging")
        (folder / "parameters" / "staging" / "service.yaml").write_text(filled)
        colleague: Any = boto3.Session(ADMINISTRATOR_KEY, "-", region_name="us-east-1")
        colleague.client("iam", endpoint_url=address).put_role_policy(
            RoleName=RECOVERY_ROLE, PolicyName="drcore-probe", PolicyDocument=json.dumps(policy())
        )
        yield folder


def test_what_differs_is_told_with_where_the_code_leans_and_the_record_is_proved(account: Path) -> None:
    yes = ("--yes", "reserved-below-provisioned", "--yes", "short-poll")
    code, out, _ = drcore(account, "probe", *QUESTIONS, *yes)
    assert code == Exit.MISSED
    lines = out.splitlines()
    assert any(line.startswith("DIFFERS") and "accepted; assumed: refused" in line for line in lines)
    assert any("look at drcore/plans/g/p02_stop_functions.py" in line for line in lines)
    record = next(line.split()[1].rstrip(";") for line in out.splitlines() if line.startswith("record"))
    proven, said, _ = drcore(account, "verify", record)
    assert (proven, said.split()[0]) == (Exit.REACHED, "HOLDS")


def test_without_a_keyboard_only_what_reads_is_asked(account: Path) -> None:
    code, out, told = drcore(account, "probe", "missing-table", "short-poll", "--json")
    document: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert code == document["exit"] == Exit.REFUSED
    assert {each["question"]: each["word"] for each in document["answers"]} == {
        "missing-table": "as assumed",
        "short-poll": "not asked",
    }
    assert "there is no keyboard" not in out and "short-poll" in told


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nonsense"], "QUESTION: expected one of"),
        (["--yes", "nonsense"], "--yes: expected one of"),
        (["--environment", "nowhere"], "expected a file of parameters"),
    ],
)
def test_bad_input_is_exit_2_and_touches_nothing(account: Path, words: list[str], why: str) -> None:
    code, _, told = drcore(account, "probe", *words)
    assert code == Exit.BAD_INPUT and why in told


def test_the_list_says_what_each_question_does_and_asks_none(account: Path) -> None:
    code, out, _ = drcore(account, "probe", "--list", "--json")
    listed = json.loads(out)["questions"]
    assert code == Exit.REACHED and len(listed) >= 14
    assert all(each["changes"] == "" or each["undo"] != "nothing to undo" for each in listed)


def test_nothing_is_left_is_said_by_exit_0(account: Path) -> None:
    code, out, _ = drcore(account, "probe", "--clean", "--json")
    assert (code, json.loads(out.splitlines()[-1])["removed"]) == (Exit.REACHED, [])
