"""The command line keeps its contract: names of options, exit codes, what it prints, what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import psutil
import pytest
import typer
from typer.testing import CliRunner

from drcore import plans
from drcore.cli.app import app
from drcore.record.journal import FIRST, FORMAT, JOURNAL, MANIFEST, PARAMETERS, read_events
from tests.support.command import Said, drcore, left_over, worlds_of

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SEED = 770_000_000 + os.getpid()  # of this process alone: a world that it leaves behind can be told from others
FIELDS = {"run_id", "plan", "mode", "environment", "verdict", "steps", "rto", "rpo", "record", "exit"}
STEP_FIELDS = {"id", "title", "outcome", "seconds"}
ERROR_FIELDS = {"error", "message", "exit"}
PLAN = plans.find("f")


def said(*words: str | Path) -> Said:
    """The same command line in this process, where no notebook is run."""
    result = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def drilled(records: Path) -> Said:
    """One real drill, for all that only look at how it ended."""
    return drcore("drill", "f", "--seed", str(SEED), "--json", "--records", records, "-p", "run_id=f-cli-drill")


@pytest.fixture
def record(drilled: Said) -> Path:
    return Path(drilled.json["record"])


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_commands_should_be_those_of_the_contract() -> None:
    assert set(COMMANDS) == {"drill", "rehearse", "execute", "resume", "verify", "list", "lab", "sandbox", "diff"}


def test_the_three_modes_should_take_the_same_options() -> None:
    """Whoever has rehearsed a line changes one word of it in the incident."""
    drill, rehearse, execute, lab = (options(name) for name in ("drill", "rehearse", "execute", "lab"))
    assert drill == rehearse == execute
    assert {flags for flags, *_ in drill} == {
        *(("--environment",), ("--fault",), ("--seed",), ("-p",), ("--approvals",), ("--records",), ("--world",)),
        *(("--json",), ("plan",), ("--help",)),
    }
    assert [option for option in drill if option not in lab] == [], "JupyterLab takes all of them too"


def options(command: str) -> list[tuple[tuple[str, ...], str, object]]:
    context = typer.Context(COMMANDS[command])
    found = COMMANDS[command].get_params(context)
    return [(tuple(each.opts), getattr(each, "help", "") or "", each.default) for each in found]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_argument_should_have_a_help_text(command: str) -> None:
    assert [flags for flags, help_text, _ in options(command) if len(help_text) < 8] == []
    assert COMMANDS[command].help.endswith(".")


def test_the_help_should_name_the_exit_codes() -> None:
    told = " ".join(said("--help").out.split())
    assert [code for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "130", "143") if code not in told] == []
    assert "2 bad input, nothing touched" in told


# ── a run ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_drill_that_reaches_its_goal_should_exit_with_0_and_leave_no_world(drilled: Said) -> None:
    assert drilled.exit == drilled.json["exit"] == 0, drilled.err
    assert left_over(SEED) == []


def test_the_last_line_should_be_json_with_exactly_the_fields_of_the_contract(drilled: Said, records: Path) -> None:
    told = drilled.json
    assert set(told) == FIELDS
    assert [set(step) for step in told["steps"]] == [STEP_FIELDS] * len(PLAN.steps)
    assert set(told["rto"]) == {"target_s", "measured_s"}
    known = {"run_id": "f-cli-drill", "plan": "f", "mode": "drill", "environment": "sandbox"}
    assert known.items() <= told.items()
    assert told["record"] == str(records / "f-cli-drill")


def test_the_json_should_say_what_the_journal_says(drilled: Said, record: Path) -> None:
    events = read_events(record)
    verdict = next(line for line in reversed(events) if line["event"] == "verdict")
    assert (drilled.json["verdict"], drilled.json["exit"]) == (verdict["word"], verdict["exit"])
    assert (drilled.json["rto"], drilled.json["rpo"]) == (verdict["rto"], verdict["rpo"])
    ended = {line["step"]: line["outcome"] for line in events if line["event"] == "step-ended"}
    assert {step["title"]: step["outcome"] for step in drilled.json["steps"]} == ended
    assert [step["id"] for step in drilled.json["steps"]] == [step.key for step in PLAN.steps]
    assert all(step["seconds"] >= 0 for step in drilled.json["steps"])


def test_with_json_the_words_for_people_should_go_to_stderr(drilled: Said) -> None:
    assert len(drilled.out.splitlines()) == 1
    for expected in (
        "Verdict",
        "RTO",
        "Record",
        "Proof    holds",
        "Archive  s3://",
        *(step.title for step in PLAN.steps),
    ):
        assert expected in drilled.err


def test_a_rehearsal_should_exit_with_0_and_take_the_same_line(tmp_path: Path) -> None:
    rehearsed = drcore("rehearse", "f", "--seed", str(SEED), "--json", "--records", tmp_path)
    assert rehearsed.exit == 0, rehearsed.err
    assert set(rehearsed.json) == FIELDS
    assert rehearsed.json["mode"] == "rehearse"
    assert left_over(SEED) == []


def test_a_refused_run_should_exit_with_3_keep_its_world_for_resume_and_let_go_of_the_pipes(tmp_path: Path) -> None:
    """The world outlives the command. If it held the command's output open, `drcore … | tee` would wait for it."""
    denied = "access-denied:service=sts"
    refused = drcore("drill", "f", "--seed", str(SEED), "--fault", denied, "--records", tmp_path, "--json")
    (kept,) = worlds_of(SEED)
    psutil.Process(kept).terminate()
    assert refused.exit == refused.json["exit"] == 3
    assert refused.json["verdict"] == "refused"
    assert f"drcore resume {refused.json['run_id']} --records {tmp_path}" in refused.err


# ── what is refused before anything is touched ───────────────────────────────────────────────────────────────────────

WRONG = {
    "a plan that there is not": (["drill", "zz"], "plan: expected one of a, f, g, seen 'zz'"),
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
    "a mode that there is not": (
        ["lab", "f", "--mode", "run"],
        "--mode: expected one of rehearse, drill, execute, seen 'run'",
    ),
    "a run to resume that there is not": (["resume", "f-none"], "run 'f-none': expected the id or path of one record"),
    "a run to verify that there is not": (["verify", "f-none"], "run 'f-none': expected the id or path of one record"),
    "a policy without its plan": (["list", "--iam"], "--iam: expected a plan with it"),
    "a plan to list that there is not": (["list", "zz"], "plan: expected one of a, f, g, seen 'zz'"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_bad_input_should_exit_with_2_name_what_is_wrong_and_touch_nothing(
    words: list[str], message: str, tmp_path: Path
) -> None:
    ended = said(*words, "--records", tmp_path / "records", "--json")
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
    ended = said("drill", "f", "--approvals", approvals, "--records", tmp_path / "records")
    assert ended.exit == 2
    assert re.search(r"approvals\.yaml:7: approvals\.0\.expires: .*seen 'soon'", ended.err)
    approvals.write_text("run: f-1\napprovals: []\n")
    assert "approvals: expected at least one" in said("drill", "f", "--approvals", approvals).err
    assert list(tmp_path.iterdir()) == [approvals]


def test_records_that_are_a_file_should_be_refused_and_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("mine")
    for records in (tmp_path / "records", tmp_path / "records" / "below"):
        ended = said("drill", "f", "--records", records)
        assert ended.exit == 2
        assert f"--records: expected a folder that can be written to, seen '{records}'" in ended.err
    assert (tmp_path / "records").read_text() == "mine"


@pytest.mark.parametrize("words", [["drill", "f", "--sed", "1"], ["drill"], ["fly", "f"]])
def test_a_line_that_cannot_be_read_should_exit_with_2_and_say_so_in_json_too(words: list[str]) -> None:
    ended = drcore(*words, "--json")
    assert ended.exit == 2
    assert set(ended.json) == ERROR_FIELDS
    assert ended.json["message"] in ended.err


def test_no_command_at_all_should_show_the_help(tmp_path: Path) -> None:
    ended = drcore()
    assert ended.exit == 2
    assert "drill" in ended.err
    assert ended.out == ""


# ── what is refused although it is understood ────────────────────────────────────────────────────────────────────────


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
    ended = said("execute", "f", "--records", tmp_path / "records", "--json")
    assert ended.exit == ended.json["exit"] == 3
    assert "execute is refused in sandbox: service.yaml allows rehearse, drill" in ended.json["message"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_world_has_ended_should_not_be_resumed(record: Path) -> None:
    before = contents(record)
    ended = said("resume", record, "--json")
    assert ended.exit == ended.json["exit"] == 3
    assert "has ended" in ended.json["message"] and "Nothing was touched" in ended.json["message"]
    assert contents(record) == before


def test_a_run_should_not_be_started_twice_under_one_name(record: Path) -> None:
    before = contents(record)
    ended = said("drill", "f", "--records", record.parent, "-p", f"run_id={record.name}")
    assert ended.exit == 2
    assert f"drcore resume {record.name}" in ended.err
    assert contents(record) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ── records ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["f-cli-drill", "f-cli", "path"])
def test_a_run_should_be_found_by_its_id_the_start_of_it_or_its_path(name: str, record: Path) -> None:
    ended = said("verify", record if name == "path" else name, "--records", record.parent)
    assert ended.exit == 0
    assert re.match(r"HOLDS   \d+ lines, head [0-9a-f]{64}\n", ended.out)


def test_a_start_that_two_runs_have_should_name_both_and_a_whole_id_should_win(tmp_path: Path) -> None:
    for name in ("f-a", "f-a-1", "f-a-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / PARAMETERS).write_text("{}")
        (tmp_path / name / JOURNAL).write_text("")
    ended = said("verify", "f-a-", "--records", tmp_path)
    assert ended.exit == 2
    assert "seen f-a-1, f-a-2" in ended.err
    assert f"{tmp_path / 'f-a'}" in said("verify", "f-a", "--records", tmp_path, "--json").json["record"]


def test_verify_should_tell_a_program_what_it_tells_a_person(record: Path) -> None:
    ended = said("verify", record, "--json")
    assert set(ended.json) == {"record", "holds", "complete", "problems", "notes", "lines", "head", "archived"}
    assert ended.json["holds"] is ended.json["complete"] is True
    assert ended.json["head"] in ended.out.splitlines()[0]
    assert ended.json["archived"].startswith("s3://")


def test_verify_should_exit_with_1_and_name_the_line_of_a_broken_record(record: Path, tmp_path: Path) -> None:
    broken = tmp_path / record.name
    shutil.copytree(record, broken)
    lines = (broken / JOURNAL).read_text().splitlines(keepends=True)
    lines[41] = lines[41].replace('"n":42', '"n":43')
    (broken / JOURNAL).write_text("".join(lines))
    ended = said("verify", broken, "--json")
    assert ended.exit == 1
    assert "BROKEN  line 42" in ended.out
    assert ended.json["holds"] is False
    assert ended.json["problems"][0].startswith("line 42")


def test_verify_should_exit_with_1_where_a_record_has_no_end(record: Path, tmp_path: Path) -> None:
    killed = tmp_path / record.name
    shutil.copytree(record, killed)
    (killed / MANIFEST).unlink()
    ended = said("verify", killed, "--json")
    assert ended.exit == 1
    assert re.match(r"INCOMPLETE \d+ lines, head [0-9a-f]{64}\n", ended.out)
    assert (ended.json["holds"], ended.json["complete"], ended.json["problems"]) == (True, False, [])


def test_verify_should_refuse_a_record_of_a_newer_format_and_say_which_drcore_it_takes(tmp_path: Path) -> None:
    written(tmp_path / "f-new", format=FORMAT + 1, packages={"drcore": "9.1.0"})
    ended = said("verify", "f-new", "--records", tmp_path, "--json")
    assert ended.exit == ended.json["exit"] == 2
    assert f"seen format {FORMAT + 1}. To read it takes drcore 9.1.0" in ended.json["message"]


def test_a_run_of_a_newer_format_should_not_be_gone_on_with(tmp_path: Path) -> None:
    written(tmp_path / "f-new", format=FORMAT + 1, packages={"drcore": "9.1.0"})
    before = contents(tmp_path)
    ended = said("resume", "f-new", "--records", tmp_path, "--json")
    assert ended.exit == ended.json["exit"] == 3
    assert "To read it takes drcore 9.1.0" in ended.json["message"] and "Nothing was changed" in ended.json["message"]
    assert contents(tmp_path) == before


def written(folder: Path, **fields: object) -> None:
    """A record whose first line has these fields too."""
    first = {"n": 1, "time": "2026-01-05T09:00:00.000Z", "event": "host", **fields, "prev": FIRST}
    folder.mkdir()
    (folder / PARAMETERS).write_text("{}")
    (folder / JOURNAL).write_text(f"{json.dumps(first)}\n")


def test_verify_should_exit_with_1_and_name_a_file_that_was_changed(record: Path, tmp_path: Path) -> None:
    broken = tmp_path / record.name
    shutil.copytree(record, broken)
    with (broken / PARAMETERS).open("a") as file:
        file.write(" ")
    ended = said("verify", broken)
    assert ended.exit == 1
    assert f"BROKEN  {PARAMETERS}: changed" in ended.out


# ── list ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_list_should_show_plans_environments_and_records(record: Path) -> None:
    told = said("list", "--records", record.parent, "--json").json
    assert set(told) == {"plans", "environments", "records"}
    assert [plan["plan"] for plan in told["plans"]] == list(plans.ids())
    state = {each["environment"]: each["state"] for each in told["environments"]}
    assert state["sandbox"] == "rehearse, drill"
    assert "placeholder" in state["production"] and "placeholder" in state["staging"]
    (mine,) = (each for each in told["records"] if each["run"] == record.name)
    assert (mine["verdict"], mine["state"]) == ("goal reached", "closed")
    shown = said("list", "--records", record.parent).out
    assert record.name in shown and "goal reached" in shown


def test_list_without_records_should_say_none(tmp_path: Path) -> None:
    ended = said("list", "--records", tmp_path / "nowhere")
    assert ended.exit == 0
    assert "records: none" in ended.out


def test_list_of_a_plan_should_show_its_steps_in_order() -> None:
    told = said("list", "f", "--json").json
    assert [each["step"] for each in told["steps"]] == [step.title for step in PLAN.steps]
    shown = said("list", "F").out
    places = [shown.index(step.title) for step in PLAN.steps]
    assert places == sorted(places)


def test_list_iam_should_print_a_policy_that_can_be_pasted() -> None:
    policy: Any = json.loads(said("list", "f", "--iam").out)
    assert policy["Version"] == "2012-10-17"
    (statement,) = policy["Statement"]
    assert statement["Action"] == sorted({action for step in PLAN.steps for action in step.permissions})
