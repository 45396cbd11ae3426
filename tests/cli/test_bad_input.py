"""What is wrong, or refused, ends before anything is touched."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from drcore import plans
from tests.support.command import SEED, contents, drcore, in_process, left_over

ROOT = Path(__file__).parents[2]

ERROR_FIELDS = {"error", "message", "exit"}

WRONG = {
    "a plan that there is not": (["drill", "zz"], f"plan: expected one of {', '.join(plans.ids())}, seen 'zz'"),
    "an environment that there is not": (
        ["drill", "f", "--environment", "mars"],
        "environment: expected one of production, sandbox, staging, seen 'mars'",
    ),
    "an environment with placeholders": (
        ["rehearse", "f", "--environment", "production"],
        "service.yaml:5: account: still a placeholder, seen '<FILL 12 digits>'",
    ),
    "a fault without a name": (["drill", "f", "--fault", ":region=x"], "--fault: expected NAME[:key=value,…], seen"),
    "a fault's option without a value": (
        ["drill", "f", "--fault", "bad-canary:region"],
        "--fault: expected NAME[:key=value,…], seen 'bad-canary:region'",
    ),
    "a parameter that there is not": (
        ["drill", "f", "-p", "bugs=x"],
        "-p: expected one of release, bug, run_id, seen 'bugs'",
    ),
    "a parameter that an option gives": (
        ["drill", "f", "-p", "mode=execute"],
        "-p: expected one of release, bug, run_id",
    ),
    "a parameter given twice": (
        ["drill", "f", "-p", "bug=x", "-p", "bug=y"],
        "-p bug: expected it once, seen it twice",
    ),
    "a parameter without a value": (["drill", "f", "-p", "bug"], "-p: expected name=value, seen 'bug'"),
    "a parameter without a name": (["drill", "f", "-p", "=x"], "-p: expected name=value, seen '=x'"),
    "a run that leaves the folder of records": (
        ["drill", "f", "-p", "run_id=../../x"],
        "-p run_id: expected letters, digits, hyphens, seen '../../x'",
    ),
    "a seed that is no number": (["drill", "f", "--seed", "1e3"], "--seed: expected a whole number, seen '1e3'"),
    "a file of approvals that there is not": (
        ["drill", "f", "--approvals", "nowhere.yaml"],
        "nowhere.yaml: expected a file of parameters, found none",
    ),
    "a world that does not answer": (
        ["drill", "f", "--world", "http://127.0.0.1:9"],
        "--world: expected the address of a world that answers, seen 'http://127.0.0.1:9'",
    ),
    "a person to ask, without a terminal": (
        ["drill", "f", "--ask"],
        "--ask: expected a terminal to ask on, seen none",
    ),
    "a mode that there is not": (
        ["lab", "f", "--mode", "run"],
        "--mode: expected one of rehearse, drill, execute, seen 'run'",
    ),
    "a run to resume that there is not": (["resume", "f-none"], "run 'f-none': expected the id or path of a record"),
    "a run to verify that there is not": (["verify", "f-none"], "run 'f-none': expected the id or path of a record"),
    "a policy without its plan": (["list", "--iam"], "--iam: expected a plan with it"),
    "a plan to list that there is not": (["list", "zz"], f"plan: expected one of {', '.join(plans.ids())}, seen 'zz'"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_bad_input_should_exit_with_2_name_what_is_wrong_and_touch_nothing(
    words: list[str], message: str, tmp_path: Path
) -> None:
    ended = in_process(*words, "--records", tmp_path / "records", "--json")
    assert ended.exit == 2
    assert message in ended.err
    assert set(ended.json) == ERROR_FIELDS
    assert (ended.json["error"], ended.json["exit"]) == ("BadInput", 2)
    assert message in ended.json["message"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nonsense", r"name: expected one of .*bad-canary, .*(seen|saw) 'nonsense'"),
        ("bad-canary:colour=red", r"options\.colour: expected region, .*(seen|saw) 'colour'"),
        ("bad-canary:region=mars", r"options\.region: expected one of us-east-1, us-west-2; (seen|saw) 'mars'"),
    ],
)
def test_a_fault_that_the_world_does_not_know_should_leave_neither_record_nor_world(
    fault: str, message: str, tmp_path: Path
) -> None:
    ended = drcore("drill", "f", "--fault", fault, "--seed", str(SEED), "--records", tmp_path / "records", "--json")
    assert ended.exit == ended.json["exit"] == 2
    assert re.search(message, ended.json["message"])
    assert list(tmp_path.iterdir()) == []
    assert left_over(SEED) == []


def test_approvals_that_are_not_as_they_must_be_should_be_named_by_file_line_and_field(tmp_path: Path) -> None:
    approvals = tmp_path / "approvals.yaml"
    approvals.write_text(
        "run: f-1\napprovals:\n- step: Decide\n  phrase: X\n  by: Ann\n  reason: because\n  expires: soon\n"
    )
    ended = in_process("drill", "f", "--approvals", approvals, "--records", tmp_path / "records")
    assert ended.exit == 2
    assert re.search(r"approvals\.yaml:7: approvals\.0\.expires: .*seen 'soon'", ended.err)
    approvals.write_text("run: f-1\napprovals: []\n")
    assert "approvals: expected at least one" in in_process("drill", "f", "--approvals", approvals).err
    assert list(tmp_path.iterdir()) == [approvals]


def test_records_that_are_a_file_should_be_refused_and_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("mine")
    for records in (tmp_path / "records", tmp_path / "records" / "below"):
        ended = in_process("drill", "f", "--records", records)
        assert ended.exit == 2
        assert f"--records: expected a folder that can be written to, seen '{records}'" in ended.err
    assert (tmp_path / "records").read_text() == "mine"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose production environment somebody has filled in."""
    home = tmp_path_factory.mktemp("home")
    for folder in ("parameters", "notebooks"):
        shutil.copytree(ROOT / folder, home / folder)
    production = home / "parameters" / "production" / "service.yaml"
    text = production.read_text()
    for region in ("us-east-1", "us-west-2"):
        text = text.replace(f"<FILL arn:aws:sns:{region}:…>", f"arn:aws:sns:{region}:111122223333:oncall")
    text = text.replace("<FILL arn:aws:iam::…:role/drcore-runner>", "arn:aws:iam::111122223333:role/drcore-runner")
    text = text.replace("<FILL arn:aws:iam::…:role/…>", "arn:aws:iam::111122223333:role/on-call")
    text = text.replace("<FILL 12 digits>", "111122223333")
    production.write_text(re.sub(r"<FILL ([a-z0-9 -]+)>", "filled-in", text))
    return home


def test_a_drill_in_production_should_be_refused_with_3(filled: Path, tmp_path: Path) -> None:
    words: list[str | Path] = ["drill", "f", "--environment", "production", "--records", tmp_path / "records", "--json"]
    ended = drcore(*words, environment={"DRCORE_HOME": str(filled)})
    assert ended.exit == ended.json["exit"] == 3
    assert ended.json["error"] == "Refused"
    assert "drill is refused in production" in ended.json["message"]
    assert "Nothing was touched" in ended.json["message"]
    assert list(tmp_path.iterdir()) == []


def test_a_drill_where_nothing_can_be_broken_should_be_refused_with_3(filled: Path, tmp_path: Path) -> None:
    """The environment's modes may allow it: without an injector of faults it would prove nothing."""
    staging = filled / "parameters" / "staging" / "service.yaml"
    text = (filled / "parameters" / "production" / "service.yaml").read_text()
    text = text.replace("environment: production", "environment: staging").replace(
        "production: true", "production: false"
    )
    staging.write_text(text.replace("modes: [rehearse, execute]", "modes: [rehearse, drill, execute]"))
    words: list[str | Path] = ["drill", "f", "--environment", "staging", "--records", tmp_path / "records"]
    ended = drcore(*words, environment={"DRCORE_HOME": str(filled)})
    assert ended.exit == 3
    assert "names no injector of faults" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_execute_in_the_sandbox_should_be_refused_with_3(tmp_path: Path) -> None:
    ended = in_process("execute", "f", "--records", tmp_path / "records", "--json")
    assert ended.exit == ended.json["exit"] == 3
    assert "execute is refused in sandbox: service.yaml allows rehearse, drill" in ended.json["message"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_world_has_ended_should_not_be_resumed(record: Path) -> None:
    before = contents(record)
    ended = in_process("resume", record, "--json")
    assert ended.exit == ended.json["exit"] == 3
    assert "has ended" in ended.json["message"] and "Nothing was touched" in ended.json["message"]
    assert contents(record) == before


def test_a_run_should_not_be_started_twice_under_one_name(record: Path) -> None:
    before = contents(record)
    ended = in_process("drill", "f", "--records", record.parent, "-p", f"run_id={record.name}")
    assert ended.exit == 2
    assert f"drcore resume {record.name}" in ended.err
    assert contents(record) == before
