"""What is asked of a run is checked, handed over, and costs nothing until it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from drcore.headless.execute import run_notebook
from drcore.headless.execution import Ending
from tests.support.notebook_runs import run, write


def test_it_should_say_that_a_broken_notebook_was_not_run(tmp_path: Path) -> None:
    source = write(tmp_path, "x = 1")
    source.write_text(source.read_text().replace('"nbformat": 4', '"nbformat": 99'))
    execution = run_notebook(
        source,
        tmp_path / "out.ipynb",
        {},
        cwd=tmp_path,
        redact=str,
        timeout=60,
        cell_timeout=None,
        progress=None,
        environment={},
    )
    assert execution.ending is Ending.START_FAILED and "Nothing was run" in execution.detail


@pytest.mark.parametrize("parameters", [{"reigon": "us-west-2"}, {"region": float("nan")}, {"region": object()}])
def test_it_should_refuse_parameters_that_papermill_would_let_pass(
    tmp_path: Path, parameters: dict[str, object]
) -> None:
    ran = run(tmp_path, "#parameters region = 'us-east-1'", parameters=parameters)
    assert ran.execution.ending is Ending.START_FAILED and ran.text == ""


def test_it_should_hand_parameters_over_and_show_them(tmp_path: Path) -> None:
    given = {"account": "012345678901", "fast": True}
    ran = run(tmp_path, "#parameters account = ''\nfast = False", "print(account, fast)", parameters=given)
    assert [cell["id"] for cell in ran.notebook["cells"]] == ["c0", "injected-parameters", "c1"]
    assert ran.output(2) == "012345678901 True\n"
    assert ran.about["parameters"] == given


def test_importing_it_should_cost_nothing_and_papermill_no_unused_parsers() -> None:
    script = """if True:
        import sys, drcore.headless.execute
        assert not {"papermill", "nbformat", "nbclient", "urllib3"} & set(sys.modules)
        import drcore.headless.papermill_engine, drcore.headless.page
        assert "rfc3987_syntax" not in sys.modules
        from importlib.util import find_spec
        assert find_spec('rfc3987_syntax')
    """
    subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", script], check=True)
