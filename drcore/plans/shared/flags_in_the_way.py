"""What stands in the way of switching feature flags: another deployment of the environment, an experiment on a flag.

One deployment at a time runs in an environment, whatever it deploys; to stop it gives users back what they had before.
An experiment holds a flag: its users have its value, whatever is deployed; to stop it gives them what is deployed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from drcore.calls.gate import Call
from drcore.engine.consent import Consent
from drcore.engine.context import F, Run
from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepName, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step, regions
from drcore.errors import Busy
from drcore.plans.shared.flag_profiles import FlagProfile, place
from drcore.plans.shared.flags import flags_arns
from drcore.services import appconfig
from drcore.services.appconfig import EnvironmentDeployment, FlagExperiment


@dataclass(frozen=True, slots=True)
class InTheWay:
    """The deployment of somebody else that runs in a region, with its reason; the experiments on flags of the change.

    `back_to` is the version that users get when the deployment is stopped; empty: none.
    """

    deployment: EnvironmentDeployment = field(metadata=label("running deployment"))
    why: str = field(default="", metadata=label("its reason"))
    back_to: str = field(default="", metadata=label("stopped, users get version"))
    experiments: tuple[FlagExperiment, ...] = ()

    def describe(self) -> Mapping[str, object]:
        running = self.deployment
        text = f"{running.number}: {running.profile} version {running.version}, {running.percent:g} %"
        return {
            "running deployment": f"{text}; {self.why or 'no reason given'}" if running.number else "none",
            "experiments on the flags": [f"{each.name} on {each.flag}, {each.percent:g} %" for each in self.experiments]
            or "none",
        }


def clear_the_way(
    name: StepName,
    *,
    where: Callable[[Run[F]], FlagProfile],
    of: Callable[[Run[F]], Iterable[str]],
    idle: Callable[[Run[F]], str],
    needs: tuple[StepName, ...],
) -> Step[F, InTheWay]:
    """Stop what keeps flags from being switched, one after the other. `of` are the flags that are to be switched.

    What this run deploys itself is left alone, and so is what AppConfig deploys for an experiment: that is waited for.
    """

    def look(run: Run[F], target: Target) -> InTheWay:
        if idle(run):
            return InTheWay(EnvironmentDeployment())
        region, at = target.region, place(run, target.region, where(run))
        newest_first = appconfig.deployments(run.aws, region, at)
        last = next(newest_first, EnvironmentDeployment())
        running = last if last.running else EnvironmentDeployment()
        why = appconfig.why_deployed(run.aws, region, at, running.number) if running.number else ""
        if why.startswith(f"drcore {run.id}:"):
            running, why = EnvironmentDeployment(), ""
        before = (each for each in newest_first if each.profile == running.profile and not each.gone)
        back_to = next((each.version for each in before), "") if running.number else ""
        flags = set(of(run))
        held = tuple(each for each in appconfig.experiments(run.aws, region, at) if each.flag in flags)
        return InTheWay(running, why, back_to, held)

    def expect(run: Run[F], target: Target, seen: InTheWay) -> Check:
        if idle(run):
            return yes(idle(run))
        parts = list[str]()
        running = seen.deployment
        if running.number and (running.managed or running.gone):
            return no(f"deployment {running.number} is {running.state} by AppConfig itself, which is waited for")
        if running.number:
            parts.append(f"deployment {running.number} of {running.profile} runs ({seen.why or 'no reason given'})")
        parts += [f"experiment {each.name} holds {each.flag} for {each.percent:g} %" for each in seen.experiments]
        return no("; ".join(parts)) if parts else yes("no other deployment runs, no experiment holds the flags")

    def act(run: Run[F], target: Target, seen: InTheWay) -> None:
        at, running = place(run, target.region, where(run)), seen.deployment
        if running.number and (running.managed or running.gone):
            raise Busy(f"AppConfig deploys in {target.region} itself: {running.number}", "ConflictException")
        if running.number:
            appconfig.stop_deployment(run.aws, target.region, at, running.number, revert=running.state == "BAKING")
        else:
            appconfig.stop_experiment(run.aws, target.region, at, seen.experiments[0])

    def supposed(run: Run[F], target: Target, seen: InTheWay) -> Call:
        at = place(run, target.region, where(run))
        of = {"ApplicationId": at.application_id, "EnvironmentId": at.environment_id}
        fields = {"DeploymentNumber": "<running deployment>", **of}
        return Call("appconfig", "StopDeployment", target.region, True, parameters=fields)

    def typed(run: Run[F], states: Mapping[Target, InTheWay]) -> str:
        return "STOP " + ", ".join(f"{_named(seen)} IN {target.region}" for target, seen in states.items())

    return Step(
        name,
        changes="what keeps the flags from being switched is stopped; its users get what they had, or what is deployed",
        look=look,
        expect=expect,
        act=act,
        supposed=supposed,
        targets=regions,
        needs=needs,
        consent=Consent.TYPED,
        phrase=typed,
        reversibility=Reversibility.COMPENSABLE,
        patience=Patience(within=120, every=5),
        repeat=True,
        permissions=iam_actions("appconfig:StopDeployment", "appconfig:StopExperimentRun", on=flags_arns),
    )


def _named(seen: InTheWay) -> str:
    """What is stopped, and what users get then."""
    parts = [f"EXPERIMENT {each.name} ON {each.flag}" for each in seen.experiments]
    if seen.deployment.number:
        parts.insert(0, f"DEPLOYMENT {seen.deployment.number} (BACK TO VERSION {seen.back_to or 'NONE'})")
    return " AND ".join(parts)
