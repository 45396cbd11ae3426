"""Stepping through a plan in JupyterLab, each incident in a notebook of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.errors import RunnerFailed
from drcore.launch import Ended, Order, check, copy_for_lab, finish, open_world, redactor
from drcore.record import NOTEBOOK
from drcore.redact import Redactor
from drcore.run import APPROVALS
from drcore.setting import Setting

_SETTINGS = Path(__file__).parent / "templates" / "lab"


def open_lab(order: Order, *, browser: bool, say: Callable[[str], None]) -> Ended:
    """Make a record with a copy of the notebook, serve JupyterLab on it until it is shut down, then finish the record.

    Raises BadInput, Refused, RunnerFailed when JupyterLab does not start.
    """
    plan = plans.find(order.plan)
    setting = open_world(order, plan, check(order, plan), say)
    folder = (order.records / setting.run_id).absolute()
    folder.mkdir(parents=True)
    setting.write(folder)
    copy_for_lab(plan, setting, folder)
    say(f"JupyterLab on {folder}; File, Shut Down ends it and finishes the record")
    environment = dict(os.environ)
    if order.approvals:
        environment[APPROVALS] = str(order.approvals.absolute())
    server = subprocess.run(_command(folder, browser=browser), env=environment, cwd=folder, check=False)
    if server.returncode not in (0, 130, -2):
        raise RunnerFailed(f"JupyterLab ended with {server.returncode}; the record stands in {folder}")
    return finish(plan, setting, folder, None, redactor(setting), 0, say)


def _command(folder: Path, *, browser: bool) -> list[str]:
    return [
        *(sys.executable, "-m", "jupyter", "lab", NOTEBOOK),
        "--ip=127.0.0.1",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.app_settings_dir={_SETTINGS}",
        "--ContentsManager.pre_save_hook=drcore.lab.redact_before_saving",
        *([] if browser else ["--no-browser"]),
    ]


def redact_before_saving(model: dict[str, Any], path: str, **_: Any) -> None:
    """JupyterLab's hook before a notebook is written: the secrets of this run are taken out of what is saved."""
    if model["type"] == "notebook" and model["content"] is not None:
        model["content"] = _redactor().data(model["content"])


_known: list[Redactor] = []


def _redactor() -> Redactor:
    if not _known:
        _known.append(redactor(Setting.read(Path.cwd())))
    return _known[0]
