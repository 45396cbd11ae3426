"""From a command to a finished record: world, fault, notebook, verdict, page, archive.

The notebook runs in a kernel of its own; while it runs only the kernel writes the record. What is said at the end
comes from the journal, never from the notebook.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any

from drcore import page, plans
from drcore import world as worlds
from drcore.clock import Clock, WallClock, clock_at
from drcore.consent import read_approvals
from drcore.errors import BadInput, DrcoreError, Exit, Refused, RunnerFailed, Unknown
from drcore.notebook import CellEvent, Ending, Execution, parameter_names, run_notebook
from drcore.parameters import Mode, SecretRef, Service, at_world
from drcore.record import NOTEBOOK, PAGE, Event, Record, read_events
from drcore.redact import Redactor
from drcore.setting import HOME, Setting, prepare
from drcore.steps import Plan
from drcore.verdict import Word

GIVEN = ("environment", "mode", "run_id")  # parameters that the options give
_TIMEOUT = 4 * 3600.0  # seconds of wall time for a whole run; a restore may take hours
Progress = Callable[[CellEvent], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for."""

    plan: str
    mode: Mode
    environment: str
    fault: str = ""
    seed: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    approvals: Path | None = None
    records: Path = Path("records")
    world: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its record, the exit code, a verdict in words, and what the journal says of the steps."""

    folder: Path
    setting: Setting
    word: str
    why: str
    exit: Exit | int
    steps: tuple[Mapping[str, Any], ...]
    rto: Mapping[str, Any] | None
    rpo: Mapping[str, Any] | None
    archived: str = ""
    page: Path | None = None

    def as_data(self) -> dict[str, Any]:
        """The JSON object that `--json` prints."""
        return {
            "run_id": self.setting.run_id,
            "plan": self.setting.plan,
            "mode": self.setting.mode,
            "environment": self.setting.service.environment,
            "verdict": self.word,
            "steps": list(self.steps),
            "rto": self.rto,
            "rpo": self.rpo,
            "record": str(self.folder),
            "exit": int(self.exit),
        }


def start(order: Order, progress: Progress, say: Callable[[str], None]) -> Ended:
    """Begin a run and see it through. Raises BadInput or Refused before anything is touched."""
    plan = plans.find(order.plan)
    setting = check(order, plan)
    read_approvals(order.approvals)
    setting = open_world(order, plan, setting, say)
    folder = order.records / setting.run_id
    folder.mkdir(parents=True)
    setting.write(folder)
    return _through(plan, setting, folder, order.approvals, progress, say)


def resume(folder: Path, approvals: Path | None, progress: Progress, say: Callable[[str], None]) -> Ended:
    """Go on with a run that was stopped. Raises Refused when its world is gone, or somebody is writing to it."""
    setting = Setting.read(folder)
    plan = plans.find(setting.plan)
    read_approvals(approvals)
    if setting.world and not worlds.answers(worlds.Running(**setting.world)):
        raise Refused(
            f"the world of run {setting.run_id} at {setting.world['address']} has ended, and with it what this run had "
            f"changed. Nothing was touched. Start anew: drcore {setting.mode} {setting.plan}"
        )
    return _through(plan, setting, folder, approvals, progress, say)


def check(order: Order, plan: Plan) -> Setting:
    """Everything that can be known to be wrong before anything is touched. Raises BadInput, Refused."""
    source = HOME / "notebooks" / plan.notebook
    known = [name for name in parameter_names(source) if name not in GIVEN]
    unknown = sorted(set(order.parameters) - set(known) - {"run_id"})
    if unknown:
        raise BadInput(
            f"-p: expected one of {', '.join([*known, 'run_id'])}, seen {unknown[0]!r}. Nothing was touched."
        )
    incident = {name: value for name, value in order.parameters.items() if name != "run_id"}
    run_id = order.parameters.get("run_id", "")
    if run_id and not run_id.replace("-", "").isalnum():
        raise BadInput(f"-p run_id: expected letters, digits, hyphens, seen {run_id!r}")
    setting = prepare(plan, order.environment, order.mode, incident, run_id=run_id, seed=order.seed)
    if (order.records / setting.run_id).exists():
        raise BadInput(f"-p run_id: {order.records / setting.run_id} exists already: drcore resume {setting.run_id}")
    parse_fault(order.fault)
    if order.fault and order.mode is Mode.EXECUTE:
        raise BadInput("--fault: expected none with execute, which is for a real incident")
    if order.mode is Mode.DRILL and not setting.service.faults:
        raise Refused(
            f"drill is refused in {order.environment}: its service.yaml names no injector of faults (`faults:`), and a "
            "drill without a fault proves nothing. Nothing was touched."
        )
    return setting


def open_world(order: Order, plan: Plan, setting: Setting, say: Callable[[str], None]) -> Setting:
    """Start the environment's world, if it has one, and break what a drill is about. Raises BadInput, RunnerFailed."""
    service = setting.service
    running = None
    if order.world:
        running = worlds.Running(order.world.rstrip("/"))
    elif service.world:
        say("starting the emulated world")
        seed = 1 if setting.seed is None else setting.seed
        starting = worlds.Starting(service.world.command, "--seed", str(seed))
        import drcore.engine  # noqa: F401  # takes as long to import as the world takes to start

        running = starting.ready()
    setting = replace(setting, world=running.as_data() if running else None)
    name, options = parse_fault(order.fault or ((plan.drill or plan.faults[0]) if order.mode is Mode.DRILL else ""))
    if not name:
        return setting
    at = at_world(service, running.address if running else None)
    try:
        say(f"injecting {name}")
        return replace(setting, fault=worlds.inject(at, name, options))
    except DrcoreError:
        if running:
            worlds.end(at, running)
        raise


def parse_fault(text: str) -> tuple[str, dict[str, str]]:
    """`NAME[:key=value,…]` as a name with options. Raises BadInput."""
    name, _, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    wrong = [key for key, equals, _ in pairs if not equals or not key]
    if wrong:
        raise BadInput(f"--fault: expected NAME[:key=value,…], seen {text!r}")
    return name, {key: value for key, _, value in pairs}


def _through(
    plan: Plan, setting: Setting, folder: Path, approvals: Path | None, progress: Progress, say: Callable[[str], None]
) -> Ended:
    folder = folder.absolute()
    redact = redactor(setting)
    environment = dict(os.environ)
    if approvals:
        environment["DRCORE_APPROVALS"] = str(approvals.absolute())
    began = len(read_events(folder))
    # What writes the page takes a second to import; meanwhile the notebook runs in a process of its own.
    Thread(target=page.preload, daemon=True).start()
    execution = run_notebook(
        HOME / "notebooks" / plan.notebook,
        folder / NOTEBOOK,
        {
            "environment": setting.service.environment,
            "mode": setting.mode,
            "run_id": setting.run_id,
            **setting.incident,
        },
        cwd=folder,
        redact=redact,
        timeout=_TIMEOUT,
        cell_timeout=None,
        progress=progress,
        environment=environment,
    )
    return finish(plan, setting, folder, execution, redact, began, say)


def redactor(setting: Setting) -> Redactor:
    """A redactor that knows the secrets of a run, for what is written outside its kernel.

    A secret that cannot be read now cannot be read by the kernel either, so it cannot be in the notebook.
    """
    from drcore.aws import Aws
    from drcore.calls import Calls
    from drcore.run import resolve

    service = at_world(setting.service, (setting.world or {}).get("address"))
    redact = Redactor()
    aws = Aws(Calls(lambda *_, **__: None), endpoint=service.endpoint, role=service.role, run_id=setting.run_id)
    for reference in _references(service):
        try:
            redact.add(resolve(reference, aws, service.runner_region))
        except DrcoreError:
            continue
    return redact


def _references(service: Service) -> list[SecretRef]:
    return [service.status_page.api_key]


def finish(
    plan: Plan,
    setting: Setting,
    folder: Path,
    execution: Execution | None,
    redact: Redactor,
    began: int,
    say: Callable[[str], None],
) -> Ended:
    """Bind the notebook and its page into the record, seal and archive it, end the world, and say how it went.

    `execution` is None where a person has run the notebook; `began` is the number of journal lines before this time.
    """
    service = at_world(setting.service, (setting.world or {}).get("address"))
    ended = judge_from(read_events(folder)[began:], folder, setting, execution)
    record = _open(folder, service, redact)
    try:
        if execution and execution.ending is not Ending.COMPLETED:
            told = {
                "ending": execution.ending,
                "detail": execution.detail,
                "cell": execution.cell,
                "exit": int(ended.exit),
            }
            record.append("runner", durable=True, **told)
        if (folder / NOTEBOOK).exists():
            say("writing the page")
            said = (f"{ended.word.upper()} (exit {int(ended.exit)}). {ended.why}", _costs(ended))
            title = f"{plan.title}: {setting.run_id}"
            page.write_page(folder / NOTEBOOK, folder / PAGE, title=title, redact=redact, verdict=said)
            record.bind(NOTEBOOK, title="the executed notebook")
            record.bind(PAGE, title="the executed notebook as a page")
        keeps = setting.mode is not Mode.REHEARSE
        if keeps:
            record.append("archiving", bucket=service.evidence.buckets[service.runner_region], durable=True)
        record.seal()
    except OSError as error:
        raise RunnerFailed(f"the record in {folder} could not be finished: {error}") from error
    finally:
        record.close()
    archived = _archive(folder, service, say) if keeps else ""
    if setting.world and ended.exit in (Exit.REACHED, Exit.MISSED):
        worlds.end(service, worlds.Running(**setting.world))
    return replace(ended, archived=archived, page=folder / PAGE if (folder / PAGE).exists() else None)


def _open(folder: Path, service: Service, redact: Redactor) -> Record:
    clock: Clock = clock_at(service.clock)
    try:
        clock.now()
    except Unknown:
        clock = WallClock()  # the environment's own time is gone; a later time is better than none
    return Record(folder, clock, redact)


def _costs(ended: Ended) -> str:
    return " ".join([_cost("RTO", ended.rto or {}), *([_cost("RPO", ended.rpo)] if ended.rpo else [])])


def _cost(name: str, told: Mapping[str, Any]) -> str:
    target, measured = told.get("target_s"), told.get("measured_s")
    wanted = f"target {target:g} s" if target else "no target"
    seconds = "not measured" if measured is None else f"{measured:.0f} s" if measured >= 10 else f"{measured:.1f} s"
    return f"{name} {seconds}, {wanted}."


def _archive(folder: Path, service: Service, say: Callable[[str], None]) -> str:
    from drcore.archive import archive

    try:
        say("archiving the record")
        return archive(folder, service)
    except DrcoreError as error:
        say(f"not archived yet, the record lies here only: {error}")
        return ""


_RUNNER = {Ending.KERNEL_DIED, Ending.TIMED_OUT, Ending.START_FAILED, Ending.EXITED, Ending.NO_SPACE}


def judge_from(events: list[Event], folder: Path, setting: Setting, execution: Execution | None) -> Ended:
    """The exit code, and the words for it, from what the journal holds of this time, then from how the runner ended."""
    last = {line["event"]: line for line in events}
    said = last.get(
        "verdict", {"word": Word.MISSED, "why": "no verdict was reached", "exit": Exit.MISSED, "rto": None, "rpo": None}
    )
    word, why, end = said["word"], said["why"], said["exit"]
    ending = execution.ending if execution else Ending.COMPLETED
    if ending is Ending.STOPPED and execution:
        word, why, end = Word.STOPPED, execution.detail, 128 + (execution.signal or 2)
    elif end == Exit.ROLLBACK_FAILED:
        pass
    elif execution and ending in _RUNNER:
        word, why, end = Word.RUNNER_FAILED, execution.detail, Exit.RUNNER_FAILED
    elif "refused" in last:
        word, why, end = Word.REFUSED, last["refused"]["why"], Exit.REFUSED
    elif execution and ending is Ending.CELL_FAILED and not _plan_failed(events):
        word, why, end = Word.RUNNER_FAILED, execution.detail, Exit.RUNNER_FAILED
    steps = {line["step"]: line for line in events if line["event"] == "step-ended"}
    plan = plans.find(setting.plan)
    told = tuple(
        {
            "id": step.id,
            "title": step.title,
            "outcome": steps[step.title]["outcome"],
            "seconds": round(sum(steps[step.title]["seconds"].values()), 3),
        }
        for step in plan.steps
        if step.title in steps
    )
    return Ended(folder, setting, str(word), why, end, told, said["rto"], said["rpo"])


def _plan_failed(events: list[Event]) -> bool:
    return any(line["event"] == "step-ended" and line["outcome"] in ("FAILED", "UNKNOWN") for line in events)


def copy_for_lab(plan: Plan, setting: Setting, folder: Path) -> Path:
    """Put the plan's notebook into the record, with this run's parameters, for a person to step through."""
    import papermill

    target = folder / NOTEBOOK
    given = {
        "environment": setting.service.environment,
        "mode": str(setting.mode),
        "run_id": setting.run_id,
        **setting.incident,
    }
    papermill.execute_notebook(
        str(HOME / "notebooks" / plan.notebook), str(target), given, prepare_only=True, progress_bar=False
    )
    return target
