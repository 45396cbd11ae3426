"""Stepping through a plan in JupyterLab, each incident in a notebook of its own.

JupyterLab runs as it was installed with drcore: whatever a user has configured, installed or opened elsewhere is not
read, and nothing of this run is left there. What it needs to write lies in a folder that goes away with it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.clock import clock_at
from drcore.engine.consent import APPROVALS, read_approvals
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.errors import RunnerFailed
from drcore.headless import signals
from drcore.headless.kernel import LONGEST_SOCKET, this_interpreter
from drcore.launcher import world as worlds
from drcore.launcher.correction import correct
from drcore.launcher.finish import finish
from drcore.launcher.request import RunRequest
from drcore.launcher.result import RunResult
from drcore.launcher.secrets import add_secrets, redactor
from drcore.launcher.start import begin, check_world
from drcore.parameters import at_world
from drcore.record.files import NOTEBOOK, PAGE, write_atomically
from drcore.record.journal import Record
from drcore.record.redact import Redactor
from drcore.record.resumable import see_resumable
from drcore.record.run_parameters import RunParameters

_OVERRIDES = Path(__file__).parent / "templates" / "lab"
_ENDING = 4  # seconds for JupyterLab to end; it can lose the signal that asks for it
_AWAKE = 60  # seconds; so often the world hears that somebody still needs it, however long a person reads


def open_lab(request: RunRequest, *, browser: bool, say: Callable[[str], None]) -> RunResult:
    """Make a record with a copy of the notebook, serve JupyterLab on it until it is shut down, then finish the record.

    Raises BadInput, Refused, RunnerFailed when JupyterLab does not start.
    """
    plan = plans.find(request.plan)
    setting, folder = begin(request, plan, say)
    return _run_to_end(plan, setting, folder, request.approvals, browser, say)


def reopen_lab(
    folder: Path,
    approvals: Path | None,
    parameters: Mapping[str, str],
    *,
    browser: bool,
    say: Callable[[str], None],
) -> RunResult:
    """The same for a run that was stopped: its notebook is as it was left, but for `parameters` that are corrected.

    Raises as `open_lab`, and Refused where something stands on what is to be corrected.
    """
    see_resumable(folder)
    setting = RunParameters.read(folder)
    read_approvals(approvals)
    check_world(setting)
    _let_write(folder, setting)
    corrected = correct(plans.find(setting.plan), setting, folder, parameters)
    if corrected != setting:
        setting = corrected
        _copy(plans.find(setting.plan), setting, folder)
    return _run_to_end(plans.find(setting.plan), setting, folder, approvals, browser, say)


def _let_write(folder: Path, setting: RunParameters) -> None:
    """Say in the record that JupyterLab writes its notebook from now on, and that its page is written after it."""
    clock = clock_at(at_world(setting.service, (setting.world or {}).get("address")).clock)
    record = Record(folder, clock, redactor(setting))
    try:
        for name in (NOTEBOOK, PAGE):
            record.unbind(name)
    finally:
        record.close()


def _run_to_end(
    plan: Plan[Any],
    setting: RunParameters,
    folder: Path,
    approvals: Path | None,
    browser: bool,
    say: Callable[[str], None],
) -> RunResult:
    folder = folder.absolute()
    if not (folder / NOTEBOOK).exists():
        _copy(plan, setting, folder)
    given = {APPROVALS: str(approvals.absolute())} if approvals else {}
    world = worlds.Running(**setting.world) if setting.world else None
    server = _Server()
    with (
        signals.held(signals.FINISH_SECONDS),
        tempfile.TemporaryDirectory(prefix="drcore-lab-", ignore_cleanup_errors=True) as own,
    ):
        say(f"JupyterLab on {folder}\nCtrl-C here, or File, Shut Down there, ends it and finishes the record")
        with signals.given_to(server.stop):
            status = server.run(_command(folder, Path(own), browser), _environment(Path(own)) | given, folder, world)
        if status and not server.heard:
            raise RunnerFailed(f"JupyterLab ended with {status}. Go on with: drcore resume {folder} --lab")
        return finish(plan, setting, folder, None, redactor(setting), 0, say, *server.heard[:1])


def _copy(plan: Plan[Any], setting: RunParameters, folder: Path) -> None:
    """Put the plan's notebook into the record, with this run's parameters, for a person to step through."""
    from drcore.headless.nbformat_light import as_text, nbformat  # before papermill: see there

    # isort: split
    from papermill.parameterize import parameterize_notebook

    notebook = nbformat.read(HOME / "notebooks" / plan.notebook, as_version=4)
    notebook.metadata.papermill = {}  # papermill writes the parameters there too
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])  # it looks for them in every cell
    notebook = parameterize_notebook(
        notebook,
        setting.as_parameters(),
        comment="The parameters of this run",
        kernel_name="python3",
        language="python",
    )
    del notebook.metadata["papermill"]  # it says that papermill has run this, which a person will
    write_atomically(folder / NOTEBOOK, as_text(notebook))


def _command(folder: Path, own: Path, browser: bool) -> list[str]:
    return [
        *(sys.executable, "-m", "jupyterlab"),
        "--ip=127.0.0.1",
        "--allow-root",  # on loopback, behind a token: no more than the shell can do that this was started from
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
        f"--LabApp.app_settings_dir={_OVERRIDES}",
        "--LabApp.extension_manager=readonly",
        "--ContentsManager.pre_save_hook=drcore.launcher.lab.redact_before_saving",
        f"--FileCheckpoints.checkpoint_dir={own / 'checkpoints'}",  # no second notebook in the record
        "--LanguageServerManager.autodetect=False",  # it would start npm to look for some
        "--Application.log_level=ERROR",  # the address is said nevertheless
        *_sockets(own),
        *([] if browser else ["--no-browser"]),
    ]


def _sockets(own: Path) -> list[str]:
    """Kernels are spoken to by sockets in a private folder, unless its path is too deep for that."""
    longest = own / "runtime" / f"kernel-{'0' * 36}.json-ipc-1"
    return ["--ConnectionFileMixin.transport=ipc"] if len(os.fsencode(longest)) < LONGEST_SOCKET else []


def _environment(own: Path) -> dict[str, str]:
    kernel = own / "data" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(this_interpreter("Python 3 (ipykernel)").to_json(), encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    return inherited | {
        "JUPYTER_CONFIG_DIR": str(own / "config"),  # user settings and workspaces too
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_PATH": str(own / "data"),  # before every other place: so the kernel is the one above
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),  # the file with the token
        "IPYTHONDIR": str(own / "ipython"),
    }


class _Server:
    """JupyterLab as a process of its own session: the signals of the terminal are heard here, and passed on once.

    A second one is harmless, because who ends JupyterLab often presses Ctrl-C twice.
    """

    def __init__(self) -> None:
        self.heard: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, command: list[str], environment: Mapping[str, str], folder: Path, world: worlds.Running | None
    ) -> int:
        """Serve until it is shut down; the exit status. Nothing is served when a signal was heard before."""
        if self.heard:
            return 0
        self._process = signals.start(command, env=environment, cwd=folder)
        if self.heard:
            self._process.terminate()
        waited = 0
        for second in itertools.count(1):
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._process.wait(1)
                signals.let_go(self._process.pid)
                return status
            waited += bool(self.heard)
            if waited >= _ENDING:
                signals.kill(self._process.pid)
            elif world and second % _AWAKE == 0:
                worlds.answers(world)
        raise AssertionError

    def stop(self, number: int) -> None:
        """Hear a signal."""
        if self._process and not self.heard:
            self._process.terminate()
        self.heard.append(number)


@dataclass
class _Saving:
    """What is known of a run's secrets where its notebook is saved."""

    setting: RunParameters
    redact: Redactor = field(default_factory=Redactor)
    complete: bool = False

    def clean(self, content: Any) -> Any:
        # A secret that could not be read is asked for again: the kernel may have it since.
        self.complete = self.complete or add_secrets(self.setting, self.redact)
        return self.redact.data(content)


_saving: list[_Saving] = []


def redact_before_saving(model: dict[str, Any], path: str, **_: Any) -> None:
    """JupyterLab's hook before it writes a file: the secrets of this run are taken out of what is saved."""
    from tornado.web import HTTPError

    try:
        if not _saving:
            _saving.append(_Saving(RunParameters.read(Path.cwd())))
        model["content"] = _saving[0].clean(model["content"])
    except Exception as error:
        # Any failure of this hook but an HTTPError is logged by Jupyter, and the file written as it is.
        raise HTTPError(500, f"{path} was not saved: its secrets could not be taken out: {error!r}") from error
