"""The command line keeps its contract: names of commands and options, exit codes, help."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
import typer

from drcore import plans
from drcore.cli.app import app
from tests.support.command import drcore, in_process

ERROR_FIELDS = {"error", "message", "exit"}

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_the_commands_should_be_those_of_the_contract() -> None:
    runs, others = {"drill", "rehearse", "execute", "resume", "lab"}, {"verify", "list", "sandbox", "diff", "probe"}
    others |= {"approve", "archive", "card", "compare", "note", "postmortem", "schedule"}
    assert set(COMMANDS) == runs | others


def test_the_three_modes_should_take_the_same_options() -> None:
    """Whoever has rehearsed a line changes one word of it in the incident."""
    drill, rehearse, execute, lab = (options(name) for name in ("drill", "rehearse", "execute", "lab"))
    due = [option for option in drill if option not in execute]
    assert [flags for flags, *_ in due] == [("--due",)], "in an incident nothing is due"
    assert drill == rehearse
    drill = execute
    assert {flags for flags, *_ in drill} == {
        *(("--environment",), ("--fault",), ("--seed",), ("-p",), ("--approvals",), ("--records",), ("--world",)),
        *(("--ask",), ("--json",), ("plan",), ("--help",)),
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
    told = " ".join(in_process("--help").out.split())
    assert [code for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "130", "143") if code not in told] == []
    assert "2 bad input, nothing touched" in told


@pytest.mark.parametrize("words", [["drill", "f", "--sed", "1"], ["drill"], ["fly", "f"]])
def test_a_line_that_cannot_be_read_should_exit_with_2_and_say_so_in_json_too(words: list[str]) -> None:
    ended = drcore(*words, "--json")
    assert ended.exit == 2
    assert set(ended.json) == ERROR_FIELDS
    assert ended.json["message"] in ended.err


def test_a_plan_that_syncwell_has_and_drcore_has_not_should_be_said_to_be_missing() -> None:
    missing = sorted(set(plans.SPECIFIED) - set(plans.ids()))
    for letter in missing:
        assert "not built yet" in in_process("drill", letter).err
    assert "not built yet" not in in_process("drill", "x").err


def test_the_version_should_be_printed() -> None:
    assert in_process("--version").out == f"drcore {importlib.metadata.version('drcore')}\n"


def test_an_error_should_name_the_help_of_its_own_command() -> None:
    assert "See: drcore drill --help" in drcore("drill", "f", "--sed", "1").err


def test_no_command_at_all_should_show_the_help(tmp_path: Path) -> None:
    ended = drcore()
    assert ended.exit == 2
    assert "drill" in ended.err
    assert ended.out == ""
