"""The options that commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate

import typer

from drcore.errors import BadInput

if TYPE_CHECKING:
    from drcore.launcher.request import RunRequest
    from drcore.parameters import Service


PlanName = Annotated[str, typer.Argument(metavar="[PLAN]", help="The letter of a plan, for example f.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, the start of it, or its path.")]
Environment = Annotated[str, typer.Option("--environment", metavar="NAME", help="A folder of parameters/.")]
Fault = Annotated[
    str,
    typer.Option(
        "--fault",
        metavar="NAME[:key=value,…]",
        help="What to break: see drcore list PLAN. A drill has a default, execute takes none.",
    ),
]
Seed = Annotated[
    str | None, typer.Option("--seed", metavar="N", help="The emulated world's seed: same seed, same run.")
]
Parameters = Annotated[
    list[str] | None, typer.Option("-p", metavar="name=value", help="A parameter of the notebook; repeatable.")
]
Corrections = Annotated[
    list[str] | None,
    typer.Option("-p", metavar="name=value", help="Correct a parameter on which nothing stands yet; repeatable."),
]
ApprovalsFile = Annotated[
    Path | None, typer.Option("--approvals", metavar="FILE", help="Approvals given beforehand, bound to one run.")
]
Ask = Annotated[
    bool,
    typer.Option("--ask", help="Ask a person, who must be at this terminal, also where a drill policy would answer."),
]
Due = Annotated[
    bool,
    typer.Option("--due", help="What is due, one after the other; of PLAN alone, where it is given."),
]
Records = Annotated[Path, typer.Option("--records", metavar="FOLDER", help="Where records are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="The last line of stdout is one JSON object.")]
WorldAt = Annotated[
    str, typer.Option("--world", metavar="URL", help="An emulated world that runs (see: drcore sandbox).")
]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="With JupyterLab: open a browser.")]
RECORDS = Path("records")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What every command that begins a run is given."""

    plan: PlanName = ""
    environment: Environment = "sandbox"
    fault: Fault = ""
    seed: Seed = None
    parameters: Parameters = None
    approvals: ApprovalsFile = None
    records: Records = RECORDS
    world: WorldAt = ""
    ask: Ask = False
    as_json: AsJson = False

    def request(self, mode: str) -> RunRequest:
        """The same as the launcher takes it. Raises BadInput."""
        from drcore.launcher.request import RunRequest
        from drcore.parameters import Mode

        if mode not in list(Mode):
            raise BadInput(f"--mode: expected one of {', '.join(Mode)}, seen {mode!r}")
        return RunRequest(
            plan=self.plan.lower(),
            mode=Mode(mode),
            environment=self.environment,
            fault=self.fault,
            seed=seed_number(self.seed),
            parameters=pairs(self.parameters or []),
            approvals=self.approvals,
            records=self.records,
            world=self.world,
            ask=self.ask,
        )


def service_of(environment: str, world: str) -> Service:
    """What an environment is, with the address of its world put in. Raises BadInput where that is not given."""
    from drcore.engine.prepare import HOME
    from drcore.parameters import Service, at_world, read

    service = read(HOME / "parameters" / environment / "service.yaml", Service)
    if service.world and not world:
        raise BadInput(
            f"--environment: {environment} has an emulated world: start it by `drcore sandbox`, name it by --world"
        )
    return at_world(service, world or None)


def seed_number(text: str | None) -> int | None:
    """The seed as a number. Raises BadInput."""
    if text is None:
        return None
    if not text.isdecimal():
        raise BadInput(f"--seed: expected a whole number, seen {text!r}. Nothing was touched.")
    return int(text)


def pairs(texts: list[str]) -> dict[str, str]:
    """`name=value` of each `-p`. Raises BadInput."""
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadInput(f"-p: expected name=value, seen {text!r}")
        if name in given:
            raise BadInput(f"-p {name}: expected it once, seen it twice")
        given[name] = value
    return given


def with_run_options(command: Callable[Concatenate[RunOptions, ...], None]) -> Callable[..., None]:
    """A command as typer takes it, with each of the options above, before those of its own, by its name."""
    shared = list(inspect.signature(RunOptions, eval_str=True).parameters.values())
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    @functools.wraps(command)
    def flat(**given: Any) -> None:
        command(RunOptions(**{each.name: given.pop(each.name) for each in shared}), **given)

    by_name = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*shared, *own)]
    flat.__annotations__ = {each.name: each.annotation for each in by_name}
    vars(flat)["__signature__"] = inspect.Signature(by_name)
    return flat
