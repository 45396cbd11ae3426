"""From a command to a finished record: world, fault, notebook, verdict, page, archive.

The notebook runs in a kernel of its own; while it runs only the kernel writes the record. What is said at the end
comes from the journal, never from the notebook.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from drcore import plans
from drcore.engine.consent import APPROVALS, TERMINAL, read_approvals
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.errors import BadInput, Refused
from drcore.headless import page, signals
from drcore.headless.execute import run_notebook
from drcore.headless.execution import CellEvent
from drcore.headless.terminal import Keyboard
from drcore.launcher import world as worlds
from drcore.launcher.correction import correct
from drcore.launcher.finish import finish
from drcore.launcher.locking import hold
from drcore.launcher.open_files import see_to_open_files
from drcore.launcher.request import OF_THE_MACHINE, RunRequest, cannot_be_made, check, fault_of
from drcore.launcher.result import RunResult
from drcore.launcher.secrets import redactor
from drcore.parameters import Mode, at_world
from drcore.record.events import read_events
from drcore.record.files import NOTEBOOK
from drcore.record.resumable import see_resumable
from drcore.record.run_parameters import RunParameters

if TYPE_CHECKING:
    from drcore.headless.kernel import Kernel

_TIMEOUT = 4 * 3600.0  # seconds of wall time for a whole run; a restore may take hours
Progress = Callable[[CellEvent], None]


def start(
    request: RunRequest, progress: Progress, say: Callable[[str], None], keyboard: Keyboard | None = None
) -> RunResult:
    """Begin a run and see it through. Raises BadInput or Refused before anything is touched.

    `keyboard` is the person who is asked; in a drill that a policy approves only where the request says so.
    """
    plan = plans.find(request.plan)
    see_to_open_files()
    _see_who_answers(request.ask and request.mode is not Mode.REHEARSE, keyboard)
    with _WarmKernel(request.approvals, keyboard, ask=request.ask) as warm:
        setting, folder = begin(request, plan, say, warm.warm_up)
        return _run_to_end(plan, setting, folder, warm, progress, say)


def begin(
    request: RunRequest,
    plan: Plan[Any],
    say: Callable[[str], None],
    meanwhile: Callable[[Path, RunParameters], None] = lambda folder, setting: None,
) -> tuple[RunParameters, Path]:
    """Make the record of a new run, with its world opened. Raises BadInput or Refused before anything is touched.

    `meanwhile` is called with the record's folder, and what is known by then, while the world starts.
    """
    setting = check(request, plan)
    read_approvals(request.approvals)
    folder, is_first = request.records / setting.run_id, not request.records.exists()
    with ExitStack() as undo:
        with signals.held():
            try:
                folder.mkdir(parents=True)
            except OSError as error:
                if error.errno in OF_THE_MACHINE:
                    raise
                raise cannot_be_made(folder, error) from error
            undo.callback(_unmake, folder, is_first)
        opened, started = open_world(request, plan, setting, folder, say, lambda: meanwhile(folder, setting), undo)
        redact = redactor(opened)
        with signals.held():
            opened.write(folder, redact)
            undo.pop_all()  # from here on there is a run, which can be taken up
            if started:
                started.let_go()
    return RunParameters.read(folder), folder  # as it is in the record: a secret in a parameter goes no further


def _unmake(folder: Path, is_first: bool) -> None:
    """Nothing has begun that it could be the record of."""
    shutil.rmtree(folder, ignore_errors=True)
    if is_first:
        with suppress(OSError):  # another run has begun there
            folder.parent.rmdir()


class _WarmKernel:
    """The kernel of a run, which warms up while the world starts, the secrets are read, the notebook is prepared."""

    def __init__(self, approvals: Path | None, keyboard: Keyboard | None, *, ask: bool) -> None:
        self.environment = {name: value for name, value in os.environ.items() if name != TERMINAL}
        if approvals:
            self.environment[APPROVALS] = str(approvals.absolute())
        self._keyboard, self._ask = keyboard, ask
        self.kernel: Kernel | None = None

    def __enter__(self) -> _WarmKernel:
        return self

    def __exit__(self, *_: object) -> None:
        if self.kernel:
            self.kernel.discard()

    def warm_up(self, folder: Path, setting: RunParameters) -> None:
        from drcore.headless.kernel import Kernel

        by_policy = setting.mode is Mode.DRILL and setting.service.drill_policy is not None
        asks = setting.mode is not Mode.REHEARSE and (self._ask or not by_policy)
        keyboard = self._keyboard if asks else None
        if keyboard:
            self.environment[TERMINAL] = "1"
        first = "import drcore.run; drcore.run.warm_up(); del drcore"
        self.kernel = Kernel(folder.absolute(), self.environment, first=first, keyboard=keyboard)
        self.kernel.warm_up()


def _see_who_answers(ask: bool, keyboard: Keyboard | None) -> None:
    if ask and keyboard is None:
        raise BadInput(
            "--ask: expected a terminal to ask on, seen none (standard input and error must be one). Nothing was "
            "touched."
        )


def resume(
    folder: Path,
    approvals: Path | None,
    progress: Progress,
    say: Callable[[str], None],
    keyboard: Keyboard | None = None,
    *,
    ask: bool = False,
    parameters: Mapping[str, str] | None = None,
) -> RunResult:
    """Go on with a run that was stopped; `keyboard`, `ask` as in `start`; `parameters` of the incident are corrected.

    Raises Refused when its world is gone, somebody is writing to it, a newer drcore is needed, or something stands on
    what is to be corrected; BadInput for a parameter that is wrong.
    """
    see_to_open_files()
    see_resumable(folder)
    setting = RunParameters.read(folder)
    read_approvals(approvals)
    check_world(setting)
    _see_who_answers(ask, keyboard)
    with _WarmKernel(approvals, keyboard, ask=ask) as warm:
        setting = correct(plans.find(setting.plan), setting, folder, parameters or {})
        warm.warm_up(folder, setting)
        return _run_to_end(plans.find(setting.plan), setting, folder, warm, progress, say)


def check_world(setting: RunParameters) -> None:
    """Make sure that the world of a run still stands. Raises Refused."""
    if setting.world and not worlds.answers(worlds.Running(**setting.world)):
        raise Refused(
            f"the world of run {setting.run_id} at {setting.world['address']} has ended, and with it what this run had "
            f"changed. Nothing was touched. Start anew: drcore {setting.mode} {setting.plan}"
        )


def open_world(
    request: RunRequest,
    plan: Plan[Any],
    setting: RunParameters,
    folder: Path,
    say: Callable[[str], None],
    meanwhile: Callable[[], None],
    undo: ExitStack,
) -> tuple[RunParameters, worlds.Starting | None]:
    """Start the environment's world, if it has one, take the lock, and break what a drill is about.

    Raises BadInput, before the lock is taken where the fault or an option of it is wrong; LockHeld, Refused before
    anything is broken; RunnerFailed.

    The world comes along that was started; until it is let go, `undo` ends it, and gives the lock back.
    """
    service = setting.service
    running = starting = None
    if request.world:
        meanwhile()
        running = worlds.Running(request.world.rstrip("/"))
    elif service.world:
        say("starting the emulated world")
        seed = 1 if setting.seed is None else setting.seed
        starting = worlds.Starting(service.world.command, "--seed", str(seed), "--idle-seconds", str(worlds.KEPT_S))
        undo.callback(starting.end)
        meanwhile()
        running = starting.ready()
    else:
        meanwhile()
    setting = replace(setting, world=running.as_data() if running else None)
    name, options = fault_of(plan, request.fault or (plan.faults[0] if request.mode is Mode.DRILL else ""))
    if not name:
        return setting, starting
    at = at_world(service, running.address if running else None)
    worlds.check_fault(at, name, options)
    undo.callback(hold(setting, at, folder))
    say(f"injecting {name}")
    return replace(setting, fault=worlds.inject(at, name, options)), starting


def _run_to_end(
    plan: Plan[Any],
    setting: RunParameters,
    folder: Path,
    warm: _WarmKernel,
    progress: Progress,
    say: Callable[[str], None],
) -> RunResult:
    folder = folder.absolute()
    redact = redactor(setting)
    began = len(read_events(folder))
    # Before the thread: of packages that import each other, two threads at once can see unfinished halves.
    import drcore.headless.papermill_engine  # noqa: F401

    # What writes the page takes a second to import; meanwhile the notebook runs in a process of its own.
    Thread(target=page.preload, daemon=True).start()
    with signals.held(signals.FINISH_SECONDS):  # until it is given to the run; and a record is finished
        execution = run_notebook(
            HOME / "notebooks" / plan.notebook,
            folder / NOTEBOOK,
            setting.as_parameters(),
            cwd=folder,
            redact=redact,
            timeout=_TIMEOUT,
            cell_timeout=None,
            progress=progress,
            environment=warm.environment,
            kernel=warm.kernel,
        )
        return finish(plan, setting, folder, execution, redact, began, say)
